/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "output/trace/json.h"
#include "output/trace/text.h"
#include "tests/unit/events.h"
#include "base/duration.h"

/* 2026-03-01T12:00:00Z, less the 6 s at which the connections of the tests close. */
#define OFFSET (1772366400 * (int64_t)KW_S - 6 * (int64_t)KW_S)

/* The parts of a record that the tests vary. */
struct story {
	struct kw_event_history event;
	struct kw_verdict verdict;
	const char *cgroup;
	bool open;
};

static struct story story(void)
{
	return (struct story){.event = event_history(), .verdict = event_verdict()};
}

/* The line that is printed for it, line feed included; freed by the caller. */
static char *line_of(const struct story *story)
{
	struct kw_evidence evidence = {.count = 1,
				       .sentences = {"server sent FIN 4.000 s after its last response"}};
	struct kw_service service = event_service(KW_ROLE_SERVER, "nginx:8080");
	struct kw_event event;
	struct kw_record record = {.event = &event,
				   .verdict = story->open ? NULL : &story->verdict,
				   .evidence = story->open ? NULL : &evidence,
				   .service = &service,
				   .cgroup = story->cgroup,
				   .clock = {OFFSET}};
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(kw_decode(&story->event, sizeof(story->event), &event), 0);
	assert_int_equal(kw_json_connection(file, &record), 0);
	fclose(file);
	return text;
}

static json_t *parsed(const struct story *story)
{
	char *line = line_of(story);
	json_t *object = json_loads(line, 0, NULL);

	assert_non_null(object);
	assert_string_equal(strchr(line, '\n'), "\n"); /* one line */
	free(line);
	return object;
}

/* Asserts that @key of the record is what @expected, a JSON text, says. */
static void assert_value(const struct story *story, const char *key, const char *expected)
{
	json_t *object = parsed(story);
	json_t *want = json_loads(expected, JSON_DECODE_ANY, NULL);

	assert_non_null(want);
	if (!json_equal(json_object_get(object, key), want))
		fail_msg("%s is %s, not %s", key, json_dumps(json_object_get(object, key), JSON_ENCODE_ANY),
			 expected);
	json_decref(want);
	json_decref(object);
}

static void the_record_is_as_the_contract_shows(void **state)
{
	struct story usual = story();
	char *line;

	(void)state;
	usual.cgroup = "/system.slice/nginx.service";
	usual.event.connection.http.has_timeout = 1;
	usual.event.connection.http.timeout = 5;
	usual.event.connection.http.has_max = 1;
	usual.event.connection.http.max = 100;
	strcpy(usual.event.names[0].name, "x-debug-token");
	line = line_of(&usual);
	assert_string_equal(
		line,
		"{\"type\":\"connection\",\"schema\":1,\"id\":\"1a2b-5f3\",\"opened\":\"2026-03-01T11:59:55.000000000Z\","
		"\"closed\":\"2026-03-01T12:00:00.000000000Z\",\"duration_s\":5.0,"
		"\"role\":\"server\",\"local\":\"10.0.0.5:8080\",\"remote\":\"10.0.0.9:51334\","
		"\"flow\":\"5f3a09c1-8be2d710\",\"netns\":4026531840,"
		"\"pid\":812,\"comm\":\"nginx\",\"cgroup\":\"/system.slice/nginx.service\",\"container\":null,"
		"\"service\":\"nginx:8080\",\"protocol\":\"http/1.1\",\"preexisting\":false,"
		"\"requests\":3,\"responses\":3,\"tx_bytes\":1830,\"rx_bytes\":474,\"blind_bytes\":0,"
		"\"closer\":\"server\",\"manner\":\"fin\",\"phase\":\"idle\",\"reason\":\"server_idle_timeout\","
		"\"premature\":false,\"lost_requests\":0,\"confidence\":\"certain\","
		"\"evidence\":[\"server sent FIN 4.000 s after its last response\"],"
		"\"idle_at_close_s\":4.0,\"idle_max_s\":0.21,\"waited_s\":null,\"stalled_s\":null,"
		"\"body_bytes\":null,\"body_declared\":null,\"late_by_s\":null,\"announced\":null,"
		"\"advertised\":{\"timeout_s\":5,\"max\":100},\"overrun\":false,\"close_ignored\":false,"
		"\"late_request\":false,\"unread_data\":false,\"hop_by_hop\":[\"x-debug-token\"],"
		"\"forwarded_hop_by_hop\":[],"
		"\"directives\":{\"request\":{\"keep_alive\":3,\"close\":0,\"upgrade\":0},"
		"\"response\":{\"keep_alive\":3,\"close\":0,\"upgrade\":0}},"
		"\"last_status\":200,\"app_error\":null,\"retransmits\":0,\"srtt_us\":41,\"errors\":[],\"tls\":null,\"http2\":null}\n");
	free(line);
}

