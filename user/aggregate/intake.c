/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

int kw_tally_open(struct kw_tally *tally, const struct kw_options *options, uint64_t window,
		  struct kw_source source)
{
	*tally = (struct kw_tally){.namer = &options->namer, .source = source};
	kw_aggregate_open(&tally->aggregate, options->services, window);
	if (source.programs)
		source.programs(&tally->aggregate.programs);
	tally->overflows = source.overflows ? source.overflows() : 0;
	tally->names = calloc(KW_TALLY_NAMES, sizeof(*tally->names));
	return tally->names ? 0 : kw_log_error(-ENOMEM, "out of memory");
}

void kw_tally_close(struct kw_tally *tally)
{
	kw_aggregate_close(&tally->aggregate);
	free(tally->names);
	tally->names = NULL;
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

static uint32_t place_of(const struct kw_identity *part)
{
	uint64_t words[sizeof(*part) / sizeof(uint64_t)], hash = 0;

	memcpy(words, part, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(hash >> 32) % KW_TALLY_NAMES;
}

/* With --service-by cgroup the name is made anew each time, because the path may change. */
const struct kw_service *kw_tally_service(struct kw_tally *tally, const struct kw_identity *identity)
{
	struct kw_identity part = part_of(tally->namer, identity);
	struct kw_tally_name *name = &tally->names[place_of(&part)];
	const char *cgroup = NULL;

	if (is_by_cgroup(tally->namer))
		cgroup = kw_source_cgroup(&tally->source, identity->cgroup);
	else if (name->service.name[0] && memcmp(&name->identity, &part, sizeof(part)) == 0)
		return &name->service;
	name->identity = part;
	kw_service_name(tally->namer, identity, cgroup, &name->service);
	return &name->service;
}

static void note_overflows(struct kw_tally *tally)
{
	uint64_t before = tally->overflows;

	if (!tally->source.overflows)
		return;
	tally->overflows = tally->source.overflows();
	if (tally->overflows > before)
		kw_aggregate_overflows(&tally->aggregate, tally->overflows - before);
}

int kw_tally_event(struct kw_tally *tally, const struct kw_event *event, const struct kw_verdict *verdict)
{
	int r = 0;

	if (event->totals) {
		r = kw_aggregate_totals(&tally->aggregate, event->totals);
		note_overflows(tally);
	} else if (event->connection)
		r = kw_aggregate_connection(&tally->aggregate,
					    kw_tally_service(tally, &event->connection->identity), event,
					    verdict);
	else if (event->late)
		r = kw_aggregate_late(&tally->aggregate, kw_tally_service(tally, &event->late->identity),
				      event);
	return r < 0 ? kw_log_error(r, "out of memory") : 0;
}
