/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP/1.x machine where bytes are missing, begin in the middle, or are not HTTP at all. */
#include "http1_talk.h"

/* ---- blind spans ----------------------------------------------------------------------------------- */

static void a_blind_span_within_a_body_is_harmless(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, REQUEST REQUEST);
	answer(&talk, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab");
	assert_int_equal(blind(&talk, HTTP1_RESPONSES, 900), 0);
	assert_int_equal(blind(&talk, HTTP1_RESPONSES, 98), HTTP1_EVENT_END);
	assert_int_equal(response_of(&talk)->body, 1000);
	answer(&talk, RESPONSE);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
}

static void a_blind_span_beyond_a_body_loses_what_follows(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, REQUEST);
	answer(&talk, RESPONSE_HEAD);
	assert_int_equal(blind(&talk, HTTP1_RESPONSES, 3), HTTP1_EVENT_END | HTTP1_EVENT_LOST);
}

static void a_blind_span_within_a_chunk_is_harmless(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, REQUEST);
	answer(&talk, CHUNKED_HEAD "64\r\n");
	assert_int_equal(blind(&talk, HTTP1_RESPONSES, 50), 0);
	assert_int_equal(blind(&talk, HTTP1_RESPONSES, 50), 0);
	assert_true(answer(&talk, "\r\n0\r\n\r\n") & HTTP1_EVENT_END);
	assert_int_equal(response_of(&talk)->body, 100);
}

static void a_blind_span_over_a_chunks_end_loses_the_framing(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, REQUEST);
	answer(&talk, CHUNKED_HEAD "64\r\n");
	assert_int_equal(blind(&talk, HTTP1_RESPONSES, 101), HTTP1_EVENT_LOST);
	assert_true(http1_is_lost(&talk.c, HTTP1_RESPONSES));
	assert_false(http1_is_lost(&talk.c, HTTP1_REQUESTS));
}

static void what_is_lost_is_not_lost_again_by_a_blind_span(void **state)
{
	struct talk talk = {};
	(void)state;

	assert_true(ask(&talk, "GET / HTTP/1.1\r\nConnection\r\n") & HTTP1_EVENT_LOST);
	assert_int_equal(blind(&talk, HTTP1_REQUESTS, 10), 0);
	assert_true(http1_is_lost(&talk.c, HTTP1_REQUESTS));
	ask(&talk, REQUEST);
	assert_int_equal(talk.ended[HTTP1_REQUESTS], 1);
}

static void a_blind_span_within_a_head_loses_the_framing(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, "GET / HTTP/1.1\r\nHo");
	assert_int_equal(blind(&talk, HTTP1_REQUESTS, 1), HTTP1_EVENT_LOST);
	assert_int_equal(talk.c.streams[HTTP1_REQUESTS].errors, 0);
}

static void a_blind_span_of_a_body_delimited_by_the_close_is_harmless(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, REQUEST);
	answer(&talk, "HTTP/1.1 200 OK\r\n\r\n");
	assert_int_equal(blind(&talk, HTTP1_RESPONSES, 1ULL << 40), 0);
	assert_true(response_of(&talk)->body == 1ULL << 40);
}

/* ---- finding the way again ------------------------------------------------------------------------- */

static void a_malformed_request_is_followed_by_the_next_call(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, "GET / HTTP/1.1\r\nConnection\r\n\r\n" REQUEST);
	assert_int_equal(talk.heads[HTTP1_REQUESTS], 0);
	answer(&talk, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
	ask(&talk, HEAD_REQUEST);
	assert_int_equal(talk.heads[HTTP1_REQUESTS], 1);
	answer(&talk, RESPONSE_HEAD);
	assert_int_equal(response_of(&talk)->method, HTTP1_METHOD_HEAD);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
	assert_int_equal(talk.lost[HTTP1_RESPONSES], 0);
}

/* A hyphen was never let pass, since it comes before the letters. */
static void a_method_with_a_hyphen_is_taken_up(void **state)
{
	struct talk talk = {};
	(void)state;

	assert_true(ask(&talk, "GET / HTTP/1.1\r\nConnection\r\n") & HTTP1_EVENT_LOST);
	ask(&talk, "VERSION-CONTROL /a HTTP/1.1\r\n\r\n");
	assert_int_equal(talk.ended[HTTP1_REQUESTS], 1);
}

static void requests_are_not_taken_up_in_the_middle_of_a_call(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, REQUEST);
	blind(&talk, HTTP1_REQUESTS, 10);
	ask(&talk, "the rest of something\r\n" REQUEST);
	assert_int_equal(talk.begun[HTTP1_REQUESTS], 1);
	ask(&talk, REQUEST REQUEST);
	assert_int_equal(talk.ended[HTTP1_REQUESTS], 3);
}

static void a_lost_response_stream_waits_for_a_new_request(void **state)
{
	struct talk talk = {};
	(void)state;

	ask(&talk, REQUEST);
	blind(&talk, HTTP1_RESPONSES, 10);
	answer(&talk, RESPONSE);
	assert_int_equal(talk.begun[HTTP1_RESPONSES], 0);
	ask(&talk, HEAD_REQUEST);
	answer(&talk, "no response\r\n");
	assert_int_equal(talk.begun[HTTP1_RESPONSES], 0);
	answer(&talk, RESPONSE_HEAD);
	assert_int_equal(response_of(&talk)->method, HTTP1_METHOD_HEAD);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 1);
	ask(&talk, REQUEST);
	answer(&talk, RESPONSE);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 2);
}

