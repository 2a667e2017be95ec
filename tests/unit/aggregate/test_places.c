/* SPDX-License-Identifier: BSD-2-Clause */
/* More services than places: who has one, and that nothing is counted twice or not at all when places change hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregate/aggregate.h"
#include "tests/unit/aggregate/counters_of.h"
#include "tests/unit/events.h"

#define PLACES 3

/* One connection, from its beginning to its end. */
struct act {
	uint64_t time;     /* ns */
	uint32_t requests; /* 0: it was never used */
	uint32_t lost;     /* of these */
	bool refused;
};

static void feed_event(struct kw_aggregate *aggregate, const char *name, struct kw_event_history *history,
		       const struct kw_verdict *verdict)
{
	struct kw_service service = event_service(KW_ROLE_CLIENT, name);
	struct kw_event event;

	history->connection.identity.role = KW_ROLE_CLIENT;
	assert_int_equal(kw_decode(history, sizeof(*history), &event), 0);
	assert_int_equal(kw_aggregate_connection(aggregate, &service, &event, verdict), 0);
}

static void feed(struct kw_aggregate *aggregate, const char *name, struct act act)
{
	struct kw_event_history history = event_history();
	struct kw_verdict verdict = event_verdict();
	struct kw_counts *counts = &history.connection.http.counts;

	*counts = (struct kw_counts){.requests_begun = act.requests, .requests = act.requests};
	history.connection.header.time = history.connection.ending.time = verdict.closed = act.time;
	if (act.lost) {
		verdict.reason = KW_REASON_NO_RESPONSE;
		verdict.premature = KW_PREMATURE_YES;
		verdict.lost_requests = act.lost;
	}
	if (act.refused) {
		history.connection.established = 0;
		verdict.reason = KW_REASON_CONNECT_REFUSED;
	}
	feed_event(aggregate, name, &history, &verdict);
}

static void pass_time(struct kw_aggregate *aggregate, uint64_t time)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};

	assert_int_equal(kw_aggregate_totals(aggregate, &totals), 0);
}

static const char *name_of(const char *kind, unsigned int number)
{
	static char name[32];

	snprintf(name, sizeof(name), "%s%u", kind, number);
	return name;
}

/* Takes all places with services of one request each. */
static void open_full(struct kw_aggregate *aggregate, uint64_t time)
{
	kw_aggregate_open(aggregate, PLACES, 600 * KW_S);
	for (unsigned int i = 0; i < PLACES; i++)
		feed(aggregate, name_of("old", i), (struct act){.time = time, .requests = 1});
	assert_int_equal(aggregate->count, PLACES);
}

static void connects_that_fail_keep_no_place_from_a_service(void **state)
{
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, PLACES, 600 * KW_S);
	for (unsigned int i = 0; i < 100; i++)
		feed(&aggregate, name_of("none", i), (struct act){.time = 9 * KW_S, .refused = true});
	for (unsigned int i = 0; i < PLACES; i++)
		feed(&aggregate, name_of("real", i), (struct act){.time = 10 * KW_S});
	for (unsigned int i = 0; i < PLACES; i++)
		assert_int_equal(traffic_of(counters_of(&aggregate, name_of("real", i)))->opened, 1);
	for (unsigned int i = 0; i < PLACES; i++)
		feed(&aggregate, name_of("loser", i),
		     (struct act){.time = 10 * KW_S, .requests = 1, .lost = 1});
	for (unsigned int i = 0; i < PLACES; i++)
		assert_int_equal(kw_traffic_lost(traffic_of(counters_of(&aggregate, name_of("loser", i)))), 1);
	feed(&aggregate, "none", (struct act){.time = 11 * KW_S, .refused = true});
	assert_int_equal(kw_traffic_failed(traffic_of(counters_of(&aggregate, KW_OTHER_SERVICE))), 101);
	kw_aggregate_close(&aggregate);
}

static void a_service_that_is_down_from_the_start_has_its_name_while_there_is_room(void **state)
{
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, PLACES, 600 * KW_S);
	feed(&aggregate, "down", (struct act){.time = 9 * KW_S, .refused = true});
	assert_int_equal(kw_traffic_failed(traffic_of(counters_of(&aggregate, "down"))), 1);
	kw_aggregate_close(&aggregate);
}