static void what_is_unknown_is_null(void **state)
{
	struct story s = story();

	(void)state;
	s.event.connection.identity = (struct kw_identity){.preexisting = 1};
	s.event.connection.http.idle_max = 0;
	s.event.connection.http.last_status = 0;
	s.event.connection.closing.srtt_us = 0;
	s.verdict.manner = KW_MANNER_UNKNOWN;
	s.verdict.phase = KW_PHASE_UNKNOWN;
	s.verdict.premature = KW_PREMATURE_UNKNOWN;
	s.verdict.reason = KW_REASON_UNKNOWN;
	s.verdict.closer = KW_CLOSER_UNKNOWN;
	s.verdict.confidence = KW_CONFIDENCE_UNKNOWN;
	s.verdict.idle_at_close = KW_DURATION_UNKNOWN;
	static const char *const nulls[] = {
		"opened",          "duration_s", "role",     "netns",     "pid",       "comm",
		"cgroup",          "container",  "manner",   "phase",     "premature", "lost_requests",
		"idle_at_close_s", "idle_max_s", "waited_s", "late_by_s", "announced", "advertised",
		"last_status",     "app_error",  "srtt_us",  "flow"};
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		assert_value(&s, nulls[i], "null");
	assert_value(&s, "closer", "\"unknown\"");
	assert_value(&s, "confidence", "\"unknown\"");
	assert_value(&s, "preexisting", "true");
}

