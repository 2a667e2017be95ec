/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/events.h"
#include "base/clock.h"
#include "event/http2_names.h"
#include "event/tls_names.h"

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

/* Bytes that end before the header does, and no memory behind them. Their second number, as far as there is one, is their size. */
static void nothing_behind_the_bytes_is_read(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kw_event event;

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	for (size_t size = 0; size < sizeof(struct kw_event_header); size += 8) {
		struct kw_event_header header = {.type = KW_EVENT_CONNECTION, .size = (__u16)size};

		memcpy(pages + page - size, &header, size);
		assert_int_equal(kw_decode(pages + page - size, size, &event), -EBADMSG);
	}
	munmap(pages, 2 * page);
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
	gateway.status = 501;
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

/* A number of an event, the highest value that it may have, and its size in bytes. */
struct bound {
	const char *name;
	size_t offset, size;
	uint64_t most;
};

#define BOUND(type, field, most)                                                                               \
	{                                                                                                      \
#field, offsetof(struct type, field), sizeof(((struct type *)0)->field), most                  \
	}
#define TIME(type, field) BOUND(type, field, (1ULL << KW_TIME_BITS) - 1)
#define TOTAL(type, field) BOUND(type, field, (1ULL << KW_TOTAL_BITS) - 1)

static int decode_with(void *event, const struct bound *bound, uint64_t value)
{
	struct kw_event_header *header = event;
	struct kw_event decoded;

	memcpy((uint8_t *)event + bound->offset, &value, bound->size);
	return kw_decode(event, header->size, &decoded);
}

/* The highest value is taken, and one more is refused. */
static void assert_bounds(const void *event, size_t size, const struct bound *bounds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t copy[sizeof(struct kw_event_tls_http2) / sizeof(uint64_t)];

		memcpy(copy, event, size);
		if (decode_with(copy, &bounds[i], bounds[i].most) != 0)
			fail_msg("%s cannot be %#llx", bounds[i].name, (unsigned long long)bounds[i].most);
		if (decode_with(copy, &bounds[i], bounds[i].most + 1) != -EBADMSG)
			fail_msg("%s can be %#llx", bounds[i].name, (unsigned long long)bounds[i].most + 1);
	}
}

#define assert_all_bounds(event, ...)                                                                          \
	do {                                                                                                   \
		const struct bound bounds[] = {__VA_ARGS__};                                                   \
                                                                                                               \
		assert_bounds(&(event), sizeof(event), bounds, sizeof(bounds) / sizeof(bounds[0]));            \
	} while (0)

static void each_number_of_a_connection_has_its_bound(void **state)
{
	struct kw_event_connection event = event_connection();

	(void)state;
	assert_all_bounds(event, TIME(kw_event_connection, header.time), TIME(kw_event_connection, opened),
			  TIME(kw_event_connection, established), TIME(kw_event_connection, peer_fin),
			  TIME(kw_event_connection, sample[KW_HISTOGRAM_IDLE]),
			  TIME(kw_event_connection, sample[KW_HISTOGRAM_WAIT]),
			  TIME(kw_event_connection, ending.time), TIME(kw_event_connection, closing.time),
			  TIME(kw_event_connection, notice.time), TIME(kw_event_connection, notice.last),
			  BOUND(kw_event_connection, identity.preexisting, 1),
			  BOUND(kw_event_connection, ending.acts, (1 << KW_ACT_MAX) - 1),
			  BOUND(kw_event_connection, ending.last_sender, KW_SENDER_PEER));
	assert_all_bounds(
		event, TIME(kw_event_connection, http.request_started),
		TIME(kw_event_connection, http.request_ended), TIME(kw_event_connection, http.response_started),
		TIME(kw_event_connection, http.response_ended), TIME(kw_event_connection, http.idle_max),
		TIME(kw_event_connection, http.idle_before_last),
		TIME(kw_event_connection, http.first_request_started),
		BOUND(kw_event_connection, http.tx_bytes, KW_NEVER),
		BOUND(kw_event_connection, http.rx_bytes, KW_NEVER),
		BOUND(kw_event_connection, http.blind_bytes, KW_NEVER),
		BOUND(kw_event_connection, http.timeout, HTTP1_PARAMETER_LIMIT),
		BOUND(kw_event_connection, http.max, HTTP1_PARAMETER_LIMIT),
		BOUND(kw_event_connection, http.last_status, 999),
		BOUND(kw_event_connection, http.interim, 999),
		BOUND(kw_event_connection, http.lost_safe, HTTP1_QUEUE),
		BOUND(kw_event_connection, http.lost_idempotent, HTTP1_QUEUE),
		BOUND(kw_event_connection, http.lost_other, HTTP1_QUEUE),
		BOUND(kw_event_connection, bodies[HTTP1_REQUESTS].bytes, HTTP1_LENGTH_MAX),
		BOUND(kw_event_connection, bodies[HTTP1_RESPONSES].bytes, HTTP1_LENGTH_MAX),
		BOUND(kw_event_connection, bodies[HTTP1_RESPONSES].declared, HTTP1_LENGTH_MAX));
}