static void a_service_that_loses_requests_has_a_place_from_the_first_on(void **state)
{
	struct kw_aggregate aggregate;

	(void)state;
	open_full(&aggregate, 9 * KW_S);
	for (unsigned int i = 0; i < 1000; i++)
		feed(&aggregate, name_of("old", i % PLACES), (struct act){.time = 10 * KW_S, .requests = 50});
	for (unsigned int i = 0; i < 20; i++)
		feed(&aggregate, "loser", (struct act){.time = 11 * KW_S, .requests = 1, .lost = 1});
	assert_int_equal(kw_traffic_lost(traffic_of(counters_of(&aggregate, "loser"))), 20);
	assert_int_equal(traffic_of(counters_of(&aggregate, "loser"))->opened, 20);
	kw_aggregate_close(&aggregate);
}

static void traffic_takes_no_place_from_one_that_loses_requests(void **state)
{
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, PLACES, 600 * KW_S);
	for (unsigned int i = 0; i < PLACES; i++)
		feed(&aggregate, name_of("loser", i), (struct act){.time = 9 * KW_S, .requests = 1, .lost = 1});
	for (unsigned int i = 0; i < 1000; i++)
		feed(&aggregate, "busy", (struct act){.time = 10 * KW_S, .requests = 1000});
	assert_null(counters_of(&aggregate, "busy"));
	feed(&aggregate, "busy", (struct act){.time = 10 * KW_S, .requests = 1, .lost = 2});
	assert_null(counters_of(&aggregate, "busy"));
	feed(&aggregate, "busy", (struct act){.time = 10 * KW_S, .requests = 1, .lost = 1});
	assert_non_null(counters_of(&aggregate, "busy"));
	kw_aggregate_close(&aggregate);
}

static void of_those_that_lose_nothing_the_busier_have_the_places(void **state)
{
	struct kw_aggregate aggregate;

	(void)state;
	open_full(&aggregate, 9 * KW_S);
	feed(&aggregate, "old0", (struct act){.time = 9 * KW_S, .requests = 100});
	feed(&aggregate, "old2", (struct act){.time = 9 * KW_S, .requests = 100});
	/* old1 has one connection and one request, and gives way to more than twice as much. */
	feed(&aggregate, "new", (struct act){.time = 10 * KW_S, .requests = 3});
	assert_null(counters_of(&aggregate, "new"));
	feed(&aggregate, "new", (struct act){.time = 10 * KW_S});
	assert_non_null(counters_of(&aggregate, "new"));
	assert_null(counters_of(&aggregate, "old1"));
	assert_non_null(counters_of(&aggregate, "old0"));
	assert_non_null(counters_of(&aggregate, "old2"));
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_DISPLACED], 1);
	kw_aggregate_close(&aggregate);
}

static void a_newcomer_takes_the_place_of_one_that_is_idle(void **state)
{
	struct kw_aggregate aggregate;
	uint64_t later = 10 * KW_S + 2 * KW_WEIGHT_PERIOD;

	(void)state;
	open_full(&aggregate, 10 * KW_S);
	feed(&aggregate, "old0", (struct act){.time = 10 * KW_S, .requests = 1000});
	feed(&aggregate, "old1", (struct act){.time = later, .requests = 1});
	feed(&aggregate, "old2", (struct act){.time = later, .requests = 1});
	feed(&aggregate, "new", (struct act){.time = later, .requests = 1});
	assert_non_null(counters_of(&aggregate, "new"));
	assert_null(counters_of(&aggregate, "old0"));
	kw_aggregate_close(&aggregate);
}

