/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "output/metrics/exposition.h"
#include "output/metrics/metrics.h"
#include "tests/unit/http2_world.h"

static void feed(struct kw_aggregate *aggregate, const struct kw_service *service)
{
	struct kw_event_connection connection = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_event event;

	connection.samples[KW_HISTOGRAM_WAIT] = 1;
	connection.sample[KW_HISTOGRAM_WAIT] = 2 * KW_MS;
	connection.http.has_timeout = 1;
	connection.http.timeout = 5;
	assert_int_equal(kw_decode(&connection, sizeof(connection), &event), 0);
	assert_int_equal(kw_aggregate_connection(aggregate, service, &event, &verdict), 0);
}

/* The whole text for one connection of a service called @name; freed by the caller. */
static char *written(const char *name, bool open_metrics)
{
	const struct kw_program_stats program = {"kw_send", 1500000000, 7};
	struct kw_service service = event_service(KW_ROLE_SERVER, name);
	struct kw_aggregate aggregate;
	const struct kw_process process = {0};
	struct kw_metrics metrics = {
		.aggregate = &aggregate, .programs = &program, .program_count = 1, .process = &process};
	size_t length;
	char *text;

	kw_aggregate_open(&aggregate, 10, 0);
	feed(&aggregate, &service);
	assert_int_equal(kw_metrics_write(&metrics, open_metrics, &text, &length), 0);
	assert_int_equal(length, strlen(text));
	kw_aggregate_close(&aggregate);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return true;
	return false;
}

#define SERVICE "role=\"server\",service=\"nginx:8080\""

static void prometheus_text_is_as_the_contract_says(void **state)
{
	static const char *const lines[] = {
		"# TYPE keepwatch_connections_opened_total counter",
		"keepwatch_connections_opened_total{" SERVICE "} 1",
		"# TYPE keepwatch_connections_open gauge",
		"keepwatch_connections_open{" SERVICE "} 0",
		"keepwatch_connections_closed_total{" SERVICE
		",reason=\"server_idle_timeout\",closer=\"server\"} 1",
		"keepwatch_connections_half_closed{" SERVICE "} 0",
		"keepwatch_lost_requests_total{" SERVICE ",reason=\"late_request\",retryable=\"unknown\"} 0",
		"keepwatch_requests_total{" SERVICE ",version=\"1.1\"} 3",
		"keepwatch_reused_requests_total{" SERVICE "} 2",
		"keepwatch_responses_total{" SERVICE ",code=\"2xx\"} 3",
		"# TYPE keepwatch_connection_requests histogram",
		"keepwatch_connection_requests_bucket{" SERVICE ",le=\"2\"} 0",
		"keepwatch_connection_requests_bucket{" SERVICE ",le=\"3\"} 1",
		"keepwatch_connection_requests_bucket{" SERVICE ",le=\"+Inf\"} 1",
		"keepwatch_connection_requests_sum{" SERVICE "} 3",
		"keepwatch_connection_requests_count{" SERVICE "} 1",
		"keepwatch_connection_duration_seconds_sum{" SERVICE "} 5",
		"keepwatch_close_idle_seconds_sum{" SERVICE ",closer=\"server\"} 4",
		"keepwatch_response_wait_seconds_bucket{" SERVICE ",le=\"0.001\"} 0",
		"keepwatch_response_wait_seconds_bucket{" SERVICE ",le=\"0.0025\"} 1",
		"keepwatch_response_wait_seconds_sum{" SERVICE "} 0.002",
		"keepwatch_directives_total{" SERVICE ",message=\"request\",directive=\"keep-alive\"} 3",
		"keepwatch_advertised_timeout_seconds{" SERVICE "} 5",
		"keepwatch_protocol_connections_total{" SERVICE ",protocol=\"http/1.1\"} 1",
		"keepwatch_parse_errors_total{kind=\"chunk\"} 0",
		"keepwatch_tainted_connections_total{kind=\"blind\"} 0",
		"keepwatch_events_lost_total{kind=\"closed\"} 0",
		"keepwatch_events_lost_total{kind=\"unseen\"} 0",
		"# TYPE keepwatch_hidden_softirqs_total counter",
		"keepwatch_hidden_softirqs_total 0",
		"keepwatch_services_dropped_total{why=\"ceiling\"} 0",
		"keepwatch_bpf_run_seconds_total{program=\"kw_send\"} 1.5",
		"keepwatch_bpf_runs_total{program=\"kw_send\"} 7",
		"# TYPE keepwatch_build_info gauge",
		"# TYPE process_cpu_seconds_total counter",
	};
	char *text = written("nginx:8080", false);

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!has_line(text, lines[i]))
			fail_msg("no line: %s", lines[i]);
	assert_null(strstr(text, "# EOF"));
	assert_null(strstr(text, "# UNIT"));
	free(text);
}

