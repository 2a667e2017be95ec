/* SPDX-License-Identifier: BSD-2-Clause */
/* Many connections of one service, and what is found out about them. */
#ifndef KEEPWATCH_TEST_WORLD_H
#define KEEPWATCH_TEST_WORLD_H

#include <math.h>

#include "finding/overview.h"
#include "tests/unit/events.h"

#define START (1000 * KW_S)

struct world {
	struct kw_aggregate aggregate;
	struct kw_overview overview;
	uint64_t now;
	uint64_t cookie;
};

static inline void open_world(struct world *world)
{
	*world = (struct world){.now = START};
	kw_aggregate_open(&world->aggregate, 100, 0);
	world->aggregate.started = START;
}

/* Adds connections like this one, a second apart from each other unless @apart says otherwise. */
static inline void add(struct world *world, int count, uint64_t apart, struct kw_event_connection event,
		       struct kw_verdict verdict)
{
	struct kw_service service = event_service(event.identity.role, "s");

	if (!verdict.idle_before)
		verdict.idle_before = event.http.idle_before_last ? (int64_t)event.http.idle_before_last
								  : KW_DURATION_UNKNOWN;
	for (int i = 0; i < count; i++) {
		struct kw_event decoded;

		world->now += apart;
		event.header.time = verdict.closed = event.ending.time = event.closing.time = world->now;
		event.opened = event.established = world->now - 10 * KW_S;
		event.identity.cookie = ++world->cookie;
		assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
		assert_int_equal(kw_aggregate_connection(&world->aggregate, &service, &decoded, &verdict), 0);
	}
}

static inline void conclude(struct world *world)
{
	assert_int_equal(kw_aggregate_settle(&world->aggregate, UINT64_MAX), 0);
	assert_int_equal(kw_overview_make(&world->aggregate, &world->overview), 0);
}

static inline void close_world(struct world *world)
{
	kw_overview_free(&world->overview);
	kw_aggregate_close(&world->aggregate);
}

static inline const struct kw_finding *find(const struct world *world, enum kw_finding_id id)
{
	for (size_t i = 0; i < world->overview.finding_count; i++)
		if (world->overview.findings[i].finding->id == id)
			return world->overview.findings[i].finding;
	return NULL;
}

/* It is raised, is the first of all, is this severe, and says something. */
static inline const struct kw_finding *first(const struct world *world, enum kw_finding_id id,
					     enum kw_severity severity)
{
	const struct kw_finding *finding;

	assert_true(world->overview.finding_count > 0);
	finding = world->overview.findings[0].finding;
	assert_string_equal(kw_finding_name(finding->id), kw_finding_name(id));
	assert_int_equal(finding->severity, severity);
	assert_true(strlen(finding->summary) > 20 && strlen(finding->summary) < KW_FINDING_SUMMARY - 1);
	for (size_t i = 0; i < finding->advice_count; i++)
		assert_true(strlen(finding->advice[i]) < KW_FINDING_ADVICE_TEXT - 1);
	return finding;
}

static inline void assert_number(const struct kw_finding *finding, const char *name, double value)
{
	for (size_t i = 0; i < finding->number_count; i++) {
		const struct kw_number *number = &finding->numbers[i];

		if (strcmp(number->name, name) != 0)
			continue;
		if (isnan(value)
			    ? number->kind != KW_NUMBER_NULL
			    : number->kind == KW_NUMBER_NULL ||
				      (number->value - value) * (number->value - value) > 1e-6 * value * value)
			fail_msg("%s is %g in place of %g", name, number->value, value);
		return;
	}
	fail_msg("there is no number %s", name);
}

static inline void assert_advice_names(const struct kw_finding *finding, const char *setting)
{
	for (size_t i = 0; i < finding->advice_count; i++)
		if (strstr(finding->advice[i], setting))
			return;
	fail_msg("no advice names %s", setting);
}

static inline struct kw_verdict verdict_of(enum kw_reason reason, enum kw_closer closer, enum kw_phase phase)
{
	struct kw_verdict verdict = event_verdict();

	verdict.reason = reason;
	verdict.closer = closer;
	verdict.phase = phase;
	verdict.idle_at_close = phase == KW_PHASE_IDLE ? (int64_t)(5 * KW_S) : KW_DURATION_UNKNOWN;
	return verdict;
}

static inline struct kw_verdict lost(struct kw_verdict verdict)
{
	verdict.premature = KW_PREMATURE_YES;
	verdict.lost_requests = 1;
	return verdict;
}

/* Three requests, the last after an idle second; closed by its server after @idle_ms more. */
static inline struct kw_event_connection reused(uint64_t reuse_ms)
{
	struct kw_event_connection event = event_connection();

	event.http.idle_max = reuse_ms * KW_MS;
	event.samples[KW_HISTOGRAM_IDLE] = 1;
	event.sample[KW_HISTOGRAM_IDLE] = reuse_ms * KW_MS;
	return event;
}

static inline struct kw_verdict idle_close(uint64_t idle_ms)
{
	struct kw_verdict verdict = verdict_of(KW_REASON_SERVER_CLOSED_IDLE, KW_CLOSER_SERVER, KW_PHASE_IDLE);

	verdict.idle_at_close = (int64_t)(idle_ms * KW_MS);
	return verdict;
}

static inline struct kw_event_connection requests(uint32_t count)
{
	struct kw_event_connection event = event_connection();

	event.http.counts.requests_begun = event.http.counts.requests = event.http.counts.requests_ended =
		count;
	event.http.counts.responses = event.http.counts.responses_ended = count;
	event.http.counts.reused = count > 1 ? count - 1 : 0;
	return event;
}

/* Connections on which the program sent on these fields, of an end of this role. */
static inline void forward(struct world *world, __u8 role, int count, const char *name, uint32_t timeout)
{
	struct kw_service service = event_service(role, "s");
	struct kw_forwarded forwarded = {
		.identity = {.role = role}, .time = world->now, .first = true, .timeout = timeout, .count = 1};

	strcpy(forwarded.names[0], name);
	for (int i = 0; i < count; i++) {
		forwarded.identity.cookie = ++world->cookie;
		assert_int_equal(kw_aggregate_forwarded(&world->aggregate, &service, &forwarded), 0);
	}
}

#endif