/* A name that was seen once gives way to the next; one that was seen more often waits for a place, and has it in time. */
static void a_flood_of_names_keeps_no_place_from_a_service_of_some_traffic(void **state)
{
	struct kw_aggregate aggregate;
	uint64_t time = 10 * KW_S;

	(void)state;
	open_full(&aggregate, time);
	for (unsigned int i = 0; i < 20; i++)
		for (unsigned int k = 0; k < PLACES; k++)
			feed(&aggregate, name_of("old", k), (struct act){.time = time, .requests = 1});
	for (unsigned int i = 0; i < 100 * KW_CANDIDATES; i++) {
		feed(&aggregate, name_of("flood", i), (struct act){.time = time, .requests = 1});
		if (i % (KW_CANDIDATES / 2) == 0 && !counters_of(&aggregate, "real"))
			feed(&aggregate, "real", (struct act){.time = time, .requests = 1});
	}
	assert_non_null(counters_of(&aggregate, "real"));
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_DISPLACED], 1);
	kw_aggregate_close(&aggregate);
}

static void one_that_waits_has_a_place_as_soon_as_one_is_cheap_enough(void **state)
{
	struct kw_aggregate aggregate;
	uint64_t later = KW_WEIGHT_PERIOD + 10 * KW_S;

	(void)state;
	open_full(&aggregate, 10 * KW_S);
	feed(&aggregate, "new", (struct act){.time = later, .requests = 1});
	pass_time(&aggregate, later);
	assert_null(counters_of(&aggregate, "new"));
	pass_time(&aggregate, later + KW_WEIGHT_PERIOD);
	assert_non_null(counters_of(&aggregate, "new"));
	assert_int_equal(traffic_of(counters_of(&aggregate, "new"))->opened, 0);
	assert_int_equal(traffic_of(counters_of(&aggregate, KW_OTHER_SERVICE))->opened, 2);
	kw_aggregate_close(&aggregate);
}

static void one_that_waited_and_got_a_free_place_has_no_second(void **state)
{
	struct kw_aggregate aggregate;
	uint64_t later = 10 * KW_S + KW_SERVICE_IDLE;

	(void)state;
	open_full(&aggregate, 10 * KW_S);
	feed(&aggregate, "new", (struct act){.time = 11 * KW_S, .requests = 1});
	assert_null(counters_of(&aggregate, "new"));
	pass_time(&aggregate, later); /* the old ones go */
	feed(&aggregate, "new", (struct act){.time = later, .requests = 1});
	for (unsigned int i = 0; i < PLACES; i++)
		feed(&aggregate, name_of("next", i), (struct act){.time = later, .refused = true});
	pass_time(&aggregate, later + KW_S);
	assert_int_equal(traffic_of(counters_of(&aggregate, "new"))->opened, 1);
	assert_int_equal(aggregate.count, PLACES);
	assert_int_equal(HASH_COUNT(aggregate.services), PLACES + 1);
	assert_non_null(counters_of(&aggregate, "next0"));
	assert_int_equal(aggregate.candidates.count, 0);
	kw_aggregate_close(&aggregate);
}

/* Each change costs Prometheus a service's series. */
static void as_many_places_change_hands_in_an_hour_as_there_are(void **state)
{
	struct kw_aggregate aggregate;
	uint32_t lost = 1;

	(void)state;
	open_full(&aggregate, 10 * KW_S);
	for (unsigned int i = 0; i < 20; i++, lost = 3 * lost)
		feed(&aggregate, name_of("liar", i),
		     (struct act){.time = 10 * KW_S, .requests = 1, .lost = lost % 100000});
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_DISPLACED], PLACES);
	/* The one that matters most has the next turn, without an event of its own. */
	pass_time(&aggregate, 3600 * KW_S / PLACES + 9 * KW_S);
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_DISPLACED], PLACES);
	feed(&aggregate, "true",
	     (struct act){.time = 3600 * KW_S / PLACES + 9 * KW_S, .requests = 1, .lost = 1000000});
	assert_null(counters_of(&aggregate, "true"));
	pass_time(&aggregate, 3600 * KW_S / PLACES + 10 * KW_S);
	assert_non_null(counters_of(&aggregate, "true"));
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_DISPLACED], PLACES + 1);
	kw_aggregate_close(&aggregate);
}

