/* SPDX-License-Identifier: BSD-2-Clause */
/* Services that have the two ends of the same connections on this host: one row, and each fault once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/world.h"

/* Adds connections, each from both ends; their verdicts may differ. */
static void add_both(struct world *world, int count, struct kw_event_connection server,
		     struct kw_verdict of_server, struct kw_event_connection client,
		     struct kw_verdict of_client)
{
	client.identity.role = KW_ROLE_CLIENT;
	for (int i = 0; i < count; i++) {
		server.peer_isn = client.identity.isn = 100 + (uint32_t)++world->cookie;
		client.peer_isn = server.identity.isn;
		add(world, 1, KW_S, i % 2 ? server : client, i % 2 ? of_server : of_client);
		add(world, 1, KW_S, i % 2 ? client : server, i % 2 ? of_client : of_server);
	}
}

static size_t count_of(const struct world *world, enum kw_finding_id id)
{
	size_t count = 0;

	for (size_t i = 0; i < world->overview.finding_count; i++)
		count += world->overview.findings[i].finding->id == id;
	return count;
}

static void a_connection_with_both_ends_here_is_one(void **state)
{
	struct kw_verdict verdict = verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE);
	struct kw_event_connection elsewhere = requests(2);
	struct world world;

	(void)state;
	open_world(&world);
	add_both(&world, 7, requests(2), verdict, requests(2), verdict);
	elsewhere.peer_isn = 50000; /* its other end is */
	add(&world, 1, KW_S, elsewhere, verdict);
	conclude(&world);
	assert_int_equal(world.overview.connections, 8);
	assert_int_equal(world.overview.paired, 7);
	assert_int_equal(world.overview.requests, 16);
	assert_int_equal(world.overview.service_count, 2);
	assert_int_equal(world.overview.row_count, 1);
	close_world(&world);
}

static void a_fault_that_both_ends_show_is_one_finding(void **state)
{
	struct kw_verdict cut =
		lost(verdict_of(KW_REASON_RESPONSE_TRUNCATED, KW_CLOSER_SERVER, KW_PHASE_RESPONSE));
	struct world world;

	(void)state;
	open_world(&world);
	add_both(&world, 6, requests(3), cut, requests(3), cut);
	conclude(&world);
	assert_int_equal(count_of(&world, KW_FINDING_TRUNCATED_RESPONSES), 1);
	assert_int_equal(world.overview.findings[0].service->counters->service.role, KW_ROLE_SERVER);
	assert_non_null(world.overview.findings[0].other);
	assert_int_equal(world.overview.premature, 6);
	close_world(&world);
}

/* One is that of a proxy's requests, the other that of its server's responses. */
static void two_programs_that_send_fields_on_are_two_findings(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	add_both(&world, 6, requests(5), idle_close(60000), requests(5), idle_close(60000));
	forward(&world, KW_ROLE_CLIENT, 2, "x-debug-token", 0);
	forward(&world, KW_ROLE_SERVER, 2, "proxy-connection", 0);
	conclude(&world);
	assert_int_equal(count_of(&world, KW_FINDING_FORWARDS_HOP_BY_HOP), 2);
	close_world(&world);
}

/* Each connection was used again, for a request that never came to the server. */
static void what_the_server_never_saw_counts_as_reuse(void **state)
{
	struct kw_verdict stale = lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));
	struct kw_event_connection client = requests(2);
	struct world world;

	(void)state;
	open_world(&world);
	client.http.counts.responses = client.http.counts.responses_ended = 1;
	add_both(&world, 60, requests(1), idle_close(2000), client, stale);
	conclude(&world);
	assert_int_equal(count_of(&world, KW_FINDING_LOW_REUSE), 0);
	assert_int_equal(count_of(&world, KW_FINDING_TIMEOUT_RACE), 1);
	assert_int_equal(world.overview.requests, 120);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_with_both_ends_here_is_one),
		cmocka_unit_test(a_fault_that_both_ends_show_is_one_finding),
		cmocka_unit_test(two_programs_that_send_fields_on_are_two_findings),
		cmocka_unit_test(what_the_server_never_saw_counts_as_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
