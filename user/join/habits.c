/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/habits.h"

/* So many pairs make a habit, and one in so many may break it: a pair may be a coincidence. */
#define ENOUGH 8
#define EXCEPTIONS 64

#define MEMORY 256 /* pairs */

/* Where so many pairs change the thread, and one in so many, it is no coincidence. */
#define MOVES 3
#define MOVES_OF 8

struct kw_habit *kw_habit_of(struct kw_habits *habits, uint32_t pid, uint64_t now)
{
	struct kw_habit *oldest = &habits->rows[0];

	for (size_t i = 0; i < KW_HABITS; i++) {
		struct kw_habit *row = &habits->rows[i];

		if (row->pid == pid) {
			row->used = now;
			return row;
		}
		if (row->used < oldest->used)
			oldest = row;
	}
	*oldest = (struct kw_habit){.pid = pid, .used = now};
	return oldest;
}

static bool is_sized(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	return key->request_bytes && error->request_bytes;
}

static int64_t growth_of(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	return (int64_t)key->request_bytes - error->request_bytes;
}

/* New pairs count for more than old ones, because a server may have come behind the gateway. */
static void forget_half(struct kw_habit *habit)
{
	habit->sized /= 2;
	habit->repeats /= 2;
	habit->changes /= 2;
	for (size_t i = 0; i < KW_GROWTHS; i++)
		habit->growths[i].pairs /= 2;
}

static void learn_of_thread(struct kw_habit *habit, uint32_t thread, int64_t bytes)
{
	struct kw_thread_growth *row = &habit->threads[thread % KW_THREADS];

	if (row->thread == thread) {
		habit->repeats++;
		habit->changes += row->bytes != bytes;
	}
	*row = (struct kw_thread_growth){bytes, thread};
}

/* A new one takes the place of the rarest. */
void kw_habit_learn_growth(struct kw_habit *habit, const struct kw_failure_key *key,
			   const struct kw_event_gateway *error)
{
	struct kw_growth *rarest = &habit->growths[0];
	int64_t bytes = growth_of(key, error);

	if (!is_sized(key, error))
		return;
	if (++habit->sized == MEMORY)
		forget_half(habit);
	learn_of_thread(habit, error->thread, bytes);
	for (size_t i = 0; i < KW_GROWTHS; i++) {
		struct kw_growth *growth = &habit->growths[i];

		if (growth->pairs && growth->bytes == bytes) {
			growth->pairs++;
			return;
		}
		if (growth->pairs < rarest->pairs)
			rarest = growth;
	}
	*rarest = (struct kw_growth){bytes, 1};
}

void kw_habit_learn(struct kw_habit *habit, const struct kw_failure_key *key,
		    const struct kw_event_gateway *error)
{
	habit->pairs++;
	habit->other_thread += key->thread != error->thread;
	habit->answered_first += key->last > error->header.time;
	if (!key->status)
		habit->kinds[error->status - KW_GATEWAY_STATUS][key->kind]++;
}

void kw_habit_learn_tries(struct kw_habit *habit, bool sent_again)
{
	habit->settled++;
	habit->sent_again += sent_again;
}

bool kw_is_waker(const struct kw_failure_key *key, const struct kw_event_gateway *error)
{
	return error->waker && (uint16_t)key->thread == error->waker;
}

void kw_habit_learn_waker(struct kw_habit *habit, const struct kw_failure_key *key,
			  const struct kw_event_gateway *error)
{
	bool moves = key->thread != error->thread && error->waker;

	habit->wakers += moves;
	habit->woken += moves && kw_is_waker(key, error);
}

void kw_habit_learn_own(struct kw_habit *habit, const struct kw_event_gateway *error)
{
	habit->own[error->status - KW_GATEWAY_STATUS]++;
}

