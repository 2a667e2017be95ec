/* SPDX-License-Identifier: BSD-2-Clause */
/* Conclusions that the two ends of a connection allow together about the path between their hosts: whether something there spoke or kept
 * silent in the name of one end. Pure. */
#ifndef KEEPWATCH_JOIN_PATH_H
#define KEEPWATCH_JOIN_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/sentences.h"

/* Reasons that only a pair can have, in the order in which they are tried. */
enum kw_path_reason {
	KW_PATH_NONE,    /* the path is innocent, or nothing can be proved: a verdict of one end counts */
	KW_PATH_RESET,   /* an end received a RST that the other end never sent */
	KW_PATH_FIN,     /* an end received a FIN that the other end never sent */
	KW_PATH_DROPPED, /* the segments of one end never reached the other, which was alive */
	KW_PATH_ONE_END, /* the other end's host was recorded, and has no such connection */
	KW_PATH_MAX,
};

/* The contract's name of a reason, such as "reset_by_path"; never NULL. */
const char *kw_path_reason_name(enum kw_path_reason reason);

/* The reason with this name, or KW_PATH_MAX. */
enum kw_path_reason kw_path_reason_by_name(const char *name);

/* One end as its host recorded it. */
struct kw_path_end {
	const struct kw_event_connection *event; /* NULL: no record of this end is known */
	const struct kw_verdict *verdict;        /* NULL: it was still open */
	int64_t shift; /* ns; added to this host's monotonic times it gives the time that all hosts share */
};

struct kw_path_ends {
	struct kw_path_end client;
	struct kw_path_end server;
	bool expected; /* the end without a record should have one, because its host was recorded at that time */
};

/* Clocks of two hosts are compared with this error, ns, besides the delay of the path. */
#define KW_PATH_CLOCK_ERROR (20 * KW_MS)

/* A segment that was sent so long ago has been sent again at least twice (RFC 6298), ns. */
#define KW_PATH_PATIENCE (1 * KW_S)

struct kw_path {
	enum kw_path_reason reason;
	enum kw_role victim; /* the end that was deceived: it got the segment, or its own segments were dropped;
				* KW_ROLE_UNKNOWN without a reason */
	enum kw_role speaker; /* the end whose verdict counts if there is no reason of the path */
	bool both;            /* the next two are known: there is a record of each end */
	bool agree;           /* both ends name the same closer and the same reason */
	bool nat;             /* addresses or ports differ between the two ends */
	int64_t delay;        /* ns, one way: half of the handshake's round trip; or KW_DURATION_UNKNOWN */
	int64_t idle_failed;  /* ns without data before the act that failed; or KW_DURATION_UNKNOWN */
	int64_t idle_worked; /* ns, the longest idle time that a request ended and survived; or KW_DURATION_UNKNOWN */
	struct kw_evidence evidence; /* of the path's reason; empty if there is none */
};

/* Fills in *ret_path whole; cannot fail. At least one end has a record. */
void kw_path_judge(const struct kw_path_ends *ends, struct kw_path *ret_path);

#endif
