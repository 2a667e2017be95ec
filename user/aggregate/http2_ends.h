/* SPDX-License-Identifier: BSD-2-Clause */
/* The statistics behind the findings about HTTP/2: how the connections of a service ended over a span of time, and which faults
 * they showed while they lived. Pure, of bounded size (for sketches see sketch.h), and the same in whatever order the connections come. */
#ifndef KEEPWATCH_HTTP2_ENDS_H
#define KEEPWATCH_HTTP2_ENDS_H

#include "aggregate/examples.h"
#include "aggregate/http2_counts.h"
#include "aggregate/majority.h"
#include "aggregate/sketch.h"
#include "judge/judge.h"

/* Counts; all of them are numbers of 64 bits that can be added up. */
struct kw_http2_sums {
	uint64_t records
		[2];     /* of connections of HTTP/2, whether they live or not: in clear text, and within TLS */
	uint64_t closed; /* connections of HTTP/2 that have closed */
	uint64_t cut;    /* of these: a GOAWAY promised streams that were then cut, */
	uint64_t cut_lost; /* and requests lost by GOAWAYs, on these and on the next */
	uint64_t turned;   /* connections with streams above the GOAWAY's last stream */
	uint64_t
		retryable; /* and streams on these and on those that were cut which may be sent again, whatever their method */
	uint64_t late;          /* of turned: a stream was begun after the client had read the GOAWAY */
	uint64_t by_age;        /* of cut and turned: the GOAWAY's text names the connection's age */
	uint64_t scolded;       /* connections that a GOAWAY ended which names too many PINGs, */
	uint64_t scolded_lost;  /* requests lost on these, */
	uint64_t pings;         /* and PINGs that the side had sent which was told so */
	uint64_t refused;       /* streams that the server reset by REFUSED_STREAM */
	uint64_t refused_over;  /* of these: on connections that had reached the server's limit of streams */
	uint64_t ping_timeouts; /* connections given up because a PING was not answered, */
	uint64_t ping_timeouts_lost;  /* requests lost on these, */
	uint64_t ping_timeouts_heard; /* and of these connections: the other host had acknowledged the PING */
	uint64_t fields[2][KW_FORBIDDEN_FIELDS]; /* forbidden fields, as struct kw_http2_counts has them */
	uint64_t max_age; /* connections that the server ended while in use, and whose GOAWAY names their age */
};

#define KW_GOAWAY_TICKS 64
#define KW_GOAWAY_TICK (250 * KW_MS)

struct kw_http2_ends {
	struct kw_http2_sums sums;
	uint64_t
		ping_gap; /* ns; the shortest time between two PINGs of a side that sent too many; 0: not known */
	uint64_t
		limit; /* streams; the lowest limit of a server that refused streams at its limit; 0: there was none */
	uint64_t peak; /* the most streams that were open at once on a connection with refused streams */
	/* Connections that the server ended by GOAWAY while they were in use: their ages then (us), the number of the last stream
	 * that it took, and when it was: by tick, in a ring. */
	struct kw_sketch ages;
	struct kw_majority streams;
	uint64_t ticks[KW_GOAWAY_TICKS];
	/* Of those that had gRPC responses with trailers and nothing else, which are errors, and that closed right behind the last
	 * event of a stream: the time from the GOAWAY to the close, us. If it is always the same, then the server gave open streams
	 * that long, and ended them with errors. */
	struct kw_sketch graces;
};

/* Adds the part of a record that is new. @verdict is set if the connection has closed. Adds nothing unless it carried HTTP/2.
 * *ret_shown has a bit, 1 << enum kw_finding_id, for each finding that the connection is an example of. Returns 0 or -ENOMEM. */
int kw_http2_ends_add(struct kw_http2_ends *ends, const struct kw_event_connection *event,
		      const struct kw_verdict *verdict, uint64_t *ret_shown);

/* Adds all of @from. Returns 0 or -ENOMEM. */
int kw_http2_ends_merge(struct kw_http2_ends *to, const struct kw_http2_ends *from);

/* Bounds the sketches to @bins each, as kw_sketch_limit() does. */
void kw_http2_ends_limit(struct kw_http2_ends *ends, uint32_t bins);

/* Frees what @ends holds, but not @ends. */
void kw_http2_ends_free(struct kw_http2_ends *ends);

/* Whether the server's GOAWAY names the connection's age, so that it was not closed for being idle, even if it was. */
bool kw_http2_is_aged(const struct kw_event_connection *event);

/* Whether the requests that the connection lost are counted here, and not only by the finding lost_requests. */
bool kw_http2_covers(const struct kw_event_connection *event, const struct kw_verdict *verdict);

#endif
