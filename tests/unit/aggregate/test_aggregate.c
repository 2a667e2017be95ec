/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "aggregate/aggregate.h"
#include "tests/unit/aggregate/counters_of.h"
#include "tests/unit/events.h"

/* Decodes @data as the loader's bytes are, and counts it under a service called @name. */
static void feed(struct kw_aggregate *aggregate, const char *name, const void *data,
		 const struct kw_verdict *verdict)
{
	const struct kw_event_header *header = data;
	struct kw_event event;
	struct kw_service service;

	assert_int_equal(kw_decode(data, header->size, &event), 0);
	service = event_service(event.connection->identity.role, name);
	assert_int_equal(kw_aggregate_connection(aggregate, &service, &event, verdict), 0);
}

static void a_whole_life_in_one_record_counts_once(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	event.http.counts.requests_http10 = 1;
	event.samples[KW_HISTOGRAM_WAIT] = 1;
	event.sample[KW_HISTOGRAM_WAIT] = 2 * KW_MS;
	event.http.has_timeout = 1;
	event.http.timeout = 5;
	feed(&aggregate, "nginx:8080", &event, &verdict);
	counters = counters_of(&aggregate, "nginx:8080");
	assert_int_equal(traffic_of(counters)->opened, 1);
	assert_int_equal(traffic_of(counters)->preexisting, 0);
	assert_int_equal(counters->open, 0);
	assert_int_equal(traffic_of(counters)->closed[KW_REASON_SERVER_IDLE_TIMEOUT][KW_CLOSER_SERVER], 1);
	assert_int_equal(traffic_of(counters)->requests[0], 1);
	assert_int_equal(traffic_of(counters)->requests[1], 2);
	assert_int_equal(traffic_of(counters)->reused, 2);
	assert_int_equal(counters->codes[1], 3);
	assert_int_equal(counters->request.keep_alive, 3);
	assert_int_equal(counters->protocols[KW_PROTOCOL_HTTP11], 1);
	assert_int_equal(counters->connection_requests[3], 1); /* up to 3 */
	assert_int_equal(counters->connection_requests_sum, 3);
	assert_int_equal(counters->duration.sum, 5 * KW_S);
	assert_int_equal(counters->close_idle[KW_CLOSER_SERVER].sum, 4 * KW_S);
	assert_int_equal(traffic_of(counters)->wait.sum, 2 * KW_MS);
	assert_int_equal(
		traffic_of(counters)
			->wait.buckets[kw_histogram_bucket(kw_histogram_bounds[KW_HISTOGRAM_WAIT], 2 * KW_MS)],
		1);
	assert_true(counters->has_advertised_timeout);
	assert_int_equal(counters->advertised_timeout, 5);
	kw_aggregate_close(&aggregate);
}

static void a_long_life_counts_each_thing_once_whatever_the_number_of_reports(void **state)
{
	struct kw_event_history first = event_history(), second = event_history(), last = event_history();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	first.connection.report = KW_REPORT_PROGRESS;
	first.histograms[KW_HISTOGRAM_IDLE][3] = 2;
	first.sums[KW_HISTOGRAM_IDLE] = 100;
	feed(&aggregate, "nginx:8080", &first, NULL);
	counters = counters_of(&aggregate, "nginx:8080");
	assert_int_equal(counters->open, 1);
	assert_int_equal(traffic_of(counters)->requests[1], 3);
	assert_int_equal(counters->duration.sum, 0);

	second.connection.report = KW_REPORT_PROGRESS;
	second.connection.reported = 1;
	second.connection.http.counts.requests = 10;
	second.before = first.connection.http.counts;
	feed(&aggregate, "nginx:8080", &second, NULL);
	assert_int_equal(traffic_of(counters)->opened, 1);
	assert_int_equal(counters->open, 1);
	assert_int_equal(traffic_of(counters)->requests[1], 10);

	last.connection.reported = 1;
	last.connection.http.counts.requests = 12;
	last.before = second.connection.http.counts;
	last.histograms[KW_HISTOGRAM_IDLE][3] = 1;
	last.sums[KW_HISTOGRAM_IDLE] = 50;
	feed(&aggregate, "nginx:8080", &last, &verdict);
	assert_int_equal(traffic_of(counters)->opened, 1);
	assert_int_equal(counters->open, 0);
	assert_int_equal(traffic_of(counters)->requests[1], 12);
	assert_int_equal(counters->codes[1], 3);
	assert_int_equal(traffic_of(counters)->reused, 2);
	assert_int_equal(traffic_of(counters)->requests[0], 0);
	assert_int_equal(counters->request.keep_alive, 3);
	assert_int_equal(counters->response.keep_alive, 3);
	assert_int_equal(traffic_of(counters)->reuse_idle.buckets[3], 3);
	assert_int_equal(traffic_of(counters)->reuse_idle.sum, 150);
	assert_int_equal(counters->connection_requests_sum, 12);
	kw_aggregate_close(&aggregate);
}

