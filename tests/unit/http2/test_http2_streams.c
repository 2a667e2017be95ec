/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: begun, answered, reset, and counted at the end, also where they have left the window. */
#include "http2_talk.h"

static __u32 id_of(__u32 number)
{
	return 2 * number - 1;
}

static void assert_open(const struct talk *talk, __u32 all, __u32 headed, __u32 above, __u32 beyond)
{
	struct http2_open open = open_streams(talk);

	assert_int_equal(open.all, all);
	assert_int_equal(open.headed, headed);
	assert_int_equal(open.above, above);
	assert_int_equal(open.beyond, beyond);
	assert_false(open.ahead);
}

static void test_a_stream_begins_is_answered_and_ends(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_int_equal(ask(&talk, 1, 0), HTTP2_EVENT_FRAME | HTTP2_EVENT_BEGIN);
		assert_open(&talk, 1, 0, 0, 0);
		assert_int_equal(data(&talk, HTTP2_CLIENT, 1, END, 9), HTTP2_EVENT_FRAME | HTTP2_EVENT_END);
		assert_int_equal(answer(&talk, 1, 0), HTTP2_EVENT_FRAME | HTTP2_EVENT_HEAD);
		assert_open(&talk, 1, 1, 0, 0);
		assert_int_equal(data(&talk, HTTP2_SERVER, 1, 0, 9), HTTP2_EVENT_FRAME);
		assert_int_equal(data(&talk, HTTP2_SERVER, 1, END, 0), HTTP2_EVENT_FRAME | HTTP2_EVENT_END);
		assert_open(&talk, 0, 0, 0, 0);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 1);
		assert_int_equal(side(&talk, HTTP2_SERVER)->trailers_only, 0);
	}
}

static void test_the_end_of_data_comes_with_its_last_byte(void **state)
{
	struct talk talk = talk_open(0);

	(void)state;
	ask(&talk, 1, 0);
	assert_int_equal(lying_frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_DATA, END, 1, "1234", 4, 5),
			 HTTP2_EVENT_FRAME);
	show(&talk, HTTP2_CLIENT, "5", 1);
	assert_int_equal(talk.events[HTTP2_CLIENT], HTTP2_EVENT_END);
}

static void test_an_answer_finishes_a_stream_whose_request_goes_on(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, 0);
		answer(&talk, 1, END);
		assert_open(&talk, 0, 0, 0, 0);
		assert_int_equal(data(&talk, HTTP2_CLIENT, 1, END, 5), HTTP2_EVENT_FRAME | HTTP2_EVENT_END);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 1);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
	}
}

static void test_skipped_ids_are_no_streams(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_PRIORITY, 0, 3, "\0\0\0\0\0", 5);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_PRIORITY, 0, 11, "\0\0\0\0\0", 5);
		ask(&talk, 13, END);
		ask(&talk, 101, END);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->begun, 2);
		assert_open(&talk, 2, 0, 0, 0);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
	}
}

static void test_ids_that_go_back_begin_nothing(void **state)
{
	static const __u32 ids[] = {11, 3, 1, 2, 14, 16};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		EACH_CUT(talk)
		{
			ask(&talk, 13, 0);
			assert_int_equal(ask(&talk, ids[i], 0), HTTP2_EVENT_FRAME);
			assert_int_equal(faults(&talk, HTTP2_CLIENT), 1 << HTTP2_ERROR_BACK);
			assert_open(&talk, 1, 0, 0, 0);
			assert_int_equal(side(&talk, HTTP2_CLIENT)->begun, 1);
		}
}

static void test_trailers_end_a_stream_and_begin_none(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, 0);
		assert_int_equal(ask(&talk, 1, END), HTTP2_EVENT_FRAME | HTTP2_EVENT_END);
		answer(&talk, 1, 0);
		assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_HEADERS, WHOLE | END, 1, "\xc5", 1),
				 HTTP2_EVENT_FRAME | HTTP2_EVENT_END);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->begun, 1);
		assert_int_equal(side(&talk, HTTP2_SERVER)->begun, 1);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 1);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
	}
}

