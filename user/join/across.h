/* SPDX-License-Identifier: BSD-2-Clause */
/* Both ends of connections that cross hosts: joins the records of several hosts, each connection's two ends into one pair. Unlike
 * both_ends, which hurries because it is live, it waits for the other end as long as the survey says that there is one. Pure. */
#ifndef KEEPWATCH_JOIN_ACROSS_H
#define KEEPWATCH_JOIN_ACROSS_H

#include "join/audit.h"
#include "join/path.h"
#include "join/survey.h"

#define KW_ACROSS_HELD 32768 /* ends that can wait; when another one comes, the oldest goes alone */

struct kw_across_held;

/* One end of a pair, with what the record of it needs. */
struct kw_across_end {
	bool present; /* false: there is no record of it, and nothing else is set */
	size_t host;
	struct kw_event event;
	const struct kw_verdict *verdict;     /* NULL: it was still open */
	const struct kw_forwarded *forwarded; /* hop-by-hop fields that were sent on */
	const char *cgroup;                   /* path, or NULL */
};

struct kw_across_pair {
	struct kw_across_end client;
	struct kw_across_end server;
	struct kw_path path;
};

struct kw_across {
	const struct kw_survey *survey; /* settled; must outlive this */
	/* Takes a pair, which lasts only for the call. Returns as a sink does. */
	int (*pair)(void *context, const struct kw_across_pair *pair);
	void *context;
	struct kw_across_held *held; /* by key and role, in the order in which they came; owned */
};

/* Takes an event of this host. @forwarded may be NULL, as @cgroup. Returns 0; above 0 as pair() did; -ENOMEM. */
int kw_across_take(struct kw_across *across, size_t host, const struct kw_event *event,
		   const struct kw_verdict *verdict, const struct kw_forwarded *forwarded, const char *cgroup);

/* No more events come: ends that wait go alone. Returns as kw_across_take() does. */
int kw_across_end(struct kw_across *across);

void kw_across_close(struct kw_across *across);

#endif
