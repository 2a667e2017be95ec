/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile peers: the work stays in proportion to the bytes, nothing overflows, and counts stay exact. */
#include "http2_talk.h"

#define EMPTY_FRAMES 10000000
#define RAPID_RESETS 100000

/* Shows the same bytes again and again, in calls that hold many of them. */
static void repeat(struct talk *talk, enum http2_direction direction, const __u8 *bytes, size_t n, size_t times)
{
	static __u8 call[TALK_MOST];
	size_t most = sizeof(call) / n;

	for (size_t i = 0; i < most; i++)
		memcpy(call + n * i, bytes, n);
	while (times) {
		size_t now = times < most ? times : most;

		show(talk, direction, call, n * now);
		times -= now;
	}
}

static void test_ten_million_empty_data_frames(void **state)
{
	__u8 header[HTTP2_HEADER_LENGTH];
	struct talk talk = talk_open(0);
	struct http2_connection before;
	__u32 steps;

	(void)state;
	ask(&talk, 1, 0);
	data(&talk, HTTP2_CLIENT, 1, 0, 0);
	put_header(header, 0, HTTP2_TYPE_DATA, 0, 1);
	before = talk.c;
	steps = talk.steps;
	repeat(&talk, HTTP2_CLIENT, header, sizeof(header), EMPTY_FRAMES);
	assert_true(talk.steps - steps <= 2U * EMPTY_FRAMES + 2 * EMPTY_FRAMES / 7000);
	assert_memory_equal(&before, &talk.c, sizeof(before));
	answer(&talk, 1, END);
	assert_int_equal(open_streams(&talk).all, 0);
}

static void test_a_flood_of_continuations_is_no_longer_looked_at(void **state)
{
	__u8 bytes[HTTP2_HEADER_LENGTH + 1];
	struct talk talk = talk_open(0);
	__u32 steps;

	(void)state;
	frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, END, 1, "\x82", 1);
	put_header(bytes, 1, HTTP2_TYPE_CONTINUATION, 0, 1);
	bytes[HTTP2_HEADER_LENGTH] = 0x82;
	repeat(&talk, HTTP2_CLIENT, bytes, sizeof(bytes), HTTP2_CONTINUATIONS);
	assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
	steps = talk.steps;
	repeat(&talk, HTTP2_CLIENT, bytes, sizeof(bytes), 1000000);
	assert_int_equal(faults(&talk, HTTP2_CLIENT), 1 << HTTP2_ERROR_CONTINUATIONS);
	assert_true(talk.steps - steps < 6 * 1000000U);
	frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_CONTINUATION, WHOLE, 1, "", 0);
	assert_true(talk.events[HTTP2_CLIENT] & HTTP2_EVENT_END);
	assert_true(ask(&talk, 3, END) & HTTP2_EVENT_BEGIN);
}

/* The flood goes on within a name, whose bytes must not be taken for those of later frames. */
static void test_a_flood_may_begin_within_a_name(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, END, 1,
		      "\x40\x0a"
		      "conn",
		      6);
		for (int i = 0; i < HTTP2_CONTINUATIONS + 2; i++)
			frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_CONTINUATION, 0, 1, "", 0);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_CONTINUATION, WHOLE, 1, "ection\1x", 8);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 1 << HTTP2_ERROR_CONTINUATIONS);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->fields, 0);
		assert_true(ask(&talk, 3, END) & HTTP2_EVENT_BEGIN);
	}
}

static void test_a_hundred_thousand_streams_are_reset_at_once(void **state)
{
	struct talk talk = talk_open(0);

	(void)state;
	for (__u32 i = 0; i < RAPID_RESETS; i++) {
		ask(&talk, 2 * i + 1, END);
		reset(&talk, HTTP2_CLIENT, 2 * i + 1, HTTP2_CODE_CANCEL);
	}
	assert_int_equal(side(&talk, HTTP2_CLIENT)->begun, RAPID_RESETS);
	assert_int_equal(side(&talk, HTTP2_CLIENT)->resets[HTTP2_CODE_CANCEL], RAPID_RESETS);
	assert_int_equal(side(&talk, HTTP2_CLIENT)->peak, 1);
	assert_int_equal(open_streams(&talk).all, 0);
	assert_int_equal(open_streams(&talk).beyond, 0);
	assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
}

/* The same, where all streams are begun first: the window has forgotten most of them. */
static void test_a_hundred_thousand_streams_are_reset_late(void **state)
{
	struct talk talk = talk_open(0);

	(void)state;
	for (__u32 i = 0; i < RAPID_RESETS; i++)
		ask(&talk, 2 * i + 1, END);
	assert_int_equal(open_streams(&talk).beyond, RAPID_RESETS - HTTP2_STREAMS);
	for (__u32 i = 0; i < RAPID_RESETS; i++)
		reset(&talk, HTTP2_CLIENT, 2 * i + 1, HTTP2_CODE_CANCEL);
	assert_int_equal(side(&talk, HTTP2_CLIENT)->resets[HTTP2_CODE_CANCEL], RAPID_RESETS);
	assert_int_equal(side(&talk, HTTP2_CLIENT)->peak, RAPID_RESETS);
	assert_int_equal(open_streams(&talk).all, 0);
}

/* Resets of streams that are long forgotten, again and again. The side that remembers them counts them once; where none does,
 * the latest streams stay open all the same. */
static void test_old_streams_are_reset_again_and_again(void **state)
{
	struct talk talk = talk_open(0);

	(void)state;
	for (__u32 i = 0; i < 1000; i++)
		ask(&talk, 2 * i + 1, END);
	for (__u32 i = 0; i < 5000; i++)
		reset(&talk, i & 1 ? HTTP2_CLIENT : HTTP2_SERVER, 1, HTTP2_CODE_CANCEL);
	assert_int_equal(open_streams(&talk).all, 999);
	for (__u32 i = 0; i < 5000; i++)
		reset(&talk, HTTP2_CLIENT, 3, HTTP2_CODE_CANCEL);
	assert_int_equal(open_streams(&talk).all, HTTP2_STREAMS);
	assert_int_equal(open_streams(&talk).beyond, 0);
}

/* Random bytes behind the prefaces of both sides, and behind those of a request: the side is soon lost, and the other one is
 * not. */
static void test_garbage_is_soon_known_for_it(void **state)
{
	(void)state;
	srandom(20);
	for (int run = 0; run < 20000; run++) {
		struct talk talk = talk_open(0);
		enum http2_direction direction = random() & 1;
		__u8 bytes[400];

		ask(&talk, 1, END);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (__u8)random();
		for (int calls = 0; calls < 400 && side(&talk, direction)->state != HTTP2_AT_LOST; calls++)
			show(&talk, direction, bytes, sizeof(bytes));
		assert_int_equal(side(&talk, direction)->state, HTTP2_AT_LOST);
		assert_int_equal(side(&talk, !direction)->state, HTTP2_AT_HEADER);
		assert_int_equal(faults(&talk, !direction), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_million_empty_data_frames),
		cmocka_unit_test(test_a_flood_of_continuations_is_no_longer_looked_at),
		cmocka_unit_test(test_a_flood_may_begin_within_a_name),
		cmocka_unit_test(test_a_hundred_thousand_streams_are_reset_at_once),
		cmocka_unit_test(test_a_hundred_thousand_streams_are_reset_late),
		cmocka_unit_test(test_old_streams_are_reset_again_and_again),
		cmocka_unit_test(test_garbage_is_soon_known_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
