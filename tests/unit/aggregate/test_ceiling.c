/* SPDX-License-Identifier: BSD-2-Clause */
/* However many services there are, memory and the size of a scrape stay where the ceiling puts them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "output/metrics/metrics.h"
#include "tests/unit/events.h"

#define CEILING 100
#define SERVICES 10000
#define WINDOW (600 * KW_S)
#define MEBI (1UL << 20)
#define A_WIDE_SERVICE (900UL << 10) /* the same, when each sketch of each span is full */
#define A_SERVICE (128UL << 10)      /* of memory, at most: its counts, and ten spans of statistics */

/* A connection that lived for a while, to a service of this number, closed at this time. */
static void feed(struct kw_aggregate *aggregate, unsigned int number, uint64_t time, unsigned int turn)
{
	static const enum kw_reason reasons[] = {KW_REASON_SERVER_IDLE_TIMEOUT, KW_REASON_CLIENT_CLOSED_IDLE,
						 KW_REASON_ANNOUNCED_BY_RESPONSE, KW_REASON_STALE_REUSE};
	struct kw_event_history history = event_history();
	struct kw_verdict verdict = event_verdict();
	struct kw_service service = {.role = KW_ROLE_CLIENT};
	struct kw_event event;

	snprintf(service.name, sizeof(service.name), "10.%u.%u.%u:8080", number >> 16, number >> 8 & 255,
		 number & 255);
	history.connection.identity.role = KW_ROLE_CLIENT;
	history.connection.header.time = verdict.closed = time;
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i += 3)
		history.histograms[KW_HISTOGRAM_IDLE][i] = history.histograms[KW_HISTOGRAM_WAIT][i] = 1;
	verdict.reason = reasons[turn % 4];
	verdict.closer = turn % 4 == 1 ? KW_CLOSER_CLIENT : KW_CLOSER_SERVER;
	verdict.idle_at_close = (int64_t)((turn * 7919 % 60000) * KW_MS);
	verdict.late_by = verdict.reason == KW_REASON_STALE_REUSE ? (int64_t)KW_MS : KW_DURATION_UNKNOWN;
	assert_int_equal(kw_decode(&history, sizeof(history), &event), 0);
	assert_int_equal(kw_aggregate_connection(aggregate, &service, &event, &verdict), 0);
}

static void pass_time(struct kw_aggregate *aggregate, uint64_t time)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};

	assert_int_equal(kw_aggregate_totals(aggregate, &totals), 0);
}

static size_t scrape_size(struct kw_aggregate *aggregate)
{
	struct kw_metrics metrics = {.aggregate = aggregate};
	size_t length;
	char *text;

	assert_int_equal(kw_metrics_write(&metrics, true, &text, &length), 0);
	free(text);
	return length;
}

static size_t memory_in_use(void)
{
	return mallinfo2().uordblks;
}

/* All that was ever counted; valid until the next call. */
static const struct kw_traffic *traffic_of(const struct kw_service_counters *counters)
{
	static struct kw_traffic total;

	kw_window_total(&counters->window, &total);
	return &total;
}

static uint64_t opened(const struct kw_aggregate *aggregate)
{
	uint64_t sum = 0;

	for (const struct kw_service_counters *counters = aggregate->services; counters;
	     counters = counters->hh.next)
		sum += traffic_of(counters)->opened;
	return sum;
}

