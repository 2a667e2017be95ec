/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames: their lengths, ids and order, cut anywhere; SETTINGS, PING and GOAWAY. */
#include "http2_talk.h"

#define NOTHING_BUT_FRAME HTTP2_EVENT_FRAME

/* The side is lost, with this fault and no other. */
static void assert_lost(const struct talk *talk, enum http2_direction direction, enum http2_error error)
{
	assert_int_equal(faults(talk, direction), 1 << error);
	assert_int_equal(side(talk, direction)->state, HTTP2_AT_LOST);
	assert_true(talk->events[direction] & HTTP2_EVENT_LOST);
	assert_int_equal(faults(talk, !direction), 0);
}

static void test_prefaces_are_understood(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_int_equal(faults(&talk, HTTP2_CLIENT) | faults(&talk, HTTP2_SERVER), 0);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->state, HTTP2_AT_HEADER);
	}
}

static void test_a_preface_may_have_been_read_by_others(void **state)
{
	(void)state;
	for (__u8 seen = 0; seen <= HTTP2_PREFACE_LENGTH; seen++) {
		struct talk talk = {.cut = 1};

		http2_init(&talk.c, seen);
		show(&talk, HTTP2_CLIENT, PREFACE + seen, HTTP2_PREFACE_LENGTH - seen);
		assert_int_equal(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0),
				 HTTP2_EVENT_FRAME | HTTP2_EVENT_SETTINGS);
	}
}

static void test_a_byte_that_is_not_of_the_preface_loses_the_client(void **state)
{
	(void)state;
	for (size_t at = 0; at < HTTP2_PREFACE_LENGTH; at++) {
		struct talk talk = {.cut = 0};
		char preface[] = PREFACE;

		http2_init(&talk.c, 0);
		preface[at] ^= 1;
		show(&talk, HTTP2_CLIENT, preface, sizeof(preface) - 1);
		assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_PREFACE);
	}
}

static void test_a_server_must_begin_with_settings(void **state)
{
	static const char http1[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static const struct {
		__u8 type, flags;
		__u32 id;
	} others[] = {
		{HTTP2_TYPE_GOAWAY, 0, 0},
		{HTTP2_TYPE_SETTINGS, HTTP2_FLAG_ACK, 0},
		{HTTP2_TYPE_DATA, 0, 1},
		{HTTP2_TYPE_PING, 0, 0},
		{0x42, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i <= sizeof(others) / sizeof(*others); i++) {
		struct talk talk = {.cut = 0};

		http2_init(&talk.c, 0);
		if (i < sizeof(others) / sizeof(*others))
			frame(&talk, HTTP2_SERVER, others[i].type, others[i].flags, others[i].id, NULL, 0);
		else
			show(&talk, HTTP2_SERVER, http1, sizeof(http1) - 1);
		assert_lost(&talk, HTTP2_SERVER, HTTP2_ERROR_PREFACE);
	}
}

static void test_a_client_must_send_settings_behind_its_preface(void **state)
{
	struct talk talk = {.cut = 0};

	(void)state;
	http2_init(&talk.c, HTTP2_PREFACE_LENGTH);
	ask(&talk, 1, END);
	assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_PREFACE);
}

static void test_payloads_of_other_types_pass(void **state)
{
	static const __u8 types[] = {HTTP2_TYPE_MAX, 0x0c, 0x10, 0xff};
	static const __u8 zeros[300];

	(void)state;
	EACH_CUT(talk)
	{
		for (size_t i = 0; i < sizeof(types); i++)
			assert_int_equal(
				frame(&talk, HTTP2_SERVER, types[i], 0xff, (__u32)i, zeros, sizeof(zeros)),
				NOTHING_BUT_FRAME);
		assert_int_equal(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4),
				 NOTHING_BUT_FRAME);
		assert_int_equal(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_PRIORITY, 0, 3, "\0\0\0\1\7", 5),
				 NOTHING_BUT_FRAME);
		assert_int_equal(faults(&talk, HTTP2_CLIENT) | faults(&talk, HTTP2_SERVER), 0);
	}
}

