/* SPDX-License-Identifier: BSD-2-Clause */
/* The changing part of the status page, made when it is asked for and not made again at once: however many look
 * at it and however often, making it takes a twentieth of the time at most. The ring buffer's consumer, whose
 * thread this is, has the rest. */
#ifndef KEEPWATCH_PAGE_CACHE_H
#define KEEPWATCH_PAGE_CACHE_H

#include "output/page/page.h"

/* Begins with all zeros. */
struct kw_page_cache {
	char *main;     /* owned */
	uint64_t until; /* as long as it is good, monotonic ns */
};

/* The text of kw_page_main(), at most a second old, or twenty times as old as making it takes. *ret_main is
 * valid until the next call. -ENOMEM. */
int kw_page_cache_get(struct kw_page_cache *cache, const struct kw_page_source *source, const char **ret_main);

void kw_page_cache_free(struct kw_page_cache *cache);

#endif
