/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

int kw_intake_open(struct kw_intake *intake, const struct kw_intake_settings *settings, struct kw_source source)
{
	*intake = (struct kw_intake){.settings = *settings, .source = source};
	kw_aggregate_open(&intake->aggregate, settings->services, settings->window);
	if (source.programs)
		source.programs(&intake->aggregate.programs);
	intake->overflows = source.overflows ? source.overflows() : 0;
	intake->names = calloc(KW_INTAKE_NAMES, sizeof(*intake->names));
	if (!intake->names || kw_gateway_open(&intake->gateway) < 0 || kw_audit_open(&intake->audit) < 0)
		return kw_log_error(-ENOMEM, "out of memory");
	return 0;
}

void kw_intake_close(struct kw_intake *intake)
{
	kw_aggregate_close(&intake->aggregate);
	kw_gateway_close(&intake->gateway);
	kw_audit_close(&intake->audit);
	free(intake->names);
	intake->names = NULL;
}

static bool is_by_cgroup(const struct kw_namer *namer)
{
	return namer->by == KW_SERVICE_BY_CGROUP || namer->by == KW_SERVICE_BY_CONTAINER;
}

/* The part of an identity that decides the name of the service, as a key of the cache; all else is zero. */
static struct kw_identity part_of(const struct kw_namer *namer, const struct kw_identity *identity)
{
	struct kw_identity part = {.role = identity->role};

	if (identity->role != KW_ROLE_CLIENT) {
		part.local_port = identity->local_port;
		memcpy(part.comm, identity->comm, strnlen(identity->comm, sizeof(part.comm)));
		part.cgroup = is_by_cgroup(namer) ? identity->cgroup : 0;
	} else {
		part.remote_port = identity->remote_port;
	}
	if (identity->role == KW_ROLE_CLIENT || namer->network_count)
		memcpy(part.remote, identity->remote, sizeof(part.remote));
	return part;
}

static uint32_t slot_of(const struct kw_identity *part)
{
	uint64_t words[sizeof(*part) / sizeof(uint64_t)], hash = 0;

	memcpy(words, part, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(hash >> 32) % KW_INTAKE_NAMES;
}

/* With --service-by cgroup the name is made anew each time, because the path may change. */
const struct kw_service *kw_intake_service(struct kw_intake *intake, const struct kw_identity *identity)
{
	struct kw_identity part = part_of(intake->settings.namer, identity);
	struct kw_intake_name *name = &intake->names[slot_of(&part)];
	const char *cgroup = NULL;

	if (is_by_cgroup(intake->settings.namer))
		cgroup = kw_source_cgroup(&intake->source, identity->cgroup);
	else if (name->service.name[0] && memcmp(&name->identity, &part, sizeof(part)) == 0)
		return &name->service;
	name->identity = part;
	kw_service_name(intake->settings.namer, identity, cgroup, &name->service);
	return &name->service;
}

static void note_overflows(struct kw_intake *intake)
{
	uint64_t before = intake->overflows;

	if (!intake->source.overflows)
		return;
	intake->overflows = intake->source.overflows();
	if (intake->overflows > before)
		kw_aggregate_overflows(&intake->aggregate, intake->overflows - before);
}

static int count_gateways(struct kw_intake *intake)
{
	struct kw_gateway_error error;
	int r = 0;

	while (r == 0 && kw_gateway_next(&intake->gateway, &error)) {
		struct kw_service service = *kw_intake_service(intake, &error.event.identity);
		const struct kw_service *upstream = NULL;

		if (error.cause)
			upstream = kw_intake_service(intake, &error.cause->connection.identity);
		if (intake->settings.on_gateway)
			intake->settings.on_gateway(intake->settings.context, &error, &service, upstream);
		r = kw_aggregate_gateway(&intake->aggregate, &service, upstream, &error);
	}
	return r;
}

static int count_forwarded(struct kw_intake *intake)
{
	struct kw_forwarded found;
	int r = 0;

	while (r == 0 && kw_audit_next(&intake->audit, &found))
		r = kw_aggregate_forwarded(&intake->aggregate, kw_intake_service(intake, &found.identity),
					   &found);
	return r;
}

int kw_intake_settle(struct kw_intake *intake)
{
	int r;

	kw_gateway_end(&intake->gateway);
	r = count_gateways(intake);
	if (r == 0)
		r = kw_aggregate_settle(&intake->aggregate, UINT64_MAX);
	return r < 0 ? kw_log_error(r, "out of memory") : 0;
}

int kw_intake_event(struct kw_intake *intake, const struct kw_event *event, const struct kw_verdict *verdict)
{
	int r = 0;

	if (event->totals) {
		r = kw_aggregate_totals(&intake->aggregate, event->totals);
		note_overflows(intake);
	} else if (event->unseen)
		kw_aggregate_unseen(&intake->aggregate, event->unseen);
	else if (event->connection)
		r = kw_aggregate_connection(&intake->aggregate,
					    kw_intake_service(intake, &event->connection->identity), event,
					    verdict);
	else if (event->late)
		r = kw_aggregate_late(&intake->aggregate, kw_intake_service(intake, &event->late->identity),
				      event);
	kw_audit_take(&intake->audit, event);
	if (r == 0)
		r = count_forwarded(intake);
	kw_gateway_take(&intake->gateway, event, verdict);
	if (r == 0)
		r = count_gateways(intake);
	return r < 0 ? kw_log_error(r, "out of memory") : 0;
}
