/* SPDX-License-Identifier: BSD-2-Clause */
/* A gateway's 502, 503 or 504, and the connection to another server that caused it: of those that the same process had
 * opened, the one that failed it last. The two are seen apart, in any order, so each waits for the other. Pure: times are
 * those of the events, so a replay joins as the live run did. */
#ifndef KEEPWATCH_GATEWAY_H
#define KEEPWATCH_GATEWAY_H

#include "join/match.h"

/* Some gateways wait for a second before they try again. */
#define KW_GATEWAY_PAUSE (1500 * KW_MS)
/* How long an error waits for the records of connections; up to so much less if it is matched together with an older one. */
#define KW_GATEWAY_WAIT (2 * KW_S)
#define KW_GATEWAY_TOGETHER (100 * KW_MS)
#define KW_GATEWAY_TOGETHER_MOST 256 /* errors */

/* How many failures and errors are kept. An error is decided sooner if there is no room for what may come. */
#define KW_GATEWAY_KEPT 1024

#define KW_GATEWAY_TRIES 8 /* tries of an error that are listed: the latest */

struct kw_gateway_error {
	struct kw_event_gateway event;
	const struct kw_kept_close
		*cause; /* NULL: no failure was seen, the response may be of the program's own accord */
	const struct kw_kept_close *passed; /* the connection whose response was passed on; else NULL. Only its
					  * identity is known */
	const struct kw_kept_close
		*tries[KW_GATEWAY_TRIES]; /* failed before for the same request; in order of time */
	size_t try_count;
	enum kw_confidence confidence;
};

struct kw_gateway {
	struct kw_kept_close *failures; /* a ring of KW_GATEWAY_KEPT; owned, as all that follows */
	struct kw_failure_key *keys;    /* of the failures, by the same index */
	struct kw_match *matches;       /* a ring too: the errors; they wait from `decided` on */
	struct kw_habits habits;
	uint64_t failure_count; /* so far: the latest is at (failure_count - 1) % KW_GATEWAY_KEPT */
	uint64_t error_count;   /* so far */
	uint64_t decided;       /* of these; errors are decided in the order in which they came */
	uint64_t matched;       /* of these: those whose causes are known, but were not asked for yet */
	uint64_t now;           /* the latest time of an event */
};

/* Returns 0 or -ENOMEM. */
int kw_gateway_open(struct kw_gateway *gateway);
void kw_gateway_close(struct kw_gateway *gateway);

/* Takes an event, which sets the time, and may be a failure or an error. After each call kw_gateway_next() must be called
 * until it returns false. */
void kw_gateway_take(struct kw_gateway *gateway, const struct kw_event *event,
		     const struct kw_verdict *verdict);

/* The next error that is decided, or false. *ret_error lasts until the next event is taken. */
bool kw_gateway_next(struct kw_gateway *gateway, struct kw_gateway_error *ret_error);

/* No more events come: kw_gateway_next() decides all that wait. */
void kw_gateway_end(struct kw_gateway *gateway);

#endif
