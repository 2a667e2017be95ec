/* SPDX-License-Identifier: BSD-2-Clause */
/* The statistics behind findings: one service over one span of time. Spans can be added up. Pure, and of bounded size
 * (for the sketches see sketch.h). Times in sketches are microseconds. */
#ifndef KEEPWATCH_STATISTICS_H
#define KEEPWATCH_STATISTICS_H

#include "aggregate/examples.h"
#include "aggregate/http2_ends.h"
#include "aggregate/sketch.h"
#include "aggregate/tls_counts.h"
#include "aggregate/traffic.h"
#include "event/decode.h"
#include "judge/judge.h"

/* Statistics about closes that were no drain. They are added once that is settled (see drains.h). */
struct kw_not_drained {
	uint64_t races;          /* connections on which a request met the server's close */
	uint64_t races_inferred; /* of these: within TLS, where the order of records alone shows them */
	uint64_t race_lost[KW_RETRYABLE_MAX];
	uint64_t races_at_once; /* of these: the server closed right after its response, not at a timeout */
	uint64_t uncovered[KW_REASON_MAX]; /* lost requests that only the finding lost_requests may cover */
	uint64_t early;                    /* idle connections closed before the advertised timeout */
	uint64_t unannounced;              /* connections closed right after a response that did not say so */
	struct kw_sketch idle;             /* idle times at which the server closed, probably at a timeout */
};

struct kw_window_statistics {
	struct kw_traffic traffic;
	uint64_t paired;    /* connections met for the first time whose other end was met too, on this host */
	uint64_t used;      /* connections that closed after a request was begun on them */
	uint64_t premature; /* connections that closed too soon, and late requests */
	uint64_t http;      /* connections that closed and had carried HTTP/1.x */
	uint64_t reuse_idle_max;  /* ns; longest idle time before a reuse */
	uint64_t worked_idle_max; /* ns; the longest after which a request was answered */
	uint64_t dead;      /* connections that were used again after an idle time and got no answer any more */
	uint64_t dead_lost; /* requests on these */
	uint64_t dead_idle_min;    /* ns; the shortest idle time of these; undefined while dead is 0 */
	uint64_t exited;           /* process_exit with requests lost */
	uint64_t killed;           /* process_exit by a signal, with requests lost */
	uint64_t no_response_lost; /* requests without a byte of response, including process exits */
	uint64_t truncated;        /* responses cut, or destroyed by a RST */
	uint64_t truncated_by_reset;
	uint64_t truncated_unread; /* of these: because the server left data unread, if this end can see that */
	uint64_t half_closed_long; /* connections closed more than KW_HALF_CLOSED_AGE after the peer's FIN */
	uint64_t proxy_connection; /* connections on which this field was seen */
	uint64_t keep_alive_unnamed;  /* connections with a Keep-Alive field that Connection did not list */
	uint64_t end_to_end_named;    /* how often Connection listed an end-to-end field */
	struct kw_sketch close_idle;  /* idle times at closes of idle connections, by either side */
	struct kw_sketch client_idle; /* idle times at which clients closed idle connections */
	struct kw_sketch gave_up;     /* waiting times at which clients gave up */
	struct kw_sketch announced;   /* requests on connections whose close the server announced */
	struct kw_sketch stalled;     /* silence before responses were cut */
	struct kw_sketch unanswered;  /* waiting times at which servers closed without a response */
	uint64_t
		unaccepted; /* connections that the server reset with a waiting request, before any process had read from them */
	/* Idle times before requests that got only a RST as an answer; and of these, those whose RST came within a
	 * round trip. */
	struct kw_sketch reset_idle[KW_RETRYABLE_MAX];
	struct kw_sketch reset_at_once;
	struct kw_not_drained not_drained;
	struct kw_tls_alerts tls;
	struct kw_tls_ends tls_ends;
	struct kw_http2_ends *http2; /* owned; NULL while no connection has carried HTTP/2: kw_window_http2() */
	struct kw_examples examples[KW_FINDING_MAX];
};

#define KW_SKETCH_KEPT 256 /* bins of a sketch in a window, 4 KiB */

#define KW_HALF_CLOSED_AGE (60 * KW_S)

/* How many lost requests only the finding lost_requests may cover. Late requests are always covered by others. */
uint64_t kw_window_statistics_uncovered(const struct kw_event_connection *event,
					const struct kw_verdict *verdict);

/* Adds the new part of an established connection's record. @verdict is set if it has closed. Returns 0 or -ENOMEM. */
int kw_window_statistics_add(struct kw_window_statistics *statistics, const struct kw_event *event,
			     const struct kw_verdict *verdict);

/* How the connections that carried HTTP/2 ended; all zeros if there were none. Lives as long as @statistics are not changed. */
const struct kw_http2_ends *kw_window_http2(const struct kw_window_statistics *statistics);

/* Adds all of @from. Returns 0 or -ENOMEM. */
int kw_window_statistics_merge(struct kw_window_statistics *to, const struct kw_window_statistics *from);

/* Bounds the memory of statistics that are kept: to be called before something is added, and after a sum. */
void kw_window_statistics_limit(struct kw_window_statistics *statistics);

void kw_window_statistics_clear(struct kw_window_statistics *statistics);
void kw_window_statistics_free(struct kw_window_statistics *statistics);

struct kw_inferred {
	bool known;
	uint64_t count; /* closes in the cluster */
	double share;   /* of all idle closes on that side */
	double seconds; /* their mean */
};

/* Infers an idle timeout from closes at these idle times: a cluster of at least 5 closes that holds at least half of
 * them. */
struct kw_inferred kw_infer_timeout(const struct kw_sketch *idle);

#endif
