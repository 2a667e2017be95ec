/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge: from one connection's facts to a verdict. A pure function: no clock, no history, no I/O, so a
 * reason never changes its meaning while the observer runs, and a replay says what the live run said. */
#ifndef KEEPWATCH_JUDGE_H
#define KEEPWATCH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/facts.h"
#include "judge/terms.h"

#define KW_BODY_UNKNOWN UINT64_MAX

struct kw_verdict {
	struct kw_facts facts; /* from which the rest was concluded; the evidence is written from them too */
	enum kw_closer closer;
	enum kw_manner manner;
	enum kw_phase phase;
	enum kw_reason reason;
	enum kw_confidence confidence;
	enum kw_premature premature;
	uint32_t lost_requests; /* begun on the connection, no complete final response */
	uint64_t closed;        /* the closer's first act, monotonic ns */
	int64_t idle_at_close;  /* ns since the last exchange's end, in phase idle; or KW_DURATION_UNKNOWN */
	int64_t waited;         /* ns from the last request byte to the close, in phase waiting; or unknown */
	int64_t idle_before;    /* ns the connection was idle before its latest request; or unknown */
	int64_t stalled; /* ns from the last byte of either side to the close, in phases response and tunnel;
				 * or unknown */
	uint64_t body_bytes; /* of the body in hand (the request's in phase request, else the response's): what
				 * came of it; or KW_BODY_UNKNOWN */
	uint64_t body_declared; /* and its Content-Length; or KW_BODY_UNKNOWN */
	int64_t late_by;        /* stale_reuse: ns from the arrival of the FIN to the request; or unknown */
	bool late_request;      /* the server closed while idle, and request bytes lay unread */
	bool unread_data;       /* the closer had unread bytes in its receive queue */
	enum kw_far_part far;   /* how far the connection's other end decided this */
};

/* Judges a final record (KW_REPORT_CLOSED). *ret_verdict is filled in whole; cannot fail. */
void kw_judge(const struct kw_event_connection *event, struct kw_verdict *ret_verdict);

/* The same where the connection's other end, @far, is on this host too; NULL: it is not. */
void kw_judge_both(const struct kw_event_connection *event, const struct kw_far_end *far,
		   struct kw_verdict *ret_verdict);

/* The part of a verdict that the connection's other end may lack. @verdict must rest on this end alone. */
struct kw_far_end kw_far_end_of(const struct kw_verdict *verdict);

/* The contract's name of a reason, such as "server_idle_timeout"; never NULL. */
const char *kw_reason_name(enum kw_reason reason);

/* When a close for this reason is premature, in words, from the table of rules: "never", "always", "if requests
 * were lost" and so on; never NULL. */
const char *kw_reason_premature(enum kw_reason reason);

/* The reason with this name, or KW_REASON_MAX. */
enum kw_reason kw_reason_by_name(const char *name);

/* One of the four that a connect() that failed gives: they count apart from closed connections. */
bool kw_reason_is_connect_failure(enum kw_reason reason);

#endif
