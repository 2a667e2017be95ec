/* SPDX-License-Identifier: BSD-2-Clause */
/* A gateway that answers for servers that failed it: raised by its causes, silent about a program's own 503. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/world.h"

/* The gateway "s" answers @count requests with this status, because of that server; no cause if @upstream is NULL. */
static void answer(struct world *world, int count, uint16_t status, const char *upstream, enum kw_reason reason)
{
	struct kw_service service = event_service(KW_ROLE_SERVER, "s"), behind = {0};
	struct kw_kept_close failure = {.verdict.reason = reason};
	struct kw_gateway_error error = {.event = {.header.time = world->now, .status = status},
					 .cause = upstream ? &failure : NULL};
	struct kw_event_connection event = event_connection();
	struct kw_verdict verdict =
		verdict_of(KW_REASON_CONNECT_REFUSED, KW_CLOSER_SERVER, KW_PHASE_CONNECTING);
	struct kw_event decoded;

	if (upstream) { /* a failed connect() gives it a place */
		behind = event_service(KW_ROLE_CLIENT, upstream);
		event.identity.role = KW_ROLE_CLIENT;
		assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
		assert_int_equal(kw_aggregate_connection(&world->aggregate, &behind, &decoded, &verdict), 0);
	}
	for (int i = 0; i < count; i++) {
		error.event.identity.cookie = ++world->cookie;
		assert_int_equal(
			kw_aggregate_gateway(&world->aggregate, &service, upstream ? &behind : NULL, &error),
			0);
	}
}

/* Of 100 requests on 10 connections. */
static void open_gateway(struct world *world)
{
	open_world(world);
	add(world, 10, KW_S, requests(10),
	    verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
}

static void it_comes_first_and_names_each_cause_with_its_remedy(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_gateway(&world);
	answer(&world, 2, 504, "10.0.0.8:3000", KW_REASON_CLIENT_GAVE_UP);
	answer(&world, 5, 502, "10.0.0.7:3000", KW_REASON_STALE_REUSE);
	answer(&world, 1, 503, "10.0.0.7:3000", KW_REASON_STALE_REUSE);
	answer(&world, 1, 503, NULL, KW_REASON_MAX);
	add(&world, 1, KW_S, requests(10),
	    lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING)));
	conclude(&world);
	finding = first(&world, KW_FINDING_GATEWAY_ERRORS, KW_SEVERITY_CRITICAL);
	assert_string_equal(
		finding->summary,
		"It answered 9 of 110 requests with 502 or 503 or 504: 6 because 10.0.0.7:3000 closed "
		"connections that the gateway used again (stale_reuse), 2 because 10.0.0.8:3000 took "
		"longer than the gateway waits (client_gave_up). Of 1 no cause was seen.");
	assert_number(finding, "gateway_errors", 9);
	assert_number(finding, "requests", 110);
	assert_number(finding, "cause_unknown", 1);
	assert_number(finding, "status_502", 5);
	assert_number(finding, "status_503", 2);
	assert_number(finding, "status_504", 2);
	assert_int_equal(finding->advice_count, 2);
	assert_advice_names(finding, "proxy_read_timeout");
	assert_int_equal(finding->examples.count, KW_EXAMPLES);
	close_world(&world);
}

static void a_programs_own_503_is_no_finding(void **state)
{
	struct world world;

	(void)state;
	open_gateway(&world);
	answer(&world, 50, 503, NULL, KW_REASON_MAX);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_GATEWAY_ERRORS));
	assert_true(world.overview.healthy);
	close_world(&world);
}

static void two_servers_that_fail_alike_get_one_advice(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_gateway(&world);
	answer(&world, 1, 502, "10.0.0.7:3000", KW_REASON_CONNECT_REFUSED);
	answer(&world, 1, 502, "10.0.0.8:3000", KW_REASON_CONNECT_REFUSED);
	conclude(&world);
	finding = first(&world, KW_FINDING_GATEWAY_ERRORS, KW_SEVERITY_CRITICAL);
	assert_non_null(strstr(finding->summary,
			       "1 because 10.0.0.7:3000 refused connections (connect_refused), 1 "
			       "because 10.0.0.8:3000 refused connections (connect_refused)."));
	assert_int_equal(finding->advice_count, 1);
	close_world(&world);
}

static void other_reasons_are_named_by_their_page(void **state)
{
	struct world world;

	(void)state;
	open_gateway(&world);
	answer(&world, 1, 502, "10.0.0.7:3000", KW_REASON_RETRANSMIT_TIMEOUT);
	conclude(&world);
	assert_advice_names(first(&world, KW_FINDING_GATEWAY_ERRORS, KW_SEVERITY_CRITICAL),
			    "keepwatch explain retransmit_timeout");
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_first_and_names_each_cause_with_its_remedy),
		cmocka_unit_test(a_programs_own_503_is_no_finding),
		cmocka_unit_test(two_servers_that_fail_alike_get_one_advice),
		cmocka_unit_test(other_reasons_are_named_by_their_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
