/* SPDX-License-Identifier: BSD-2-Clause */
/* A process receives fields on some connections, and sends them on others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "join/audit.h"
#include "tests/unit/events.h"

#define NAMED (HTTP1_FLAG_TIMEOUT | HTTP1_FLAG_KEEP_ALIVE) /* a Keep-Alive field that Connection lists */
#define UNNAMED HTTP1_FLAG_TIMEOUT

static int open_audit(void **state)
{
	static struct kw_audit audit;

	*state = &audit;
	return kw_audit_open(&audit);
}

static int close_audit(void **state)
{
	kw_audit_close(*state);
	return 0;
}

/* A connection of process 812: as a server on port 8080, or as a client of port 3000. */
static struct kw_event_history connection(__u8 role, uint64_t cookie)
{
	struct kw_event_history event = event_history();
	struct kw_identity *identity = &event.connection.identity;

	identity->role = role;
	identity->cookie = cookie;
	if (role == KW_ROLE_CLIENT) {
		identity->local_port = 40000;
		identity->remote_port = 3000;
	}
	return event;
}

static struct kw_event_history with_timeout(__u8 role, uint64_t cookie, uint32_t seconds, uint16_t flags)
{
	struct kw_event_history event = connection(role, cookie);

	event.connection.http.has_timeout = 1;
	event.connection.http.timeout = seconds;
	event.connection.http.last_response_flags = flags;
	return event;
}

static void add_name(struct kw_event_history *event, int number, const char *name, uint32_t kinds)
{
	strcpy(event->names[number].name, name);
	event->name_kinds |= kinds << number * KW_NAME_KINDS;
}

static void take(struct kw_audit *audit, const struct kw_event_history *event)
{
	struct kw_event decoded;

	assert_int_equal(kw_decode(event, sizeof(*event), &decoded), 0);
	kw_audit_take(audit, &decoded);
}

/* All that is found now, as "COOKIE: NAME NAME; COOKIE: ...". */
static const char *found(struct kw_audit *audit)
{
	static char text[1024];
	struct kw_forwarded forwarded;
	size_t length = 0;

	text[0] = '\0';
	while (kw_audit_next(audit, &forwarded)) {
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%llu:", length ? "; " : "",
					   (unsigned long long)forwarded.identity.cookie);
		for (size_t i = 0; i < forwarded.count; i++)
			length += (size_t)snprintf(text + length, sizeof(text) - length, " %s",
						   forwarded.names[i]);
	}
	return text;
}

static const char *after(struct kw_audit *audit, struct kw_event_history event)
{
	take(audit, &event);
	return found(audit);
}

static void names_that_the_kernel_side_met_again_are_sent_on(void **state)
{
	struct kw_event_history listed = connection(KW_ROLE_CLIENT, 1), field = connection(KW_ROLE_CLIENT, 2);

	add_name(&listed, 0, "x-own", KW_NAME_OF_REQUEST);
	add_name(&listed, 1, "x-debug", KW_NAME_OF_REQUEST | KW_NAME_PASSED_ON);
	add_name(&field, 0, "x-debug", KW_NAME_AS_FIELD);
	assert_string_equal(after(*state, listed), "1: x-debug");
	assert_string_equal(after(*state, field), "2: x-debug");
}

static void a_field_that_programs_write_themselves_proves_nothing_unless_it_is_listed(void **state)
{
	static const char *const names[] = {"host", "x-forwarded-for", "user-agent", "via", "x-real-ip"};
	struct kw_event_history listed = connection(KW_ROLE_CLIENT, 9);

	for (uint64_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct kw_event_history event = connection(KW_ROLE_CLIENT, 1 + i);

		add_name(&event, 0, names[i], KW_NAME_AS_FIELD);
		assert_string_equal(after(*state, event), "");
	}
	add_name(&listed, 0, "host", KW_NAME_OF_REQUEST | KW_NAME_PASSED_ON | KW_NAME_AS_FIELD);
	assert_string_equal(after(*state, listed), "9: host");
}

