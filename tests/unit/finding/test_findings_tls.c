/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS in findings and counts: handshakes that fail, and connections whose requests cannot be counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/world.h"

/* Connections of TLS; those with a @by failed with the alert @code. */
static void add_tls(struct world *world, int count, uint8_t by, uint8_t code)
{
	struct kw_verdict verdict = verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE);
	struct kw_service service = event_service(KW_ROLE_SERVER, "s");
	struct kw_event_tls event = {
		.history = event_history(),
		.tls = {.hello = KW_S,
			.done = by ? 0 : KW_S,
			.version = TLS_1_3,
			.alert_by = by,
			.alert_code = code},
	};
	struct kw_event_connection *connection = &event.history.connection;

	connection->header.type = KW_EVENT_TLS;
	connection->header.size = sizeof(event);
	connection->http.protocol = HTTP1_PROTOCOL_TLS;
	connection->http.counts =
		(struct kw_counts){.requests_begun = by ? 0 : 1, .responses_ended = by ? 0 : 1};
	if (by)
		verdict = verdict_of(KW_REASON_TLS_HANDSHAKE_FAILED, KW_CLOSER_CLIENT, KW_PHASE_HANDSHAKE);
	verdict.confidence = KW_CONFIDENCE_INFERRED;
	for (int i = 0; i < count; i++) {
		struct kw_event decoded;

		world->now += KW_S;
		connection->header.time = verdict.closed = connection->closing.time = world->now;
		connection->identity.cookie = ++world->cookie;
		assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
		assert_int_equal(kw_aggregate_connection(&world->aggregate, &service, &decoded, &verdict), 0);
	}
}

static void failing_handshakes_are_raised_with_their_commonest_alert(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add_tls(&world, 90, 0, 0);
	add_tls(&world, 4, 1 + TLS_SERVER, 112);
	add_tls(&world, 6, 1 + TLS_CLIENT, 48);
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
	add_tls(&world, 200, 0, 0);
	add_tls(&world, 1, 1 + TLS_CLIENT, 48);
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
	add_tls(&world, 2000, 0, 0);
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
	add_tls(&world, 3, 0, 0);
	add_tls(&world, 2, 1 + TLS_CLIENT, 48);
	counters = world.aggregate.services;
	assert_int_equal(counters->tls.handshakes[KW_TLS_RESULT_DONE][TLS_1_3 - TLS_1_0], 3);
	assert_int_equal(counters->tls.handshakes[KW_TLS_RESULT_FAILED][TLS_1_3 - TLS_1_0], 2);
	assert_int_equal(counters->tls.alerts[TLS_CLIENT][48], 2);
	assert_int_equal(counters->inferred, 5);
	conclude(&world);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failing_handshakes_are_raised_with_their_commonest_alert),
		cmocka_unit_test(a_single_failure_in_many_is_none),
		cmocka_unit_test(connections_of_tls_are_not_called_badly_used),
		cmocka_unit_test(handshakes_count_by_result_and_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
