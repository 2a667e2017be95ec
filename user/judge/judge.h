/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge: from one connection's facts to a verdict. A pure function: no clock, no history, no I/O, so a
 * reason never changes its meaning while the observer runs, and a replay says what the live run said. */
#ifndef KEEPWATCH_JUDGE_H
#define KEEPWATCH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/event.h"

enum kw_closer {
	KW_CLOSER_UNKNOWN,
	KW_CLOSER_CLIENT,
	KW_CLOSER_SERVER,
	KW_CLOSER_NETWORK, /* the kernel gave up: timeouts, unreachable */
	KW_CLOSER_MAX,
};

/* How it ended: the first decisive act counts, a FIN answered by a RST is a FIN. */
enum kw_manner {
	KW_MANNER_UNKNOWN,
	KW_MANNER_FIN,
	KW_MANNER_RST,
	KW_MANNER_TIMEOUT,
	KW_MANNER_REFUSED,
	KW_MANNER_UNREACHABLE,
	KW_MANNER_MAX,
};

/* Where HTTP stood at the closer's first act, by stream position. */
enum kw_phase {
	KW_PHASE_UNKNOWN,
	KW_PHASE_CONNECTING,
	KW_PHASE_UNUSED,   /* established, no request byte */
	KW_PHASE_REQUEST,  /* a request begun, not complete, no response begun */
	KW_PHASE_WAITING,  /* a request complete, no byte of its response */
	KW_PHASE_RESPONSE, /* a response begun, not complete */
	KW_PHASE_IDLE,     /* every request answered */
	KW_PHASE_TUNNEL,
	KW_PHASE_OPAQUE,
	KW_PHASE_MAX,
};

/* Why it closed, in the order in which the rules are tried: the first that matches. */
enum kw_reason {
	KW_REASON_CONNECT_REFUSED,
	KW_REASON_CONNECT_TIMEOUT,
	KW_REASON_CONNECT_UNREACHABLE,
	KW_REASON_CONNECT_ABORTED,
	KW_REASON_ABORTED_LOCALLY,
	KW_REASON_RETRANSMIT_TIMEOUT,
	KW_REASON_PROBE_TIMEOUT,
	KW_REASON_NETWORK_ERROR,
	KW_REASON_UNKNOWN,
	KW_REASON_PROCESS_EXIT,
	KW_REASON_TUNNEL_ENDED,
	KW_REASON_NOT_HTTP,
	KW_REASON_REQUEST_TIMEOUT,
	KW_REASON_UNUSED,
	KW_REASON_EARLY_RESPONSE,
	KW_REASON_PIPELINE_CUT,
	KW_REASON_REQUEST_UNACKNOWLEDGED,
	KW_REASON_REQUEST_TRUNCATED,
	KW_REASON_HALF_CLOSED,
	KW_REASON_STALE_REUSE,
	KW_REASON_NO_RESPONSE,
	KW_REASON_RESPONSE_TRUNCATED,
	KW_REASON_HALF_CLOSE_REFUSED,
	KW_REASON_CLIENT_GAVE_UP,
	KW_REASON_CLIENT_LEFT,
	KW_REASON_CLOSE_DELIMITED,
	KW_REASON_MAX_REQUESTS,
	KW_REASON_ANNOUNCED_BY_REQUEST,
	KW_REASON_HTTP10_DEFAULT,
	KW_REASON_ANNOUNCED_BY_RESPONSE,
	KW_REASON_IDLE_RESET,
	KW_REASON_CLOSED_BEFORE_TIMEOUT,
	KW_REASON_SERVER_IDLE_TIMEOUT,
	KW_REASON_UNANNOUNCED_CLOSE,
	KW_REASON_SERVER_CLOSED_IDLE,
	KW_REASON_CLIENT_CLOSED_IDLE,
	KW_REASON_MAX,
};

enum kw_confidence {
	KW_CONFIDENCE_UNKNOWN,
	KW_CONFIDENCE_INFERRED,
	KW_CONFIDENCE_CERTAIN,
	KW_CONFIDENCE_MAX,
};

enum kw_premature {
	KW_PREMATURE_NO,
	KW_PREMATURE_YES,
	KW_PREMATURE_UNKNOWN, /* null in JSON */
};

#define KW_DURATION_UNKNOWN INT64_MIN
#define KW_BODY_UNKNOWN UINT64_MAX

struct kw_verdict {
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
};

/* Judges a final record (KW_REPORT_CLOSED). *ret_verdict is filled in whole; cannot fail. */
void kw_judge(const struct kw_event_connection *event, struct kw_verdict *ret_verdict);

/* The field of the contract for each value, such as "server_idle_timeout"; never NULL. */
const char *kw_closer_name(enum kw_closer closer);
const char *kw_manner_name(enum kw_manner manner);
const char *kw_phase_name(enum kw_phase phase);
const char *kw_reason_name(enum kw_reason reason);
const char *kw_confidence_name(enum kw_confidence confidence);

/* When a close for this reason is premature, in words, from the table of rules: "never", "always", "if requests
 * were lost" and so on; never NULL. */
const char *kw_reason_premature(enum kw_reason reason);

/* The reason with this name, or KW_REASON_MAX. */
enum kw_reason kw_reason_by_name(const char *name);

/* One of the four that a connect() that failed gives: they count apart from closed connections. */
bool kw_reason_is_connect_failure(enum kw_reason reason);

#endif