static void a_connection_that_is_older_is_preexisting_and_has_no_duration(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	event.identity.preexisting = 1;
	feed(&aggregate, "a", &event, &verdict);
	counters = counters_of(&aggregate, "a");
	assert_int_equal(traffic_of(counters)->opened, 0);
	assert_int_equal(traffic_of(counters)->preexisting, 1);
	assert_int_equal(counters->open, 0);
	assert_int_equal(counters->duration.sum, 0);
	kw_aggregate_close(&aggregate);
}

static void a_failed_connect_counts_nowhere_else(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	event.established = 0;
	verdict.reason = KW_REASON_CONNECT_REFUSED;
	feed(&aggregate, "a", &event, &verdict);
	counters = counters_of(&aggregate, "a");
	assert_int_equal(traffic_of(counters)->failed[KW_REASON_CONNECT_REFUSED], 1);
	assert_int_equal(traffic_of(counters)->closed[KW_REASON_CONNECT_REFUSED][KW_CLOSER_SERVER], 0);
	assert_int_equal(traffic_of(counters)->opened, 0);
	assert_int_equal(counters->open, 0);
	assert_int_equal(traffic_of(counters)->requests[1], 0);
	assert_int_equal(counters->protocols[KW_PROTOCOL_HTTP11], 0);
	kw_aggregate_close(&aggregate);
}

static void lost_requests_are_told_apart_by_method(void **state)
{
	const struct {
		uint32_t lost;
		uint8_t safe, idempotent, other;
		enum kw_premature premature;
		uint64_t yes, no, unknown;
	} rows[] = {
		{1, 1, 0, 0, KW_PREMATURE_YES, 1, 0, 0},
		{1, 0, 1, 0, KW_PREMATURE_YES, 1, 0, 0},
		{1, 0, 0, 1, KW_PREMATURE_YES, 0, 1, 0},
		{1, 0, 0, 0, KW_PREMATURE_YES, 0, 0, 1}, /* a late request: nobody saw its method */
		{5, 1, 1, 1, KW_PREMATURE_YES, 2, 1, 2},
		{1, 3, 0, 0, KW_PREMATURE_YES, 1, 0, 0}, /* never more than were lost */
		{0, 0, 0, 1, KW_PREMATURE_NO, 0, 0, 0},
		{2, 2, 0, 0, KW_PREMATURE_UNKNOWN, 0, 0, 0}, /* nothing is claimed */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_event_connection event = event_connection();
		struct kw_verdict verdict = event_verdict();
		struct kw_aggregate aggregate;
		const uint64_t *lost;

		kw_aggregate_open(&aggregate, 10, 0);
		event.http.lost_safe = rows[i].safe;
		event.http.lost_idempotent = rows[i].idempotent;
		event.http.lost_other = rows[i].other;
		verdict.reason = KW_REASON_STALE_REUSE;
		verdict.premature = rows[i].premature;
		verdict.lost_requests = rows[i].lost;
		feed(&aggregate, "a", &event, &verdict);
		lost = traffic_of(counters_of(&aggregate, "a"))->lost_requests[KW_REASON_STALE_REUSE];
		assert_int_equal(lost[KW_RETRYABLE_YES], rows[i].yes);
		assert_int_equal(lost[KW_RETRYABLE_NO], rows[i].no);
		assert_int_equal(lost[KW_RETRYABLE_UNKNOWN], rows[i].unknown);
		kw_aggregate_close(&aggregate);
	}
}

