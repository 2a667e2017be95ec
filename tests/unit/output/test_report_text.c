/* SPDX-License-Identifier: BSD-2-Clause */
/* The report of services that speak TLS or HTTP/2: numbers that are inferred carry a ~, and others do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/report/print.h"
#include "tests/unit/http2_world.h"
#include "tests/unit/tls_world.h"

static const struct kw_clock utc;

/* The caller frees it. */
static char *written(struct world *world,
		     int (*json)(FILE *, const struct kw_overview *, const struct kw_clock *))
{
	size_t length;
	char *text;
	FILE *file = open_memstream(&text, &length);

	conclude(world);
	assert_int_equal(json ? json(file, &world->overview, &utc)
			      : kw_report_text(file, &world->overview, &utc, &(struct kw_report_style){0}),
			 0);
	fclose(file);
	return text;
}

static void add_idle_closes(struct world *world)
{
	struct kw_event_tls event = tls_event(4);

	event.tls.notifiers = 1 << TLS_SERVER;
	event.history.connection.http.idle_max = 210 * KW_MS;
	event.history.histograms[KW_HISTOGRAM_IDLE][10] = 3;
	add_tls(world, 8, event, tls_verdict(KW_REASON_SERVER_CLOSED_IDLE, KW_CLOSER_SERVER, KW_PHASE_IDLE));
}

static void numbers_within_tls_carry_a_tilde(void **state)
{
	struct world world;
	char *text;

	(void)state;
	open_world(&world);
	add_idle_closes(&world);
	text = written(&world, NULL);
	assert_non_null(strstr(text, ": 8 connections, 0 requests, ~32 exchanges within TLS, 1 service.\n"));
	assert_non_null(strstr(text, "\ns (tls) "));
	assert_non_null(strstr(text, " ~4.0 "));
	assert_non_null(strstr(text, " ~75.0% "));
	assert_non_null(strstr(text, " ~5 s "));
	assert_non_null(strstr(text, "inferred from TLS records"));
	free(text);
	close_world(&world);
}

static void numbers_in_clear_text_carry_none(void **state)
{
	struct world world;
	char *text;

	(void)state;
	open_world(&world);
	add(&world, 8, KW_S, event_connection(), event_verdict());
	text = written(&world, NULL);
	assert_null(strchr(text, '~'));
	assert_null(strstr(text, "tls"));
	assert_non_null(strstr(text, " 3.0 "));
	free(text);
	close_world(&world);
}

/* Adds the same connection within TLS. */
static void add_within_tls(struct world *world, struct kw_event_http2 clear)
{
	struct kw_event_tls_http2 within = event_within_tls(&clear);
	struct kw_verdict verdict = verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE);
	struct kw_service service = event_service(KW_ROLE_CLIENT, "s");
	struct kw_event event;

	assert_int_equal(kw_decode(&within, sizeof(within), &event), 0);
	assert_int_equal(kw_aggregate_connection(&world->aggregate, &service, &event, &verdict), 0);
}

/* Each stream is a request. */
static void a_service_of_http2_is_marked_and_its_streams_are_requests(void **state)
{
	struct world world;
	char *text;

	(void)state;
	open_world(&world);
	add_http2(&world, 8, KW_S, http2_event(4),
		  verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	text = written(&world, NULL);
	assert_non_null(strstr(text, ": 8 connections, 32 requests, 1 service.\n"));
	assert_non_null(strstr(text, "\ns (h2c) "));
	assert_non_null(strstr(text, " 4.0 "));
	assert_non_null(strstr(text, " 75.0% "));
	assert_null(strchr(text, '~'));
	free(text);
	close_world(&world);
	open_world(&world);
	add_within_tls(&world, http2_event(4));
	text = written(&world, NULL);
	assert_non_null(strstr(text, "\ns (tls) (h2) "));
	free(text);
	close_world(&world);
	open_world(&world);
	add_idle_closes(&world);
	add(&world, 1, KW_S, event_connection(), event_verdict());
	text = written(&world, NULL);
	assert_null(strstr(text, "h2c"));
	free(text);
	close_world(&world);
}

/* Checks that each line of the report fits @width, and that it has each part. */
static void fits(int width, const char *const *parts)
{
	struct kw_report_style style = {.width = width};
	struct world world;
	size_t length;
	char *text;
	FILE *file = open_memstream(&text, &length);

	open_world(&world);
	add_idle_closes(&world);
	conclude(&world);
	assert_int_equal(kw_report_text(file, &world.overview, &utc, &style), 0);
	fclose(file);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= (size_t)width);
	for (; *parts; parts++)
		assert_non_null(strstr(text, *parts));
	free(text);
	close_world(&world);
}

static void it_fits_the_terminal(void **state)
{
	(void)state;
	fits(60, (const char *const[]){"\nServices\ns (tls)\n  role ", "~4.0 requests on each", NULL});
	fits(80, (const char *const[]){"\n  role     connec-", "\ns (tls)\n  ", NULL});
	fits(120, (const char *const[]){"\nservice       ", "\ns (tls)        ", NULL});
	fits(200, (const char *const[]){"\nservice       ", "\ns (tls)        ", NULL});
}

/* Idle times far below those where reuse and close meet are one row. */
static void the_histogram_shows_where_reuse_and_close_meet(void **state)
{
	struct world world;
	struct kw_event_tls event = tls_event(4);
	char *text;

	(void)state;
	open_world(&world);
	event.tls.notifiers = 1 << TLS_SERVER;
	event.history.connection.http.idle_max = 3 * KW_S;
	event.history.histograms[KW_HISTOGRAM_IDLE][2] = 20;
	event.history.histograms[KW_HISTOGRAM_IDLE][10] = 30;
	event.history.histograms[KW_HISTOGRAM_IDLE][21] = 3;
	add_tls(&world, 8, event, tls_verdict(KW_REASON_SERVER_CLOSED_IDLE, KW_CLOSER_SERVER, KW_PHASE_IDLE));
	text = written(&world, NULL);
	assert_non_null(strstr(text, "longest idle before reuse 3 s"));
	assert_non_null(strstr(text, "server closes after 5 s"));
	assert_non_null(strstr(text, "        less |                                     400 |"));
	assert_non_null(strstr(text, "       3.5 s |##############################        24 |"));
	assert_non_null(strstr(text, "         5 s |"));
	assert_null(strstr(text, "        1 ms |"));
	free(text);
	close_world(&world);
}

static void json_counts_no_inferred_exchanges_as_requests(void **state)
{
	struct world world;
	char *text;

	(void)state;
	open_world(&world);
	add_idle_closes(&world);
	text = written(&world, kw_report_json);
	assert_non_null(strstr(text, "\"requests\":0,"));
	assert_non_null(strstr(text, "\"reuse_ratio\":null,"));
	free(text);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_within_tls_carry_a_tilde),
		cmocka_unit_test(numbers_in_clear_text_carry_none),
		cmocka_unit_test(a_service_of_http2_is_marked_and_its_streams_are_requests),
		cmocka_unit_test(it_fits_the_terminal),
		cmocka_unit_test(the_histogram_shows_where_reuse_and_close_meet),
		cmocka_unit_test(json_counts_no_inferred_exchanges_as_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
