/* SPDX-License-Identifier: BSD-2-Clause */
/* Two ends prove some things about the path between them, and not others; clocks that are compared; ends that find each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "join/across.h"
#include "tests/unit/events.h"

#define DAY (int64_t)(86400 * KW_S)
#define DELAY (int64_t)(2 * KW_MS) /* one way */
#define REQUESTS 474               /* bytes of the three requests that were answered */
#define MORE 36                    /* bytes of one more request */

/* The two ends of one connection, idle for 4 s since the third exchange at 2 s, as their hosts recorded them. */
struct ends {
	struct kw_event_connection client, server;
	struct kw_verdict verdicts[2];
};

static void act(struct kw_event_connection *event, enum kw_act first, uint32_t all, uint64_t time)
{
	event->ending.act = (uint8_t)first;
	event->ending.acts = (uint8_t)(1U << first | all);
	event->ending.time = event->closing.time = event->header.time = time;
}

/* The client is reset at 6 s; the server closes at @closed. */
static struct ends ends(uint64_t closed)
{
	struct ends ends = {.client = event_connection(), .server = event_connection()};
	struct kw_event_connection *client = &ends.client, *server = &ends.server;

	client->identity.cookie = 0xc;
	client->identity.role = KW_ROLE_CLIENT;
	client->identity.isn = server->peer_isn;
	client->peer_isn = server->identity.isn;
	client->identity.local_port = server->identity.remote_port;
	client->identity.remote_port = server->identity.local_port;
	event_address(client->identity.local, "10.0.0.9");
	event_address(client->identity.remote, "10.0.0.5");
	client->established = client->opened + 2 * (uint64_t)DELAY;
	server->opened = server->established = client->established + (uint64_t)DELAY;
	for (int i = 0; i < 2; i++) {
		struct kw_event_connection *event = i ? server : client;

		event->http.request_started = event->http.request_ended = 2 * KW_S - KW_MS;
		event->http.response_started = event->http.response_ended = 2 * KW_S;
		event->http.last_request_version = event->http.last_response_version = 1;
	}
	client->http.tx_bytes = server->http.rx_bytes = REQUESTS;
	client->http.rx_bytes = server->http.tx_bytes;
	client->ending.tx_sent = client->ending.tx_acked = server->ending.rx_arrived = REQUESTS;
	server->ending.rx_read = REQUESTS;
	server->ending.tx_sent = server->ending.tx_acked = client->ending.rx_arrived = client->http.rx_bytes;
	act(client, KW_ACT_PEER_RST, 0, 6 * KW_S);
	client->closing.error = 104;
	act(server, KW_ACT_LOCAL_FIN, 0, closed);
	return ends;
}

/* The client sends a fourth request at 6 s, which does not arrive, and gives up at 9 s. */
static struct ends unheard(uint64_t closed)
{
	struct ends all = ends(closed);
	struct kw_event_connection *client = &all.client;

	act(client, KW_ACT_LOCAL_FIN, 0, 9 * KW_S);
	client->closing.error = 0;
	client->closing.retransmits = 4;
	client->ending.tx_sent = REQUESTS + MORE;
	client->http.counts.requests_begun = client->http.counts.requests = client->http.counts.requests_ended =
		4;
	client->http.request_begin = REQUESTS;
	client->http.request_end = client->http.oldest_end = REQUESTS + MORE;
	client->http.request_started = client->http.request_ended = 6 * KW_S;
	client->http.idle_before_last = 4 * KW_S;
	return all;
}

static struct kw_path judged(struct ends *ends, int64_t server_shift)
{
	struct kw_path_ends both = {.client = {&ends->client, &ends->verdicts[0], 0},
				    .server = {&ends->server, &ends->verdicts[1], server_shift}};
	struct kw_path path;

	kw_judge(&ends->client, &ends->verdicts[0]);
	kw_judge(&ends->server, &ends->verdicts[1]);
	if (ends->server.report == KW_REPORT_OPEN)
		both.server.verdict = NULL;
	kw_path_judge(&both, &path);
	return path;
}

static void open_still(struct kw_event_connection *event, uint64_t time)
{
	event->report = KW_REPORT_OPEN;
	event->ending.act = event->ending.acts = 0;
	event->ending.time = event->closing.time = 0;
	event->header.time = time;
}

static void assert_reason(const struct kw_path *path, const char *reason)
{
	assert_string_equal(kw_path_reason_name(path->reason), reason);
}