static void a_late_request_counts_as_late_whenever_it_is_learnt_of(void **state)
{
	struct kw_event_connection connection = event_connection();
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, 9 * KW_S}};
	struct kw_service service = event_service(KW_ROLE_SERVER, "a");
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;
	struct kw_event event;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	verdict.late_request = true;
	verdict.premature = KW_PREMATURE_YES;
	verdict.lost_requests = 1;
	feed(&aggregate, "a", &connection, &verdict);
	counters = counters_of(&aggregate, "a");
	assert_int_equal(traffic_of(counters)->lost_requests[KW_REASON_LATE][KW_RETRYABLE_UNKNOWN], 1);
	assert_int_equal(
		traffic_of(counters)->lost_requests[KW_REASON_SERVER_IDLE_TIMEOUT][KW_RETRYABLE_UNKNOWN], 0);
	assert_int_equal(kw_decode(&late, sizeof(late), &event), 0);
	assert_int_equal(kw_aggregate_late(&aggregate, &service, &event), 0);
	assert_int_equal(traffic_of(counters)->lost_requests[KW_REASON_LATE][KW_RETRYABLE_UNKNOWN], 2);
	assert_int_equal(counters->last_event, 9 * KW_S);
	assert_int_equal(traffic_of(counters)->closed[KW_REASON_SERVER_IDLE_TIMEOUT][KW_CLOSER_SERVER], 1);
	kw_aggregate_close(&aggregate);
}

static void half_closed_connections_count_until_they_are_closed(void **state)
{
	struct kw_event_history event = event_history();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	event.connection.report = KW_REPORT_PROGRESS;
	event.connection.half_closed = 1;
	feed(&aggregate, "a", &event, NULL);
	assert_int_equal(counters_of(&aggregate, "a")->half_closed, 1);
	event.connection.reported = 1;
	event.connection.half_closed_before = 1;
	feed(&aggregate, "a", &event, NULL);
	assert_int_equal(counters_of(&aggregate, "a")->half_closed, 1);
	event.connection.report = KW_REPORT_CLOSED;
	event.connection.half_closed = 0;
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(counters_of(&aggregate, "a")->half_closed, 0);
	kw_aggregate_close(&aggregate);
}

static void lateness_counts_only_where_it_is_known(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	verdict.phase = KW_PHASE_WAITING;
	verdict.idle_at_close = KW_DURATION_UNKNOWN;
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(counters_of(&aggregate, "a")->lateness.sum, 0);
	verdict.late_by = 400;
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(counters_of(&aggregate, "a")->lateness.sum, 400);
	assert_int_equal(counters_of(&aggregate, "a")->close_idle[KW_CLOSER_SERVER].sum, 0);
	verdict.reason = KW_REASON_STALE_REUSE;
	verdict.idle_before = KW_DURATION_UNKNOWN; /* from which nothing can be taken off */
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(counters_of(&aggregate, "a")->lateness.sum, 800);
	kw_aggregate_close(&aggregate);
}

