/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <time.h>

#include "tests/unit/events.h"
#include "base/clock.h"

static void each_type_is_decoded(void **state)
{
	struct kw_event_connection connection = event_connection();
	struct kw_event_history history = event_history();
	struct kw_event_exchange exchange = {.header = {KW_EVENT_EXCHANGE, sizeof(exchange), 0, 7}};
	struct kw_event_gateway gateway = {.header = {KW_EVENT_GATEWAY, sizeof(gateway), 0, 10}, .status = 504};
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, 9}};
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, 8}};
	struct kw_event_unseen unseen = {.header = {KW_EVENT_UNSEEN, sizeof(unseen), 0, 10}};
	struct kw_event event;

	(void)state;
	assert_int_equal(kw_decode(&connection, sizeof(connection), &event), 0);
	assert_ptr_equal(event.connection, &connection);
	assert_null(event.history);
	assert_int_equal(event.time, 6 * KW_S);
	assert_int_equal(kw_decode(&history, sizeof(history), &event), 0);
	assert_ptr_equal(event.history, &history);
	assert_ptr_equal(event.connection, &history.connection);
	assert_int_equal(kw_decode(&exchange, sizeof(exchange), &event), 0);
	assert_ptr_equal(event.exchange, &exchange);
	assert_null(event.connection);
	assert_int_equal(kw_decode(&late, sizeof(late), &event), 0);
	assert_ptr_equal(event.late, &late);
	assert_null(event.exchange);
	assert_int_equal(kw_decode(&gateway, sizeof(gateway), &event), 0);
	assert_ptr_equal(event.gateway, &gateway);
	assert_null(event.late);
	assert_int_equal(event.time, 10);
	assert_int_equal(kw_decode(&totals, sizeof(totals), &event), 0);
	assert_ptr_equal(event.totals, &totals);
	assert_int_equal(event.time, 8);
	assert_int_equal(kw_decode(&unseen, sizeof(unseen), &event), 0);
	assert_ptr_equal(event.unseen, &unseen);
	assert_null(event.totals);
	assert_int_equal(event.time, 10);
}

static void a_wrong_size_or_type_is_refused(void **state)
{
	struct kw_event_connection connection = event_connection();
	struct kw_event_unseen unseen = {.header = {KW_EVENT_UNSEEN, sizeof(unseen) - 8, 0, 10}};
	struct kw_event event = {.time = 99};

	(void)state;
	for (size_t size = 0; size < sizeof(connection); size++)
		assert_int_equal(kw_decode(&connection, size, &event), -EBADMSG);
	connection.header.size--;
	assert_int_equal(kw_decode(&connection, sizeof(connection), &event), -EBADMSG);
	connection.header.size++;
	connection.header.type = KW_EVENT_HISTORY;
	assert_int_equal(kw_decode(&connection, sizeof(connection), &event), -EBADMSG);
	connection.header.type = 0;
	assert_int_equal(kw_decode(&connection, sizeof(connection), &event), -EBADMSG);
	connection.header.type = KW_EVENT_GATEWAY + 1;
	assert_int_equal(kw_decode(&connection, sizeof(connection), &event), -EBADMSG);
	assert_int_equal(kw_decode(&unseen, sizeof(unseen) - 8, &event), -EBADMSG);
	assert_int_equal(event.time, 99);
}

#define assert_refused(field, value)                                                                           \
	do {                                                                                                   \
		struct kw_event_connection connection = event_connection();                                    \
		struct kw_event event;                                                                         \
                                                                                                               \
		connection.field = (value)-1;                                                                  \
		assert_int_equal(kw_decode(&connection, sizeof(connection), &event), 0);                       \
		connection.field = (value);                                                                    \
		assert_int_equal(kw_decode(&connection, sizeof(connection), &event), -EBADMSG);                \
	} while (0)

static void a_value_beyond_its_enumeration_is_refused(void **state)
{
	struct kw_event_exchange exchange = {.header = {KW_EVENT_EXCHANGE, sizeof(exchange), 0, 7}};
	struct kw_event_gateway gateway = {.header = {KW_EVENT_GATEWAY, sizeof(gateway), 0, 10}, .status = 504};
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, 9}};
	struct kw_event event;

	(void)state;
	late.identity.role = KW_ROLE_MAX;
	assert_int_equal(kw_decode(&late, sizeof(late), &event), -EBADMSG);
	gateway.status = 505;
	assert_int_equal(kw_decode(&gateway, sizeof(gateway), &event), -EBADMSG);
	gateway.status = 502;
	assert_int_equal(kw_decode(&gateway, sizeof(gateway), &event), 0);
	gateway.identity.role = KW_ROLE_MAX;
	assert_int_equal(kw_decode(&gateway, sizeof(gateway), &event), -EBADMSG);
	assert_refused(half_closed, 2);
	assert_refused(half_closed_before, 2);
	assert_refused(identity.role, KW_ROLE_MAX);
	assert_refused(identity.flow, KW_FLOW_MAX);
	assert_refused(report, KW_REPORT_OPEN + 1);
	assert_refused(ending.act, KW_ACT_MAX);
	assert_refused(http.protocol, HTTP1_PROTOCOL_MAX);
	assert_refused(http.last_method, HTTP1_METHOD_MAX);
	assert_refused(http.last_response_framing, HTTP1_FRAMING_MAX);
	assert_refused(http.announced_by, KW_ANNOUNCED_BY_SERVER + 1);
	assert_refused(http.announced_how, KW_ANNOUNCED_DELIMITED + 1);
	exchange.method = HTTP1_METHOD_MAX;
	assert_int_equal(kw_decode(&exchange, sizeof(exchange), &event), -EBADMSG);
}

static void the_clock_leads_from_monotonic_to_real_time(void **state)
{
	struct kw_clock clock;
	struct timespec real;
	int64_t now, difference;

	(void)state;
	kw_clock_read(&clock);
	now = (int64_t)kw_clock_monotonic() + clock.offset;
	clock_gettime(CLOCK_REALTIME, &real);
	difference = real.tv_sec * (int64_t)KW_S + real.tv_nsec - now;
	/* Generous: a busy machine may take us off the processor in between. */
	assert_true(difference > -10 * (int64_t)KW_S && difference < 10 * (int64_t)KW_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_is_decoded),
		cmocka_unit_test(a_wrong_size_or_type_is_refused),
		cmocka_unit_test(a_value_beyond_its_enumeration_is_refused),
		cmocka_unit_test(the_clock_leads_from_monotonic_to_real_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