static void test_interim_heads_are_not_the_response(void **state)
{
	struct block early = {.length = 0};

	(void)state;
	put_value(&early, LITERAL_PLAIN, 8, "103", false);
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		assert_int_equal(headers(&talk, HTTP2_SERVER, 0, 1, &early), HTTP2_EVENT_FRAME);
		assert_open(&talk, 1, 0, 0, 0);
		assert_int_equal(answer(&talk, 1, END), HTTP2_EVENT_FRAME | HTTP2_EVENT_HEAD | HTTP2_EVENT_END);
		assert_int_equal(side(&talk, HTTP2_SERVER)->begun, 1);
	}
}

static void send_trailers_only(struct talk *talk, __u32 id)
{
	struct block block = {.length = 0};

	put_indexed(&block, 8);
	put_field(&block, LITERAL_INDEXED, "grpc-status", "14", true);
	headers(talk, HTTP2_SERVER, END, id, &block);
}

static void test_answers_of_trailers_only_are_counted_if_they_are_grpcs(void **state)
{
	struct block trailers = {.length = 0};

	(void)state;
	put_field(&trailers, LITERAL_INDEXED, "grpc-status", "0", false);
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		answer(&talk, 1, END); /* a 204 looks like that */
		assert_int_equal(side(&talk, HTTP2_SERVER)->trailers_only, 0);
		ask(&talk, 3, END);
		answer(&talk, 3, 0);
		headers(&talk, HTTP2_SERVER, END, 3, &trailers);
		assert_int_equal(side(&talk, HTTP2_SERVER)->trailers_only, 0);
		ask(&talk, 5, END);
		send_trailers_only(&talk, 5);
		assert_int_equal(side(&talk, HTTP2_SERVER)->trailers_only, 1);
		ask(&talk, 7, END);
		frame(&talk, HTTP2_SERVER, HTTP2_TYPE_HEADERS, WHOLE | END, 7, "\x88\xbe",
		      2); /* grpc-status by number */
		assert_int_equal(side(&talk, HTTP2_SERVER)->trailers_only, 2);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 4);
	}
}

/* ---- resets -------------------------------------------------------------------------------------- */

static void test_resets_are_counted_by_code_and_side(void **state)
{
	static const __u32 codes[] = {0, 2, 7, 8, 8, 11, 13, 14, 0xffffffff};

	(void)state;
	for (int direction = 0; direction < 2; direction++)
		EACH_CUT(talk)
		{
			const struct http2_stream *s = side(&talk, direction);

			for (__u32 i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
				ask(&talk, 2 * i + 1, END);
				assert_int_equal(reset(&talk, direction, 2 * i + 1, codes[i]),
						 HTTP2_EVENT_FRAME | HTTP2_EVENT_RESET);
				assert_int_equal(s->code, codes[i] < 14 ? codes[i] : HTTP2_CODE_OTHER);
			}
			assert_open(&talk, 0, 0, 0, 0);
			assert_int_equal(s->resets[HTTP2_CODE_NO_ERROR], 1);
			assert_int_equal(s->resets[HTTP2_CODE_REFUSED_STREAM], 1);
			assert_int_equal(s->resets[HTTP2_CODE_CANCEL], 2);
			assert_int_equal(s->resets[HTTP2_CODE_HTTP_1_1_REQUIRED], 1);
			assert_int_equal(s->resets[HTTP2_CODE_OTHER], 2);
			assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 0);
			assert_int_equal(faults(&talk, direction), 0);
		}
}

static void test_a_reset_behind_the_answer_cuts_nothing(void **state)
{
	(void)state;
	for (int direction = 0; direction < 2; direction++)
		EACH_CUT(talk)
		{
			ask(&talk, 1, 0);
			answer(&talk, 1, END);
			assert_int_equal(reset(&talk, direction, 1, 0), HTTP2_EVENT_FRAME);
			assert_int_equal(side(&talk, direction)->resets[0], 0);
			assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 1);
			assert_open(&talk, 0, 0, 0, 0);
			assert_int_equal(faults(&talk, direction), 0);
		}
}