static void what_was_found_is_not_found_again(void **state)
{
	struct kw_event_history event = connection(KW_ROLE_CLIENT, 1);

	event.connection.report = KW_REPORT_PROGRESS;
	add_name(&event, 0, "x-a", KW_NAME_OF_REQUEST | KW_NAME_PASSED_ON);
	assert_string_equal(after(*state, event), "1: x-a");
	add_name(&event, 1, "x-b", KW_NAME_AS_FIELD);
	assert_string_equal(after(*state, event), "1: x-b");
	event.connection.report = KW_REPORT_CLOSED;
	assert_string_equal(after(*state, event), "");
}

static void proxy_connection_is_sent_on_if_it_is_on_both_sides(void **state)
{
	struct kw_event_history in = connection(KW_ROLE_SERVER, 1), out = connection(KW_ROLE_CLIENT, 2);

	in.connection.http.flags = out.connection.http.flags = KW_HTTP_PROXY_CONNECTION;
	assert_string_equal(after(*state, out), "");
	assert_string_equal(after(*state, in), "2: proxy-connection");
	assert_string_equal(after(*state, in), "");
	out.connection.identity.cookie = 3;
	assert_string_equal(after(*state, out), "3: proxy-connection");
	in.connection.http.flags = out.connection.http.flags = KW_HTTP_PROXY_CONNECTION_ANSWER;
	out.connection.identity.cookie = 4;
	assert_string_equal(after(*state, out), "");
	assert_string_equal(after(*state, in), "1: proxy-connection");
}

static void another_process_has_not_received_it(void **state)
{
	struct kw_event_history in = connection(KW_ROLE_SERVER, 1), out = connection(KW_ROLE_CLIENT, 2);

	in.connection.http.flags = out.connection.http.flags = KW_HTTP_PROXY_CONNECTION;
	out.connection.identity.pid++;
	assert_string_equal(after(*state, in), "");
	assert_string_equal(after(*state, out), "");
	out.connection.identity.pid--; /* an earlier one with the same number */
	out.connection.identity.cookie = 3;
	strcpy(out.connection.identity.comm, "curl");
	assert_string_equal(after(*state, out), "");
}

static void a_program_that_talks_with_itself_sends_nothing_on(void **state)
{
	struct kw_event_history in = with_timeout(KW_ROLE_SERVER, 1, 7, UNNAMED);
	struct kw_event_history out = with_timeout(KW_ROLE_CLIENT, 2, 7, UNNAMED);

	in.connection.http.flags = out.connection.http.flags = KW_HTTP_PROXY_CONNECTION;
	memcpy(out.connection.identity.remote, in.connection.identity.local, 16);
	out.connection.identity.remote_port = in.connection.identity.local_port;
	assert_string_equal(after(*state, in), "");
	assert_string_equal(after(*state, out), "");
}

static void a_keep_alive_that_is_not_listed_is_sent_on_if_a_server_sent_the_same(void **state)
{
	struct kw_event_history back = with_timeout(KW_ROLE_CLIENT, 2, 17, NAMED);

	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 1, 17, UNNAMED)), "");
	assert_string_equal(after(*state, back), "1: keep-alive");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 3, 17, UNNAMED)), "3: keep-alive");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 4, 18, UNNAMED)), "");
}

static void its_max_must_be_one_that_the_server_sent(void **state)
{
	struct kw_event_history back = with_timeout(KW_ROLE_CLIENT, 2, 17, NAMED);
	struct kw_event_history front = with_timeout(KW_ROLE_SERVER, 1, 17, UNNAMED);

	back.connection.http.has_max = front.connection.http.has_max = 1;
	back.connection.http.max = 90; /* from 100 on */
	back.connection.http.max_responses = 11;
	back.connection.http.flags = KW_HTTP_MAX_COUNTED_DOWN;
	take(*state, &back);
	front.connection.http.max = 89;
	assert_string_equal(after(*state, front), "");
	front.connection.identity.cookie++;
	front.connection.http.max = 101;
	assert_string_equal(after(*state, front), "");
	front.connection.identity.cookie += 10;
	front.connection.http.max = 95;
	assert_string_equal(after(*state, front), "12: keep-alive");
	front.connection.identity.cookie++;
	front.connection.http.has_max = 0;
	assert_string_equal(after(*state, front), "");
}

