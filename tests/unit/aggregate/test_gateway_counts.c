/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of gateways are counted by their cause, within bounds, and show in the metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregate/intake.h"
#include "output/metrics/metrics.h"
#include "tests/unit/events.h"

static struct kw_gateway_row row(uint16_t status, uint16_t upstream, uint32_t reason, uint64_t count)
{
	return (struct kw_gateway_row){count, status, upstream, reason};
}

static void equal_causes_share_a_row(void **state)
{
	struct kw_gateway_counts counts = {0};

	(void)state;
	kw_gateway_counts_add(&counts, row(502, 2, KW_REASON_STALE_REUSE, 1));
	kw_gateway_counts_add(&counts, row(504, 2, KW_REASON_STALE_REUSE, 1));
	kw_gateway_counts_add(&counts, row(502, 3, KW_REASON_STALE_REUSE, 1));
	kw_gateway_counts_add(&counts, row(502, 2, KW_REASON_NO_RESPONSE, 1));
	kw_gateway_counts_add(&counts, row(502, 2, KW_REASON_STALE_REUSE, 5));
	assert_int_equal(counts.rows[0].count, 6);
	assert_int_equal(counts.rows[3].count, 1);
	assert_int_equal(counts.rows[4].count, 0);
	assert_int_equal(kw_gateway_counts_sum(&counts, 0), 9);
	assert_int_equal(kw_gateway_counts_sum(&counts, 502), 8);
	assert_int_equal(kw_gateway_counts_sum(&counts, 503), 0);
}

static void causes_beyond_the_room_are_counted_by_status(void **state)
{
	struct kw_gateway_counts counts = {0}, sum = {0};

	(void)state;
	for (uint16_t i = 0; i < KW_GATEWAY_ROWS + 7; i++)
		kw_gateway_counts_add(&counts, row(i % 2 ? 503 : 504, i, KW_REASON_NO_RESPONSE, 1));
	assert_int_equal(counts.more[1] + counts.more[2], 7);
	assert_int_equal(kw_gateway_counts_sum(&counts, 503), (KW_GATEWAY_ROWS + 7) / 2);
	kw_gateway_counts_merge(&sum, &counts);
	kw_gateway_counts_merge(&sum, &counts);
	assert_int_equal(kw_gateway_counts_sum(&sum, 503), 2 * ((KW_GATEWAY_ROWS + 7) / 2));
	assert_int_equal(kw_gateway_counts_sum(&sum, 0), 2 * (KW_GATEWAY_ROWS + 7));
	assert_int_equal(sum.rows[KW_GATEWAY_ROWS - 1].count, 2);
}

static void names_have_one_number_each_until_there_is_no_room(void **state)
{
	struct kw_upstreams *upstreams = calloc(1, sizeof(*upstreams));
	char name[32];

	(void)state;
	assert_string_equal(kw_upstream_name(upstreams, KW_UPSTREAM_NONE), "none");
	assert_string_equal(kw_upstream_name(upstreams, KW_UPSTREAM_OTHER), "other");
	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t i = 0; i < KW_UPSTREAMS; i++) {
			snprintf(name, sizeof(name), "10.0.0.7:%u", i);
			assert_int_equal(kw_upstream_number(upstreams, name), KW_UPSTREAM_OTHER + 1 + i);
			assert_string_equal(kw_upstream_name(upstreams, KW_UPSTREAM_OTHER + 1 + i), name);
		}
	}
	assert_int_equal(kw_upstream_number(upstreams, "one more"), KW_UPSTREAM_OTHER);
	free(upstreams);
}

/* ---- from events to metrics ---- */

#define AT (100 * KW_S)

static const char *no_cgroup(void *names, uint64_t id)
{
	(void)names;
	(void)id;
	return NULL;
}

static void feed(struct kw_intake *intake, const void *data, size_t size, const struct kw_verdict *verdict)
{
	struct kw_event event;

	assert_int_equal(kw_decode(data, size, &event), 0);
	assert_int_equal(kw_intake_event(intake, &event, verdict), 0);
}

