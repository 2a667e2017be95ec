/* SPDX-License-Identifier: BSD-2-Clause */
/* The likeliest of several failures, where nothing proves one. */
#ifndef KEEPWATCH_LIKELY_H
#define KEEPWATCH_LIKELY_H

#include "join/work.h"

/* How long before or after a response the process had to do with a failure, in nanoseconds. */
uint64_t kw_distance(const struct kw_failure_key *key, const struct kw_event_gateway *error);

/* Whether a failure that the process learnt of after this error is nearer to another one, which was sent after it. */
bool kw_is_of_another(const struct kw_work *work, const struct kw_failure_key *key,
		      const struct kw_event_gateway *error);

/* Whether neither the thread nor the size speaks for this failure, though it is known how much requests grow. */
bool kw_is_stranger(const struct kw_work *work, const struct kw_failure_key *key,
		    const struct kw_event_gateway *error);

/* The likeliest of those that are left; NULL if none is. */
struct kw_failure_key *kw_likeliest(const struct kw_work *work, const struct kw_match *match);

#endif
