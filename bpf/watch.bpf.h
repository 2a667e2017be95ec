/* SPDX-License-Identifier: GPL-2.0-only */
/* Which processes have received names in Connection, and so which of their connections are watched: on those that they opened
 * themselves, the name of each request's field is looked at. All others are read as if this did not exist. */
#ifndef KEEPWATCH_WATCH_BPF_H
#define KEEPWATCH_WATCH_BPF_H

#include "maps.bpf.h"

/* The list of the process that owns the connection, of messages that it received or sent. NULL if it has none. */
static __always_inline struct kw_listed *kw_listed_of(const struct kw_connection *c, __u32 direction,
						      enum kw_way way)
{
	struct kw_list_key key = {.pid = c->identity.pid, .direction = direction, .way = way};

	return bpf_map_lookup_elem(&listed, &key);
}

/* Sees to it that the requests of a connection that its process opened are watched, if it has received names in requests. */
KW_GLOBAL int kw_watch(struct kw_connection *c)
{
	if (kw_listing && c && !c->http1.watched && c->role == KW_ROLE_CLIENT &&
	    kw_listed_of(c, HTTP1_REQUESTS, KW_RECEIVED))
		c->http1.watched = 1 << HTTP1_REQUESTS;
	return 0;
}

#endif
