/* SPDX-License-Identifier: BSD-2-Clause */
/* A gateway's error as `trace` prints it, as JSON and for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/trace/json.h"
#include "output/trace/text.h"
#include "tests/unit/events.h"

#define AT (6 * KW_S)
#define OFFSET (1772366400 * (int64_t)KW_S - (int64_t)AT) /* so that AT is 2026-03-01T12:00:00Z */

/* A connect() to this port that was refused after 1 ms. */
static void refused(struct kw_kept_close *failure, uint64_t cookie, uint16_t port)
{
	struct kw_event_connection *event = &failure->connection;

	*failure = (struct kw_kept_close){
		.connection = {
			.report = KW_REPORT_CLOSED,
			.opened = AT - 2 * KW_MS,
			.identity = {.cookie = cookie, .role = KW_ROLE_CLIENT, .remote_port = port},
			.ending = {.time = AT - KW_MS, .act = KW_ACT_PEER_RST, .acts = 1 << KW_ACT_PEER_RST},
			.closing = {.time = AT - KW_MS, .error = ECONNREFUSED}}};
	event_address(event->identity.remote, "10.0.0.7");
	kw_judge(event, &failure->verdict);
}

static struct kw_gateway_error error(void)
{
	return (struct kw_gateway_error){.event = {.header.time = AT,
						   .identity = event_connection().identity,
						   .started = AT - 4 * KW_MS,
						   .number = 3,
						   .thread = 812,
						   .status = 502},
					 .confidence = KW_CONFIDENCE_UNKNOWN};
}

/* The line or lines; freed by the caller. */
static char *print(const struct kw_gateway_error *error, const struct kw_text_style *style)
{
	static const struct kw_namer namer = {.by = KW_SERVICE_BY_COMM};
	struct kw_service service = event_service(KW_ROLE_SERVER, "nginx:8080");
	struct kw_clock clock = {OFFSET};
	struct kw_gateway_record record = {
		.error = error, .service = &service, .namer = &namer, .clock = &clock};
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(style ? kw_text_gateway(file, &record, style) : kw_json_gateway(file, &record), 0);
	fclose(file);
	return text;
}

static void assert_prints(const struct kw_gateway_error *error, const struct kw_text_style *style,
			  const char *expected)
{
	char *text = print(error, style);

	assert_string_equal(text, expected);
	free(text);
}

#define JSON_HEAD                                                                                              \
	"{\"type\":\"gateway_error\",\"schema\":1,\"at\":\"2026-03-01T12:00:00.000000000Z\",\"status\":502,"   \
	"\"connection\":\"1a2b-5f3\",\"service\":\"nginx:8080\",\"pid\":812,\"comm\":\"nginx\",\"exchange\":3,"
#define JSON_FAILURE(id, port)                                                                                 \
	"{\"connection\":\"" id "\",\"service\":\"10.0.0.7:" port "\",\"reason\":\"connect_refused\","         \
	"\"closer\":\"server\",\"evidence\":[\"the connection attempt was refused after 1 ms\"]}"

static void the_json_is_as_the_contract_shows(void **state)
{
	struct kw_kept_close cause, before;
	struct kw_gateway_error one = error();

	(void)state;
	assert_prints(&one, NULL, JSON_HEAD "\"cause\":null,\"tries\":[],\"confidence\":\"unknown\"}\n");
	refused(&cause, 0x1a2c, 3000);
	one.cause = &cause;
	one.confidence = KW_CONFIDENCE_CERTAIN;
	assert_prints(&one, NULL,
		      JSON_HEAD "\"cause\":" JSON_FAILURE("1a2c-0", "3000") ",\"tries\":[],"
									    "\"confidence\":\"certain\"}\n");
	refused(&before, 0x1a2d, 3001);
	one.tries[0] = &before;
	one.try_count = 1;
	one.confidence = KW_CONFIDENCE_INFERRED;
	assert_prints(&one, NULL,
		      JSON_HEAD "\"cause\":" JSON_FAILURE("1a2c-0", "3000") ",\"tries\":[" JSON_FAILURE(
			      "1a2d-0", "3001") "],\"confidence\":\"inferred\"}\n");
}

static void the_text_names_the_cause_and_the_tries_before_it(void **state)
{
	struct kw_kept_close cause, before;
	struct kw_gateway_error one = error();

	(void)state;
	refused(&cause, 0x1a2c, 3000);
	refused(&before, 0x1a2d, 3001);
	one.cause = &cause;
	one.tries[0] = &before;
	one.try_count = 1;
	one.confidence = KW_CONFIDENCE_INFERRED;
	assert_prints(&one, &(struct kw_text_style){0},
		      "12:00:00.000  nginx:8080               server    no. 3         4 ms  "
		      "gateway_error            status 502, 10.0.0.7:3000: connect_refused, by server\n"
		      "              the connection attempt was refused after 1 ms\n"
		      "              tried before: 10.0.0.7:3001: connect_refused, by server\n"
		      "              id 1a2b-5f3, caused by id 1a2c-0 (inferred)\n");
}

static void the_text_says_that_no_cause_is_known(void **state)
{
	struct kw_gateway_error one = error();

	(void)state;
	one.event.started = 0;
	one.event.status = 503;
	assert_prints(&one, &(struct kw_text_style){0},
		      "12:00:00.000  nginx:8080               server    no. 3            ?  "
		      "gateway_error            status 503, and no connection to another server is known to "
		      "have failed\n              id 1a2b-5f3\n");
}

static void colour_is_switched_off_again(void **state)
{
	struct kw_gateway_error one = error();
	char *text = print(&one, &(struct kw_text_style){.colour = true});

	(void)state;
	assert_non_null(strstr(text, "\033[1;31mgateway_error"));
	assert_string_equal(text + strlen(text) - strlen("\033[0m"), "\033[0m");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_json_is_as_the_contract_shows),
		cmocka_unit_test(the_text_names_the_cause_and_the_tries_before_it),
		cmocka_unit_test(the_text_says_that_no_cause_is_known),
		cmocka_unit_test(colour_is_switched_off_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
