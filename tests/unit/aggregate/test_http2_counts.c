/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams, resets, GOAWAYs and forbidden fields of HTTP/2 count once, whatever the number of reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/aggregate/counters_of.h"
#include "tests/unit/http2_world.h"

static void feed(struct kw_aggregate *aggregate, const char *name, const struct kw_event_http2 *data,
		 const struct kw_verdict *verdict)
{
	struct kw_service service = event_service(KW_ROLE_CLIENT, name);
	struct kw_event event;

	assert_int_equal(kw_decode(data, sizeof(*data), &event), 0);
	assert_int_equal(kw_aggregate_connection(aggregate, &service, &event, verdict), 0);
}

/* The next report of the same connection: all so far was reported. */
static struct kw_event_http2 next(struct kw_event_http2 event, uint32_t open)
{
	struct kw_http2_facts *facts = &event.http2;

	event.history.connection.reported = 1;
	event.history.before = event.history.connection.http.counts;
	facts->open_before = open;
	for (int by = 0; by < 2; by++) {
		memcpy(facts->resets_before[by], facts->sides[by].resets, sizeof(facts->resets_before[by]));
		facts->goaways_before[by] = facts->sides[by].goaways;
		facts->fields_before[by] = facts->sides[by].fields;
	}
	return event;
}

static struct kw_event_http2 living(uint32_t streams, uint32_t open)
{
	struct kw_event_http2 event = http2_event(streams);

	event.history.connection.report = KW_REPORT_PROGRESS;
	begin_streams(&event, open);
	return event;
}

static struct kw_event_http2 closing(struct kw_event_http2 event)
{
	event.history.connection.report = KW_REPORT_CLOSED;
	return event;
}

static void streams_are_requests_of_version_2(void **state)
{
	struct kw_event_http2 event = living(3, 2);
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;
	struct kw_verdict verdict = event_verdict();

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	event.history.connection.http.counts.codes[1] = 2; /* the status of the third is not known */
	feed(&aggregate, "a", &event, NULL);
	counters = counters_of(&aggregate, "a");
	assert_int_equal(traffic_of(counters)->requests[KW_VERSION_2], 5);
	assert_int_equal(traffic_of(counters)->requests[1], 0);
	assert_int_equal(kw_traffic_requests(traffic_of(counters)), 5);
	assert_int_equal(counters->codes[1], 2);
	assert_int_equal(counters->codes[KW_CODES - 1], 1);
	event = closing(next(event, 2));
	event.history.connection.http.counts.responses += 1;
	event.history.connection.http.counts.codes[4] = 1;
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(traffic_of(counters)->requests[KW_VERSION_2], 5);
	assert_int_equal(counters->codes[4], 1);
	assert_int_equal(counters->codes[KW_CODES - 1], 1);
	assert_int_equal(counters->protocols[KW_PROTOCOL_H2C], 1);
	assert_int_equal(counters->connection_requests_sum, 5);
	kw_aggregate_close(&aggregate);
}

static void streams_count_as_open_until_they_end_or_their_connection_does(void **state)
{
	struct kw_event_http2 event = living(3, 2);
	struct kw_aggregate aggregate;
	const struct kw_service_counters *counters;
	struct kw_verdict verdict = event_verdict();

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	feed(&aggregate, "a", &event, NULL);
	counters = counters_of(&aggregate, "a");
	assert_int_equal(counters->streams, 2);
	event = next(event, 2);
	begin_streams(&event, 4);
	event.http2.sides[HTTP2_CLIENT].finished = 1; /* by a reset */
	event.http2.sides[HTTP2_SERVER].finished += 2;
	feed(&aggregate, "a", &event, NULL);
	assert_int_equal(counters->streams, 3);
	event = next(event, 3);
	event.history.connection.report = KW_REPORT_OPEN; /* the observer stops, they are still open */
	feed(&aggregate, "a", &event, NULL);
	assert_int_equal(counters->streams, 3);
	event = closing(next(event, 3));
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(counters->streams, 0);
	event = closing(living(3, 2)); /* a whole life in one record */
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(counters->streams, 0);
	event = living(3, 0);
	event.http2.sides[HTTP2_SERVER].finished = 4; /* seen to end before it was seen to begin */
	feed(&aggregate, "a", &event, NULL);
	assert_int_equal(counters->streams, 0);
	kw_aggregate_close(&aggregate);
}

static void streams_whose_closing_record_was_lost_are_open_no_more(void **state)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, 10 * KW_S}};
	struct kw_event_http2 event = living(3, 2);
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	feed(&aggregate, "a", &event, NULL);
	totals.totals.dropped[KW_ROLE_CLIENT].closed = 1;
	totals.totals.dropped_streams[KW_ROLE_CLIENT] = 2;
	for (int i = 0; i < 2; i++)
		assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	assert_int_equal(counters_of(&aggregate, "a")->streams, 2);
	assert_int_equal(counters_of(&aggregate, KW_OTHER_SERVICE)->streams, -2);
	kw_aggregate_close(&aggregate);
}

/* They were counted under "other", because the service had no place. */
static void streams_that_opened_elsewhere_end_there(void **state)
{
	struct kw_event_http2 event = living(3, 2);
	struct kw_aggregate aggregate;
	struct kw_verdict verdict = event_verdict();

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	feed(&aggregate, KW_OTHER_SERVICE, &event, NULL);
	event = closing(next(event, 2));
	feed(&aggregate, "a", &event, &verdict);
	assert_int_equal(counters_of(&aggregate, "a")->streams, 0);
	assert_int_equal(counters_of(&aggregate, KW_OTHER_SERVICE)->streams, 0);
	kw_aggregate_close(&aggregate);
}