static void test_the_reserved_bit_of_an_id_is_ignored(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_true(ask(&talk, 0x80000001, END) & HTTP2_EVENT_BEGIN);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->id, 1);
	}
}

/* ---- lengths that lie ---------------------------------------------------------------------------- */

static void test_a_length_that_the_type_cannot_have_loses_the_side(void **state)
{
	static const struct {
		__u8 type, flags;
		__u32 id, length;
	} lies[] = {
		{HTTP2_TYPE_RST_STREAM, 0, 1, 3},
		{HTTP2_TYPE_RST_STREAM, 0, 1, 5},
		{HTTP2_TYPE_RST_STREAM, 0, 1, 0},
		{HTTP2_TYPE_WINDOW_UPDATE, 0, 0, 3},
		{HTTP2_TYPE_WINDOW_UPDATE, 0, 1, 8},
		{HTTP2_TYPE_PING, 0, 0, 7},
		{HTTP2_TYPE_PING, HTTP2_FLAG_ACK, 0, 9},
		{HTTP2_TYPE_GOAWAY, 0, 0, 7},
		{HTTP2_TYPE_GOAWAY, 0, 0, 0},
		{HTTP2_TYPE_SETTINGS, 0, 0, 5},
		{HTTP2_TYPE_SETTINGS, 0, 0, 7},
		{HTTP2_TYPE_SETTINGS, HTTP2_FLAG_ACK, 0, 6},
		{HTTP2_TYPE_HEADERS, HTTP2_FLAG_PADDED, 1, 0},
		{HTTP2_TYPE_HEADERS, HTTP2_FLAG_PRIORITY, 1, 4},
		{HTTP2_TYPE_HEADERS, HTTP2_FLAG_PADDED | HTTP2_FLAG_PRIORITY, 1, 5},
		{HTTP2_TYPE_DATA, 0, 1, HTTP2_LENGTH_LEAST + 1},
		{0x77, 0, 1, HTTP2_LENGTH_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		EACH_CUT(talk)
		{
			lying_frame(&talk, HTTP2_CLIENT, lies[i].type, lies[i].flags, lies[i].id, "", 0,
				    lies[i].length);
			assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_LENGTH);
			data(&talk, HTTP2_CLIENT, 1, END, 100);
			assert_int_equal(talk.events[HTTP2_CLIENT], 0);
		}
}

static void test_a_push_promise_is_long_enough_for_its_id(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		lying_frame(&talk, HTTP2_SERVER, HTTP2_TYPE_PUSH_PROMISE, WHOLE, 1, "", 0, 3);
		assert_lost(&talk, HTTP2_SERVER, HTTP2_ERROR_LENGTH);
	}
}

static void test_a_priority_of_another_length_is_counted_and_passed(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_PRIORITY, 0, 3, "1234", 4);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 1 << HTTP2_ERROR_SETTING);
		assert_true(ask(&talk, 1, END) & HTTP2_EVENT_BEGIN);
	}
}

static void send_setting(struct talk *talk, enum http2_direction direction, __u32 setting, __u32 value)
{
	const __u8 bytes[] = {(__u8)(setting >> 8), (__u8)setting,      (__u8)(value >> 24),
			      (__u8)(value >> 16),  (__u8)(value >> 8), (__u8)value};

	frame(talk, direction, HTTP2_TYPE_SETTINGS, 0, 0, bytes, sizeof(bytes));
}

static void test_frames_are_as_long_as_the_other_side_accepts(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, 0);
		data(&talk, HTTP2_CLIENT, 1, 0, HTTP2_LENGTH_LEAST);
		send_setting(&talk, HTTP2_SERVER, HTTP2_SETTING_MAX_FRAME_SIZE, 40000);
		data(&talk, HTTP2_CLIENT, 1, 0, 40000);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
		lying_frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_DATA, 0, 1, "", 0, 40001);
		assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_LENGTH);
	}
}

static void test_a_limit_that_is_not_known_yet_allows_all_lengths(void **state)
{
	struct talk talk = {.cut = 0};

	(void)state;
	http2_init(&talk.c, HTTP2_PREFACE_LENGTH);
	frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0);
	ask(&talk, 1, 0);
	lying_frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_DATA, 0, 1, "", 0, HTTP2_LENGTH_MAX);
	assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
	assert_int_equal(http2_skippable(side(&talk, HTTP2_CLIENT), ~0ULL), HTTP2_LENGTH_MAX);
}