static struct kw_event_http2 event_http2(void)
{
	struct kw_event_http2 event = {.history = event_history()};

	event.history.connection.header.type = KW_EVENT_HTTP2;
	event.history.connection.header.size = sizeof(event);
	return event;
}

static void an_event_of_http2_is_a_history_too(void **state)
{
	struct kw_event_http2 http2 = event_http2();
	struct kw_event event;

	(void)state;
	assert_int_equal(kw_decode(&http2, sizeof(http2), &event), 0);
	assert_ptr_equal(event.http2, &http2.http2);
	assert_ptr_equal(event.history, &http2.history);
	assert_ptr_equal(event.connection, &http2.history.connection);
	assert_ptr_equal(kw_http2_facts_of(event.connection), &http2.http2);
	assert_null(event.tls);
	http2.history.connection.header.type = KW_EVENT_TLS;
	assert_int_equal(kw_decode(&http2, sizeof(http2), &event), -EBADMSG);
	http2 = event_http2();
	http2.history.connection.identity.role = KW_ROLE_MAX;
	assert_int_equal(kw_decode(&http2, sizeof(http2), &event), -EBADMSG);
	http2 = event_http2();
	for (size_t size = sizeof(http2.history); size < sizeof(http2); size++) {
		http2.history.connection.header.size = (__u16)size;
		assert_int_equal(kw_decode(&http2, size, &event), -EBADMSG);
	}
}

static void an_event_of_http2_within_tls_has_both_parts(void **state)
{
	struct kw_event_http2 clear = event_http2();
	struct kw_event_tls_http2 both = event_within_tls(&clear);
	struct kw_event event;

	(void)state;
	assert_int_equal(kw_decode(&both, sizeof(both), &event), 0);
	assert_ptr_equal(event.history, &both.tls.history);
	assert_ptr_equal(event.connection, &both.tls.history.connection);
	assert_ptr_equal(event.tls, &both.tls.tls);
	assert_ptr_equal(event.http2, &both.http2);
	assert_ptr_equal(kw_tls_facts_of(event.connection), &both.tls.tls);
	assert_ptr_equal(kw_http2_facts_of(event.connection), &both.http2);
	assert_all_bounds(both, BOUND(kw_event_tls_http2, tls.tls.alert_by, 1 + TLS_SERVER),
			  BOUND(kw_event_tls_http2, tls.tls.handshake, TLS_HANDSHAKE_MAX - 1),
			  TIME(kw_event_tls_http2, http2.latest),
			  BOUND(kw_event_tls_http2, http2.sides[HTTP2_SERVER].goaway_id, HTTP2_ID_MAX));
	for (size_t size = sizeof(both.tls); size < sizeof(both); size++) {
		both.tls.history.connection.header.size = (__u16)size;
		assert_int_equal(kw_decode(&both, size, &event), -EBADMSG);
	}
}

#define SIDE(direction, field, most) BOUND(kw_event_http2, http2.sides[direction].field, most)
#define TIMES_OF_SIDE(direction)                                                                               \
	TIME(kw_event_http2, http2.sides[direction].goaway),                                                   \
		TIME(kw_event_http2, http2.sides[direction].ping),                                             \
		TIME(kw_event_http2, http2.sides[direction].ping_gap)