static void one_that_returns_begins_at_zero_and_its_old_counts_stay_in_other(void **state)
{
	struct kw_aggregate aggregate;

	(void)state;
	open_full(&aggregate, 9 * KW_S);
	feed(&aggregate, "old0", (struct act){.time = 9 * KW_S, .requests = 10});
	feed(&aggregate, "old1", (struct act){.time = 9 * KW_S, .requests = 10});
	feed(&aggregate, "new", (struct act){.time = 10 * KW_S, .requests = 30});
	assert_null(counters_of(&aggregate, "old2"));
	assert_int_equal(kw_traffic_requests(traffic_of(counters_of(&aggregate, KW_OTHER_SERVICE))), 1);
	feed(&aggregate, "old2", (struct act){.time = 11 * KW_S, .requests = 1, .lost = 1});
	assert_int_equal(kw_traffic_requests(traffic_of(counters_of(&aggregate, "old2"))), 1);
	assert_int_equal(kw_traffic_requests(traffic_of(counters_of(&aggregate, KW_OTHER_SERVICE))), 1 + 11);
	kw_aggregate_close(&aggregate);
}

/* ---- sums ---- */

/* Numbers that are the same each time. */
static uint32_t random_below(uint32_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % below;
}

struct sum {
	struct kw_traffic traffic;
	uint64_t window_requests;
	uint64_t codes, durations, keep_alive, protocols;
	int64_t open, half_closed, half_closed_ages;
};

static void add_service(struct sum *sum, const struct kw_aggregate *aggregate,
			const struct kw_service_counters *counters)
{
	struct kw_window_statistics window;

	kw_traffic_merge(&sum->traffic, traffic_of(counters));
	assert_int_equal(kw_window_sum(&counters->window, aggregate->window, aggregate->now, &window), 0);
	sum->window_requests += kw_traffic_requests(&window.traffic);
	kw_window_statistics_free(&window);
	for (int i = 0; i < KW_CODES; i++)
		sum->codes += counters->codes[i];
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		sum->durations += counters->duration.buckets[i];
	for (int i = 0; i < KW_PROTOCOL_MAX; i++)
		sum->protocols += counters->protocols[i];
	sum->keep_alive += counters->request.keep_alive;
	sum->open += counters->open;
	sum->half_closed += counters->half_closed;
	sum->half_closed_ages += counters->half_closed_ages.old;
	for (int i = 0; i < KW_HALF_CLOSED_CELLS; i++)
		sum->half_closed_ages += counters->half_closed_ages.fresh[i].count;
}

static struct sum sum_of(const struct kw_aggregate *aggregate)
{
	struct sum sum = {0};

	for (const struct kw_service_counters *counters = aggregate->services; counters;
	     counters = counters->hh.next)
		add_service(&sum, aggregate, counters);
	return sum;
}

static void assert_same_sums(const struct kw_aggregate *many, const struct kw_aggregate *few)
{
	struct sum a = sum_of(many), b = sum_of(few);

	assert_memory_equal(&a.traffic, &b.traffic, offsetof(struct kw_traffic, gateway_errors));
	assert_int_equal(a.window_requests, b.window_requests);
	assert_int_equal(a.codes, b.codes);
	assert_int_equal(a.durations, b.durations);
	assert_int_equal(a.protocols, b.protocols);
	assert_int_equal(a.keep_alive, b.keep_alive);
	assert_int_equal(a.open, b.open);
	assert_int_equal(a.half_closed, b.half_closed);
	assert_int_equal(a.half_closed_ages, b.half_closed_ages);
}

#define NUMBERS (offsetof(struct kw_traffic, gateway_errors) / sizeof(uint64_t))

/* No number of "other" is below that of the time before, and no service of its own has less than no connection open. */
static void assert_no_fall(const struct kw_aggregate *aggregate, uint64_t before[NUMBERS])
{
	const struct kw_service_counters *other = counters_of(aggregate, KW_OTHER_SERVICE);
	uint64_t now[NUMBERS];

	for (const struct kw_service_counters *at = aggregate->services; at; at = at->hh.next)
		assert_true(at == other || (at->open >= 0 && at->half_closed >= 0));
	if (!other)
		return;
	memcpy(now, traffic_of(other), sizeof(now));
	for (size_t i = 0; i < NUMBERS; i++)
		assert_true(now[i] >= before[i]);
	memcpy(before, now, sizeof(now));
}