static void ten_thousand_services_take_the_room_of_a_hundred(void **state)
{
	size_t before = memory_in_use(), at_ceiling = 0, size_at_ceiling = 0;
	struct kw_aggregate aggregate;
	uint64_t time = 10 * KW_S;

	(void)state;
	kw_aggregate_open(&aggregate, CEILING, WINDOW);
	for (unsigned int number = 0; number < SERVICES; number++) {
		for (unsigned int turn = 0; turn < 20; turn++, time += 5 * KW_MS)
			feed(&aggregate, number, time, turn);
		pass_time(&aggregate, time);
		if (number == CEILING) { /* and "other" has begun */
			at_ceiling = memory_in_use() - before;
			size_at_ceiling = scrape_size(&aggregate);
		}
	}
	print_message("at the ceiling: %zu bytes of memory, a scrape of %zu; at %d services: %zu, and %zu\n",
		      at_ceiling, size_at_ceiling, SERVICES, memory_in_use() - before, scrape_size(&aggregate));
	assert_int_equal(HASH_COUNT(aggregate.services), CEILING + 1);
	assert_int_equal(opened(&aggregate), SERVICES * 20);
	assert_true(memory_in_use() - before < at_ceiling + A_SERVICE);
	assert_true(at_ceiling < (CEILING + 1) * A_SERVICE);
	assert_true(scrape_size(&aggregate) < size_at_ceiling + size_at_ceiling / CEILING * 2);
	assert_true(scrape_size(&aggregate) < 2 * MEBI);
	/* Some names share a bit of the table by which they count once. */
	assert_in_range(aggregate.dropped[KW_SERVICE_DROPPED_CEILING], 9000, SERVICES - CEILING);
	kw_aggregate_close(&aggregate);
	assert_true(memory_in_use() <= before + A_SERVICE);
}

/* A service of this number, whose connection ended at @time in a way that fills all it can, with numbers of every size. */
static void feed_widely(struct kw_aggregate *aggregate, unsigned int number, uint64_t time)
{
	static const enum kw_reason reasons[] = {
		KW_REASON_SERVER_IDLE_TIMEOUT, KW_REASON_CLIENT_CLOSED_IDLE,    KW_REASON_CLIENT_GAVE_UP,
		KW_REASON_NO_RESPONSE,         KW_REASON_ANNOUNCED_BY_RESPONSE, KW_REASON_RESPONSE_TRUNCATED,
		KW_REASON_STALE_REUSE,         KW_REASON_CLOSED_BEFORE_TIMEOUT};
	struct kw_service service = event_service(KW_ROLE_CLIENT, "");
	struct kw_event_history history = event_history();
	struct kw_verdict verdict = event_verdict();
	int64_t wide = (int64_t)(1ULL << random() % 42) + random() % 1000000;
	struct kw_event event;

	snprintf(service.name, sizeof(service.name), "wide%u", number);
	history.connection.header.time = verdict.closed = time;
	history.connection.http.counts.requests = (uint32_t)random() >> random() % 31;
	verdict.reason = reasons[random() % 8];
	verdict.closer = random() % 2 ? KW_CLOSER_SERVER : KW_CLOSER_CLIENT;
	verdict.phase = random() % 2 ? KW_PHASE_IDLE : KW_PHASE_WAITING;
	verdict.idle_at_close = verdict.idle_before = verdict.waited = verdict.stalled = verdict.late_by = wide;
	assert_int_equal(kw_decode(&history, sizeof(history), &event), 0);
	assert_int_equal(kw_aggregate_connection(aggregate, &service, &event, &verdict), 0);
}

/* The largest sketch of those that the feed above fills most, in bins. */
static uint32_t largest_sketch(const struct kw_aggregate *aggregate)
{
	uint32_t largest = 0;

	for (const struct kw_service_counters *at = aggregate->services; at; at = at->hh.next)
		for (int i = 0; i < KW_SPANS; i++) {
			const struct kw_window_statistics *statistics = at->window.spans[i].statistics;
			const struct kw_sketch *sketches[] = {&statistics->close_idle, &statistics->client_idle,
							      &statistics->gave_up, &statistics->unanswered,
							      &statistics->not_drained.idle};

			for (int k = 0; statistics && k < 5; k++)
				if (sketches[k]->capacity > largest)
					largest = sketches[k]->capacity;
		}
	return largest;
}

