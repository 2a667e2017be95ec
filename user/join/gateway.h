/* SPDX-License-Identifier: BSD-2-Clause */
/* A gateway's 502, 503 or 504, and the connection to another server that caused it: of those that the same process had
 * opened, the one that failed it last. The two are seen apart, in any order, so each waits for the other. Pure: times are
 * those of the events, so a replay joins as the live run did. */
#ifndef KEEPWATCH_GATEWAY_H
#define KEEPWATCH_GATEWAY_H

#include "event/decode.h"
#include "judge/judge.h"

/* The process learnt of its cause at most this long before the response was sent, */
#define KW_GATEWAY_BEFORE KW_S
/* or after it: some programs answer first and close then. */
#define KW_GATEWAY_AFTER (100 * KW_MS)
/* Some gateways wait for a second before they try again. */
#define KW_GATEWAY_PAUSE (1500 * KW_MS)
/* How long an error waits for the records of connections. */
#define KW_GATEWAY_WAIT (2 * KW_S)

/* How many failures and errors are kept. An error is decided sooner if there is no room for what may come. */
#define KW_GATEWAY_KEPT 1024

#define KW_GATEWAY_TRIES 8 /* tries of an error that are listed: the latest */

/* A connection to another server on which a request failed, or that failed to be established. */
struct kw_failure {
	struct kw_event_connection connection;
	struct kw_verdict verdict; /* its facts point to connection */
};

/* The part of a failure by which it is found. */
struct kw_failure_key {
	uint64_t began;  /* connect(), or the first byte of the latest request; 0 if that is not known */
	uint64_t learnt; /* when the process learnt of the failure, */
	uint64_t last;   /* and when it was done with the connection */
	uint64_t
		failed; /* when the connect() failed, which a program learns by ways that are not seen; else 0 */
	uint32_t pid;
	uint32_t thread; /* that dealt with it last; 0 if that is not known */
	uint32_t left; /* errors that it may cause still: one for each request that it lost, and at least one */
};

struct kw_gateway_error {
	struct kw_event_gateway event;
	const struct kw_failure
		*cause; /* NULL: no failure was seen, the response may be of the program's own accord */
	const struct kw_failure
		*tries[KW_GATEWAY_TRIES]; /* failed before for the same request; in order of time */
	size_t try_count;
	enum kw_confidence confidence;
};

struct kw_gateway {
	struct kw_failure *failures;     /* a ring of KW_GATEWAY_KEPT; owned, as all that follows */
	struct kw_failure_key *keys;     /* of the failures, by the same index */
	struct kw_event_gateway *errors; /* a ring too: those that wait */
	uint64_t failure_count;          /* so far: the latest is at (failure_count - 1) % KW_GATEWAY_KEPT */
	uint64_t error_count;            /* so far */
	uint64_t decided;                /* of these; errors are decided in the order in which they came */
	uint64_t now;                    /* the latest time of an event */
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