/* Of a process that has never answered with an error there is no habit. */
void kw_habit_learn_end(struct kw_habits *habits, const struct kw_failure_key *key)
{
	for (size_t i = 0; i < KW_HABITS; i++) {
		struct kw_habit *habit = &habits->rows[i];

		if (habit->pid != key->pid)
			continue;
		if (key->left || key->tried)
			habit->saved[key->kind]++;
		else
			habit->answered[key->kind]++;
	}
}

static bool is_exception(uint32_t count, uint32_t pairs)
{
	return (uint64_t)count * EXCEPTIONS <= pairs;
}

bool kw_habit_has_status(const struct kw_habit *habit, const struct kw_failure_key *key,
			 const struct kw_event_gateway *error)
{
	uint32_t pairs = 0;

	for (size_t i = 0; i < KW_GATEWAY_STATUSES; i++)
		pairs += habit->kinds[i][key->kind];
	return key->status || pairs < ENOUGH ||
	       !is_exception(habit->kinds[error->status - KW_GATEWAY_STATUS][key->kind], pairs);
}

bool kw_habit_answers_by_itself(const struct kw_habit *habit, const struct kw_event_gateway *error)
{
	return habit->own[error->status - KW_GATEWAY_STATUS] > 0;
}

bool kw_habit_answers_each(const struct kw_habit *habit, const struct kw_failure_key *key)
{
	return !key->status && habit->answered[key->kind] >= ENOUGH &&
	       is_exception(habit->saved[key->kind], habit->answered[key->kind]);
}

bool kw_habit_tries_again(const struct kw_habit *habit)
{
	return habit->settled >= ENOUGH && is_exception(habit->sent_again, habit->settled);
}

bool kw_habit_keeps_thread(const struct kw_habit *habit)
{
	return is_exception(habit->other_thread, habit->pairs);
}

bool kw_habit_changes_thread(const struct kw_habit *habit)
{
	return habit->other_thread >= MOVES && habit->other_thread * MOVES_OF >= habit->pairs;
}

bool kw_habit_fits_waker(const struct kw_habit *habit, const struct kw_failure_key *key,
			 const struct kw_event_gateway *error)
{
	return habit->woken >= ENOUGH && habit->woken >= habit->wakers - habit->wakers / MOVES_OF &&
	       kw_is_waker(key, error);
}

bool kw_habit_answers_last(const struct kw_habit *habit)
{
	return habit->pairs >= ENOUGH && is_exception(habit->answered_first, habit->pairs);
}

/* One that is rare may be a coincidence. */
static bool is_usual(const struct kw_habit *habit, const struct kw_growth *growth)
{
	return growth->pairs > 1 && !is_exception(growth->pairs, habit->sized);
}

/* The growth that this thread always brings about, if each thread of the process has one of its own; else NULL. */
static const struct kw_thread_growth *growth_of_thread(const struct kw_habit *habit, uint32_t thread)
{
	const struct kw_thread_growth *row = &habit->threads[thread % KW_THREADS];

	return habit->repeats >= ENOUGH && is_exception(habit->changes, habit->repeats) && row->thread == thread
		       ? row
		       : NULL;
}

bool kw_habit_fits_size(const struct kw_habit *habit, const struct kw_failure_key *key,
			const struct kw_event_gateway *error)
{
	const struct kw_thread_growth *of_thread = growth_of_thread(habit, error->thread);

	if (habit->sized < 2 * ENOUGH || !is_sized(key, error))
		return false;
	if (of_thread)
		return of_thread->bytes == growth_of(key, error);
	for (size_t i = 0; i < KW_GROWTHS; i++)
		if (is_usual(habit, &habit->growths[i]) && habit->growths[i].bytes == growth_of(key, error))
			return true;
	return false;
}

bool kw_habit_has_size(const struct kw_habit *habit, const struct kw_failure_key *key,
		       const struct kw_event_gateway *error)
{
	return habit->sized < 2 * ENOUGH || !is_sized(key, error) || kw_habit_fits_size(habit, key, error);
}