/* Memory may grow for twice the time of the window, and then no more: not by a byte for a connection. */
static void memory_is_bounded_however_many_services_come_and_whatever_they_do(void **state)
{
	enum {
		FEW = 2,
		PER_SPAN = 20000
	};
	size_t before = memory_in_use(), warm = 0, most = 0;
	struct kw_aggregate aggregate;
	uint64_t time = 10 * KW_S;
	unsigned int number = 0;

	(void)state;
	srandom(1);
	kw_aggregate_open(&aggregate, FEW, WINDOW);
	for (int span = 0; span < 3 * KW_SPANS; span++) {
		for (unsigned int i = 0; i < PER_SPAN; i++, time += WINDOW / KW_SPANS / PER_SPAN) {
			/* Some are old acquaintances, all others are ever new. */
			feed_widely(&aggregate, random() % 2 ? (unsigned int)random() % FEW : FEW + number++,
				    time);
			if (i % 300 == 0)
				pass_time(&aggregate, time);
		}
		most = memory_in_use() - before > most ? memory_in_use() - before : most;
		if (span < 2 * KW_SPANS)
			warm = most;
	}
	print_message("%u services: %zu bytes at most in the first %d spans, %zu in all %d\n", number, warm,
		      2 * KW_SPANS, most, 3 * KW_SPANS);
	assert_int_equal(largest_sketch(&aggregate), KW_SKETCH_KEPT);
	assert_true(most <= (FEW + 1) * A_WIDE_SERVICE);
	assert_true(most < warm + A_SERVICE);
	kw_aggregate_close(&aggregate);
}

/* A hundred services an hour, for a hundred hours: each has its place, since those before it gave theirs up. */
static void services_that_come_and_go_have_their_places_in_turn(void **state)
{
	size_t before = memory_in_use(), first_hour = 0;
	struct kw_aggregate aggregate;
	uint64_t time = 10 * KW_S;

	(void)state;
	kw_aggregate_open(&aggregate, CEILING, WINDOW);
	for (unsigned int hour = 0; hour < SERVICES / CEILING; hour++) {
		for (unsigned int number = 0; number < CEILING; number++)
			feed(&aggregate, hour * CEILING + number, time, number);
		assert_int_equal(HASH_COUNT(aggregate.services), CEILING);
		assert_int_equal(opened(&aggregate), CEILING);
		if (hour == 0)
			first_hour = memory_in_use() - before;
		time += KW_SERVICE_IDLE;
		pass_time(&aggregate, time);
		assert_int_equal(HASH_COUNT(aggregate.services), 0);
	}
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_IDLE], SERVICES);
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_CEILING], 0);
	assert_true(memory_in_use() - before < first_hour + A_SERVICE);
	kw_aggregate_close(&aggregate);
}

/* It takes four milliseconds of a processor's time, and is to take less than ten; only far more than that is told
 * here, where the machine may be slow. */
static void a_scrape_of_a_hundred_services_takes_some_milliseconds(void **state)
{
	struct kw_aggregate aggregate;
	clock_t best = CLOCKS_PER_SEC;

	(void)state;
	kw_aggregate_open(&aggregate, CEILING, WINDOW);
	for (unsigned int turn = 0; turn < 200; turn++)
		for (unsigned int number = 0; number < CEILING; number++)
			feed(&aggregate, number, (10 + turn) * KW_S, turn);
	for (int i = 0; i < 20; i++) {
		clock_t start = clock(), took;

		assert_true(scrape_size(&aggregate) < 2 * MEBI);
		took = clock() - start;
		best = took < best ? took : best;
	}
	print_message("%.1f ms\n", (double)best * 1e3 / CLOCKS_PER_SEC);
	assert_true(best < CLOCKS_PER_SEC / 10);
	kw_aggregate_close(&aggregate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_services_take_the_room_of_a_hundred),
		cmocka_unit_test(memory_is_bounded_however_many_services_come_and_whatever_they_do),
		cmocka_unit_test(services_that_come_and_go_have_their_places_in_turn),
		cmocka_unit_test(a_scrape_of_a_hundred_services_takes_some_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
