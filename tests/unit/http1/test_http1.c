/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP/1.x machine over both streams of a connection: pairing, tunnels, events. The facts that one stream by itself
 * means is in tests/cases. */
#include "http1_talk.h"

/* ---- pairing -------------------------------------------------------------------------------------- */

static void sixteen_pipelined_requests_are_paired_in_order(void **state)
{
	struct talk talk = {};
	(void)state;

	for (int i = 0; i < 16; i++)
		ask(&talk, i % 3 ? REQUEST : HEAD_REQUEST);
	for (unsigned int i = 0; i < 16; i++) {
		answer(&talk, i % 3 ? RESPONSE : RESPONSE_HEAD);
		assert_int_equal(response_of(&talk)->method, i % 3 ? HTTP1_METHOD_SAFE : HTTP1_METHOD_HEAD);
		assert_int_equal(talk.ended[HTTP1_RESPONSES], i + 1);
	}
	assert_int_equal(talk.lost[HTTP1_RESPONSES], 0);
}

static void a_queue_of_sixteen_may_be_refilled_for_ever(void **state)
{
	struct talk talk = {};
	(void)state;

	for (int i = 0; i < 15; i++)
		ask(&talk, REQUEST);
	for (unsigned int i = 0; i < 100; i++) {
		ask(&talk, HEAD_REQUEST);
		answer(&talk, i < 15 ? RESPONSE : RESPONSE_HEAD);
		assert_int_equal(talk.ended[HTTP1_RESPONSES], i + 1);
	}
	assert_int_equal(talk.lost[HTTP1_RESPONSES], 0);
}

static void the_seventeenth_outstanding_request_loses_the_responses(void **state)
{
	struct talk talk = {};
	(void)state;

	for (int i = 0; i < 17; i++)
		ask(&talk, REQUEST);
	assert_true(answer(&talk, RESPONSE) & HTTP1_EVENT_LOST);
	assert_int_equal(talk.heads[HTTP1_RESPONSES], 0);
	assert_int_equal(response_of(&talk)->errors, 0);
	assert_int_equal(talk.lost[HTTP1_REQUESTS], 0);
}

static void a_response_seen_before_its_request_is_paired_with_it(void **state)
{
	struct talk talk = {};
	(void)state;

	assert_true(answer(&talk, RESPONSE_HEAD) & HTTP1_EVENT_HEAD);
	assert_true(response_of(&talk)->flags & HTTP1_FLAG_UNPAIRED);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 0);
	ask(&talk, HEAD_REQUEST);
	assert_true(answer(&talk, "") & HTTP1_EVENT_END);
	assert_int_equal(response_of(&talk)->framing, HTTP1_FRAMING_NONE);
	assert_false(response_of(&talk)->flags & HTTP1_FLAG_UNPAIRED);
	ask(&talk, REQUEST);
	answer(&talk, RESPONSE);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
	assert_int_equal(talk.lost[HTTP1_RESPONSES], 0);
}

static void a_whole_response_seen_before_its_request_does_not_shift_the_next(void **state)
{
	struct talk talk = {};
	(void)state;

	answer(&talk, RESPONSE);
	ask(&talk, REQUEST);
	ask(&talk, HEAD_REQUEST);
	answer(&talk, RESPONSE_HEAD);
	assert_int_equal(response_of(&talk)->method, HTTP1_METHOD_HEAD);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
}

static void a_tunnel_is_found_late_where_its_request_was_seen_late(void **state)
{
	struct talk talk = {};
	(void)state;

	answer(&talk, "HTTP/1.1 200 Established\r\n\r\n");
	assert_int_equal(response_of(&talk)->framing, HTTP1_FRAMING_CLOSE);
	ask(&talk, CONNECT_REQUEST);
	assert_true(answer(&talk, "\x16\x03\x01") & HTTP1_EVENT_END);
	assert_int_equal(response_of(&talk)->framing, HTTP1_FRAMING_TUNNEL);
	assert_int_not_equal(talk.c.tunnel, HTTP1_TUNNEL_NONE);
}

static void an_interim_response_leaves_its_request_in_the_queue(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, HEAD_REQUEST);
	answer(&talk, "HTTP/1.1 103 Early Hints\r\n\r\n");
	assert_int_equal(talk.c.popped, 0);
	answer(&talk, RESPONSE_HEAD);
	assert_int_equal(talk.c.popped, 1);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
}

static void a_response_may_end_before_its_request_does(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
	answer(&talk, RESPONSE);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 1);
	assert_int_equal(talk.ended[HTTP1_REQUESTS], 0);
	ask(&talk, "cde" REQUEST);
	answer(&talk, RESPONSE);
	assert_int_equal(talk.ended[HTTP1_REQUESTS], 2);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
}

/* ---- tunnels --------------------------------------------------------------------------------------- */

static void a_tunnel_takes_both_streams(void **state)
{
	static const char *const pairs[][2] = {
		{CONNECT_REQUEST, "HTTP/1.1 200 Established\r\n\r\n"},
		{"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		 "HTTP/1.1 101 Switching\r\n\r\n"},
	};
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		struct talk talk = {};

		ask(&talk, pairs[i][0]);
		answer(&talk, pairs[i][1]);
		assert_int_not_equal(talk.c.tunnel, HTTP1_TUNNEL_NONE);
		assert_int_equal(ask(&talk, REQUEST "no HTTP at all\r\n"), 0);
		assert_int_equal(answer(&talk, RESPONSE), 0);
		assert_int_equal(blind(&talk, HTTP1_REQUESTS, 100), 0);
		assert_int_equal(talk.begun[HTTP1_REQUESTS], 1);
		assert_int_equal(response_of(&talk)->body, 0);
	}
}

