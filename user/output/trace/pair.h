/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints pairs: the two ends of one connection, as their hosts recorded them, and what lies between. */
#ifndef KEEPWATCH_TRACE_PAIR_H
#define KEEPWATCH_TRACE_PAIR_H

#include <stdio.h>

#include "join/path.h"
#include "output/trace/record.h"
#include "output/trace/text.h"

struct kw_pair_end {
	const char *host;               /* its label, safe to print */
	const struct kw_record *record; /* NULL: there is none of this end */
};

struct kw_pair_record {
	struct kw_pair_end client;
	struct kw_pair_end server;
	const struct kw_path *path;
};

/* Each prints one pair: as one line of JSON; as a line of text, after which the evidence comes if the path is to blame, a request
 * was lost, or the style asks for it. -ENOMEM, or -EIO with errno set. */
int kw_pair_json(FILE *file, const struct kw_pair_record *pair);
int kw_pair_text(FILE *file, const struct kw_pair_record *pair, const struct kw_text_style *style);

/* The end whose verdict counts where the path is innocent: one that has a record. */
const struct kw_record *kw_pair_speaker(const struct kw_pair_record *pair);

/* The contract's name of the reason: the path's, or the speaker's; "open" if that end was still open. */
const char *kw_pair_reason(const struct kw_pair_record *pair);

#endif
