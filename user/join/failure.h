/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection to another server that may explain a gateway's error: it failed, or brought such a response itself. */
#ifndef KEEPWATCH_FAILURE_H
#define KEEPWATCH_FAILURE_H

#include "event/decode.h"
#include "judge/kept.h"

/* The process learnt of its cause at most this long before the response was sent, */
#define KW_GATEWAY_BEFORE KW_S
/* or after it: some programs answer first and close then. */
#define KW_GATEWAY_AFTER (100 * KW_MS)

/* Kinds of failures that some programs answer with different statuses. */
enum kw_failure_kind {
	KW_FAILURE_CONNECT,  /* no connection came about */
	KW_FAILURE_GIVEN_UP, /* the process closed before any byte of a response */
	KW_FAILURE_CUT,      /* all others */
	KW_FAILURE_KINDS,
};

/* The part of a failure by which it is found. */
struct kw_failure_key {
	uint64_t began;  /* connect(), or the first byte of the latest request; 0 if that is not known */
	uint64_t known;  /* the earliest time at which the process can have known of it */
	uint64_t learnt; /* when the process is known to have learnt of it, */
	uint64_t last;   /* and when it was done with the connection */
	uint64_t
		failed; /* when the connect() failed, which a program learns by ways that are not seen; else 0 */
	uint32_t pid;
	uint32_t thread; /* that dealt with it last; 0 if that is not known */
	uint32_t left; /* errors that it may cause still: one for each request that it lost, and at least one */
	uint32_t request_bytes; /* that the latest request has; 0 if that is not known */
	uint16_t
		status; /* of a response from the other server, which the gateway may have passed on; 0 for a failure */
	uint8_t kind;       /* enum kw_failure_kind; of a response nothing */
	bool tried;         /* it was followed by another try, which caused the error */
	bool is_remembered; /* whether it caused an error has been learnt, see kw_habit_learn_end() */
};

/* Whether this record is that of a failure. */
bool kw_is_failure(const struct kw_event_connection *event, const struct kw_verdict *verdict);

/* Both fill in *ret_failure, which must not move in memory, and *ret_key. @event, in the second: of a response that was received,
 * of whose connection only the identity is kept. */
void kw_failure_of_connection(const struct kw_event_connection *event, const struct kw_verdict *verdict,
			      struct kw_kept_close *ret_failure, struct kw_failure_key *ret_key);
void kw_failure_of_response(const struct kw_event_gateway *event, struct kw_kept_close *ret_failure,
			    struct kw_failure_key *ret_key);

#endif