static void a_rst_that_the_other_end_did_not_send_is_the_paths(void **state)
{
	struct ends all = ends(8 * KW_S);
	struct kw_path path = judged(&all, 0);

	(void)state;
	assert_reason(&path, "reset_by_path");
	assert_int_equal(path.victim, KW_ROLE_CLIENT);
	assert_string_equal(path.evidence.sentences[0],
			    "the client received a RST that the server had not sent");
	assert_int_equal(path.idle_failed, 4 * KW_S);
	assert_int_equal(path.idle_worked, 210 * KW_MS);
	assert_int_equal(path.delay, DELAY);
	assert_false(path.nat);
	open_still(&all.server, 9 * KW_S);
	path = judged(&all, 0);
	assert_reason(&path, "reset_by_path");
	act(&all.server, KW_ACT_PEER_RST, 0, 6 * KW_S);
	all.server.report = KW_REPORT_CLOSED;
	path = judged(&all, 0);
	assert_reason(&path, "reset_by_path");
}

/* The server closed first, or at a time that clocks cannot set apart from the client's; or nothing is known of its end by then. */
static void a_rst_that_the_other_end_may_have_sent_is_not(void **state)
{
	struct ends first = ends(6 * KW_S - KW_MS), near = ends(6 * KW_S + KW_MS), early = ends(6 * KW_S);
	struct kw_path path = judged(&first, 0);

	(void)state;
	assert_reason(&path, "none");
	path = judged(&near, 0);
	assert_reason(&path, "none");
	act(&first.server, KW_ACT_LOCAL_RST, 0, 6 * KW_S - KW_MS);
	path = judged(&first, 0);
	assert_reason(&path, "none");
	open_still(&early.server, 6 * KW_S - KW_MS);
	path = judged(&early, 0);
	assert_reason(&path, "none");
}

/* The server's clock is a day ahead; the shift says so. */
static void times_of_two_hosts_compare_by_their_shifts(void **state)
{
	struct ends all = ends(8 * KW_S);
	struct kw_path path = judged(&all, -3 * (int64_t)KW_S);

	(void)state;
	assert_reason(&path, "none");
	all = ends(5 * KW_S);
	path = judged(&all, DAY);
	assert_reason(&path, "reset_by_path");
}

static void a_fin_that_the_other_end_did_not_send_is_the_paths(void **state)
{
	struct ends all = ends(8 * KW_S);
	struct kw_path path;

	(void)state;
	act(&all.client, KW_ACT_PEER_FIN, 1U << KW_ACT_LOCAL_RST, 6 * KW_S);
	all.client.closing.error = 0;
	path = judged(&all, 0);
	assert_reason(&path, "fin_by_path");
	act(&all.server, KW_ACT_PEER_RST, 0, 6 * KW_S + KW_MS);
	path = judged(&all, 0);
	assert_reason(&path, "fin_by_path");
	act(&all.server, KW_ACT_LOCAL_FIN, 0, 6 * KW_S - KW_MS);
	path = judged(&all, 0);
	assert_reason(&path, "none");
}

static void a_request_that_never_arrived_was_dropped(void **state)
{
	struct ends all = unheard(20 * KW_S);
	struct kw_path path = judged(&all, 0);

	(void)state;
	assert_reason(&path, "dropped_by_path");
	assert_int_equal(path.idle_failed, 4 * KW_S);
	assert_string_equal(path.evidence.sentences[0],
			    "36 bytes that the client sent never reached the server");
	all = unheard(8 * KW_S); /* the server's idle timeout passed before the client gave up */
	path = judged(&all, 0);
	assert_reason(&path, "dropped_by_path");
}

/* The server closed too soon for a second try; or its program did not read, so that its window may have been closed; or it had all. */
static void a_request_that_may_have_arrived_was_not(void **state)
{
	struct ends all = unheard(6 * KW_S + 500 * KW_MS);
	struct kw_path path;

	(void)state;
	act(&all.client, KW_ACT_PEER_FIN, 0, 7 * KW_S);
	path = judged(&all, 0);
	assert_reason(&path, "none");
	all = unheard(20 * KW_S);
	all.server.http.rx_bytes -= 100;
	path = judged(&all, 0);
	assert_reason(&path, "none");
	all = unheard(20 * KW_S);
	act(&all.server, KW_ACT_PEER_FIN, 0, 9 * KW_S);
	all.server.http.rx_bytes = all.server.ending.rx_arrived = REQUESTS + MORE;
	path = judged(&all, 0);
	assert_reason(&path, "none");
}

static void a_connection_that_was_open_before_proves_nothing(void **state)
{
	struct ends all = ends(8 * KW_S);
	struct kw_path path;

	(void)state;
	all.server.identity.preexisting = 1;
	path = judged(&all, 0);
	assert_reason(&path, "none");
}

static void addresses_that_differ_are_translated(void **state)
{
	struct ends all = ends(8 * KW_S);
	struct kw_path path;

	(void)state;
	event_address(all.client.identity.remote, "192.0.2.80");
	path = judged(&all, 0);
	assert_true(path.nat);
}