/* nginx answers with this status, @after the last one. */
static void answer(struct kw_intake *intake, uint16_t status, uint64_t after)
{
	struct kw_event_gateway event = {
		.header = {KW_EVENT_GATEWAY, sizeof(event), 0, AT + after},
		.identity = event_connection().identity,
		.number = (uint32_t)(after / KW_MS) + 1,
		.thread = 812,
		.status = status,
	};

	feed(intake, &event, sizeof(event), NULL);
}

static void refuse(struct kw_intake *intake, uint64_t after)
{
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict = event_verdict();

	event.header.time = event.notice.time = AT + after;
	event.notice.thread = 812;
	event.identity.role = KW_ROLE_CLIENT;
	event.identity.remote_port = 3000;
	event.opened = AT + after - KW_US;
	verdict.reason = KW_REASON_CONNECT_REFUSED;
	feed(intake, &event, sizeof(event), &verdict);
}

static void assert_line(struct kw_intake *intake, const char *labels, bool is_there)
{
	struct kw_metrics metrics = {.aggregate = &intake->aggregate};
	char line[256], *text;
	size_t length;

	snprintf(line, sizeof(line),
		 "\nkeepwatch_gateway_errors_total{role=\"server\",service=\"nginx:8080\",%s\n", labels);
	assert_int_equal(kw_metrics_write(&metrics, false, &text, &length), 0);
	if (!strstr(text, line) == is_there)
		fail_msg("%s: %s", is_there ? "no line" : "a line", line);
	free(text);
}

#define REFUSED "code=\"502\",upstream=\"10.0.0.9:3000\",reason=\"connect_refused\"}"

static void the_metric_names_the_cause(void **state)
{
	static const struct kw_namer namer = {.by = KW_SERVICE_BY_COMM};
	static const struct kw_clock clock = {0};
	const struct kw_intake_settings settings = {.namer = &namer, .services = 10, .window = 0};
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, AT + KW_GATEWAY_WAIT}};
	struct kw_intake intake;

	(void)state;
	assert_int_equal(
		kw_intake_open(&intake, &settings, (struct kw_source){.clock = &clock, .cgroup = no_cgroup}),
		0);
	refuse(&intake, 0);
	answer(&intake, 502, 0);
	assert_line(&intake, REFUSED " 1", false);
	feed(&intake, &totals, sizeof(totals), NULL);
	assert_line(&intake, REFUSED " 1", true);
	answer(&intake, 503, 10 * KW_S);
	answer(&intake, 502, 20 * KW_S);
	refuse(&intake, 20 * KW_S + KW_MS);
	assert_int_equal(kw_intake_settle(&intake), 0);
	assert_line(&intake, "code=\"503\",upstream=\"none\",reason=\"none\"} 1", true);
	/* It began after the second 502, so it is not that one's cause. */
	assert_line(&intake, "code=\"502\",upstream=\"none\",reason=\"none\"} 1", true);
	assert_line(&intake, REFUSED " 1", true);
	kw_intake_close(&intake);
}

static void an_upstream_without_a_place_is_another(void **state)
{
	static const struct kw_namer namer = {.by = KW_SERVICE_BY_COMM};
	static const struct kw_clock clock = {0};
	const struct kw_intake_settings settings = {.namer = &namer, .services = 1, .window = 0};
	struct kw_event_connection own = event_connection();
	struct kw_verdict verdict = event_verdict();
	struct kw_intake intake;

	(void)state;
	assert_int_equal(
		kw_intake_open(&intake, &settings, (struct kw_source){.clock = &clock, .cgroup = no_cgroup}),
		0);
	feed(&intake, &own, sizeof(own), &verdict); /* the gateway has the only place */
	refuse(&intake, 0);
	answer(&intake, 502, 0);
	assert_int_equal(kw_intake_settle(&intake), 0);
	assert_line(&intake, "code=\"502\",upstream=\"other\",reason=\"connect_refused\"} 1", true);
	kw_intake_close(&intake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_causes_share_a_row),
		cmocka_unit_test(causes_beyond_the_room_are_counted_by_status),
		cmocka_unit_test(names_have_one_number_each_until_there_is_no_room),
		cmocka_unit_test(the_metric_names_the_cause),
		cmocka_unit_test(an_upstream_without_a_place_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
