/* SPDX-License-Identifier: BSD-2-Clause */
/* The two ends of a connection are judged together, whichever record comes first, and nothing waits for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "join/both_ends.h"
#include "join/pair_key.h"
#include "judge/evidence.h"
#include "tests/unit/events.h"
#include "tests/unit/judge/http2_story.h"

#define MOST_TAKEN 4096

/* The records that came out, in their order. */
struct taken {
	struct kw_both_ends both;
	struct kw_sink sink;
	size_t count;
	int result; /* that the next sink returns */
	struct one {
		uint64_t cookie; /* 0: totals */
		struct kw_verdict verdict;
		char evidence[KW_EVIDENCE_SENTENCES * KW_EVIDENCE_LENGTH];
	} list[MOST_TAKEN];
};

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct taken *taken = context;
	struct one *one = &taken->list[taken->count++];
	struct kw_evidence evidence = {0};

	assert_true(taken->count < MOST_TAKEN);
	*one = (struct one){0};
	if (event->connection)
		one->cookie = event->connection->identity.cookie;
	if (event->late)
		one->cookie = event->late->identity.cookie;
	if (!verdict)
		return taken->result;
	one->verdict = *verdict;
	kw_evidence_write(verdict, &evidence);
	for (size_t i = 0; i < evidence.count; i++)
		strcat(strcat(one->evidence, evidence.sentences[i]), "; ");
	return taken->result;
}

static int open_both(void **state)
{
	static struct taken taken;

	*state = &taken;
	taken = (struct taken){0};
	taken.sink = kw_both_ends_sink(&taken.both);
	return kw_both_ends_open(&taken.both, (struct kw_sink){.context = &taken, .event = on_event});
}

static int close_both(void **state)
{
	kw_both_ends_close(&((struct taken *)*state)->both);
	return 0;
}

static int feed(struct taken *taken, const struct kw_event_connection *event)
{
	return kw_sink_feed(&taken->sink, event, event->header.size);
}

static void pass(struct taken *taken, uint64_t time)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};

	assert_int_equal(kw_sink_feed(&taken->sink, &totals, sizeof(totals)), 0);
}

#define SERVER 0x5 /* the ends' cookies */
#define CLIENT 0xc

/* Closed after 3 exchanges, by a RST over a 4th request that the server never read. */
static struct kw_event_connection servers_end(void)
{
	struct kw_event_connection event = event_connection();

	event.identity.cookie = SERVER;
	event.ending.act = KW_ACT_LOCAL_RST;
	event.ending.acts = 1 << KW_ACT_LOCAL_RST;
	event.ending.rx_arrived = 510;
	event.ending.rx_read = event.http.rx_bytes;
	event.closing.unread = 36;
	event.http.response_started = event.http.response_ended = 2 * KW_S;
	event.http.last_request_version = event.http.last_response_version = 1;
	return event;
}

static struct kw_event_connection clients_end(void)
{
	struct kw_event_connection event = servers_end();
	struct kw_http *http = &event.http;

	event.identity.cookie = CLIENT;
	event.identity.role = KW_ROLE_CLIENT;
	event.identity.isn = event.peer_isn;
	event.peer_isn = servers_end().identity.isn;
	event.ending.act = KW_ACT_PEER_RST;
	event.ending.acts = 1 << KW_ACT_PEER_RST;
	event.ending.tx_sent = event.ending.tx_acked = 510;
	event.ending.rx_arrived = event.ending.rx_read = http->rx_bytes;
	event.closing.unread = 0;
	event.closing.error = 104; /* ECONNRESET */
	http->counts.requests_begun = http->counts.requests = http->counts.requests_ended = 4;
	http->request_begin = 474;
	http->request_end = http->oldest_end = 510;
	http->request_started = http->request_ended = 6 * KW_S;
	return event;
}

static const struct one *taken_of(const struct taken *taken, uint64_t cookie)
{
	for (size_t i = 0; i < taken->count; i++)
		if (taken->list[i].cookie == cookie)
			return &taken->list[i];
	fail_msg("no record of %lx came out", (unsigned long)cookie);
	return NULL;
}

static void assert_race(const struct taken *taken)
{
	const struct kw_verdict *client = &taken_of(taken, CLIENT)->verdict;
	const struct kw_verdict *server = &taken_of(taken, SERVER)->verdict;

	assert_int_equal(taken->count, 2);
	assert_string_equal(kw_reason_name(client->reason), "stale_reuse");
	assert_int_equal(client->confidence, KW_CONFIDENCE_CERTAIN);
	assert_int_equal(client->lost_requests, 1);
	assert_non_null(
		strstr(taken_of(taken, CLIENT)->evidence, "the server had closed the idle connection before"));
	assert_true(server->late_request);
	assert_int_equal(server->lost_requests, 1);
}

