/* SPDX-License-Identifier: BSD-2-Clause */
/* The habits of the processes that are gateways, learnt from the pairs of a failure and an error that their times alone prove.
 * They narrow the choice where times do not suffice. */
#ifndef KEEPWATCH_HABITS_H
#define KEEPWATCH_HABITS_H

#include "join/failure.h"

#define KW_HABITS 64  /* processes that are remembered */
#define KW_GROWTHS 16 /* differences of size that are remembered of each */
#define KW_THREADS 64 /* threads of each whose latest difference is remembered */

/* By how many bytes a request is longer, or shorter, as the gateway sends it on: by the fields that it adds. */
struct kw_growth {
	int64_t bytes;
	uint32_t pairs;
};

/* By how many bytes the latest request grew that this thread answered. */
struct kw_thread_growth {
	int64_t bytes;
	uint32_t thread; /* 0: none */
};

/* Of one process. */
struct kw_habit {
	uint32_t pid;
	uint64_t used;           /* when it was looked up last, by the time of events */
	uint32_t pairs;          /* that the times alone prove; of these, */
	uint32_t other_thread;   /* another thread answered than learnt of the failure */
	uint32_t wakers;         /* another thread answered, and which one woke that is known; of these, */
	uint32_t woken;          /* it was the one that learnt of the failure */
	uint32_t answered_first; /* the process dealt with the connection after the answer only */
	uint32_t kinds[KW_GATEWAY_STATUSES][KW_FAILURE_KINDS]; /* by status, from the first on, and by kind */
	uint32_t own[KW_GATEWAY_STATUSES];   /* answers for which no failure was seen at all, by status */
	uint32_t answered[KW_FAILURE_KINDS]; /* failures that caused an error each, by kind; */
	uint32_t saved
		[KW_FAILURE_KINDS]; /* and those that caused none, as another try may have saved the request */
	uint32_t settled;           /* pairs that are certain by times and threads; of these, */
	uint32_t sent_again;        /* looked as if the failure had been followed by another try */
	uint32_t sized;             /* pairs that are certain, and the sizes of both requests are known */
	struct kw_growth growths[KW_GROWTHS];
	uint32_t repeats; /* of these pairs: answered by a thread whose latest difference is remembered, */
	uint32_t changes; /* and it was another one */
	struct kw_thread_growth threads[KW_THREADS]; /* by the thread's number, modulo */
};

/* Begins with all zeros. */
struct kw_habits {
	struct kw_habit rows[KW_HABITS];
};

/* The habit of a process, for now; the process that was looked up longest ago makes room. */
struct kw_habit *kw_habit_of(struct kw_habits *habits, uint32_t pid, uint64_t now);

/* Learns who answers and when, from a pair that the times alone prove. */
void kw_habit_learn(struct kw_habit *habit, const struct kw_failure_key *key,
		    const struct kw_event_gateway *error);

/* Learns by how much requests grow, from a pair that is certain without that. */
void kw_habit_learn_growth(struct kw_habit *habit, const struct kw_failure_key *key,
			   const struct kw_event_gateway *error);

/* Learns whether what looks like another try is one, from a pair that is certain without that: the failure was the last try. */
void kw_habit_learn_tries(struct kw_habit *habit, bool sent_again);

/* Whether the thread that learnt of this failure woke the one that answered. */
bool kw_is_waker(const struct kw_failure_key *key, const struct kw_event_gateway *error);

/* Learns from a pair that is certain without that whether the thread that learnt of a failure wakes the one that answers. */
void kw_habit_learn_waker(struct kw_habit *habit, const struct kw_failure_key *key,
			  const struct kw_event_gateway *error);

/* Learns that the process answered so without a failure. */
void kw_habit_learn_own(struct kw_habit *habit, const struct kw_event_gateway *error);

/* Learns from a failure, once it is too old to cause another error, whether it caused one. */
void kw_habit_learn_end(struct kw_habits *habits, const struct kw_failure_key *key);

/* Whether the process is known to answer with that status without a failure, too. */
bool kw_habit_answers_by_itself(const struct kw_habit *habit, const struct kw_event_gateway *error);

/* Whether it is known that each failure of this kind causes an error. */
bool kw_habit_answers_each(const struct kw_habit *habit, const struct kw_failure_key *key);

/* Whether it is known that what looks like another try is one. */
bool kw_habit_tries_again(const struct kw_habit *habit);

/* Whether the thread that learns of a failure is the one that answers, as far as is known. */
bool kw_habit_keeps_thread(const struct kw_habit *habit);

/* Whether it is known that the thread says nothing. */
bool kw_habit_changes_thread(const struct kw_habit *habit);

/* Whether the thread that learnt of this failure woke the one that answered, and it is known that the process hands over so. */
bool kw_habit_fits_waker(const struct kw_habit *habit, const struct kw_failure_key *key,
			 const struct kw_event_gateway *error);

/* Whether it is known that the process answers only after it has dealt with the connection. */
bool kw_habit_answers_last(const struct kw_habit *habit);

/* Whether the process may answer such a failure with that status: not if it is known to answer failures of this kind otherwise. */
bool kw_habit_has_status(const struct kw_habit *habit, const struct kw_failure_key *key,
			 const struct kw_event_gateway *error);

/* Whether these may be two forms of one request: not if it is known how much requests grow, and it is not that much. Where each
 * thread always adds the same, as one does that counts its requests by a number of its own, that is known by thread. */
bool kw_habit_has_size(const struct kw_habit *habit, const struct kw_failure_key *key,
		       const struct kw_event_gateway *error);

/* Whether it is known that requests grow by as much as from one of these to the other. */
bool kw_habit_fits_size(const struct kw_habit *habit, const struct kw_failure_key *key,
			const struct kw_event_gateway *error);

#endif