static void test_resets_that_cross_count_once(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		ask(&talk, 3, END);
		reset(&talk, HTTP2_CLIENT, 1, 8);
		assert_int_equal(reset(&talk, HTTP2_SERVER, 1, 5), HTTP2_EVENT_FRAME);
		reset(&talk, HTTP2_CLIENT, 1, 8);
		assert_open(&talk, 1, 0, 0, 0);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->resets[8], 1);
		assert_int_equal(side(&talk, HTTP2_SERVER)->resets[5], 0);
		assert_int_equal(answer(&talk, 1, END), HTTP2_EVENT_FRAME | HTTP2_EVENT_HEAD); /* on its way */
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 0);
		assert_open(&talk, 1, 0, 0, 0);
	}
}

static void test_frames_on_streams_that_were_not_begun_count_for_nothing(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 5, END);
		assert_int_equal(reset(&talk, HTTP2_CLIENT, 7, 8), HTTP2_EVENT_FRAME);
		assert_int_equal(reset(&talk, HTTP2_CLIENT, 3, 8), HTTP2_EVENT_FRAME);
		assert_int_equal(data(&talk, HTTP2_CLIENT, 9, END, 1), HTTP2_EVENT_FRAME);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 1 << HTTP2_ERROR_IDLE);
		assert_int_equal(reset(&talk, HTTP2_SERVER, 3, 8), HTTP2_EVENT_FRAME);
		assert_int_equal(answer(&talk, 1, END), HTTP2_EVENT_FRAME);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 1 << HTTP2_ERROR_IDLE);
		assert_open(&talk, 1, 0, 0, 0);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 0);
	}
}

static void test_a_stream_ends_once(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		assert_int_equal(data(&talk, HTTP2_CLIENT, 1, END, 1), HTTP2_EVENT_FRAME);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 1 << HTTP2_ERROR_CLOSED);
		answer(&talk, 1, END);
		assert_int_equal(data(&talk, HTTP2_SERVER, 1, END, 1), HTTP2_EVENT_FRAME);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 1 << HTTP2_ERROR_CLOSED);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 1);
	}
}

/* ---- order, GOAWAY, upgrade ---------------------------------------------------------------------- */

static void test_an_answer_may_be_seen_before_its_request(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		assert_true(answer(&talk, 3, END) & HTTP2_EVENT_END);
		assert_true(open_streams(&talk).ahead);
		ask(&talk, 3, END);
		assert_open(&talk, 1, 0, 0, 0);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 1);
		assert_int_equal(faults(&talk, HTTP2_SERVER), 0);
	}
}

/* The server's window has moved on by one: the stream that left it is not open for that. */
static void test_an_answer_that_is_ahead_opens_no_old_stream(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		for (__u32 number = 1; number <= HTTP2_STREAMS; number++) {
			ask(&talk, id_of(number), END);
			answer(&talk, id_of(number), END);
		}
		answer(&talk, id_of(HTTP2_STREAMS + 1), END);
		assert_int_equal(open_streams(&talk).all, 0);
		ask(&talk, id_of(HTTP2_STREAMS + 1), END);
		assert_open(&talk, 0, 0, 0, 0);
	}
}

static void test_streams_above_the_last_one_of_a_goaway_are_counted(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		for (__u32 number = 1; number <= 8; number++)
			ask(&talk, id_of(number), END);
		answer(&talk, 1, END);
		answer(&talk, 5, 0);
		assert_open(&talk, 7, 1, 0, 0);
		goaway(&talk, HTTP2_SERVER, HTTP2_ID_MAX, 0, "");
		assert_open(&talk, 7, 1, 0, 0);
		goaway(&talk, HTTP2_SERVER, 9, 0, "");
		assert_open(&talk, 7, 1, 3, 0);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->late, 0);
		ask(&talk, 17, END);
		assert_open(&talk, 8, 1, 4, 0);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->late, 1);
		reset(&talk, HTTP2_CLIENT, 17, 8);
		assert_open(&talk, 7, 1, 3, 0);
		goaway(&talk, HTTP2_SERVER, 0, 0, "");
		assert_open(&talk, 7, 1, 7, 0);
	}
}

