/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/causes.h"

#define RIGHT_AFTER (KW_MS / 2)

/* A failure that began before the gateway had the request, as that of a health check may, is not of that request; and neither
 * is one that began after the response. */
bool kw_may_cause(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	uint64_t sent = error->header.time;

	return key->pid == error->identity.pid && key->last + KW_GATEWAY_BEFORE >= sent &&
	       key->learnt <= sent + KW_GATEWAY_AFTER && key->began <= sent && key->known <= sent &&
	       (!error->started || !key->began || key->began >= error->started) &&
	       (!key->status || key->status == error->status);
}

bool kw_is_same_thread(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	return key->thread && key->thread == error->thread;
}

bool kw_is_sent_again(const struct kw_failure_keys *failures, const struct kw_failure_key *key,
		      const struct kw_event_gateway *error)
{
	if (!key->thread || !key->request_bytes)
		return false;
	for (size_t i = 0; i < failures->count; i++) {
		const struct kw_failure_key *next = &failures->keys[i];

		if (next != key && next->pid == key->pid && next->thread == key->thread &&
		    next->request_bytes == key->request_bytes && next->began >= key->last &&
		    next->began - key->last <= RIGHT_AFTER && next->began <= error->header.time)
			return true;
	}
	return false;
}

static bool is_dealt_with(const struct kw_habit *habit, const struct kw_failure_key *key,
			  const struct kw_event_gateway *error)
{
	return !kw_habit_answers_last(habit) || key->last <= error->header.time;
}

static bool is_of_thread(const struct kw_habit *habit, const struct kw_failure_key *key,
			 const struct kw_event_gateway *error)
{
	return !kw_habit_keeps_thread(habit) || kw_is_same_thread(key, error);
}

void kw_causes_narrow(struct kw_causes *candidates, const struct kw_failure_keys *failures,
		      const struct kw_habit *habit, const struct kw_event_gateway *error, kw_fits_fn *fits)
{
	struct kw_causes kept = {.crowded = candidates->crowded};

	for (size_t i = 0; i < candidates->count; i++)
		if (fits(habit, &failures->keys[candidates->at[i]], error))
			kept.at[kept.count++] = candidates->at[i];
	if (kept.count)
		*candidates = kept;
}

void kw_causes_list(const struct kw_failure_keys *failures, const struct kw_event_gateway *error,
		    struct kw_habit *habit, struct kw_causes *ret_candidates)
{
	struct kw_causes found = {0};

	for (size_t i = 0; i < failures->count; i++) {
		if (!kw_may_cause(&failures->keys[i], error) ||
		    !is_dealt_with(habit, &failures->keys[i], error))
			continue;
		found.crowded = found.count == KW_CAUSES;
		if (found.crowded)
			break;
		found.at[found.count++] = (uint16_t)i;
	}
	if (!found.count)
		kw_habit_learn_own(habit, error);
	if (found.count == 1) {
		kw_habit_learn(habit, &failures->keys[found.at[0]], error);
		kw_habit_learn_growth(habit, &failures->keys[found.at[0]], error);
	}
	kw_causes_narrow(&found, failures, habit, error, is_of_thread);
	*ret_candidates = found;
}