static void a_request_that_the_server_never_read_came_too_late(void **state)
{
	struct kw_event_connection client = clients_end(), server = servers_end();

	feed(*state, &server);
	feed(*state, &client);
	assert_race(*state);
}

static void the_clients_record_waits_for_the_servers(void **state)
{
	struct kw_event_connection client = clients_end(), server = servers_end();
	struct taken *taken = *state;

	feed(taken, &client);
	assert_int_equal(taken->count, 0);
	feed(taken, &server);
	assert_race(taken);
	assert_int_equal(taken->list[0].cookie, CLIENT);
}

static void a_server_that_had_read_the_request_gave_no_response(void **state)
{
	struct kw_event_connection client = clients_end(), server = servers_end();
	struct taken *taken = *state;

	server.http = client.http;
	server.ending.rx_read = server.http.rx_bytes = 510;
	server.closing.unread = 0;
	client.http.has_timeout = 1; /* idle for longer than that, so that alone it would be called stale */
	client.http.timeout = 2;
	client.http.idle_before_last = 4 * KW_S;
	feed(taken, &client);
	feed(taken, &server);
	assert_string_equal(kw_reason_name(taken_of(taken, CLIENT)->verdict.reason), "no_response");
	assert_int_equal(taken_of(taken, CLIENT)->verdict.confidence, KW_CONFIDENCE_CERTAIN);
	assert_non_null(strstr(taken_of(taken, CLIENT)->evidence, "the server had received the request"));
}

/* The two ends of a connection of HTTP/2: its server closed after a GOAWAY, and never read the client's last streams. */
static struct kw_event_http2 http2_end(enum kw_role role)
{
	const struct http2_story story = {.answered = 3,
					  .unheaded = role == KW_ROLE_CLIENT ? 2 : 0,
					  .goaways[HTTP2_SERVER] = {.after = KW_MS, .number = 3},
					  .actor = KW_CLOSER_SERVER,
					  .manner = KW_MANNER_FIN,
					  .closed_after = 2 * KW_MS};
	struct kw_event_http2 event = http2_story_event(&story, role);
	struct kw_event_connection *connection = &event.history.connection;

	connection->identity = role == KW_ROLE_CLIENT ? clients_end().identity : servers_end().identity;
	connection->peer_isn = role == KW_ROLE_CLIENT ? clients_end().peer_isn : servers_end().peer_isn;
	connection->header.time = connection->closing.time;
	return event;
}

static void a_server_that_sent_a_goaway_waits_for_the_streams_of_the_client(void **state)
{
	struct kw_event_http2 client = http2_end(KW_ROLE_CLIENT), server = http2_end(KW_ROLE_SERVER);
	struct taken *taken = *state;

	feed(taken, &server.history.connection);
	assert_int_equal(taken->count, 0);
	feed(taken, &client.history.connection);
	assert_int_equal(taken->count, 2);
	for (size_t i = 0; i < taken->count; i++) {
		assert_string_equal(kw_reason_name(taken->list[i].verdict.reason), "goaway_refused");
		assert_int_equal(taken->list[i].verdict.confidence, KW_CONFIDENCE_CERTAIN);
	}
	assert_non_null(strstr(taken_of(taken, CLIENT)->evidence, "2 streams above that number"));
}

static void an_end_whose_other_end_is_elsewhere_goes_on_after_a_second(void **state)
{
	struct kw_event_connection client = clients_end();
	struct taken *taken = *state;

	feed(taken, &client);
	pass(taken, client.header.time + KW_BOTH_ENDS_WAIT - 1);
	assert_int_equal(taken->count, 1); /* the totals */
	pass(taken, client.header.time + KW_BOTH_ENDS_WAIT);
	assert_int_equal(taken->count, 3);
	assert_int_equal(taken->list[1].cookie, CLIENT);
	assert_string_equal(kw_reason_name(taken->list[1].verdict.reason), "no_response");
	assert_int_equal(taken->list[1].verdict.confidence, KW_CONFIDENCE_INFERRED);
}