/* ---- ids ----------------------------------------------------------------------------------------- */

static void test_frames_on_the_wrong_kind_of_stream_lose_the_side(void **state)
{
	static const struct {
		enum http2_direction direction;
		__u8 type;
		__u32 id, length;
	} wrong[] = {
		{HTTP2_CLIENT, HTTP2_TYPE_DATA, 0, 0},         {HTTP2_CLIENT, HTTP2_TYPE_HEADERS, 0, 1},
		{HTTP2_CLIENT, HTTP2_TYPE_PRIORITY, 0, 5},     {HTTP2_SERVER, HTTP2_TYPE_RST_STREAM, 0, 4},
		{HTTP2_SERVER, HTTP2_TYPE_PUSH_PROMISE, 0, 4}, {HTTP2_CLIENT, HTTP2_TYPE_CONTINUATION, 0, 0},
		{HTTP2_CLIENT, HTTP2_TYPE_SETTINGS, 1, 0},     {HTTP2_SERVER, HTTP2_TYPE_PING, 1, 8},
		{HTTP2_SERVER, HTTP2_TYPE_GOAWAY, 3, 8},       {HTTP2_CLIENT, HTTP2_TYPE_PUSH_PROMISE, 1, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		EACH_CUT(talk)
		{
			frame(&talk, wrong[i].direction, wrong[i].type, 0, wrong[i].id, "\0\0\0\0\0\0\0\0",
			      wrong[i].length);
			assert_lost(&talk, wrong[i].direction, HTTP2_ERROR_ID);
		}
}

/* ---- SETTINGS, PING, GOAWAY ---------------------------------------------------------------------- */

static void test_settings_are_kept(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_false(side(&talk, HTTP2_SERVER)->limited);
		send_setting(&talk, HTTP2_SERVER, HTTP2_SETTING_MAX_CONCURRENT_STREAMS, 128);
		assert_true(side(&talk, HTTP2_SERVER)->limited);
		assert_int_equal(side(&talk, HTTP2_SERVER)->max_concurrent, 128);
		send_setting(&talk, HTTP2_SERVER, HTTP2_SETTING_MAX_CONCURRENT_STREAMS, 0);
		assert_int_equal(side(&talk, HTTP2_SERVER)->max_concurrent, 0);
		assert_false(side(&talk, HTTP2_CLIENT)->limited);
		send_setting(&talk, HTTP2_SERVER, HTTP2_SETTING_MAX_FRAME_SIZE, HTTP2_LENGTH_LEAST - 1);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 1 << HTTP2_ERROR_SETTING);
		assert_int_equal(side(&talk, HTTP2_SERVER)->max_length, HTTP2_LENGTH_LEAST);
	}
}

/* Nine entries are read, wherever the wanted one stands; of more, the limit of lengths may be any. */
static void test_the_first_settings_of_a_frame_are_read(void **state)
{
	__u8 bytes[6 * (HTTP2_ENTRIES + 1)] = {0};

	(void)state;
	for (size_t at = 0; at <= HTTP2_ENTRIES; at++)
		EACH_CUT(talk)
		{
			memset(bytes, 0, sizeof(bytes));
			bytes[6 * at + 1] = HTTP2_SETTING_MAX_CONCURRENT_STREAMS;
			bytes[6 * at + 5] = 77;
			frame(&talk, HTTP2_SERVER, HTTP2_TYPE_SETTINGS, 0, 0, bytes, sizeof(bytes));
			assert_int_equal(side(&talk, HTTP2_SERVER)->max_concurrent,
					 at < HTTP2_ENTRIES ? 77 : 0);
			assert_int_equal(side(&talk, HTTP2_SERVER)->max_length, HTTP2_LENGTH_MAX);
			assert_true(talk.events[HTTP2_SERVER] & HTTP2_EVENT_SETTINGS);
			assert_true(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_PING, 0, 0, "12345678", 8) &
				    HTTP2_EVENT_PING);
		}
}

