/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of connections of HTTP/2, as JSON and as a line of text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "output/trace/json.h"
#include "output/trace/text.h"
#include "tests/unit/events.h"
#include "tests/unit/judge/http2_story.h"

/* A server that let 128 streams be open sent GOAWAY for 3 of 8 streams; it had refused one before, and another was cancelled. */
static struct kw_event_http2 cut_event(void)
{
	const struct http2_story story = {
		.answered = 1,
		.resets = {{[HTTP2_CODE_CANCEL] = 1}, {[HTTP2_CODE_REFUSED_STREAM] = 1}},
		.unheaded = 5,
		.goaways[HTTP2_SERVER] = {.after = KW_MS, .number = 3, .debug = HTTP2_DEBUG_MAX_AGE},
		.pings = {4, 1},
		.pongs = {1, 2},
		.actor = KW_CLOSER_SERVER,
		.manner = KW_MANNER_FIN,
		.closed_after = S,
	};
	struct kw_event_http2 event = http2_story_event(&story, KW_ROLE_CLIENT);

	event.http2.sides[HTTP2_SERVER].limited = 1;
	event.http2.sides[HTTP2_SERVER].max_concurrent = 128;
	event.http2.sides[HTTP2_SERVER].trailers_only = 1;
	event.http2.sides[HTTP2_SERVER].fields = 1 << HTTP2_NAME_KEEP_ALIVE | 1 << HTTP2_NAME_GRPC_STATUS;
	event.http2.sides[HTTP2_CLIENT].fields = 1 << HTTP2_NAME_CONNECTION;
	return event;
}

/* The line that is printed for an event; freed by the caller. @open: its connection is open still. */
static char *line_of(const struct kw_event_header *data, bool json, bool open)
{
	struct kw_service service = event_service(KW_ROLE_CLIENT, "10.0.0.9:80");
	struct kw_text_style style = {0};
	struct kw_evidence evidence;
	struct kw_verdict verdict;
	struct kw_event event;
	struct kw_record record = {.event = &event, .service = &service};
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(kw_decode(data, data->size, &event), 0);
	if (!open) {
		kw_judge(event.connection, &verdict);
		kw_evidence_write(&verdict, &evidence);
		record.verdict = &verdict;
		record.evidence = &evidence;
	}
	assert_int_equal(json ? kw_json_connection(file, &record) : kw_text_connection(file, &record, &style),
			 0);
	fclose(file);
	return text;
}

static void assert_line_has(const struct kw_event_header *data, bool json, bool open, const char *part)
{
	char *line = line_of(data, json, open);

	if (!strstr(line, part))
		fail_msg("%s lacks %s", line, part);
	free(line);
}

static void assert_has(const struct kw_event_http2 *event, bool json, bool open, const char *part)
{
	assert_line_has(&event->history.connection.header, json, open, part);
}

#define FIRST                                                                                                             \
	"\"http2\":{\"streams\":8,\"peak\":8,\"answered\":1,\"trailers_only\":1,\"refused\":1,\"cancelled\":1,\"cut\":0," \
	"\"retryable\":6,\"max_concurrent\":{\"client\":null,\"server\":128},"
#define LAST                                                                                                   \
	"\"pings\":{\"client\":4,\"server\":1},\"unanswered_pings\":2,\"forbidden_fields\":[\"connection\",\"keep-alive\"]}}\n"

static void the_record_is_as_the_contract_shows(void **state)
{
	struct kw_event_http2 event = cut_event();

	(void)state;
	assert_has(&event, true, false, "\"protocol\":\"h2c\"");
	assert_has(&event, true, false, "\"requests\":8,\"responses\":1,");
	assert_has(&event, true, false,
		   "\"reason\":\"goaway_refused\",\"premature\":true,\"lost_requests\":0,");
	assert_has(&event, true, false, "\"body_bytes\":null,\"body_declared\":null,");
	assert_has(&event, true, false,
		   FIRST "\"goaway\":{\"by\":\"server\",\"last_stream\":5,\"code\":\"NO_ERROR\",\"count\":1,"
			 "\"graceful\":false,\"debug\":\"max_age\"}," LAST);
}

static void an_open_connection_has_its_streams_too(void **state)
{
	struct kw_event_http2 event = cut_event();

	(void)state;
	event.history.connection.report = KW_REPORT_OPEN;
	assert_has(&event, true, true, FIRST);
	event.http2.sides[HTTP2_SERVER].goaways = 0;
	assert_has(&event, true, true, "\"retryable\":1,");
	assert_has(&event, true, true, "\"goaway\":null," LAST);
}

/* A code that nobody has defined, from a side that says so first with a warning. */
static void a_goaway_shows_how_it_was_said(void **state)
{
	struct kw_event_http2 event = cut_event();
	struct kw_http2_side *server = &event.http2.sides[HTTP2_SERVER];

	(void)state;
	server->goaway_code = HTTP2_CODE_OTHER;
	server->goaway_debug = HTTP2_DEBUG_OTHER;
	server->goaways = 2;
	server->graceful = 1;
	assert_has(
		&event, true, false,
		"\"goaway\":{\"by\":\"server\",\"last_stream\":5,\"code\":\"other\",\"count\":2,\"graceful\":true,"
		"\"debug\":\"other\"}");
	server->goaway_code = HTTP2_CODE_OTHER - 1; /* has no name, and the machine makes none of it */
	assert_has(&event, true, false, "\"code\":\"other\"");
	event.http2.sides[HTTP2_CLIENT].goaways = 1;
	event.http2.sides[HTTP2_CLIENT].goaway = LATEST;
	server->goaway_code = HTTP2_CODE_NO_ERROR;
	assert_has(&event, true, false, "\"goaway\":{\"by\":\"client\",\"last_stream\":0,");
}

static void a_line_of_text_says_what_may_be_sent_again(void **state)
{
	struct kw_event_http2 event = cut_event();

	(void)state;
	assert_has(&event, false, false, "    8 req");
	assert_has(&event, false, false,
		   "goaway_refused           by server (fin), premature, 0 lost, 6 retryable\n");
}

/* A connection whose plaintext was read has both parts in its record, and the part about HTTP/2 is as in clear text. */
static void a_record_within_tls_has_both_parts(void **state)
{
	struct kw_event_http2 event = cut_event();
	struct kw_event_tls_http2 within = event_within_tls(&event);
	const struct kw_event_header *header = &within.tls.history.connection.header;

	(void)state;
	assert_line_has(header, true, false, "\"protocol\":\"h2\"");
	assert_line_has(header, true, false, "\"requests\":8,\"responses\":1,");
	assert_line_has(header, true, false,
			"\"reason\":\"goaway_refused\",\"premature\":true,\"lost_requests\":0,");
	assert_line_has(header, true, false, "\"exchanges_inferred\":null,\"plaintext\":\"openssl\"}," FIRST);
	assert_line_has(header, false, false,
			"goaway_refused           by server (fin), premature, 0 lost, 6 retryable\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_is_as_the_contract_shows),
		cmocka_unit_test(an_open_connection_has_its_streams_too),
		cmocka_unit_test(a_goaway_shows_how_it_was_said),
		cmocka_unit_test(a_line_of_text_says_what_may_be_sent_again),
		cmocka_unit_test(a_record_within_tls_has_both_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
