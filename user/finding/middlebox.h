/* SPDX-License-Identifier: BSD-2-Clause */
/* The finding about devices between two hosts, such as firewalls, NATs and balancers, that end or forget connections. It rests on
 * pairs alone, because one end cannot prove who spoke in the other's name. */
#ifndef KEEPWATCH_MIDDLEBOX_H
#define KEEPWATCH_MIDDLEBOX_H

#include "finding/finding.h"
#include "join/path.h"

/* The connections from one host to another. */
struct kw_path_counts {
	const char *client; /* labels of the hosts, safe to print */
	const char *server;
	uint64_t pairs;                /* connections with a record of each end */
	uint64_t agreed;               /* of these: both ends gave the same reason */
	uint64_t reasons[KW_PATH_MAX]; /* by enum kw_path_reason; also those with one end */
	uint64_t idle;                 /* resets, FINs and drops with a known idle time before them */
	int64_t idle_failed;           /* ns, the shortest of these; set if idle is not 0 */
	int64_t idle_worked; /* ns, the longest idle time that worked on any of the connections; 0: none is known */
	struct kw_examples examples; /* the clients' ends */
};

/* Counts a pair. @client: its event; NULL: there is no record of it. */
void kw_path_count(struct kw_path_counts *counts, const struct kw_path *path,
		   const struct kw_event_connection *client, const struct kw_event_connection *server);

/* Returns whether a device on the path is to blame, and the finding. */
bool kw_raise_middlebox(const struct kw_path_counts *counts, struct kw_finding *ret_finding);

#endif