/* ---- several hosts ---- */

struct taken {
	size_t count, both, one_end;
	enum kw_path_reason reason;
};

static int on_pair(void *context, const struct kw_across_pair *pair)
{
	struct taken *taken = context;

	taken->count++;
	taken->both += pair->path.both;
	taken->one_end += pair->path.reason == KW_PATH_ONE_END;
	taken->reason = pair->path.reason;
	return 0;
}

static struct kw_event decoded(const struct kw_event_connection *event)
{
	struct kw_event out;

	assert_int_equal(kw_decode(event, event->header.size, &out), 0);
	return out;
}

static void pass(struct kw_survey *survey, size_t host, uint64_t time)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};
	struct kw_event event;

	assert_int_equal(kw_decode(&totals, sizeof(totals), &event), 0);
	assert_int_equal(kw_survey_take(survey, host, &event), 0);
}

/* Connections from host 0 to host 1, each with its own numbers; host 1's clock is @ahead. The @missing last ones are unknown there. */
static struct taken joined(int64_t ahead, uint32_t count, uint32_t missing, uint64_t started,
			   struct kw_skew *ret_skew)
{
	struct kw_survey survey = {0};
	struct taken taken = {0};
	struct kw_across across = {.survey = &survey, .pair = on_pair, .context = &taken};

	assert_int_equal(kw_survey_add_host(&survey, 1000 * (int64_t)KW_S, 0), 0);
	assert_int_equal(kw_survey_add_host(&survey, 1000 * (int64_t)KW_S + ahead, started), 1);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < count; i++) {
			struct ends all = ends(6 * KW_S - KW_MS);
			struct kw_verdict verdict;
			struct kw_event event;

			all.client.identity.isn = all.server.peer_isn = i;
			all.server.established += (i % 3) * 100 * KW_US;
			for (size_t host = 0; host < 2 - (i + missing >= count); host++) {
				event = decoded(host ? &all.server : &all.client);
				kw_judge(event.connection, &verdict);
				assert_int_equal(
					round ? kw_across_take(&across, host, &event, &verdict, NULL, NULL)
					      : kw_survey_take(&survey, host, &event),
					0);
			}
		}
		pass(&survey, 0, 60 * KW_S);
		pass(&survey, 1, 60 * KW_S);
		if (!round)
			assert_int_equal(kw_survey_settle(&survey), 0);
	}
	assert_int_equal(kw_across_end(&across), 0);
	*ret_skew = survey.hosts[1].skew;
	kw_across_close(&across);
	kw_survey_close(&survey);
	return taken;
}

static void clocks_a_day_apart_are_compared_by_handshakes(void **state)
{
	static const int64_t skews[] = {0, DAY, -DAY, 123 * (int64_t)KW_MS};
	struct kw_skew skew;

	(void)state;
	for (size_t i = 0; i < sizeof(skews) / sizeof(skews[0]); i++) {
		struct taken taken = joined(skews[i], 9, 0, 0, &skew);

		assert_true(skew.known);
		assert_int_equal(skew.pairs, 9);
		assert_int_equal(skew.ns, skews[i] + 100 * (int64_t)KW_US);
		assert_int_equal(taken.count, 9);
		assert_int_equal(taken.both, 9);
		assert_int_equal(taken.reason, KW_PATH_NONE);
	}
}

/* A host that was recorded from the beginning should have the connection; one that was recorded later need not. */
static void an_end_that_its_host_should_have_is_missed(void **state)
{
	struct kw_skew skew;
	struct taken taken = joined(DAY, 9, 2, 0, &skew);

	(void)state;
	assert_int_equal(taken.count, 9);
	assert_int_equal(taken.both, 7);
	assert_int_equal(taken.one_end, 2);
	taken = joined(-DAY, 9, 2, 3 * KW_S, &skew);
	assert_int_equal(taken.one_end, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rst_that_the_other_end_did_not_send_is_the_paths),
		cmocka_unit_test(a_rst_that_the_other_end_may_have_sent_is_not),
		cmocka_unit_test(times_of_two_hosts_compare_by_their_shifts),
		cmocka_unit_test(a_fin_that_the_other_end_did_not_send_is_the_paths),
		cmocka_unit_test(a_request_that_never_arrived_was_dropped),
		cmocka_unit_test(a_request_that_may_have_arrived_was_not),
		cmocka_unit_test(a_connection_that_was_open_before_proves_nothing),
		cmocka_unit_test(addresses_that_differ_are_translated),
		cmocka_unit_test(clocks_a_day_apart_are_compared_by_handshakes),
		cmocka_unit_test(an_end_that_its_host_should_have_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
