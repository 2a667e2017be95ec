/* SPDX-License-Identifier: BSD-2-Clause */
/* The status page: the report over the daemon's window, for a browser. It has one part that changes, in a frame that
 * does not. It is complete without JavaScript; with JavaScript it fetches the changing part every few seconds. Its
 * size is bounded whatever is observed: by KW_PAGE_FINDINGS, KW_PAGE_PLOTS, KW_PREMATURE_KEPT and KW_PAGE_SERVICES,
 * and by the length of each text that they show. */
#ifndef KEEPWATCH_PAGE_H
#define KEEPWATCH_PAGE_H

#include "finding/overview.h"
#include "aggregate/premature_closes.h"

#define KW_PAGE_FINDINGS 40
#define KW_PAGE_PLOTS 12
#define KW_PAGE_SERVICES 100

struct kw_page_source {
	const struct kw_aggregate *aggregate;
	const struct kw_premature_closes *closes;
	const struct kw_clock *clock;
	const char *host; /* this host's name: hostile text */
};

/* Writes the part that changes, the element <main>, to *ret_text, which the caller frees. Returns 0 or -ENOMEM. */
int kw_page_main(const struct kw_page_source *source, char **ret_text, size_t *ret_length);

/* Puts the frame around @main, to *ret_text, which the caller frees. The browser runs only a style and script that
 * carry @nonce. Returns 0 or -ENOMEM. */
int kw_page_whole(const char *main, const char *nonce, char **ret_text, size_t *ret_length);

#endif
