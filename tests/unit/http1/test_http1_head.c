/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain heads are read whole, and what is not plain is left to the machine. That both say the same is what the
 * fuzzer checks. */
#include "http1_talk.h"

#include <stdio.h>
#include <string.h>

/* Reads the head of @text, of which @n bytes are there; behind them stands what may have been there before. */
static uint32_t read_whole(int direction, const char *text, size_t n, struct http1_head *ret_head)
{
	static uint8_t buffer[HTTP1_HEAD + HTTP1_HEAD_SLACK];

	memset(buffer, '\n', sizeof(buffer));
	for (size_t i = 0; text[i]; i++)
		buffer[i] = (uint8_t)text[i];
	if (http1_plain_start(direction, buffer, ret_head))
		while (http1_plain_more(ret_head, buffer, n))
			;
	return ret_head->size;
}

static void a_plain_request_is_read_whole(void **state)
{
	const char *text = "POST /a/b?c HTTP/1.0\r\nHost: a\r\nX-4: \x01 ,:\r\nCONNECTION: Keep-Alive\r\n"
			   "content-length:12345678\nUpgrade: h2c\r\nProxy-Connection: a\r\n\r\n";
	struct http1_head head;
	(void)state;

	assert_int_equal(read_whole(HTTP1_REQUESTS, text, strlen(text), &head), strlen(text));
	assert_int_equal(head.method, HTTP1_METHOD_OTHER);
	assert_int_equal(head.version, 0);
	assert_int_equal(head.length, 12345678);
	assert_int_equal(head.flags, HTTP1_FLAG_KEEP_ALIVE | HTTP1_FLAG_LENGTH | HTTP1_FLAG_UPGRADE_FIELD |
					     HTTP1_FLAG_PROXY_CONNECTION_FIELD);
}

static void a_plain_response_is_read_whole(void **state)
{
	const char *text =
		"HTTP/1.1 503 Service Unavailable, and that for quite a while\r\nConnection: close\r\n"
		"Keep-Alive: timeout=5, max=100\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct http1_head head;
	(void)state;

	assert_int_equal(read_whole(HTTP1_RESPONSES, text, strlen(text), &head), strlen(text));
	assert_int_equal(head.status, 503);
	assert_int_equal(head.version, 1);
	assert_int_equal(head.timeout, 5);
	assert_int_equal(head.max, 100);
	assert_int_equal(head.flags, HTTP1_FLAG_CLOSE | HTTP1_FLAG_KEEP_ALIVE_FIELD | HTTP1_FLAG_TIMEOUT |
					     HTTP1_FLAG_MAX | HTTP1_FLAG_CODING | HTTP1_FLAG_CHUNKED);
}

static void bytes_behind_the_call_are_not_believed(void **state)
{
	const char *text = "GET / HTTP/1.1\r\nContent-Length: 7\r\nConnection: close\r\n\r\n";
	struct http1_head head;
	(void)state;

	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(read_whole(HTTP1_REQUESTS, text, n, &head), HTTP1_PLAIN_NOT);
}

static void what_is_not_plain_is_left_to_the_machine(void **state)
{
	static const char *const fields[] = {
		"Connection: close, x",
		"Connection: \"close\"",
		"Connection: close ",
		"Connection:",
		"Content-Length: +5",
		"Content-Length: ",
		"Content-Length: 5a",
		"Content-Length: 123456789",
		"Keep-Alive: max=5",
		"Keep-Alive: timeout=x",
		"Host : a",
		"H@st: a",
		"no colon",
		": a",
		" folded: a",
		"Transfer-Encoding: gzip, chunked",
		"Content-Length: 5\r\nContent-Length: 5",
	};
	struct http1_head head;
	char text[200];
	(void)state;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n\r\n", fields[i]);
		assert_int_equal(read_whole(HTTP1_RESPONSES, text, strlen(text), &head), HTTP1_PLAIN_NOT);
	}
}

static void an_unusual_start_line_is_left_to_the_machine(void **state)
{
	static const char *const lines[] = {
		"GET a HTTP/1.1",  "GET /a b HTTP/1.1",   "GET / HTTP/2.0",  "GET /",
		"BREW / HTTP/1.1", "CONNECT /a HTTP/1.1", "GET  / HTTP/1.1", "\r\nGET / HTTP/1.1",
	};
	struct http1_head head;
	char text[100];
	(void)state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), "%s\r\n\r\n", lines[i]);
		assert_int_equal(read_whole(HTTP1_REQUESTS, text, strlen(text), &head), HTTP1_PLAIN_NOT);
	}
}

static void a_head_that_is_longer_than_a_look_is_left_to_the_machine(void **state)
{
	char text[HTTP1_HEAD + 40] = "GET / HTTP/1.1\r\nCookie: ";
	struct http1_head head;
	(void)state;

	memset(text + strlen(text), 'c', HTTP1_HEAD - strlen(text) - 4);
	strcpy(text + HTTP1_HEAD - 4, "\r\n\r\n");
	assert_int_equal(read_whole(HTTP1_REQUESTS, text, HTTP1_HEAD, &head), HTTP1_HEAD);
	strcpy(text + HTTP1_HEAD - 4, "c\r\n\r\n");
	assert_int_equal(read_whole(HTTP1_REQUESTS, text, HTTP1_HEAD, &head), HTTP1_PLAIN_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_request_is_read_whole),
		cmocka_unit_test(a_plain_response_is_read_whole),
		cmocka_unit_test(bytes_behind_the_call_are_not_believed),
		cmocka_unit_test(what_is_not_plain_is_left_to_the_machine),
		cmocka_unit_test(an_unusual_start_line_is_left_to_the_machine),
		cmocka_unit_test(a_head_that_is_longer_than_a_look_is_left_to_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
