/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS in findings and counts: handshakes that fail, and connections whose requests cannot be counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/tls_world.h"

/* Connections that are closed politely. */
static void add_clean(struct world *world, int count)
{
	add_tls(world, count, tls_event(1),
		tls_verdict(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
}

/* Handshakes that the alert @code of the side @by ended. */
static void add_failed(struct world *world, int count, uint8_t by, uint8_t code)
{
	struct kw_event_tls event = tls_event(0);

	event.tls.done = 0;
	event.tls.notifiers = 0;
	event.tls.alert_by = by;
	event.tls.alert_code = code;
	add_tls(world, count, event,
		tls_verdict(KW_REASON_TLS_HANDSHAKE_FAILED, KW_CLOSER_CLIENT, KW_PHASE_HANDSHAKE));
}

/* Connections that this side closes without close_notify. @unread bytes from its peer were never read here. */
static void add_unclean(struct world *world, int count, enum kw_closer by, uint64_t unread)
{
	struct kw_event_tls event = tls_event(2);
	enum kw_reason reason =
		by == KW_CLOSER_CLIENT ? KW_REASON_CLIENT_CLOSED_IDLE : KW_REASON_SERVER_CLOSED_IDLE;

	event.tls.notifiers = 0;
	event.history.connection.ending.rx_arrived = event.history.connection.http.rx_bytes + unread;
	add_tls(world, count, event, tls_verdict(reason, by, KW_PHASE_IDLE));
}

static void failing_handshakes_are_raised_with_their_commonest_alert(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add_clean(&world, 90);
	add_failed(&world, 4, 1 + TLS_SERVER, 112);
	add_failed(&world, 6, 1 + TLS_CLIENT, 48);
	conclude(&world);
	finding = first(&world, KW_FINDING_TLS_HANDSHAKES_FAIL, KW_SEVERITY_WARNING);
	assert_number(finding, "failed", 10);
	assert_number(finding, "handshakes", 100);
	assert_number(finding, "with_this_alert", 6);
	assert_non_null(strstr(finding->summary, "The commonest is unknown_ca, sent by the client: 6 times."));
	assert_non_null(strstr(finding->advice[0], "does not trust the issuer"));
	close_world(&world);
}

static void a_single_failure_in_many_is_none(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	add_clean(&world, 200);
	add_failed(&world, 1, 1 + TLS_CLIENT, 48);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_TLS_HANDSHAKES_FAIL));
	close_world(&world);
}

/* Their requests count as none, which must not look as if connections carried one request each, or none. */
static void connections_of_tls_are_not_called_badly_used(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	add_clean(&world, 2000);
	conclude(&world);
	assert_int_equal(world.overview.finding_count, 0);
	close_world(&world);
}

static void handshakes_count_by_result_and_version(void **state)
{
	const struct kw_service_counters *counters;
	struct world world;

	(void)state;
	open_world(&world);
	add_clean(&world, 3);
	add_failed(&world, 2, 1 + TLS_CLIENT, 48);
	counters = world.aggregate.services;
	assert_int_equal(counters->tls.handshakes[KW_TLS_RESULT_DONE][TLS_1_3 - TLS_1_0], 3);
	assert_int_equal(counters->tls.handshakes[KW_TLS_RESULT_FAILED][TLS_1_3 - TLS_1_0], 2);
	assert_int_equal(counters->tls.alerts[TLS_CLIENT][48], 2);
	assert_int_equal(counters->inferred, 5);
	conclude(&world);
	close_world(&world);
}

static void closes_without_close_notify_are_raised_by_the_side_that_does_it(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add_clean(&world, 10);
	add_unclean(&world, 7, KW_CLOSER_CLIENT, 0);
	conclude(&world);
	finding = first(&world, KW_FINDING_TLS_UNCLEAN_CLOSES, KW_SEVERITY_INFO);
	assert_number(finding, "unclean_by_client", 7);
	assert_number(finding, "closed_by_client", 17);
	assert_number(finding, "unclean_by_server", 0);
	assert_non_null(
		strstr(finding->summary, "The clients closed 7 of 17 TLS connections without close_notify."));
	assert_int_equal(finding->examples.count, KW_EXAMPLES);
	close_world(&world);
	open_world(&world);
	add_unclean(&world, 5, KW_CLOSER_SERVER, 0);
	conclude(&world);
	finding = first(&world, KW_FINDING_TLS_UNCLEAN_CLOSES, KW_SEVERITY_WARNING);
	assert_non_null(strstr(finding->summary, "The server (nginx) closed 5 of 5 TLS connections"));
	assert_advice_names(finding, "SSL_shutdown()");
	close_world(&world);
}

/* Few are accidents; and bytes that nobody read may have held the alert. */
static void few_unclean_closes_and_unread_ones_are_not_raised(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	add_unclean(&world, 4, KW_CLOSER_SERVER, 0);
	add_unclean(&world, 50, KW_CLOSER_CLIENT, 24);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_TLS_UNCLEAN_CLOSES));
	close_world(&world);
	open_world(&world);
	add_clean(&world, 2000);
	add_unclean(&world, 20, KW_CLOSER_CLIENT, 0);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_TLS_UNCLEAN_CLOSES));
	close_world(&world);
}

static void a_race_within_tls_says_that_it_is_inferred(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_event_connection clear = reused(4990);
	struct kw_verdict race = lost(tls_verdict(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));

	(void)state;
	open_world(&world);
	add_tls(&world, 3, tls_event(2), race);
	add(&world, 1, KW_S, clear,
	    lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING)));
	conclude(&world);
	finding = first(&world, KW_FINDING_TIMEOUT_RACE, KW_SEVERITY_CRITICAL);
	assert_number(finding, "lost_requests", 4);
	assert_number(finding, "inferred", 3);
	assert_non_null(
		strstr(finding->summary, " 3 of the connections carried TLS: their races are inferred"));
	close_world(&world);
}

static void exchanges_count_apart_from_requests(void **state)
{
	const struct kw_window_statistics *sum;
	struct world world;

	(void)state;
	open_world(&world);
	add_tls(&world, 10, tls_event(4),
		tls_verdict(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	add_clean(&world, 10);
	conclude(&world);
	sum = &world.overview.services[0].sum;
	assert_int_equal(world.overview.requests, 0);
	assert_int_equal(world.overview.exchanges, 50);
	assert_int_equal(sum->traffic.exchanges_reused, 30);
	assert_true(world.overview.has_http);
	assert_true(kw_exchanges_per_connection(sum) == 2.5);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failing_handshakes_are_raised_with_their_commonest_alert),
		cmocka_unit_test(a_single_failure_in_many_is_none),
		cmocka_unit_test(connections_of_tls_are_not_called_badly_used),
		cmocka_unit_test(handshakes_count_by_result_and_version),
		cmocka_unit_test(closes_without_close_notify_are_raised_by_the_side_that_does_it),
		cmocka_unit_test(few_unclean_closes_and_unread_ones_are_not_raised),
		cmocka_unit_test(a_race_within_tls_says_that_it_is_inferred),
		cmocka_unit_test(exchanges_count_apart_from_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
