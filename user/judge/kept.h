/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection's end that is kept: an event lasts only until it has been handled, and a verdict's facts point into it. */
#ifndef KEEPWATCH_JUDGE_KEPT_H
#define KEEPWATCH_JUDGE_KEPT_H

#include "judge/judge.h"

struct kw_kept_close {
	struct kw_event_connection connection; /* the part that all records have, as an event of its own */
	struct kw_tls_facts tls;               /* if the verdict rests on them */
	struct kw_http2_facts http2;           /* the same */
	struct kw_verdict verdict;             /* its facts point to these three */
};

/* Copies all that evidence needs. *ret_kept must not move in memory. */
void kw_keep_close(const struct kw_event_connection *event, const struct kw_verdict *verdict,
		   struct kw_kept_close *ret_kept);

#endif
