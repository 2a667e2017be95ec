/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields that were sent on: counted by a fixed list, however many names others make up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aggregate/intake.h"
#include "output/metrics/metrics.h"
#include "tests/unit/events.h"

#define OTHER (KW_FIELDS - 1)

static void add(struct kw_forwarded_counts *counts, __u8 role, const char *name, uint32_t timeout)
{
	struct kw_forwarded forwarded = {.identity.role = role, .first = true, .count = 1, .timeout = timeout};

	strcpy(forwarded.names[0], name);
	kw_forwarded_counts_add(counts, &forwarded);
}

static void names_beyond_the_list_count_as_other_and_only_some_are_kept(void **state)
{
	struct kw_forwarded_counts counts = {0}, sum = {0};
	char name[HTTP1_WORD + 1], keep_alive[HTTP1_WORD] = "keep-alive";

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "x-%d", i % 50);
		add(&counts, KW_ROLE_CLIENT, name, 0);
	}
	add(&counts, KW_ROLE_SERVER, "keep-alive", 17);
	assert_int_equal(counts.fields[HTTP1_REQUESTS][OTHER], 100);
	assert_int_equal(counts.fields[HTTP1_RESPONSES][OTHER], 0);
	assert_int_equal(counts.fields[HTTP1_RESPONSES][kw_field_of(keep_alive)], 1);
	assert_string_equal(counts.others[KW_FORWARDED_NAMES - 1], "x-5");
	add(&sum, KW_ROLE_SERVER, "keep-alive", 5);
	add(&sum, KW_ROLE_CLIENT, "x-3", 0);
	kw_forwarded_counts_merge(&sum, &counts);
	assert_int_equal(sum.connections, 103);
	assert_int_equal(sum.fields[HTTP1_REQUESTS][OTHER], 101);
	assert_int_equal(sum.timeout, 17);
	assert_string_equal(sum.others[0], "x-3");
	assert_string_equal(sum.others[1], "x-0");
	assert_string_equal(sum.others[4], "x-4");
}

static const char *no_cgroup(void *names, uint64_t id)
{
	(void)names;
	(void)id;
	return NULL;
}

static void feed(struct kw_intake *intake, const struct kw_event_history *event)
{
	struct kw_event decoded;

	assert_int_equal(kw_decode(event, sizeof(*event), &decoded), 0);
	assert_int_equal(kw_intake_event(intake, &decoded, NULL), 0);
}

/* A connection that lives counts at once, and not again with its next report. */
static void the_metric_counts_a_connection_once_for_each_field(void **state)
{
	static const struct kw_namer namer = {.by = KW_SERVICE_BY_COMM};
	static const struct kw_clock clock = {0};
	const struct kw_intake_settings settings = {.namer = &namer, .services = 10, .window = KW_S};
	struct kw_event_history event = event_history();
	struct kw_metrics metrics;
	struct kw_intake intake;
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(
		kw_intake_open(&intake, &settings, (struct kw_source){.clock = &clock, .cgroup = no_cgroup}),
		0);
	event.connection.report = KW_REPORT_PROGRESS;
	event.connection.identity.role = KW_ROLE_CLIENT;
	event.connection.identity.remote_port = 3000;
	strcpy(event.names[0].name, "x-debug");
	strcpy(event.names[1].name, "cookie");
	event.name_kinds = KW_NAME_AS_FIELD | KW_NAME_PASSED_ON << KW_NAME_KINDS;
	for (int i = 0; i < 3; i++) { /* the first falls out of the window */
		feed(&intake, &event);
		event.connection.header.time += 100 * KW_S;
		event.connection.reported = 1;
	}
	metrics = (struct kw_metrics){.aggregate = &intake.aggregate};
	assert_int_equal(kw_metrics_write(&metrics, false, &text, &length), 0);
#define LINE                                                                                                   \
	"\nkeepwatch_forwarded_hop_by_hop_total{role=\"client\",service=\"10.0.0.9:3000\",direction=\"request\",field="
	assert_non_null(strstr(text, LINE "\"cookie\"} 1\n"));
	assert_non_null(strstr(text, LINE "\"other\"} 1\n"));
	assert_null(strstr(text, "x-debug"));
	free(text);
	kw_intake_close(&intake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_beyond_the_list_count_as_other_and_only_some_are_kept),
		cmocka_unit_test(the_metric_counts_a_connection_once_for_each_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