static void test_an_acknowledgement_of_settings_is_none(void **state)
{
	(void)state;
	EACH_CUT(talk)
	assert_int_equal(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_SETTINGS, HTTP2_FLAG_ACK, 0, NULL, 0),
			 NOTHING_BUT_FRAME);
}

static void test_pings_and_their_answers_are_counted_apart(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_int_equal(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_PING, 0, 0, "12345678", 8),
				 HTTP2_EVENT_FRAME | HTTP2_EVENT_PING);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_PING, 0, 0, "12345678", 8);
		assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_PING, HTTP2_FLAG_ACK, 0, "12345678", 8),
				 HTTP2_EVENT_FRAME | HTTP2_EVENT_PONG);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->pings, 2);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->pongs, 0);
		assert_int_equal(side(&talk, HTTP2_SERVER)->pings, 0);
		assert_int_equal(side(&talk, HTTP2_SERVER)->pongs, 1);
	}
}

static void test_a_goaway_in_two_phases_is_graceful(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		const struct http2_stream *server = side(&talk, HTTP2_SERVER);

		assert_int_equal(goaway(&talk, HTTP2_SERVER, HTTP2_ID_MAX, 0, "max_age"),
				 HTTP2_EVENT_FRAME | HTTP2_EVENT_GOAWAY);
		assert_true(server->graceful);
		assert_int_equal(server->goaway_id, HTTP2_ID_MAX);
		goaway(&talk, HTTP2_SERVER, 9, 0, "");
		assert_int_equal(server->goaways, 2);
		assert_int_equal(server->goaway_id, 9);
		assert_true(server->graceful);
		assert_int_equal(server->goaway_code, HTTP2_CODE_NO_ERROR);
		assert_int_equal(server->goaway_debug, HTTP2_DEBUG_MAX_AGE);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 0);
	}
}

static void test_a_goaway_with_the_real_id_or_an_error_is_not_graceful(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		goaway(&talk, HTTP2_SERVER, 9, 0, "");
		assert_false(side(&talk, HTTP2_SERVER)->graceful);
		goaway(&talk, HTTP2_CLIENT, HTTP2_ID_MAX, HTTP2_CODE_ENHANCE_YOUR_CALM, "");
		assert_false(side(&talk, HTTP2_CLIENT)->graceful);
	}
}

static void test_the_last_stream_of_a_goaway_never_grows(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		goaway(&talk, HTTP2_SERVER, 9, 0, "");
		goaway(&talk, HTTP2_SERVER, 11, 0, "");
		assert_int_equal(side(&talk, HTTP2_SERVER)->goaway_id, 9);
		assert_int_equal(side(&talk, HTTP2_SERVER)->goaways, 2);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 1 << HTTP2_ERROR_GOAWAY);
	}
}

static void test_the_first_error_of_goaways_stays(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		goaway(&talk, HTTP2_SERVER, 9, 0, "");
		goaway(&talk, HTTP2_SERVER, 9, HTTP2_CODE_ENHANCE_YOUR_CALM, "");
		goaway(&talk, HTTP2_SERVER, 9, 1, "");
		goaway(&talk, HTTP2_SERVER, 9, 0, "");
		assert_int_equal(side(&talk, HTTP2_SERVER)->goaway_code, HTTP2_CODE_ENHANCE_YOUR_CALM);
		goaway(&talk, HTTP2_CLIENT, 0, 14, "");
		assert_int_equal(side(&talk, HTTP2_CLIENT)->goaway_code, HTTP2_CODE_OTHER);
	}
}

