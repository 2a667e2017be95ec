/* SPDX-License-Identifier: BSD-2-Clause */
/* All that the judge's rules may ask about a connection, in one structure: facts.h has the function that fills it. */
#ifndef KEEPWATCH_JUDGE_KNOWN_H
#define KEEPWATCH_JUDGE_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "include/event.h"
#include "judge/far_end.h"
#include "judge/terms.h"

/* How a request that the server cannot have meant passed its FIN; seen on the client's socket. */
enum kw_late {
	KW_LATE_NOT,
	KW_LATE_CROSSED, /* on its way when the FIN arrived: the FIN acknowledges nothing of it */
	KW_LATE_AFTER,   /* sent when the FIN had arrived */
};

/* The streams of an HTTP/2 connection, as they stood at the closer's act. */
struct kw_streams {
	uint32_t open; /* begun, and not finished */
	uint32_t
		above; /* of these: above the last stream of the server's GOAWAY, so that the server did nothing for them */
	uint32_t headed; /* of open: whose response has begun */
	uint32_t
		unheaded; /* of open and not above: whose response has not begun; those that began too long ago are not known */
	uint32_t refused;       /* reset by the server before it did anything for them */
	uint32_t cancelled;     /* reset by the client, which wanted no more of them */
	uint32_t cut;           /* reset by the server for another cause, before their end */
	uint32_t unanswered[2]; /* by enum http2_direction: PINGs of this side that have no answer */
	bool after;             /* one of those above was begun behind the GOAWAY, as far as this end saw */
	bool newest;            /* one is open: the latest that began */
};

struct kw_facts {
	const struct kw_event_connection *event; /* the facts are as good as this lasts */
	const struct kw_far_end *far;   /* during the derivation; NULL: nothing is known of the other end */
	const struct kw_tls_facts *tls; /* NULL: no TLS, or nothing can be said of its records */
	bool by_records; /* TLS whose messages are concluded from its records, because its plaintext was not read */
	const struct kw_http2_facts *http2; /* NULL: no HTTP/2, or its frames were not followed */
	const struct kw_http2_side
		*goaway; /* HTTP/2: who sent the GOAWAY that decides; NULL: nobody did before the close */
	struct kw_streams streams; /* HTTP/2 */
	enum kw_closer goaway_by;  /* its side */
	enum kw_closer actor;      /* who acted first by TCP; the closer may be another */
	enum kw_role role;
	enum kw_closer closer;
	enum kw_manner manner;
	enum kw_phase phase;
	int error;            /* the errno that ended it, positive; 0 for none */
	uint64_t closed;      /* the first act, monotonic ns */
	uint32_t outstanding; /* requests at the closer's act that had no complete final response there */
	uint32_t left;        /* requests begun that have none in the end */
	uint32_t lost;        /* the same, late ones included, and not those that the close completed */
	enum kw_late late;    /* on the client's socket: the outstanding requests came too late */
	bool local;           /* the closer is this socket's side */
	bool aborted;         /* destroyed from outside the program */
	bool gave_up;       /* a network timeout: ETIMEDOUT, or the soft error that the kernel reports for it */
	bool request_open;  /* at the act the latest request was begun and not complete */
	bool response_open; /* at the act the latest response was begun and not complete */
	bool response_done; /* the latest final response was complete at the act */
	bool answered;      /* a response had begun at the act, or there were requests to answer */
	bool delimited;     /* the latest response's body is delimited by the close */
	bool unsealed;      /* it would be, but the server did not end its TLS session: kw_tls_is_unsealed() */
	bool taken;         /* the client sent its FIN first, and every response reached it all the same */
	bool refused; /* the client shut its sending direction only and went on reading: the server closed for it */
	bool arrival_known; /* on the client's socket, after a RST: the server's end shows whether it had the request */
	bool late_inferred; /* that the request met the close is concluded from times: kw_tls_asks_too_late() */
	bool order_known;   /* of FINs that crossed: both ends show which was first */
	bool late_request;  /* on the server's socket: see struct kw_verdict */
	bool late_unread;   /* that request was never read, */
	bool discarded;     /* or read as a length only, when the server had closed */
	bool unacknowledged; /* the client's request never reached the server's host */
	bool hidden; /* bytes arrived before the act and were never read: nobody can say what they were */
	bool silent; /* older than the observer, and without a byte since: idle by TCP's times */
	bool rest_inferred; /* how much of a chunked request lay unread is not certain */
	bool inferred;      /* the phase is not seen but concluded */
	int64_t idle; /* ns from the end of the latest response (the last data, if silent) to the act; or KW_DURATION_UNKNOWN */
	int64_t idle_before; /* ns the connection was idle before its latest request; or KW_DURATION_UNKNOWN */
};

#endif