#define CONNECTIONS 40

/* The next report of one of several connections that live on, each of its own service; or its end. */
static void report(struct kw_aggregate *many, struct kw_aggregate *few,
		   struct kw_event_history live[CONNECTIONS], uint64_t time)
{
	unsigned int number = random_below(CONNECTIONS);
	struct kw_event_history *at = &live[number];
	struct kw_verdict verdict = event_verdict();
	bool closes = random_below(4) == 0;
	uint32_t more = random_below(1 + random_below(100));

	if (!at->connection.header.type) {
		*at = event_history();
		at->connection.http.counts = (struct kw_counts){0};
		at->connection.opened = at->connection.established = time;
	}
	at->connection.header.time = verdict.closed = time;
	at->before = at->connection.http.counts;
	at->connection.http.counts.requests_begun += more;
	at->connection.http.counts.requests += more;
	at->connection.http.counts.codes[1] += more;
	at->connection.http.counts.request.keep_alive += more;
	at->connection.report = closes ? KW_REPORT_CLOSED : KW_REPORT_PROGRESS;
	at->connection.half_closed_before = at->connection.half_closed;
	at->connection.half_closed = !closes && (at->connection.half_closed || random_below(8) == 0);
	if (at->connection.half_closed && !at->connection.half_closed_before)
		at->connection.peer_fin = time;
	if (random_below(16) == 0) {
		verdict.premature = KW_PREMATURE_YES;
		verdict.lost_requests = 1 + random_below(3);
	}
	feed_event(many, name_of("service", number), at, closes ? &verdict : NULL);
	feed_event(few, name_of("service", number), at, closes ? &verdict : NULL);
	at->connection.reported = 1;
	if (closes)
		*at = (struct kw_event_history){0};
}

static void sums_are_the_same_with_few_places_as_with_many(void **state)
{
	struct kw_event_history live[CONNECTIONS] = {0};
	struct kw_aggregate many, few;
	uint64_t before[NUMBERS] = {0};
	uint64_t time = 10 * KW_S;

	(void)state;
	kw_aggregate_open(&many, 1000, 600 * KW_S);
	kw_aggregate_open(&few, PLACES, 600 * KW_S);
	for (unsigned int i = 0; i < 20000; i++, time += KW_S / 2) {
		report(&many, &few, live, time);
		if (i % 10 == 0) {
			pass_time(&many, time);
			pass_time(&few, time);
		}
		assert_no_fall(&few, before);
		if (i % 100 == 0)
			assert_same_sums(&many, &few);
	}
	assert_same_sums(&many, &few);
	assert_int_equal(many.count, CONNECTIONS);
	assert_int_equal(few.count, PLACES);
	assert_true(few.dropped[KW_SERVICE_DROPPED_DISPLACED] > PLACES);
	assert_int_equal(many.dropped[KW_SERVICE_DROPPED_DISPLACED], 0);
	kw_aggregate_close(&many);
	kw_aggregate_close(&few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects_that_fail_keep_no_place_from_a_service),
		cmocka_unit_test(a_service_that_is_down_from_the_start_has_its_name_while_there_is_room),
		cmocka_unit_test(a_service_that_loses_requests_has_a_place_from_the_first_on),
		cmocka_unit_test(traffic_takes_no_place_from_one_that_loses_requests),
		cmocka_unit_test(of_those_that_lose_nothing_the_busier_have_the_places),
		cmocka_unit_test(a_newcomer_takes_the_place_of_one_that_is_idle),
		cmocka_unit_test(a_flood_of_names_keeps_no_place_from_a_service_of_some_traffic),
		cmocka_unit_test(one_that_waits_has_a_place_as_soon_as_one_is_cheap_enough),
		cmocka_unit_test(one_that_waited_and_got_a_free_place_has_no_second),
		cmocka_unit_test(as_many_places_change_hands_in_an_hour_as_there_are),
		cmocka_unit_test(one_that_returns_begins_at_zero_and_its_old_counts_stay_in_other),
		cmocka_unit_test(sums_are_the_same_with_few_places_as_with_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