static void each_number_of_http2_has_its_bound(void **state)
{
	struct kw_event_http2 event = event_http2();

	(void)state;
	assert_all_bounds(event, TIMES_OF_SIDE(HTTP2_CLIENT), TIMES_OF_SIDE(HTTP2_SERVER),
			  TIME(kw_event_http2, http2.latest), TIME(kw_event_http2, http2.begun),
			  TIME(kw_event_http2, http2.cut), SIDE(HTTP2_CLIENT, latest, 1 << 30),
			  SIDE(HTTP2_SERVER, latest, 1 << 30), SIDE(HTTP2_SERVER, goaway_id, HTTP2_ID_MAX),
			  SIDE(HTTP2_CLIENT, goaway_code, HTTP2_CODES - 1),
			  SIDE(HTTP2_SERVER, goaway_debug, HTTP2_DEBUG_MAX - 1),
			  SIDE(HTTP2_CLIENT, fields, (1 << HTTP2_NAME_MAX) - 1),
			  SIDE(HTTP2_SERVER, errors, (1 << HTTP2_ERROR_MAX) - 1));
}

static void each_number_of_other_events_has_its_bound(void **state)
{
	struct kw_event_exchange exchange = {.header = {KW_EVENT_EXCHANGE, sizeof(exchange), 0, 7}};
	struct kw_event_gateway gateway = {.header = {KW_EVENT_GATEWAY, sizeof(gateway), 0, 10}, .status = 504};
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, 9}};
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, 8}};
	struct kw_event_unseen unseen = event_unseen(0, 0, 0);

	(void)state;
	assert_all_bounds(
		exchange, BOUND(kw_event_exchange, identity.preexisting, 1), TIME(kw_event_exchange, started),
		TIME(kw_event_exchange, wait), TIME(kw_event_exchange, duration),
		TIME(kw_event_exchange, idle_before), BOUND(kw_event_exchange, request_bytes, KW_NEVER),
		BOUND(kw_event_exchange, response_bytes, KW_NEVER), BOUND(kw_event_exchange, status, 999),
		BOUND(kw_event_exchange, announced_by, KW_ANNOUNCED_BY_SERVER));
	assert_all_bounds(gateway, TIME(kw_event_gateway, started));
	assert_all_bounds(late, TIME(kw_event_late, closed));
	assert_all_bounds(totals, TIME(kw_event_totals, header.time),
			  TOTAL(kw_event_totals, totals.dropped[KW_ROLE_SERVER].opened),
			  TOTAL(kw_event_totals, totals.dropped_half_closed[KW_ROLE_CLIENT]),
			  TOTAL(kw_event_totals, totals.lost[KW_LOST_CLOSED]),
			  TOTAL(kw_event_totals, totals.tainted[KW_TAINT_MAX - 1]));
	assert_all_bounds(unseen, TOTAL(kw_event_unseen, openings), TOTAL(kw_event_unseen, closes),
			  TOTAL(kw_event_unseen, softirqs));
}

static void lost_requests_of_all_kinds_fit_the_queue_together(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_event decoded;

	(void)state;
	event.http.lost_safe = event.http.lost_idempotent = 1;
	event.http.lost_other = HTTP1_QUEUE - 2;
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
	event.http.lost_safe++;
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), -EBADMSG);
}

static void a_name_without_an_end_is_refused(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_event decoded;

	(void)state;
	memset(event.identity.comm, 'x', KW_COMM - 1);
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
	event.identity.comm[KW_COMM - 1] = 'x';
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), -EBADMSG);
}

/* The body of a message without a length, and what of a chunked one is to come still at the least. */
static void a_length_that_nobody_declared_is_none(void **state)
{
	struct kw_event_connection event = event_connection();
	struct kw_event decoded;

	(void)state;
	event.bodies[HTTP1_RESPONSES] =
		(struct kw_body){.declared = KW_UNDECLARED, .owed = HTTP1_LENGTH_MAX + 7};
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
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
		cmocka_unit_test(nothing_behind_the_bytes_is_read),
		cmocka_unit_test(a_value_beyond_its_enumeration_is_refused),
		cmocka_unit_test(each_number_of_a_connection_has_its_bound),
		cmocka_unit_test(an_event_of_http2_is_a_history_too),
		cmocka_unit_test(an_event_of_http2_within_tls_has_both_parts),
		cmocka_unit_test(each_number_of_http2_has_its_bound),
		cmocka_unit_test(each_number_of_other_events_has_its_bound),
		cmocka_unit_test(lost_requests_of_all_kinds_fit_the_queue_together),
		cmocka_unit_test(a_name_without_an_end_is_refused),
		cmocka_unit_test(a_length_that_nobody_declared_is_none),
		cmocka_unit_test(the_clock_leads_from_monotonic_to_real_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