static void resets_goaways_and_fields_count_once_by_their_side(void **state)
{
	struct kw_event_http2 event = living(3, 2);
	struct kw_http2_side *client = &event.http2.sides[HTTP2_CLIENT],
			     *server = &event.http2.sides[HTTP2_SERVER];
	const struct kw_http2_counts *counts;
	struct kw_aggregate aggregate;
	struct kw_verdict verdict = event_verdict();

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	client->resets[HTTP2_CODE_CANCEL] = 4;
	client->fields = 1 << HTTP2_NAME_TE | 1 << HTTP2_NAME_STATUS | 1 << HTTP2_NAME_GRPC_STATUS;
	server->resets[14] = 1; /* no code that is assigned */
	server->resets[HTTP2_CODE_OTHER] = 2;
	server->goaways = server->graceful = 1;
	feed(&aggregate, "a", &event, NULL);
	event = next(event, 2);
	client->resets[HTTP2_CODE_CANCEL] = 5;
	client->fields |= 1 << HTTP2_NAME_CONNECTION;
	client->goaways = 1;
	client->goaway_code = 2;
	server->goaways = 2;
	feed(&aggregate, "a", &event, NULL);
	event = closing(next(event, 2));
	feed(&aggregate, "a", &event, &verdict);
	counts = &counters_of(&aggregate, "a")->http2;
	assert_int_equal(counts->resets[HTTP2_CLIENT][HTTP2_CODE_CANCEL], 5);
	assert_int_equal(counts->resets[HTTP2_SERVER][HTTP2_CODE_OTHER], 3);
	assert_int_equal(counts->goaways[HTTP2_SERVER][HTTP2_CODE_NO_ERROR][1], 1);
	assert_int_equal(counts->goaways[HTTP2_CLIENT][2][0], 1);
	assert_int_equal(counts->fields[HTTP2_CLIENT][HTTP2_NAME_TE - HTTP2_NAME_CONNECTION], 1);
	assert_int_equal(counts->fields[HTTP2_CLIENT][0], 1);
	assert_int_equal(counts->fields[HTTP2_SERVER][0], 0);
	kw_aggregate_close(&aggregate);
}

/* A recording that somebody made may say anything. */
static void numbers_that_fall_add_nothing(void **state)
{
	struct kw_event_http2 event = living(3, 2);
	const struct kw_service_counters *counters;
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	event.http2.resets_before[HTTP2_CLIENT][HTTP2_CODE_CANCEL] = 7;
	event.history.connection.http.counts.codes[1] = 1000;
	feed(&aggregate, "a", &event, NULL);
	counters = counters_of(&aggregate, "a");
	assert_int_equal(counters->http2.resets[HTTP2_CLIENT][HTTP2_CODE_CANCEL], 0);
	assert_int_equal(counters->codes[KW_CODES - 1], 0);
	kw_aggregate_close(&aggregate);
}

static void the_peak_counts_at_the_close_where_it_is_known(void **state)
{
	static const struct {
		uint32_t peak;
		int bucket;
	} cases[] = {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {5, 3}, {6, 4}, {1000, 10}, {1001, 11}};
	struct kw_event_http2 event = closing(living(3, 0));
	struct kw_verdict verdict = event_verdict();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct kw_http2_counts *counts;
		struct kw_aggregate aggregate;

		kw_aggregate_open(&aggregate, 10, 0);
		event.http2.sides[HTTP2_CLIENT].peak = cases[i].peak;
		feed(&aggregate, "a", &event, &verdict);
		event.http2.sides[HTTP2_CLIENT].lost = 1;
		feed(&aggregate, "a", &event, &verdict);
		event.http2.sides[HTTP2_CLIENT].lost = 0;
		event.history.connection.report = KW_REPORT_PROGRESS;
		feed(&aggregate, "a", &event, NULL);
		event.history.connection.report = KW_REPORT_CLOSED;
		counts = &counters_of(&aggregate, "a")->http2;
		for (int k = 0; k < KW_PEAK_BUCKETS; k++)
			assert_int_equal(counts->peaks[k], k == cases[i].bucket);
		assert_int_equal(counts->peaks_sum, cases[i].peak);
		kw_aggregate_close(&aggregate);
	}
}

/* A service that loses its place leaves all to "other". */
static void counts_go_on_in_other(void **state)
{
	struct kw_http2_counts to = {0}, from = {0};

	(void)state;
	to.resets[0][0] = 1;
	from.resets[0][0] = 2;
	from.goaways[1][HTTP2_CODES - 1][1] = 3;
	from.fields[1][KW_FORBIDDEN_FIELDS - 1] = 4;
	from.peaks[KW_PEAK_BUCKETS - 1] = 5;
	from.peaks_sum = 6;
	kw_http2_counts_merge(&to, &from);
	assert_int_equal(to.resets[0][0], 3);
	assert_int_equal(to.goaways[1][HTTP2_CODES - 1][1], 3);
	assert_int_equal(to.fields[1][KW_FORBIDDEN_FIELDS - 1], 4);
	assert_int_equal(to.peaks[KW_PEAK_BUCKETS - 1], 5);
	assert_int_equal(to.peaks_sum, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_requests_of_version_2),
		cmocka_unit_test(streams_count_as_open_until_they_end_or_their_connection_does),
		cmocka_unit_test(streams_whose_closing_record_was_lost_are_open_no_more),
		cmocka_unit_test(streams_that_opened_elsewhere_end_there),
		cmocka_unit_test(resets_goaways_and_fields_count_once_by_their_side),
		cmocka_unit_test(numbers_that_fall_add_nothing),
		cmocka_unit_test(the_peak_counts_at_the_close_where_it_is_known),
		cmocka_unit_test(counts_go_on_in_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