static void test_debug_texts_are_known_by_their_beginning(void **state)
{
	static const struct {
		const char *text;
		enum http2_debug debug;
	} texts[] = {
		{"", HTTP2_DEBUG_NONE},
		{"too_many_pings", HTTP2_DEBUG_TOO_MANY_PINGS},
		{"too_many_pings and more of it", HTTP2_DEBUG_TOO_MANY_PINGS},
		{"too_many_ping", HTTP2_DEBUG_OTHER},
		{"too_many_fishes", HTTP2_DEBUG_OTHER},
		{"max_age", HTTP2_DEBUG_MAX_AGE},
		{"max_ag", HTTP2_DEBUG_OTHER},
		{"max_idle", HTTP2_DEBUG_MAX_IDLE},
		{"max_idl", HTTP2_DEBUG_OTHER},
		{"enter idle", HTTP2_DEBUG_MAX_IDLE},
		{"enter idl", HTTP2_DEBUG_OTHER},
		{"enter id", HTTP2_DEBUG_OTHER},
		{"a secret that nobody may see", HTTP2_DEBUG_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		EACH_CUT(talk)
		{
			goaway(&talk, HTTP2_SERVER, 9, 0, texts[i].text);
			assert_int_equal(side(&talk, HTTP2_SERVER)->goaway_debug, texts[i].debug);
		}
}

static void test_no_text_of_a_frame_stays(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		goaway(&talk, HTTP2_SERVER, 9, 0, "a secret that nobody may see");
		ask(&talk, 1, END);
		reset(&talk, HTTP2_CLIENT, 1, 8);
		for (int i = 0; i < HTTP2_TEXT; i++)
			assert_int_equal(
				talk.c.streams[HTTP2_SERVER].text[i] | talk.c.streams[HTTP2_CLIENT].text[i], 0);
	}
}

/* ---- padding, CONTINUATION, pushes --------------------------------------------------------------- */

static void test_padding_and_priority_stand_around_the_block(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		assert_true(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_HEADERS,
				  WHOLE | HTTP2_FLAG_PADDED | HTTP2_FLAG_PRIORITY, 1,
				  "\3\0\0\0\0\7\x8d\x88\x88\x88", 10) &
			    HTTP2_EVENT_HEAD);
		assert_int_equal(side(&talk, HTTP2_SERVER)->status, 404);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 0);
	}
}

static void test_padding_may_leave_nothing_of_a_block_and_not_less(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_true(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, WHOLE | END | HTTP2_FLAG_PADDED, 1,
				  "\3\0\0\0", 4) &
			    HTTP2_EVENT_END);
		assert_true(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, WHOLE | END | HTTP2_FLAG_PADDED, 3,
				  "\0", 1) &
			    HTTP2_EVENT_END);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, WHOLE | HTTP2_FLAG_PADDED, 5, "\4\0\0\0", 4);
		assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_PADDING);
	}
}

static void test_padding_leaves_room_for_the_priority(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, WHOLE | HTTP2_FLAG_PADDED | HTTP2_FLAG_PRIORITY,
		      1, "\1\0\0\0\0\0", 6);
		assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_PADDING);
	}
}

static void test_a_block_goes_on_in_continuations(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_HEADERS, END, 1, "\x48\x03", 2),
				 NOTHING_BUT_FRAME);
		assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_CONTINUATION, 0, 1, "5", 1),
				 NOTHING_BUT_FRAME);
		assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_CONTINUATION, 0, 1, "", 0),
				 NOTHING_BUT_FRAME);
		assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_CONTINUATION, WHOLE, 1, "03", 2),
				 HTTP2_EVENT_FRAME | HTTP2_EVENT_HEAD | HTTP2_EVENT_END);
		assert_int_equal(side(&talk, HTTP2_SERVER)->status, 503);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 0);
	}
}

static void test_nothing_may_stand_within_a_block(void **state)
{
	static const struct {
		__u8 type;
		__u32 id, length;
	} others[] = {
		{HTTP2_TYPE_DATA, 1, 0},     {HTTP2_TYPE_HEADERS, 1, 1},      {HTTP2_TYPE_PING, 0, 8},
		{HTTP2_TYPE_PRIORITY, 3, 5}, {HTTP2_TYPE_CONTINUATION, 3, 1}, {0x55, 1, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		EACH_CUT(talk)
		{
			frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, 0, 1, "\x82", 1);
			frame(&talk, HTTP2_CLIENT, others[i].type, 0, others[i].id, "\0\0\0\0\0\0\0\0",
			      others[i].length);
			assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_SEQUENCE);
		}
}