static void both_ends_have_the_same_flow(void **state)
{
	static const struct {
		enum kw_role role;
		enum kw_flow flow;
		uint32_t isn, peer_isn;
		const char *text;
	} rows[] = {
		{KW_ROLE_CLIENT, KW_FLOW_BY_ROLE, 0xfedcba98, 0x12, "\"fedcba98-00000012\""},
		{KW_ROLE_SERVER, KW_FLOW_BY_ROLE, 0x12, 0xfedcba98, "\"fedcba98-00000012\""},
		{KW_ROLE_CLIENT, KW_FLOW_BY_SIZE, 0xfedcba98, 0x12, "\"00000012-fedcba98\""},
		{KW_ROLE_CLIENT, KW_FLOW_BY_SIZE, 0x12, 0xfedcba98, "\"00000012-fedcba98\""},
		{KW_ROLE_CLIENT, KW_FLOW_BY_ROLE, 0, 0, "\"00000000-00000000\""},
		{KW_ROLE_CLIENT, KW_FLOW_UNKNOWN, 0xfedcba98, 0x12, "null"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct story s = story();

		s.event.connection.identity.role = rows[i].role;
		s.event.connection.identity.flow = rows[i].flow;
		s.event.connection.identity.isn = rows[i].isn;
		s.event.connection.peer_isn = rows[i].peer_isn;
		assert_value(&s, "flow", rows[i].text);
	}
}

static void half_known_advertisements_say_so(void **state)
{
	struct story s = story();

	(void)state;
	s.event.connection.http.has_max = 1;
	s.event.connection.http.max = 0;
	assert_value(&s, "advertised", "{\"timeout_s\": null, \"max\": 0}");
}

static void protocols_have_their_names(void **state)
{
	const struct {
		uint8_t protocol, http10_only;
		const char *name;
	} rows[] = {
		{HTTP1_PROTOCOL_NONE, 0, "\"none\""},      {HTTP1_PROTOCOL_HTTP1, 0, "\"http/1.1\""},
		{HTTP1_PROTOCOL_HTTP1, 1, "\"http/1.0\""}, {HTTP1_PROTOCOL_H2C, 0, "\"h2c\""},
		{HTTP1_PROTOCOL_TLS, 0, "\"tls\""},        {HTTP1_PROTOCOL_OPAQUE, 0, "\"opaque\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct story s = story();

		s.event.connection.http.protocol = rows[i].protocol;
		s.event.connection.http.http10_only = rows[i].http10_only;
		assert_value(&s, "protocol", rows[i].name);
	}
}

static void facts_show_where_they_belong(void **state)
{
	struct story s = story();
	struct kw_http *http = &s.event.connection.http;

	(void)state;
	http->flags = KW_HTTP_OVERRUN | KW_HTTP_CLOSE_IGNORED;
	http->errors = 1 << HTTP1_ERROR_CHUNK | 1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED;
	http->app_error = ECONNRESET;
	http->announced_by = KW_ANNOUNCED_BY_CLIENT;
	http->announced_how = KW_ANNOUNCED_HTTP10;
	s.verdict.late_request = true;
	s.verdict.unread_data = true;
	s.verdict.premature = KW_PREMATURE_YES;
	s.verdict.lost_requests = 2;
	s.verdict.late_by = 400 * (int64_t)KW_US;
	s.verdict.waited = 5;
	s.cgroup = "/kubepods/pod01234567-89ab-cdef-0123-456789abcdef/"
		   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	event_address(s.event.connection.identity.remote, "2001:db8::1");
	assert_value(&s, "overrun", "true");
	assert_value(&s, "close_ignored", "true");
	assert_value(&s, "late_request", "true");
	assert_value(&s, "unread_data", "true");
	assert_value(&s, "errors", "[\"chunk\", \"keep_alive_unnamed\"]");
	assert_value(&s, "app_error", "\"ECONNRESET\"");
	assert_value(&s, "announced", "{\"by\": \"client\", \"how\": \"http10\"}");
	assert_value(&s, "premature", "true");
	assert_value(&s, "lost_requests", "2");
	assert_value(&s, "late_by_s", "0.0004");
	assert_value(&s, "waited_s", "5e-9");
	assert_value(&s, "container", "\"0123456789ab\"");
	assert_value(&s, "pod", "\"01234567-89ab-cdef-0123-456789abcdef\"");
	assert_value(&s, "remote", "\"[2001:db8::1]:51334\"");
	http->app_error = 0;
	http->flags = KW_HTTP_EOF_READ;
	assert_value(&s, "app_error", "\"EOF\"");
}

static void hostile_text_is_escaped(void **state)
{
	struct story s = story();

	(void)state;
	memcpy(s.event.connection.identity.comm, "\"\\\n\033\377xxxxxxxxxx", KW_COMM);
	memset(s.event.names[0].name, '"', HTTP1_WORD);
	strcpy(s.event.names[1].name, "\001\377");
	assert_value(&s, "comm", "\"\\\"\\\\???xxxxxxxxxx\"");
	assert_value(&s, "hop_by_hop",
		     "[\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\""
		     "\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\", \"??\"]");
}

static void names_that_were_only_sent_on_are_no_hop_by_hop_names_of_the_connection(void **state)
{
	struct story s = story();

	(void)state;
	strcpy(s.event.names[0].name, "x-older"); /* as recorded by a version that does not know the kinds */
	strcpy(s.event.names[1].name, "x-field");
	strcpy(s.event.names[2].name, "x-both");
	s.event.name_kinds = KW_NAME_AS_FIELD << KW_NAME_KINDS | (KW_NAME_AS_FIELD | KW_NAME_OF_REQUEST)
									 << 2 * KW_NAME_KINDS;
	assert_value(&s, "hop_by_hop", "[\"x-older\", \"x-both\"]");
	assert_value(&s, "forwarded_hop_by_hop", "[]");
}

static void an_open_connection_has_the_same_keys_and_no_verdict(void **state)
{
	static const char *const nulls[] = {"closed",     "duration_s", "closer",          "manner",
					    "phase",      "reason",     "premature",       "lost_requests",
					    "confidence", "evidence",   "idle_at_close_s", "waited_s",
					    "late_by_s"};
	struct story closed = story(), open = story();
	json_t *one, *other, *value;
	const char *key;

	(void)state;
	open.open = true;
	open.event.connection.report = KW_REPORT_OPEN;
	assert_value(&open, "type", "\"open\"");
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		assert_value(&open, nulls[i], "null");
	one = parsed(&closed);
	other = parsed(&open);
	assert_int_equal(json_object_size(one), json_object_size(other));
	json_object_foreach(one, key, value) assert_non_null(json_object_get(other, key));
	json_decref(one);
	json_decref(other);
}

static void exchanges_amendments_and_summaries_are_as_the_contract_shows(void **state)
{
	struct kw_event_exchange exchange = {.identity = event_connection().identity,
					     .wait = 2 * KW_MS,
					     .duration = 3 * KW_MS,
					     .idle_before = 7,
					     .request_bytes = 78,
					     .response_bytes = 178,
					     .number = 1,
					     .status = 200,
					     .version = 1,
					     .method = HTTP1_METHOD_SAFE};
	struct kw_event_late late = {.identity = event_connection().identity};
	struct kw_forwarded forwarded = {
		.identity = event_connection().identity, .count = 2, .names = {"x-\"a", "keep-alive"}};
	struct kw_summary summary = {.connections = 3, .losses = {.dropped = 2, .unseen = 4}, .tainted = 1};
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	(void)state;
	assert_int_equal(kw_json_exchange(file, &exchange), 0);
	exchange.number = UINT32_MAX;
	exchange.version = 0;
	exchange.method = HTTP1_METHOD_HEAD;
	exchange.announced_by = KW_ANNOUNCED_BY_SERVER;
	exchange.announced_how = KW_ANNOUNCED_DELIMITED;
	assert_int_equal(kw_json_exchange(file, &exchange), 0);
	assert_int_equal(kw_json_amend(file, &late), 0);
	assert_int_equal(kw_json_forwarded(file, &forwarded), 0);
	assert_int_equal(kw_json_summary(file, &summary), 0);
	fclose(file);
	assert_string_equal(
		text,
		"{\"type\":\"exchange\",\"id\":\"1a2b-5f3\",\"n\":1,\"status\":200,\"http\":\"1.1\",\"method\":\"safe\","
		"\"wait_s\":0.002,\"duration_s\":0.003,\"idle_before_s\":null,\"request_bytes\":78,"
		"\"response_bytes\":178,\"announced\":null}\n"
		"{\"type\":\"exchange\",\"id\":\"1a2b-5f3\",\"n\":4294967295,\"status\":200,\"http\":\"1.0\",\"method\":\"HEAD\","
		"\"wait_s\":0.002,\"duration_s\":0.003,\"idle_before_s\":7e-9,\"request_bytes\":78,"
		"\"response_bytes\":178,\"announced\":{\"by\":\"server\",\"how\":\"delimited\"}}\n"
		"{\"type\":\"amend\",\"schema\":1,\"id\":\"1a2b-5f3\",\"late_request\":true,\"premature\":true,"
		"\"lost_requests\":1}\n"
		"{\"type\":\"amend\",\"schema\":1,\"id\":\"1a2b-5f3\","
		"\"forwarded_hop_by_hop\":[\"x-\\\"a\",\"keep-alive\"]}\n"
		"{\"type\":\"summary\",\"connections\":3,\"lost_events\":6,\"tainted\":1}\n");
	free(text);
}

static void a_failed_write_is_told(void **state)
{
	struct kw_summary summary = {0};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(kw_json_summary(full, &summary), -EIO);
	fclose(full);
}

static void text_durations_have_sensible_units(void **state)
{
	const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{20 * KW_US, "20 us"},
		{134 * KW_US + 999, "134 us"}, /* cut, not rounded */
		{400 * KW_US, "400 us"},
		{5500 * KW_US, "5.5 ms"},
		{KW_S - 1, "999.9 ms"},
		{2010 * KW_MS, "2.01 s"},
		{5003 * KW_MS, "5.003 s"},
		{60 * KW_S, "60 s"},
		{60060 * KW_MS, "60.06 s"},
		{350 * KW_S, "350 s"},
		{2000 * KW_S, "33.3 min"},
		{9000 * KW_S, "2.5 h"},
	};
	char text[KW_DURATION_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kw_duration_print(rows[i].ns, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void means_and_limits_are_rounded(void **state)
{
	const struct {
		double seconds;
		const char *text;
	} rows[] = {
		{-1, "0 ns"},           {2e-5, "20 us"},    {6.0199999, "6.02 s"},
		{0.101475, "101.5 ms"}, {59.99996, "60 s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(kw_duration_about(rows[i].seconds).text, rows[i].text);
}

/* The text output for @story. */
static char *text_of(const struct story *story, struct kw_text_style style)
{
	struct kw_evidence evidence = {.count = 1, .sentences = {"a sentence"}};
	struct kw_service service = event_service(KW_ROLE_SERVER, "nginx:8080");
	struct kw_event event;
	struct kw_record record = {.event = &event,
				   .verdict = &story->verdict,
				   .evidence = &evidence,
				   .service = &service,
				   .clock = {OFFSET}};
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(kw_decode(&story->event, sizeof(story->event), &event), 0);
	assert_int_equal(kw_text_connection(file, &record, &style), 0);
	fclose(file);
	return text;
}

static void premature_closes_stand_out(void **state)
{
	struct story usual = story(), premature = story();
	char *text;

	(void)state;
	premature.verdict.premature = KW_PREMATURE_YES;
	premature.verdict.lost_requests = 1;
	text = text_of(&usual, (struct kw_text_style){.colour = true});
	assert_non_null(strstr(text, "nginx:8080"));
	assert_non_null(strstr(text, "3 req        5 s  server_idle_timeout"));
	assert_null(strstr(text, "\033"));
	assert_null(strstr(text, "sentence"));
	free(text);
	text = text_of(&usual, (struct kw_text_style){.evidence = true});
	assert_non_null(strstr(text, "\n              a sentence\n"));
	free(text);
	text = text_of(&premature, (struct kw_text_style){.colour = true});
	assert_non_null(strstr(text, "\033["));
	assert_non_null(strstr(text, "a sentence"));
	free(text);
	text = text_of(&premature, (struct kw_text_style){.colour = false});
	assert_null(strstr(text, "\033"));
	assert_non_null(strstr(text, "premature, 1 lost\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_is_as_the_contract_shows),
		cmocka_unit_test(what_is_unknown_is_null),
		cmocka_unit_test(both_ends_have_the_same_flow),
		cmocka_unit_test(half_known_advertisements_say_so),
		cmocka_unit_test(protocols_have_their_names),
		cmocka_unit_test(facts_show_where_they_belong),
		cmocka_unit_test(hostile_text_is_escaped),
		cmocka_unit_test(an_open_connection_has_the_same_keys_and_no_verdict),
		cmocka_unit_test(names_that_were_only_sent_on_are_no_hop_by_hop_names_of_the_connection),
		cmocka_unit_test(exchanges_amendments_and_summaries_are_as_the_contract_shows),
		cmocka_unit_test(a_failed_write_is_told),
		cmocka_unit_test(text_durations_have_sensible_units),
		cmocka_unit_test(means_and_limits_are_rounded),
		cmocka_unit_test(premature_closes_stand_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