static void assert_line(struct kw_aggregate *aggregate, const char *line, bool there)
{
	struct kw_metrics metrics = {.aggregate = aggregate};
	size_t length;
	char *text;

	assert_int_equal(kw_metrics_write(&metrics, false, &text, &length), 0);
	if (has_line(text, line) != there)
		fail_msg("%s: %s", there ? "no line" : "a line", line);
	assert_null(strstr(text, "process_"));
	free(text);
}

/* A finding holds while its window does; that it once held stays known. */
static void what_is_concluded_holds_for_the_window(void **state)
{
	static const char finding[] =
		"keepwatch_finding{" SERVICE ",finding=\"timeout_race\",severity=\"warning\"}";
	struct kw_service service = event_service(KW_ROLE_SERVER, "nginx:8080");
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, 20 * KW_S}};
	struct kw_event_connection connection = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	struct kw_event event;
	char line[256];

	(void)state;
	kw_aggregate_open(&aggregate, 10, 60 * KW_S);
	connection.samples[KW_HISTOGRAM_IDLE] = 1;
	connection.sample[KW_HISTOGRAM_IDLE] = connection.http.idle_max = 3800 * KW_MS;
	snprintf(line, sizeof(line), "%s 0", finding);
	assert_line(&aggregate, line, false); /* it never held */
	for (int i = 0; i < 5; i++) {
		connection.header.time = verdict.closed = (uint64_t)(6 + i) * KW_S;
		assert_int_equal(kw_decode(&connection, sizeof(connection), &event), 0);
		assert_int_equal(kw_aggregate_connection(&aggregate, &service, &event, &verdict), 0);
	}
	assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	assert_line(&aggregate, "keepwatch_inferred_idle_timeout_seconds{" SERVICE ",side=\"server\"} 4", true);
	assert_line(&aggregate, "keepwatch_safe_margin_seconds{" SERVICE "} 0.2", true);
	assert_line(&aggregate, "keepwatch_drains_total{" SERVICE "} 0", true);
	snprintf(line, sizeof(line), "%s 1", finding);
	assert_line(&aggregate, line, true);
	totals.header.time = 90 * KW_S;
	assert_int_equal(kw_aggregate_totals(&aggregate, &totals), 0);
	snprintf(line, sizeof(line), "%s 0", finding);
	assert_line(&aggregate, line, true);
	assert_line(&aggregate, "keepwatch_safe_margin_seconds{" SERVICE "} 0.2", false);
	kw_aggregate_close(&aggregate);
}

static void openings_and_closes_that_no_program_saw_count_as_lost(void **state)
{
	struct kw_event_unseen unseen = event_unseen(4, 1, 900);
	struct kw_aggregate aggregate;

	(void)state;
	kw_aggregate_open(&aggregate, 10, 0);
	kw_aggregate_unseen(&aggregate, &unseen);
	assert_line(&aggregate, "keepwatch_events_lost_total{kind=\"unseen\"} 5", true);
	assert_line(&aggregate, "keepwatch_hidden_softirqs_total 900", true);
	assert_line(&aggregate, "keepwatch_events_lost_total{kind=\"recursion\"} 0", true);
	kw_aggregate_close(&aggregate);
}

static void open_metrics_text_differs_where_it_must(void **state)
{
	char *text = written("nginx:8080", true);

	(void)state;
	assert_true(has_line(text, "# TYPE keepwatch_connections_opened counter"));
	assert_true(has_line(text, "keepwatch_connections_opened_total{" SERVICE "} 1"));
	assert_true(has_line(text, "keepwatch_connection_requests_bucket{" SERVICE ",le=\"3.0\"} 1"));
	assert_true(has_line(text, "# UNIT keepwatch_close_idle_seconds seconds"));
	assert_true(has_line(text, "# UNIT keepwatch_bpf_run_seconds seconds"));
	assert_true(has_line(text, "# UNIT process_resident_memory_bytes bytes"));
	assert_true(has_line(text, "# TYPE keepwatch_build info"));
	assert_true(has_line(text, "keepwatch_build_info{version=\"" KEEPWATCH_VERSION "\"} 1"));
	assert_null(strstr(text, "# UNIT keepwatch_requests"));
	assert_string_equal(text + strlen(text) - strlen("\n# EOF\n"), "\n# EOF\n");
	free(text);
}