static void one_of_its_own_with_the_timeout_of_its_server_is_not(void **state)
{
	struct kw_event_history list = connection(KW_ROLE_CLIENT, 3);

	assert_string_equal(after(*state, with_timeout(KW_ROLE_CLIENT, 2, 5, NAMED)), "");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 1, 5, NAMED)), "");
	/* But one that sends on what Connection lists does not write its own. */
	add_name(&list, 0, "x-debug", KW_NAME_OF_REQUEST | KW_NAME_PASSED_ON);
	assert_string_equal(after(*state, list), "1: keep-alive; 3: x-debug");
}

static void nor_does_one_write_two_timeouts_of_two_servers(void **state)
{
	assert_string_equal(after(*state, with_timeout(KW_ROLE_CLIENT, 1, 17, NAMED)), "");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_CLIENT, 2, 27, NAMED)), "");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 3, 17, NAMED)), "");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 4, 27, NAMED)),
			    "3: keep-alive; 4: keep-alive");
}

static void te_and_upgrade_are_sent_on_by_one_that_sends_on_lists(void **state)
{
	struct kw_event_history in = connection(KW_ROLE_SERVER, 1), out = connection(KW_ROLE_CLIENT, 2);

	in.connection.http.last_request_flags = out.connection.http.last_request_flags = HTTP1_FLAG_TE;
	in.connection.http.counts.request.upgrade = out.connection.http.counts.request.upgrade = 1;
	assert_string_equal(after(*state, in), "");
	assert_string_equal(after(*state, out), "");
	add_name(&out, 0, "x-debug", KW_NAME_OF_REQUEST | KW_NAME_PASSED_ON);
	assert_string_equal(after(*state, out), "2: x-debug te upgrade");
	out.connection.identity.cookie = 3;
	out.connection.http.flags = KW_HTTP_TUNNEL; /* it was meant for the server, who took it */
	assert_string_equal(after(*state, out), "3: x-debug te");
}

static void a_connection_whose_record_came_before_is_told_as_such(void **state)
{
	struct kw_event_history front = with_timeout(KW_ROLE_SERVER, 1, 17, UNNAMED);
	struct kw_event_history back = with_timeout(KW_ROLE_CLIENT, 2, 17, NAMED);
	struct kw_forwarded forwarded;

	take(*state, &front);
	kw_audit_of(*state, &front.connection, &forwarded);
	assert_int_equal(forwarded.count, 0);
	take(*state, &back);
	assert_true(kw_audit_next(*state, &forwarded));
	assert_true(forwarded.after && forwarded.first);
	assert_int_equal(forwarded.timeout, 17);
	front.connection.identity.cookie = 3;
	take(*state, &front);
	kw_audit_of(*state, &front.connection, &forwarded);
	assert_int_equal(forwarded.count, 1);
	assert_string_equal(forwarded.names[0], "keep-alive");
	assert_true(kw_audit_next(*state, &forwarded));
	assert_false(forwarded.after);
}

static void a_connection_that_lives_is_not_told_as_one_whose_record_came_before(void **state)
{
	struct kw_event_history front = with_timeout(KW_ROLE_SERVER, 1, 17, UNNAMED);
	struct kw_event_history back = with_timeout(KW_ROLE_CLIENT, 2, 17, NAMED);
	struct kw_forwarded forwarded;

	front.connection.report = KW_REPORT_PROGRESS;
	take(*state, &front);
	take(*state, &back);
	assert_true(kw_audit_next(*state, &forwarded));
	assert_int_equal(forwarded.identity.cookie, 1);
	assert_false(forwarded.after);
}

