/* SPDX-License-Identifier: BSD-2-Clause */
/* The terms in which facts and verdicts are put: who closed, how, at which point of HTTP, why, and how sure that is. */
#ifndef KEEPWATCH_TERMS_H
#define KEEPWATCH_TERMS_H

#include <stdint.h>

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
	KW_PHASE_HANDSHAKE, /* of TLS: not done */
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
	KW_REASON_ENHANCE_YOUR_CALM,
	KW_REASON_PING_TIMEOUT,
	KW_REASON_GOAWAY_ERROR,
	KW_REASON_PROCESS_EXIT,
	KW_REASON_TLS_HANDSHAKE_FAILED,
	KW_REASON_TLS_HANDSHAKE_TIMEOUT,
	KW_REASON_TLS_HANDSHAKE_ABANDONED,
	KW_REASON_PREFACE_FAILED,
	KW_REASON_GOAWAY_CUT,
	KW_REASON_STREAM_AFTER_GOAWAY,
	KW_REASON_GOAWAY_REFUSED,
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
	KW_REASON_GOAWAY_IDLE,
	KW_REASON_GOAWAY_DRAINED,
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

/* The contract's name of each value, such as "certain"; never NULL. */
const char *kw_closer_name(enum kw_closer closer);
const char *kw_manner_name(enum kw_manner manner);
const char *kw_phase_name(enum kw_phase phase);
const char *kw_confidence_name(enum kw_confidence confidence);

#endif