static void test_a_continuation_needs_a_block(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, 0);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_CONTINUATION, WHOLE, 1, "\x82", 1);
		assert_lost(&talk, HTTP2_CLIENT, HTTP2_ERROR_SEQUENCE);
	}
}

static void test_pushes_are_ignored(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		frame(&talk, HTTP2_SERVER, HTTP2_TYPE_PUSH_PROMISE, 0, 1, "\0\0\0\2\x82\x84", 6);
		assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_CONTINUATION, WHOLE, 1, "\x88", 1),
				 NOTHING_BUT_FRAME);
		assert_int_equal(answer(&talk, 2, 0), NOTHING_BUT_FRAME);
		assert_int_equal(data(&talk, HTTP2_SERVER, 2, END, 9), NOTHING_BUT_FRAME);
		assert_int_equal(reset(&talk, HTTP2_SERVER, 2, 8), NOTHING_BUT_FRAME);
		assert_int_equal(reset(&talk, HTTP2_CLIENT, 4, 7), NOTHING_BUT_FRAME);
		assert_int_equal(open_streams(&talk).all, 1);
		assert_int_equal(side(&talk, HTTP2_SERVER)->begun, 0);
		assert_int_equal(faults(&talk, HTTP2_SERVER) | faults(&talk, HTTP2_CLIENT), 0);
	}
}

static void test_bytes_that_cannot_be_read_lose_the_side_for_good(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_int_equal(http2_lose(&talk.c.streams[HTTP2_CLIENT]), HTTP2_EVENT_LOST);
		assert_int_equal(ask(&talk, 1, END), 0);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
		assert_true(goaway(&talk, HTTP2_SERVER, 0, 0, "") & HTTP2_EVENT_GOAWAY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefaces_are_understood),
		cmocka_unit_test(test_a_preface_may_have_been_read_by_others),
		cmocka_unit_test(test_a_byte_that_is_not_of_the_preface_loses_the_client),
		cmocka_unit_test(test_a_server_must_begin_with_settings),
		cmocka_unit_test(test_a_client_must_send_settings_behind_its_preface),
		cmocka_unit_test(test_payloads_of_other_types_pass),
		cmocka_unit_test(test_the_reserved_bit_of_an_id_is_ignored),
		cmocka_unit_test(test_a_length_that_the_type_cannot_have_loses_the_side),
		cmocka_unit_test(test_a_push_promise_is_long_enough_for_its_id),
		cmocka_unit_test(test_a_priority_of_another_length_is_counted_and_passed),
		cmocka_unit_test(test_frames_are_as_long_as_the_other_side_accepts),
		cmocka_unit_test(test_a_limit_that_is_not_known_yet_allows_all_lengths),
		cmocka_unit_test(test_frames_on_the_wrong_kind_of_stream_lose_the_side),
		cmocka_unit_test(test_settings_are_kept),
		cmocka_unit_test(test_the_first_settings_of_a_frame_are_read),
		cmocka_unit_test(test_an_acknowledgement_of_settings_is_none),
		cmocka_unit_test(test_pings_and_their_answers_are_counted_apart),
		cmocka_unit_test(test_a_goaway_in_two_phases_is_graceful),
		cmocka_unit_test(test_a_goaway_with_the_real_id_or_an_error_is_not_graceful),
		cmocka_unit_test(test_the_last_stream_of_a_goaway_never_grows),
		cmocka_unit_test(test_the_first_error_of_goaways_stays),
		cmocka_unit_test(test_debug_texts_are_known_by_their_beginning),
		cmocka_unit_test(test_no_text_of_a_frame_stays),
		cmocka_unit_test(test_padding_and_priority_stand_around_the_block),
		cmocka_unit_test(test_padding_may_leave_nothing_of_a_block_and_not_less),
		cmocka_unit_test(test_padding_leaves_room_for_the_priority),
		cmocka_unit_test(test_a_block_goes_on_in_continuations),
		cmocka_unit_test(test_nothing_may_stand_within_a_block),
		cmocka_unit_test(test_a_continuation_needs_a_block),
		cmocka_unit_test(test_pushes_are_ignored),
		cmocka_unit_test(test_bytes_that_cannot_be_read_lose_the_side_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