static void hop_by_hop_fields_count_by_registered_name_or_as_other(void **state)
{
	struct kw_event_history event = event_history();
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	event.connection.report = KW_REPORT_PROGRESS;
	strcpy(event.names[0].name, "x-debug-token");
	event.names[0].count = 3;
	strcpy(event.names[1].name, "content-length");
	event.names[1].count = 2;
	memset(event.names[2].name, 'n', HTTP1_WORD); /* as long as can be: no NUL */
	event.names[2].count = 1;
	event.names_more = 10;
	feed(&aggregate, "a", &event, NULL);
	counters = counters_of(&aggregate, "a");
	for (int i = 0; i < KW_FIELDS - 1; i++)
		assert_int_equal(counters->fields[i], strcmp(kw_field_names[i], "content-length") == 0 ? 2 : 0);
	assert_int_equal(counters->fields[KW_FIELDS - 1], 14);
	kw_aggregate_close(&aggregate);
}

static void past_the_ceiling_all_count_under_other(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, 2, 0);
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s%d", i);
		feed(&aggregate, name, &event, &verdict);
		feed(&aggregate, name, &event, &verdict);
	}
	assert_int_equal(traffic_of(counters_of(&aggregate, "s0"))->opened, 2);
	assert_int_equal(traffic_of(counters_of(&aggregate, "s1"))->opened, 2);
	assert_null(counters_of(&aggregate, "s2"));
	assert_int_equal(traffic_of(counters_of(&aggregate, KW_OTHER_SERVICE))->opened, 6);
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_CEILING], 3); /* each refused name once */
	event.identity.role = KW_ROLE_CLIENT;
	feed(&aggregate, "s9", &event, &verdict);
	assert_int_equal(HASH_COUNT(aggregate.services), 4); /* "other" of either role */
	kw_aggregate_close(&aggregate);
}

static struct kw_event_totals totals_at(uint64_t time)
{
	return (struct kw_event_totals){.header = {KW_EVENT_TOTALS, sizeof(struct kw_event_totals), 0, time}};
}

static void dropped_records_count_once_under_other(void **state)
{
	struct kw_event_totals totals = totals_at(10 * KW_S);
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	assert_null(aggregate.services);
	totals.totals.dropped[KW_ROLE_SERVER] =
		(struct kw_total){.opened = 3, .preexisting = 1, .closed = 5, .requests = 20, .responses = 19};
	totals.totals.dropped_half_closed[KW_ROLE_SERVER] = 2;
	totals.totals.lost[KW_LOST_CLOSED] = 5;
	assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	totals.header.time += KW_S;
	assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	counters = counters_of(&aggregate, KW_OTHER_SERVICE);
	assert_int_equal(counters->service.role, KW_ROLE_SERVER);
	assert_int_equal(traffic_of(counters)->closed[KW_REASON_LOST][KW_CLOSER_UNKNOWN], 5);
	assert_int_equal(traffic_of(counters)->opened, 3);
	assert_int_equal(traffic_of(counters)->preexisting, 1);
	assert_int_equal(counters->open, -1); /* one of them was counted open elsewhere */
	assert_int_equal(counters->half_closed, -2);
	assert_int_equal(traffic_of(counters)->requests[KW_VERSIONS - 1], 20);
	assert_int_equal(counters->codes[KW_CODES - 1], 19);
	assert_int_equal(aggregate.totals.lost[KW_LOST_CLOSED], 5);
	kw_aggregate_close(&aggregate);
}

/* The kernel's never fall. Those of a recording that somebody made could go up and down until a sum overflows. */
static void totals_that_fall_stand_still(void **state)
{
	const uint64_t most = (1ULL << KW_TOTAL_BITS) - 1;
	struct kw_event_totals totals = totals_at(10 * KW_S);
	struct kw_total *dropped = &totals.totals.dropped[KW_ROLE_SERVER];
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	for (uint64_t i = 1; i <= 5000; i++) {
		*dropped = (struct kw_total){.opened = i % 2 ? most : 0, .closed = i};
		totals.totals.dropped_half_closed[KW_ROLE_SERVER] = i % 2 ? most : 0;
		assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	}
	assert_int_equal(counters_of(&aggregate, KW_OTHER_SERVICE)->open, (int64_t)most - 5000);
	assert_int_equal(counters_of(&aggregate, KW_OTHER_SERVICE)->half_closed, -(int64_t)most);
	assert_int_equal(traffic_of(counters_of(&aggregate, KW_OTHER_SERVICE))->opened, most);
	kw_aggregate_close(&aggregate);
}