static void two_ends_of_the_same_side_are_not_of_one_connection(void **state)
{
	struct kw_event_connection client = clients_end(), other = clients_end();
	struct taken *taken = *state;

	other.identity.cookie = CLIENT + 1;
	feed(taken, &client);
	feed(taken, &other);
	assert_int_equal(taken->count, 0);
	assert_int_equal(kw_both_ends_end(&taken->both), 0);
	assert_int_equal(taken_of(taken, CLIENT)->verdict.confidence, KW_CONFIDENCE_INFERRED);
	assert_int_equal(taken_of(taken, CLIENT + 1)->verdict.confidence, KW_CONFIDENCE_INFERRED);
}

static void an_end_of_a_minute_ago_is_of_another_connection(void **state)
{
	const uint64_t after[] = {60 * KW_S - 1, 60 * KW_S};
	struct taken *taken = *state;

	for (uint32_t i = 0; i < 2; i++) {
		struct kw_event_connection client = clients_end(), server = servers_end();

		client.identity.cookie += i;
		server.header.time += 100 * KW_S * i;
		client.header.time = server.header.time + after[i];
		feed(taken, &server);
		feed(taken, &client);
	}
	assert_int_equal(kw_both_ends_end(&taken->both), 0);
	assert_int_equal(taken_of(taken, CLIENT)->verdict.confidence, KW_CONFIDENCE_CERTAIN);
	assert_int_equal(taken_of(taken, CLIENT + 1)->verdict.confidence, KW_CONFIDENCE_INFERRED);
}

static void a_record_that_says_all_waits_for_none(void **state)
{
	struct kw_event_connection server = servers_end();

	feed(*state, &server);
	assert_int_equal(((struct taken *)*state)->count, 1);
}

static void the_end_of_events_waits_for_none(void **state)
{
	struct kw_event_connection client = clients_end();

	feed(*state, &client);
	assert_int_equal(kw_both_ends_end(&((struct taken *)*state)->both), 0);
	assert_int_equal(taken_of(*state, CLIENT)->verdict.confidence, KW_CONFIDENCE_INFERRED);
}

static void a_sink_that_had_enough_gets_no_more(void **state)
{
	struct kw_event_connection client = clients_end(), server = servers_end();
	struct taken *taken = *state;

	feed(taken, &client);
	server.identity.isn++; /* of another connection */
	taken->result = 1;
	assert_int_equal(feed(taken, &server), 1);
	assert_int_equal(kw_both_ends_end(&taken->both), 0);
	assert_int_equal(taken->count, 1);
}

/* Alone, each end believes that its own FIN was first. */
static void of_fins_that_cross_the_earlier_counts(void **state)
{
	struct kw_event_connection server = event_connection(), client = event_connection();
	struct taken *taken = *state;

	server.identity.cookie = SERVER;
	client.identity.cookie = CLIENT;
	client.identity.role = KW_ROLE_CLIENT;
	client.identity.isn = server.peer_isn;
	client.peer_isn = server.identity.isn;
	server.ending.simultaneous = client.ending.simultaneous = 1;
	server.ending.acts = client.ending.acts = 1 << KW_ACT_LOCAL_FIN | 1 << KW_ACT_PEER_FIN;
	server.ending.time = client.ending.time - KW_MS;
	feed(taken, &client);
	feed(taken, &server);
	assert_int_equal(taken->count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(taken->list[i].verdict.closer, KW_CLOSER_SERVER);
		assert_int_equal(taken->list[i].verdict.closed, server.ending.time);
		assert_non_null(
			strstr(taken->list[i].evidence, "the server's was first by the times of both ends"));
	}
}

static void a_late_request_comes_behind_the_record_that_it_amends(void **state)
{
	struct kw_event_connection server = event_connection();
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, server.header.time + KW_MS}};
	struct taken *taken = *state;

	server.identity.cookie = SERVER;
	server.ending.simultaneous = 1;
	server.http.last_request_version = server.http.last_response_version = 1;
	late.identity = server.identity;
	feed(taken, &server);
	assert_int_equal(taken->count, 0);
	assert_int_equal(kw_sink_feed(&taken->sink, &late, sizeof(late)), 0);
	assert_int_equal(taken->count, 2);
	assert_int_equal(taken->list[0].verdict.reason, KW_REASON_CLIENT_CLOSED_IDLE);
}

static void a_late_request_of_the_sockets_next_connection_amends_nothing(void **state)
{
	struct kw_event_connection server = event_connection();
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, server.header.time + KW_MS}};
	struct taken *taken = *state;

	server.identity.cookie = SERVER;
	server.ending.simultaneous = 1;
	late.identity = server.identity;
	late.identity.generation++;
	feed(taken, &server);
	assert_int_equal(kw_sink_feed(&taken->sink, &late, sizeof(late)), 0);
	assert_int_equal(taken->count, 1);
	assert_int_equal(kw_both_ends_end(&taken->both), 0);
	assert_int_equal(taken->count, 2);
}