static void of_many_timeouts_the_first_are_known(void **state)
{
	for (uint32_t i = 0; i <= KW_AUDIT_TIMEOUTS; i++)
		assert_string_equal(after(*state, with_timeout(KW_ROLE_CLIENT, 1 + i, 100 + i, NAMED)), "");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 50, 100 + KW_AUDIT_TIMEOUTS, UNNAMED)),
			    "");
	assert_string_equal(after(*state, with_timeout(KW_ROLE_SERVER, 51, 100, UNNAMED)), "51: keep-alive");
}

static void nothing_is_concluded_without_http_or_a_role(void **state)
{
	struct kw_event_history in = connection(KW_ROLE_SERVER, 1), out = connection(KW_ROLE_CLIENT, 2);
	struct kw_event_history other;

	in.connection.http.flags = out.connection.http.flags = KW_HTTP_PROXY_CONNECTION;
	other = in;
	other.connection.http.protocol = HTTP1_PROTOCOL_NONE;
	take(*state, &other);
	other = in;
	other.connection.identity.role = KW_ROLE_UNKNOWN;
	take(*state, &other);
	assert_string_equal(after(*state, out), "");
	assert_string_equal(after(*state, in), "2: proxy-connection");
}

static void names_are_safe_to_print(void **state)
{
	struct kw_event_history event = connection(KW_ROLE_CLIENT, 1);

	memset(event.names[0].name, 'x', HTTP1_WORD); /* not ended by NUL */
	event.names[0].name[1] = '\033';
	event.name_kinds = KW_NAME_PASSED_ON;
	assert_string_equal(after(*state, event), "1: x?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static void the_room_is_bounded_and_the_oldest_goes(void **state)
{
	struct kw_event_history in = connection(KW_ROLE_SERVER, 1), out = connection(KW_ROLE_CLIENT, 2);

	in.connection.http.flags = out.connection.http.flags = KW_HTTP_PROXY_CONNECTION;
	for (uint32_t i = 0; i < 3 * KW_AUDIT_CONNECTIONS; i++) {
		in.connection.identity.pid = out.connection.identity.pid = 1 + i;
		in.connection.identity.cookie = 2 * i + 1;
		out.connection.identity.cookie = 2 * i + 2;
		take(*state, &in);
		assert_string_equal(found(*state), "");
		take(*state, &out);
		assert_string_not_equal(found(*state), "");
	}
	out.connection.identity.pid = 1;
	out.connection.identity.cookie = 1000000;
	assert_string_equal(after(*state, out), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_audit, close_audit)
	const struct CMUnitTest tests[] = {
		TEST(names_that_the_kernel_side_met_again_are_sent_on),
		TEST(a_field_that_programs_write_themselves_proves_nothing_unless_it_is_listed),
		TEST(what_was_found_is_not_found_again),
		TEST(proxy_connection_is_sent_on_if_it_is_on_both_sides),
		TEST(another_process_has_not_received_it),
		TEST(a_program_that_talks_with_itself_sends_nothing_on),
		TEST(a_keep_alive_that_is_not_listed_is_sent_on_if_a_server_sent_the_same),
		TEST(its_max_must_be_one_that_the_server_sent),
		TEST(one_of_its_own_with_the_timeout_of_its_server_is_not),
		TEST(nor_does_one_write_two_timeouts_of_two_servers),
		TEST(te_and_upgrade_are_sent_on_by_one_that_sends_on_lists),
		TEST(a_connection_whose_record_came_before_is_told_as_such),
		TEST(a_connection_that_lives_is_not_told_as_one_whose_record_came_before),
		TEST(of_many_timeouts_the_first_are_known),
		TEST(nothing_is_concluded_without_http_or_a_role),
		TEST(names_are_safe_to_print),
		TEST(the_room_is_bounded_and_the_oldest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
