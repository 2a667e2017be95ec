/* SPDX-License-Identifier: BSD-2-Clause */
/* The service under which a connection is counted: a name of bounded length that is safe to print. At the server's
 * end it names the server (see enum kw_service_by), at the client's end the remote address and port. */
#ifndef KEEPWATCH_SERVICE_H
#define KEEPWATCH_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "include/event.h"
#include "base/address.h"

#define KW_SERVICE_NAME 160 /* bytes, with its NUL */
#define KW_PEER_NAME 64

/* The source of a server's name; its port is always part of the name. */
enum kw_service_by {
	KW_SERVICE_BY_COMM,
	KW_SERVICE_BY_CGROUP,
	KW_SERVICE_BY_CONTAINER,
	KW_SERVICE_BY_PORT,
	KW_SERVICE_BY_MAX,
};

/* A remote network that has a name (--networks). */
struct kw_named_network {
	struct kw_network network;
	char name[KW_PEER_NAME];
};

struct kw_namer {
	enum kw_service_by by;
	struct kw_named_network
		*networks; /* owned by the caller; the first network that contains an address gives the name */
	size_t network_count;
};

/* All bytes after the NULs are zero too, so that the whole struct can be a hash key. */
struct kw_service {
	uint32_t role; /* enum kw_role */
	char name[KW_SERVICE_NAME];
	char peer[KW_PEER_NAME]; /* server role: the name of the remote network; else empty */
};

/* Names the service of a connection. @cgroup is the path of the owner's cgroup, or NULL if unknown; then the
 * process's name is used instead. Pure, cannot fail. */
void kw_service_name(const struct kw_namer *namer, const struct kw_identity *identity, const char *cgroup,
		     struct kw_service *ret_service);

/* "client", "server", or "unknown". */
const char *kw_role_name(uint32_t role);

#endif