static void an_older_connection_is_taken_up_with_a_request(void **state)
{
	struct talk talk = {};
	(void)state;

	http1_init_midway(&talk.c);
	answer(&talk, RESPONSE);
	ask(&talk, "rest of a body");
	assert_int_equal(talk.begun[HTTP1_RESPONSES] + talk.begun[HTTP1_REQUESTS], 0);
	assert_int_equal(talk.c.protocol, HTTP1_PROTOCOL_NONE);
	ask(&talk, REQUEST);
	answer(&talk, RESPONSE);
	assert_int_equal(talk.c.protocol, HTTP1_PROTOCOL_HTTP1);
	assert_int_equal(talk.ended[HTTP1_REQUESTS], 1);
	assert_int_equal(talk.ended[HTTP1_RESPONSES], 1);
}

static void an_older_connection_without_http_is_opaque_in_the_end(void **state)
{
	struct talk talk = {};
	__u32 events = 0;
	int calls = 0;
	(void)state;

	http1_init_midway(&talk.c);
	for (; !(events & HTTP1_EVENT_NOT_HTTP) && calls < 1000; calls++)
		events = carry(&talk, calls & 1, "\x17\x03\x03\x00\x20", 5);
	assert_in_range(calls, 2, HTTP1_LOOKS);
	assert_int_equal(talk.c.protocol, HTTP1_PROTOCOL_OPAQUE);
}

static void words_that_look_like_a_request_are_no_error_of_an_older_connection(void **state)
{
	struct talk talk = {};
	(void)state;

	http1_init_midway(&talk.c);
	assert_true(ask(&talk, "SELECT name FROM people\n") & HTTP1_EVENT_LOST);
	assert_int_equal(talk.c.streams[HTTP1_REQUESTS].errors, 0);
	assert_int_equal(talk.c.protocol, HTTP1_PROTOCOL_NONE);
	ask(&talk, REQUEST);
	assert_int_equal(talk.ended[HTTP1_REQUESTS], 1);
}

/* ---- what is not HTTP ------------------------------------------------------------------------------ */

static void what_is_not_http_is_told_within_32_bytes(void **state)
{
	static const char *const streams[] = {
		"EHLO client.example.test with a longer greeting\r\n",
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
		"\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r\r",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAA BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
		"\r\n\r\nAAAA BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
		"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n and so on and so on",
		"{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"id\": 1}\n",
		"\x16\x03\x01\x02 and thirty bytes more of that handshake",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n and thirty bytes of frames",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		struct talk talk = {};

		assert_true(ask(&talk, streams[i]) & HTTP1_EVENT_NOT_HTTP);
		assert_in_range(talk.taken, 1, 32);
		assert_true(talk.c.protocol > HTTP1_PROTOCOL_HTTP1);
	}
}

static void a_proxy_header_is_counted_and_is_no_message(void **state)
{
	static const char version2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
				       "abcdefghijkl" REQUEST;
	struct talk one = {}, two = {};
	(void)state;

	assert_true(ask(&one, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n") & HTTP1_EVENT_PROXY);
	assert_int_equal(one.begun[HTTP1_REQUESTS], 0);
	assert_int_equal(one.c.proxied, 1);
	ask(&one, REQUEST);
	assert_int_equal(one.ended[HTTP1_REQUESTS], 1);
	carry(&two, HTTP1_REQUESTS, version2, sizeof(version2) - 1);
	assert_int_equal(two.c.proxied, 1);
	assert_int_equal(two.begun[HTTP1_REQUESTS], 1);
	assert_int_equal(two.ended[HTTP1_REQUESTS], 1);
}

/* Broke once: the event said "not HTTP" of a connection that was HTTP by then. */
static void a_server_that_speaks_http2_to_an_http1_request_is_malformed(void **state)
{
	struct talk talk = {};
	(void)state;

	carry(&talk, HTTP1_RESPONSES, "\0\0\x12", 3);
	ask(&talk, REQUEST);
	assert_true(carry(&talk, HTTP1_RESPONSES, "\x04\0\0\0\0\0", 6) & HTTP1_EVENT_LOST);
	assert_int_equal(talk.c.protocol, HTTP1_PROTOCOL_HTTP1);
	assert_int_equal(response_of(&talk)->errors, 1 << HTTP1_ERROR_START_LINE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blind_span_within_a_body_is_harmless),
		cmocka_unit_test(a_blind_span_beyond_a_body_loses_what_follows),
		cmocka_unit_test(a_blind_span_within_a_chunk_is_harmless),
		cmocka_unit_test(a_blind_span_over_a_chunks_end_loses_the_framing),
		cmocka_unit_test(what_is_lost_is_not_lost_again_by_a_blind_span),
		cmocka_unit_test(a_blind_span_within_a_head_loses_the_framing),
		cmocka_unit_test(a_blind_span_of_a_body_delimited_by_the_close_is_harmless),
		cmocka_unit_test(a_malformed_request_is_followed_by_the_next_call),
		cmocka_unit_test(a_method_with_a_hyphen_is_taken_up),
		cmocka_unit_test(requests_are_not_taken_up_in_the_middle_of_a_call),
		cmocka_unit_test(a_lost_response_stream_waits_for_a_new_request),
		cmocka_unit_test(an_older_connection_is_taken_up_with_a_request),
		cmocka_unit_test(an_older_connection_without_http_is_opaque_in_the_end),
		cmocka_unit_test(words_that_look_like_a_request_are_no_error_of_an_older_connection),
		cmocka_unit_test(what_is_not_http_is_told_within_32_bytes),
		cmocka_unit_test(a_proxy_header_is_counted_and_is_no_message),
		cmocka_unit_test(a_server_that_speaks_http2_to_an_http1_request_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