static void test_a_clients_goaway_says_nothing_of_its_own_streams(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		goaway(&talk, HTTP2_CLIENT, 0, 0, "");
		ask(&talk, 3, END);
		assert_open(&talk, 2, 0, 0, 0);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->late, 0);
	}
}

static void test_an_upgraded_connection_begins_with_a_stream(void **state)
{
	struct talk talk = {.cut = 0};

	(void)state;
	http2_init_upgraded(&talk.c);
	frame(&talk, HTTP2_SERVER, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0);
	assert_open(&talk, 1, 0, 0, 0);
	show(&talk, HTTP2_CLIENT, PREFACE, HTTP2_PREFACE_LENGTH);
	frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0);
	answer(&talk, 1, END);
	assert_open(&talk, 0, 0, 0, 0);
	ask(&talk, 3, END);
	assert_int_equal(side(&talk, HTTP2_CLIENT)->begun, 2);
	assert_int_equal(faults(&talk, HTTP2_CLIENT) | faults(&talk, HTTP2_SERVER), 0);
}

static void test_the_peak_is_the_most_that_were_open_at_once(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		for (__u32 number = 1; number <= 20; number++) {
			ask(&talk, id_of(number), END);
			if (number > 5)
				answer(&talk, id_of(number - 5), END);
		}
		assert_int_equal(side(&talk, HTTP2_CLIENT)->peak, 6);
		assert_open(&talk, 5, 0, 0, 0);
	}
}

/* ---- the window ---------------------------------------------------------------------------------- */

static void test_a_stream_leaves_the_window_behind_256_others(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		answer(&talk, 1, 0);
		for (__u32 number = 2; number <= HTTP2_STREAMS; number++) {
			ask(&talk, id_of(number), END);
			answer(&talk, id_of(number), END);
		}
		assert_open(&talk, 1, 1, 0, 0);
		ask(&talk, id_of(HTTP2_STREAMS + 1), END);
		assert_open(&talk, 2, 0, 0, 1);
		assert_int_equal(data(&talk, HTTP2_SERVER, 1, END, 0), HTTP2_EVENT_FRAME | HTTP2_EVENT_END);
		assert_open(&talk, 1, 0, 0, 0);
		assert_int_equal(side(&talk, HTTP2_SERVER)->answered, HTTP2_STREAMS);
		assert_int_equal(faults(&talk, HTTP2_CLIENT) | faults(&talk, HTTP2_SERVER), 0);
	}
}

static void test_streams_that_have_left_the_window_can_be_reset(void **state)
{
	(void)state;
	for (int direction = 0; direction < 2; direction++)
		EACH_CUT(talk)
		{
			ask(&talk, 1, 0);
			for (__u32 number = 2; number <= 600; number++) {
				ask(&talk, id_of(number), END);
				answer(&talk, id_of(number), END);
			}
			assert_open(&talk, 1, 0, 0, 1);
			assert_int_equal(reset(&talk, direction, 1, 8), HTTP2_EVENT_FRAME | HTTP2_EVENT_RESET);
			assert_open(&talk, 0, 0, 0, 0);
			assert_int_equal(side(&talk, direction)->resets[8], 1);
		}
}

/* All distances between the two windows, at all places of the ring. */
static void test_the_windows_of_both_sides_need_not_be_the_same(void **state)
{
	static const __u32 answers[] = {0, 1, 2, 63, 64, 65, 127, 128, 200, 254, 255, 256};

	(void)state;
	for (__u32 first = 1; first < 300; first += 7)
		for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
			struct talk talk = talk_open(0);
			__u32 n = answers[i];

			for (__u32 number = 1; number < first; number++) {
				ask(&talk, id_of(number), END);
				answer(&talk, id_of(number), END);
			}
			for (__u32 number = first; number < first + HTTP2_STREAMS; number++)
				ask(&talk, id_of(number), END);
			for (__u32 number = first; number < first + n; number++)
				answer(&talk, id_of(number), number & 1 ? END : 0);
			assert_open(&talk, HTTP2_STREAMS - (n + (first & 1)) / 2, (n + !(first & 1)) / 2, 0, 0);
			goaway(&talk, HTTP2_SERVER, id_of(first + 99), 0, "");
			assert_int_equal(open_streams(&talk).above,
					 n <= 100 ? HTTP2_STREAMS - 100
						  : HTTP2_STREAMS - 100 -
							    ((n + (first & 1)) / 2 - (100 + (first & 1)) / 2));
		}
}