static void things_that_no_program_saw_are_added_to_those_lost_on_the_way(void **state)
{
	struct kw_event_totals totals = totals_at(10 * KW_S);
	struct kw_event_unseen unseen = event_unseen(1, 0, 20);
	struct kw_aggregate aggregate;
	struct kw_losses losses;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	totals.totals.lost[KW_LOST_LATE] = 7;
	assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	kw_aggregate_unseen(&aggregate, &unseen);
	unseen = event_unseen(4, 2, 900);
	unseen.header.time = 11 * KW_S;
	kw_aggregate_unseen(&aggregate, &unseen);
	assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0); /* leaves them as they are */
	losses = kw_aggregate_losses(&aggregate);
	assert_int_equal(losses.dropped, 7);
	assert_int_equal(losses.unseen, 6);
	assert_int_equal(aggregate.unseen.softirqs, 900);
	assert_int_equal(aggregate.now, 11 * KW_S);
	assert_null(aggregate.services);
	kw_aggregate_close(&aggregate);
}

static void a_service_goes_after_an_idle_hour_unless_something_is_open(void **state)
{
	struct kw_event_connection closed = event_connection();
	struct kw_event_history open = event_history();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	struct kw_event_totals before = totals_at(closed.header.time + KW_SERVICE_IDLE - 1);
	struct kw_event_totals after = totals_at(closed.header.time + KW_SERVICE_IDLE);

	(void)state;
	kw_aggregate_open(&aggregate, 2, 0);
	open.connection.report = KW_REPORT_PROGRESS;
	feed(&aggregate, "idle", &closed, &verdict);
	feed(&aggregate, "open", &open, NULL);
	assert_int_equal(kw_aggregate_totals(&aggregate, &before), 0);
	assert_non_null(counters_of(&aggregate, "idle"));
	assert_int_equal(kw_aggregate_totals(&aggregate, &after), 0);
	assert_null(counters_of(&aggregate, "idle"));
	assert_non_null(counters_of(&aggregate, "open"));
	assert_int_equal(aggregate.dropped[KW_SERVICE_DROPPED_IDLE], 1);
	feed(&aggregate, "next", &closed, &verdict); /* its place is free */
	assert_non_null(counters_of(&aggregate, "next"));
	kw_aggregate_close(&aggregate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_life_in_one_record_counts_once),
		cmocka_unit_test(a_long_life_counts_each_thing_once_whatever_the_number_of_reports),
		cmocka_unit_test(a_connection_that_is_older_is_preexisting_and_has_no_duration),
		cmocka_unit_test(a_failed_connect_counts_nowhere_else),
		cmocka_unit_test(lost_requests_are_told_apart_by_method),
		cmocka_unit_test(a_late_request_counts_as_late_whenever_it_is_learnt_of),
		cmocka_unit_test(half_closed_connections_count_until_they_are_closed),
		cmocka_unit_test(lateness_counts_only_where_it_is_known),
		cmocka_unit_test(hop_by_hop_fields_count_by_registered_name_or_as_other),
		cmocka_unit_test(past_the_ceiling_all_count_under_other),
		cmocka_unit_test(dropped_records_count_once_under_other),
		cmocka_unit_test(totals_that_fall_stand_still),
		cmocka_unit_test(things_that_no_program_saw_are_added_to_those_lost_on_the_way),
		cmocka_unit_test(a_service_goes_after_an_idle_hour_unless_something_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