/* HELP, TYPE, then samples of that family alone, and no family twice: what both formats demand. */
static void every_sample_stands_in_its_family(void **state)
{
	char *text = written("nginx:8080", false);
	char family[128] = "", seen[8192] = "";

	(void)state;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char key[130];

		if (strncmp(line, "# HELP ", 7) == 0) {
			sscanf(line + 7, "%127s", family);
			snprintf(key, sizeof(key), " %s ", family);
			assert_null(strstr(seen, key));
			strcat(seen, key);
			line = strtok(NULL, "\n");
			assert_memory_equal(line, "# TYPE ", 7);
			line += 7;
		}
		assert_memory_equal(line, family, strlen(family));
		assert_false(isalpha((unsigned char)line[strlen(family)]));
	}
	free(text);
}

static void a_hostile_service_name_stays_within_its_label(void **state)
{
	char *text = written("a\"b\\c\nd", false);

	(void)state;
	assert_true(has_line(
		text, "keepwatch_connections_opened_total{role=\"server\",service=\"a\\\"b\\\\c\\nd\"} 1"));
	free(text);
}

static void the_longest_name_keeps_all_its_labels(void **state)
{
	char name[KW_SERVICE_NAME], line[2048], escaped[2 * KW_SERVICE_NAME] = "";
	char *text;

	(void)state;
	memset(name, '"', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		strcat(escaped, "\\\"");
	text = written(name, false);
	snprintf(
		line, sizeof(line),
		"keepwatch_connections_closed_total{role=\"server\",service=\"%s\",reason=\"server_idle_timeout\","
		"closer=\"server\"} 1",
		escaped);
	assert_true(has_line(text, line));
	free(text);
}

static void a_label_that_does_not_fit_is_left_out_whole(void **state)
{
	char labels[16] = "";

	(void)state;
	kw_exposition_label(labels, sizeof(labels), "a", "1");
	assert_string_equal(labels, "a=\"1\"");
	kw_exposition_label(labels, sizeof(labels), "b", "0123456789");
	assert_string_equal(labels, "a=\"1\"");
	kw_exposition_label(labels, sizeof(labels), "a_name_longer_than_all", "1");
	assert_string_equal(labels, "a=\"1\"");
	kw_exposition_label(labels, sizeof(labels), "b", "2");
	assert_string_equal(labels, "a=\"1\",b=\"2\"");
}

static void a_histogram_is_cumulative_and_ends_in_infinity(void **state)
{
	static const double bounds[] = {0.5, 1};
	static const uint64_t buckets[] = {1, 2, 12};
	char *text = NULL;
	size_t length;
	struct kw_exposition out = {.file = open_memstream(&text, &length)};

	(void)state;
	kw_exposition_family(&out, "x", KW_TYPE_HISTOGRAM, "A test.");
	kw_exposition_histogram(&out, "", &(struct kw_exposed_histogram){bounds, buckets, 3, 2.5});
	fclose(out.file);
	assert_string_equal(text, "# HELP x A test.\n# TYPE x histogram\n"
				  "x_bucket{le=\"0.5\"} 1\nx_bucket{le=\"1\"} 3\nx_bucket{le=\"+Inf\"} 15\n"
				  "x_sum 2.5\nx_count 15\n");
	free(text);
}

/* All samples of a histogram of times, one in each of the kernel's buckets. */
static void every_second_bound_is_exposed_and_no_sample_is_lost(void **state)
{
	static const char *const lines[] = {
		"keepwatch_reuse_idle_seconds_bucket{" SERVICE ",le=\"0.001\"} 1",
		"keepwatch_reuse_idle_seconds_bucket{" SERVICE ",le=\"0.0025\"} 3",
		"keepwatch_reuse_idle_seconds_bucket{" SERVICE ",le=\"2500\"} 39",
		"keepwatch_reuse_idle_seconds_bucket{" SERVICE ",le=\"3600\"} 40",
		"keepwatch_reuse_idle_seconds_bucket{" SERVICE ",le=\"+Inf\"} 44",
		"keepwatch_reuse_idle_seconds_count{" SERVICE "} 44",
		"keepwatch_response_wait_seconds_bucket{" SERVICE ",le=\"1e-05\"} 1",
		"keepwatch_response_wait_seconds_bucket{" SERVICE ",le=\"50\"} 41",
		"keepwatch_response_wait_seconds_bucket{" SERVICE ",le=\"100\"} 43",
		"keepwatch_response_wait_seconds_bucket{" SERVICE ",le=\"+Inf\"} 44",
	};
	struct kw_service service = event_service(KW_ROLE_SERVER, "nginx:8080");
	struct kw_event_history history = event_history();
	struct kw_aggregate aggregate;
	struct kw_event event;

	(void)state;
	history.connection.report = KW_REPORT_PROGRESS;
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
		history.histograms[KW_HISTOGRAM_IDLE][i] = history.histograms[KW_HISTOGRAM_WAIT][i] = 1;
	kw_aggregate_open(&aggregate, 10, 0);
	assert_int_equal(kw_decode(&history, sizeof(history), &event), 0);
	assert_int_equal(kw_aggregate_connection(&aggregate, &service, &event, NULL), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_line(&aggregate, lines[i], true);
	assert_line(&aggregate, "keepwatch_reuse_idle_seconds_bucket{" SERVICE ",le=\"0.0015\"} 2", false);
	kw_aggregate_close(&aggregate);
}

/* Series of HTTP/2 are there only where it was spoken. */
static void http2_has_its_metrics_where_it_was_seen(void **state)
{
	static const char *const lines[] = {
		"keepwatch_requests_total{" SERVICE ",version=\"2\"} 5",
		"keepwatch_responses_total{" SERVICE ",code=\"2xx\"} 3",
		"keepwatch_streams_open{" SERVICE "} 0",
		"# TYPE keepwatch_streams_open gauge",
		"keepwatch_streams_reset_total{" SERVICE ",by=\"client\",code=\"CANCEL\"} 2",
		"keepwatch_streams_reset_total{" SERVICE ",by=\"server\",code=\"other\"} 1",
		"keepwatch_goaways_total{" SERVICE ",by=\"server\",code=\"NO_ERROR\",graceful=\"yes\"} 1",
		"keepwatch_goaways_total{" SERVICE ",by=\"client\",code=\"INTERNAL_ERROR\",graceful=\"no\"} 1",
		"# TYPE keepwatch_connection_peak_streams histogram",
		"keepwatch_connection_peak_streams_bucket{" SERVICE ",le=\"1\"} 0",
		"keepwatch_connection_peak_streams_bucket{" SERVICE ",le=\"2\"} 1",
		"keepwatch_connection_peak_streams_sum{" SERVICE "} 2",
		"keepwatch_forbidden_fields_total{" SERVICE ",field=\"keep-alive\"} 2",
		"keepwatch_protocol_connections_total{" SERVICE ",protocol=\"h2c\"} 1",
	};
	struct kw_service service = event_service(KW_ROLE_SERVER, "nginx:8080");
	struct kw_event_http2 http2 = http2_event(3);
	struct kw_event_tls_http2 within;
	struct kw_http2_side *client = &http2.http2.sides[HTTP2_CLIENT],
			     *server = &http2.http2.sides[HTTP2_SERVER];
	struct kw_verdict verdict = event_verdict();
	struct kw_aggregate aggregate;
	struct kw_event event;
	char *plain = written("nginx:8080", false);

	(void)state;
	assert_null(strstr(plain, "keepwatch_streams_open{"));
	assert_null(strstr(plain, "version=\"2\""));
	assert_null(strstr(plain, "keepwatch_connection_peak_streams_bucket"));
	free(plain);
	begin_streams(&http2, 2);
	client->resets[HTTP2_CODE_CANCEL] = 2;
	server->resets[HTTP2_CODE_OTHER] = 1;
	server->goaways = server->graceful = client->goaways = 1;
	client->goaway_code = 2;
	client->fields = server->fields = 1 << HTTP2_NAME_KEEP_ALIVE;
	kw_aggregate_open(&aggregate, 10, 0);
	assert_int_equal(kw_decode(&http2, sizeof(http2), &event), 0);
	assert_int_equal(kw_aggregate_connection(&aggregate, &service, &event, &verdict), 0);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_line(&aggregate, lines[i], true);
	within = event_within_tls(&http2);
	assert_int_equal(kw_decode(&within, sizeof(within), &event), 0);
	assert_int_equal(kw_aggregate_connection(&aggregate, &service, &event, &verdict), 0);
	assert_line(&aggregate, "keepwatch_protocol_connections_total{" SERVICE ",protocol=\"h2\"} 1", true);
	assert_line(&aggregate, "keepwatch_streams_reset_total{" SERVICE ",by=\"server\",code=\"other\"} 2",
		    true);
	kw_aggregate_close(&aggregate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prometheus_text_is_as_the_contract_says),
		cmocka_unit_test(what_is_concluded_holds_for_the_window),
		cmocka_unit_test(openings_and_closes_that_no_program_saw_count_as_lost),
		cmocka_unit_test(open_metrics_text_differs_where_it_must),
		cmocka_unit_test(every_sample_stands_in_its_family),
		cmocka_unit_test(a_hostile_service_name_stays_within_its_label),
		cmocka_unit_test(the_longest_name_keeps_all_its_labels),
		cmocka_unit_test(a_label_that_does_not_fit_is_left_out_whole),
		cmocka_unit_test(a_histogram_is_cumulative_and_ends_in_infinity),
		cmocka_unit_test(http2_has_its_metrics_where_it_was_seen),
		cmocka_unit_test(every_second_bound_is_exposed_and_no_sample_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