static void test_a_great_jump_empties_the_window(void **state)
{
	static const __u32 jumps[] = {255, 256, 257, 511, 512, 513, 1000, 0x3fffff00};

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++)
		EACH_CUT(talk)
		{
			__u32 in_window = 0;

			for (__u32 number = 1; number <= 10; number++) {
				ask(&talk, id_of(number), END);
				in_window += jumps[i] + 10 - number < HTTP2_STREAMS;
			}
			ask(&talk, id_of(10 + jumps[i]), END);
			assert_open(&talk, 11, 0, 0, 10 - in_window);
			answer(&talk, id_of(10 + jumps[i]), 0);
			assert_open(&talk, 11, 1, 0, 10 - in_window);
			answer(&talk, id_of(3), END);
			assert_int_equal(open_streams(&talk).all, 10);
		}
}

static void test_the_highest_id_is_a_stream(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, HTTP2_ID_MAX, END);
		assert_open(&talk, 1, 0, 0, 0);
		goaway(&talk, HTTP2_SERVER, HTTP2_ID_MAX - 2, 0, "");
		assert_open(&talk, 1, 0, 1, 0);
		answer(&talk, HTTP2_ID_MAX, END);
		assert_open(&talk, 0, 0, 0, 0);
	}
}

static void test_a_server_that_invents_streams_is_seen_to(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		ask(&talk, 1, END);
		answer(&talk, 0x7ffffff1, END);
		assert_true(open_streams(&talk).ahead);
		answer(&talk, 1, END);
		assert_true(open_streams(&talk).all <= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stream_begins_is_answered_and_ends),
		cmocka_unit_test(test_the_end_of_data_comes_with_its_last_byte),
		cmocka_unit_test(test_an_answer_finishes_a_stream_whose_request_goes_on),
		cmocka_unit_test(test_skipped_ids_are_no_streams),
		cmocka_unit_test(test_ids_that_go_back_begin_nothing),
		cmocka_unit_test(test_trailers_end_a_stream_and_begin_none),
		cmocka_unit_test(test_interim_heads_are_not_the_response),
		cmocka_unit_test(test_answers_of_trailers_only_are_counted_if_they_are_grpcs),
		cmocka_unit_test(test_resets_are_counted_by_code_and_side),
		cmocka_unit_test(test_a_reset_behind_the_answer_cuts_nothing),
		cmocka_unit_test(test_resets_that_cross_count_once),
		cmocka_unit_test(test_frames_on_streams_that_were_not_begun_count_for_nothing),
		cmocka_unit_test(test_a_stream_ends_once),
		cmocka_unit_test(test_an_answer_may_be_seen_before_its_request),
		cmocka_unit_test(test_an_answer_that_is_ahead_opens_no_old_stream),
		cmocka_unit_test(test_streams_above_the_last_one_of_a_goaway_are_counted),
		cmocka_unit_test(test_a_clients_goaway_says_nothing_of_its_own_streams),
		cmocka_unit_test(test_an_upgraded_connection_begins_with_a_stream),
		cmocka_unit_test(test_the_peak_is_the_most_that_were_open_at_once),
		cmocka_unit_test(test_a_stream_leaves_the_window_behind_256_others),
		cmocka_unit_test(test_streams_that_have_left_the_window_can_be_reset),
		cmocka_unit_test(test_the_windows_of_both_sides_need_not_be_the_same),
		cmocka_unit_test(test_a_great_jump_empties_the_window),
		cmocka_unit_test(test_the_highest_id_is_a_stream),
		cmocka_unit_test(test_a_server_that_invents_streams_is_seen_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
