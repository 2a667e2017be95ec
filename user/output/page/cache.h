/* SPDX-License-Identifier: BSD-2-Clause */
/* A cache of the changing part of the status page. The thread that makes the page also reads the ring buffer, so
 * making it may take at most a twentieth of the time, however many people look at it. */
#ifndef KEEPWATCH_PAGE_CACHE_H
#define KEEPWATCH_PAGE_CACHE_H

#include "output/page/page.h"

/* Begins with all zeros. */
struct kw_page_cache {
	char *main;     /* owned */
	uint64_t until; /* monotonic ns until which the text may be served */
};

/* Returns the text of kw_page_main(): at most a second old, or twenty times as old as the time that it takes to make.
 * *ret_main is valid until the next call. Returns 0 or -ENOMEM. */
int kw_page_cache_get(struct kw_page_cache *cache, const struct kw_page_source *source, const char **ret_main);

void kw_page_cache_free(struct kw_page_cache *cache);

#endif