static void an_end_decides_for_one_other_only(void **state)
{
	struct kw_event_connection client = clients_end(), other = clients_end(), server = servers_end();
	struct taken *taken = *state;

	other.identity.cookie = CLIENT + 1;
	feed(taken, &server);
	feed(taken, &client);
	feed(taken, &other);
	assert_int_equal(kw_both_ends_end(&taken->both), 0);
	assert_int_equal(taken_of(taken, CLIENT)->verdict.confidence, KW_CONFIDENCE_CERTAIN);
	assert_int_equal(taken_of(taken, CLIENT + 1)->verdict.confidence, KW_CONFIDENCE_INFERRED);
}

static void where_there_is_no_room_the_oldest_goes_on(void **state)
{
	struct taken *taken = *state;

	for (uint32_t i = 0; i < KW_BOTH_ENDS_HELD + 7; i++) {
		struct kw_event_connection client = clients_end();

		client.identity.cookie = 1000 + i;
		client.identity.isn = i;
		feed(taken, &client);
	}
	assert_int_equal(taken->count, 7);
	assert_int_equal(taken->list[0].cookie, 1000);
	kw_both_ends_end(&taken->both);
	assert_int_equal(taken->count, KW_BOTH_ENDS_HELD + 7);
	for (uint32_t i = 0; i < taken->count; i++)
		assert_int_equal(taken->list[i].cookie, 1000 + i);
}

static void the_key_is_the_same_at_both_ends_and_no_other(void **state)
{
	struct kw_event_connection server = event_connection(), client = server, other;

	(void)state;
	client.identity.role = KW_ROLE_CLIENT;
	client.identity.isn = server.peer_isn;
	client.peer_isn = server.identity.isn;
	event_address(server.identity.local, "10.0.0.5"); /* translated: the endpoints differ */
	assert_int_equal(kw_pair_key(&server), kw_pair_key(&client));
	other = client;
	other.identity.isn++;
	assert_int_not_equal(kw_pair_key(&other), kw_pair_key(&client));
	other.identity.role = KW_ROLE_UNKNOWN;
	assert_int_equal(kw_pair_key(&other), 0);
}

static void where_the_beginning_was_not_seen_the_endpoints_are_the_key(void **state)
{
	struct kw_event_connection server = event_connection(), client = server;

	(void)state;
	event_address(server.identity.local, "127.0.0.1");
	event_address(server.identity.remote, "127.0.0.2");
	server.identity.flow = client.identity.flow = KW_FLOW_UNKNOWN;
	client.identity.role = KW_ROLE_CLIENT;
	memcpy(client.identity.local, server.identity.remote, 16);
	memcpy(client.identity.remote, server.identity.local, 16);
	client.identity.local_port = server.identity.remote_port;
	client.identity.remote_port = server.identity.local_port;
	assert_int_equal(kw_pair_key(&server), kw_pair_key(&client));
	client.identity.netns++; /* each namespace has this address */
	assert_int_not_equal(kw_pair_key(&server), kw_pair_key(&client));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_that_the_server_never_read_came_too_late),
		TEST(the_clients_record_waits_for_the_servers),
		TEST(a_server_that_had_read_the_request_gave_no_response),
		TEST(a_server_that_sent_a_goaway_waits_for_the_streams_of_the_client),
		TEST(an_end_whose_other_end_is_elsewhere_goes_on_after_a_second),
		TEST(two_ends_of_the_same_side_are_not_of_one_connection),
		TEST(an_end_of_a_minute_ago_is_of_another_connection),
		TEST(a_record_that_says_all_waits_for_none),
		TEST(the_end_of_events_waits_for_none),
		TEST(a_sink_that_had_enough_gets_no_more),
		TEST(of_fins_that_cross_the_earlier_counts),
		TEST(a_late_request_comes_behind_the_record_that_it_amends),
		TEST(a_late_request_of_the_sockets_next_connection_amends_nothing),
		TEST(an_end_decides_for_one_other_only),
		TEST(where_there_is_no_room_the_oldest_goes_on),
		cmocka_unit_test(the_key_is_the_same_at_both_ends_and_no_other),
		cmocka_unit_test(where_the_beginning_was_not_seen_the_endpoints_are_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