static void connect_that_is_refused_is_no_tunnel(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, CONNECT_REQUEST);
	answer(&talk, "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(talk.c.tunnel, 0);
	ask(&talk, REQUEST);
	answer(&talk, RESPONSE);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
}

/* ---- events ---------------------------------------------------------------------------------------- */

static void a_name_is_in_hand_when_it_is_told_with_the_end(void **state)
{
	struct talk talk = {};
	__u32 event;
	(void)state;

	ask(&talk, "GET / HTTP/1.1\r\nConnection: x-debug-token\n");
	http1_step(&talk.c, HTTP1_REQUESTS, (const __u8 *)"\n", 1, &event);
	assert_int_equal(event, HTTP1_EVENT_NAME | HTTP1_EVENT_HEAD | HTTP1_EVENT_END);
	assert_string_equal(talk.c.streams[HTTP1_REQUESTS].word, "x-debug-token");
}

static void fields_that_matter_elsewhere_are_flagged(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, "GET / HTTP/1.1\r\nUpgrade: x\r\nProxy-Connection: close\r\nKeep-Alive: timeout=1\r\n\r\n");
	assert_int_equal(talk.c.streams[HTTP1_REQUESTS].flags,
			 HTTP1_FLAG_UPGRADE_FIELD | HTTP1_FLAG_PROXY_CONNECTION_FIELD |
				 HTTP1_FLAG_KEEP_ALIVE_FIELD | HTTP1_FLAG_TIMEOUT);
	assert_true(http1_is_persistent(&talk.c.streams[HTTP1_REQUESTS]));
}

/* The names of the fields that are reported for @bytes, in calls of @size bytes. */
static const char *fields_of(struct talk *talk, enum http1_direction direction, const char *bytes, size_t size)
{
	static char names[256];
	size_t n = strlen(bytes), taken = 0;

	names[0] = '\0';
	while (taken < n) {
		size_t here = n - taken < size ? n - taken : size, end = taken + here;
		__u32 event;

		http1_call(&talk->c, direction);
		while (taken < end) {
			size_t left = end - taken;

			taken += http1_step(&talk->c, direction, (const __u8 *)bytes + taken,
					    left < HTTP1_WINDOW ? left : HTTP1_WINDOW, &event);
			if (event & HTTP1_EVENT_FIELD)
				strcat(strcat(names, (const char *)talk->c.streams[direction].word), " ");
		}
		http1_call_end(&talk->c, direction);
	}
	return names;
}

#define WATCHED_REQUEST                                                                                        \
	"GET / HTTP/1.1\r\nHost: a\r\nX-Debug-Token: Secret: 1\r\nConnection: x, y\r\n folded: z\r\n"          \
	"odd name: 1\r\nx-y:\r\n\r\n"

static void the_fields_of_watched_messages_are_named_wherever_calls_are_cut(void **state)
{
	(void)state;

	for (size_t size = 1; size < sizeof(WATCHED_REQUEST); size++) {
		struct talk talk = {.c.watched = 1 << HTTP1_REQUESTS}, plain = {};

		assert_string_equal(fields_of(&talk, HTTP1_REQUESTS, WATCHED_REQUEST, size),
				    "host x-debug-token x-y ");
		assert_string_equal(fields_of(&plain, HTTP1_REQUESTS, WATCHED_REQUEST, size), "");
		assert_string_equal(talk.c.streams[HTTP1_REQUESTS].word, "");
		plain.c.watched = talk.c.watched; /* all else is the same, but for what is not used any more */
		plain.c.streams[HTTP1_REQUESTS].phase = talk.c.streams[HTTP1_REQUESTS].phase;
		assert_memory_equal(&talk.c, &plain.c, sizeof(talk.c));
	}
}

static void a_watched_direction_has_no_plain_heads(void **state)
{
	struct talk talk = {.c.watched = 1 << HTTP1_REQUESTS};
	(void)state;

	assert_false(http1_may_be_plain(&talk.c, HTTP1_REQUESTS));
	assert_true(http1_may_be_plain(&talk.c, HTTP1_RESPONSES));
	ask(&talk, REQUEST);
	assert_string_equal(fields_of(&talk, HTTP1_RESPONSES, RESPONSE_HEAD, 1000), "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_pipelined_requests_are_paired_in_order),
		cmocka_unit_test(a_queue_of_sixteen_may_be_refilled_for_ever),
		cmocka_unit_test(the_seventeenth_outstanding_request_loses_the_responses),
		cmocka_unit_test(a_response_seen_before_its_request_is_paired_with_it),
		cmocka_unit_test(a_whole_response_seen_before_its_request_does_not_shift_the_next),
		cmocka_unit_test(a_tunnel_is_found_late_where_its_request_was_seen_late),
		cmocka_unit_test(an_interim_response_leaves_its_request_in_the_queue),
		cmocka_unit_test(a_response_may_end_before_its_request_does),
		cmocka_unit_test(a_tunnel_takes_both_streams),
		cmocka_unit_test(connect_that_is_refused_is_no_tunnel),
		cmocka_unit_test(a_name_is_in_hand_when_it_is_told_with_the_end),
		cmocka_unit_test(fields_that_matter_elsewhere_are_flagged),
		cmocka_unit_test(the_fields_of_watched_messages_are_named_wherever_calls_are_cut),
		cmocka_unit_test(a_watched_direction_has_no_plain_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
