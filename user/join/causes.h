/* SPDX-License-Identifier: BSD-2-Clause */
/* The failures that may have caused one error of a gateway. */
#ifndef KEEPWATCH_CAUSES_H
#define KEEPWATCH_CAUSES_H

#include "join/habits.h"

#define KW_CAUSES 32

struct kw_causes {
	uint16_t at[KW_CAUSES]; /* indexes of failures */
	uint16_t count;
	bool crowded; /* there are more */
};

/* A ring of failures, by the part by which they are found. */
struct kw_failure_keys {
	struct kw_failure_key *keys;
	size_t count;
};

/* Whether it may have caused the error, by its process and the times: the process was using the connection while it had the
 * request, and can have known of the failure before it answered. */
bool kw_may_cause(const struct kw_failure_key *key, const struct kw_event_gateway *error);

bool kw_is_same_thread(const struct kw_failure_key *key, const struct kw_event_gateway *error);

/* Whether the thread that learnt of this failure sent a request of the same size right after, and before the answer: another try
 * of the same request, which has failed too. */
bool kw_is_sent_again(const struct kw_failure_keys *failures, const struct kw_failure_key *key,
		      const struct kw_event_gateway *error);

/* Whether a failure fits to an error, as far as the habits of the process show. */
typedef bool kw_fits_fn(const struct kw_habit *habit, const struct kw_failure_key *key,
			const struct kw_event_gateway *error);

/* Keeps those that fit, unless none does. */
void kw_causes_narrow(struct kw_causes *candidates, const struct kw_failure_keys *failures,
		      const struct kw_habit *habit, const struct kw_event_gateway *error, kw_fits_fn *fits);

/* Lists those that may have caused the error, by their times, and learns from them where it can be none but one; then narrows
 * the list by the process's threads, and by when it answers. */
void kw_causes_list(const struct kw_failure_keys *failures, const struct kw_event_gateway *error,
		    struct kw_habit *habit, struct kw_causes *ret_candidates);

#endif
