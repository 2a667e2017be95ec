/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/service.h"

#include <stdio.h>
#include <string.h>

#include "event/container.h"
#include "base/sanitize.h"

const char *kw_role_name(uint32_t role)
{
	switch (role) {
	case KW_ROLE_CLIENT:
		return "client";
	case KW_ROLE_SERVER:
		return "server";
	default:
		return "unknown";
	}
}

static const char *network_name(const struct kw_namer *namer, const uint8_t address[KW_ADDRESS])
{
	for (size_t i = 0; i < namer->network_count; i++)
		if (kw_network_contains(&namer->networks[i].network, address))
			return namer->networks[i].name;
	return NULL;
}

/* "nginx:8080": the server, named as --service-by says, and its port. */
static void name_server(const struct kw_namer *namer, const struct kw_identity *identity, const char *cgroup,
			char ret_name[KW_SERVICE_NAME])
{
	char who[KW_SERVICE_NAME - 8] = "";
	struct kw_container container;

	kw_container_find(namer->by == KW_SERVICE_BY_CONTAINER ? cgroup : NULL, &container);
	if (namer->by == KW_SERVICE_BY_CGROUP && cgroup)
		kw_sanitize(cgroup, strlen(cgroup), who, sizeof(who));
	else if (container.id[0])
		strcpy(who, container.id);
	else if (namer->by != KW_SERVICE_BY_PORT)
		kw_sanitize(identity->comm, sizeof(identity->comm), who, sizeof(who));
	if (namer->by == KW_SERVICE_BY_PORT)
		snprintf(ret_name, KW_SERVICE_NAME, "%u", identity->local_port);
	else
		snprintf(ret_name, KW_SERVICE_NAME, "%s:%u", who[0] ? who : "?", identity->local_port);
}

void kw_service_name(const struct kw_namer *namer, const struct kw_identity *identity, const char *cgroup,
		     struct kw_service *ret_service)
{
	const char *network = network_name(namer, identity->remote);

	memset(ret_service, 0, sizeof(*ret_service));
	ret_service->role = identity->role;
	if (identity->role != KW_ROLE_CLIENT) {
		name_server(namer, identity, cgroup, ret_service->name);
		if (network)
			strcpy(ret_service->peer, network);
	} else if (network) {
		snprintf(ret_service->name, sizeof(ret_service->name), "%s:%u", network, identity->remote_port);
	} else {
		kw_endpoint_print(identity->remote, identity->remote_port, ret_service->name);
	}
}
