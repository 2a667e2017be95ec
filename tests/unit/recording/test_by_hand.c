/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings that somebody made by hand: their checksums are right, and something else is not. Each is damaged where that
 * stands, and all before it is played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "recording/player.h"
#include "tests/unit/capture.h"
#include "tests/unit/events.h"
#include "tests/unit/own_file.h"

#define LATEST (INT64_MAX - ((1LL << KW_TIME_BITS) - 1)) /* of the offsets of a clock */

struct frame {
	uint32_t type, size;
	const void *payload;
};

static void put(FILE *file, const struct frame *frame)
{
	struct kw_frame_head head = {.type = frame->type, .size = frame->size};

	head.checksum = kw_recording_checksum(KW_RECORDING_VERSION, &head, frame->payload);
	assert_int_equal(fwrite(&head, sizeof(head), 1, file), 1);
	assert_int_equal(fwrite(frame->payload, 1, frame->size, file), frame->size);
}

/* Makes a file of these frames, and an event and an end mark behind them. Returns the position of the last of @frames. */
static long make_file(const struct frame *frames, size_t count)
{
	const struct kw_recording_preamble preamble = {.magic = KW_RECORDING_MAGIC,
						       .version = KW_RECORDING_VERSION};
	const struct kw_event_connection event = event_connection();
	FILE *file = fopen(path, "we");
	long last = 0;

	assert_non_null(file);
	assert_int_equal(fwrite(&preamble, sizeof(preamble), 1, file), 1);
	for (size_t i = 0; i < count; i++) {
		last = ftell(file);
		put(file, &frames[i]);
	}
	put(file, &(struct frame){KW_FRAME_EVENT, sizeof(event), &event});
	put(file, &(struct frame){KW_FRAME_END, 0, ""});
	assert_int_equal(fclose(file), 0);
	return last;
}

static int count_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	(void)event;
	(void)verdict;
	++*(int *)context;
	return 0;
}

/* Plays the file. Returns the number of events; -1 if it cannot be opened. The caller frees the text that was logged. */
static int play(struct kw_player *player, int *ret_result, char **ret_said)
{
	struct capture capture = capture_begin(STDERR_FILENO);
	struct kw_recording_header header;
	int count = -1;

	*ret_result = kw_player_open(player, path, &header);
	if (*ret_result == 0) {
		count = 0;
		*ret_result =
			kw_player_play(player, &(struct kw_sink){.context = &count, .event = count_event});
	}
	*ret_said = capture_end(&capture);
	return count;
}

static const struct frame good_header = {KW_FRAME_HEADER, 8, "{\"a\": 1}"}; /* no NUL ends it */

/* A file whose header is @header and whose second frame is @frame is damaged there. */
static void assert_damage(const char *what, struct frame header, struct frame frame)
{
	const struct kw_event_connection event = event_connection();
	const struct frame frames[] = {header, {KW_FRAME_EVENT, sizeof(event), &event}, frame};
	bool opens = header.payload == good_header.payload;
	char *said, where[64];
	struct kw_player player;
	int result;

	snprintf(where, sizeof(where), "damaged at byte %ld:", make_file(frames, opens ? 3 : 1));
	if (play(&player, &result, &said) != (opens ? 1 : -1) || result != -EBADMSG || !strstr(said, where))
		fail_msg("%s: %d, %s", what, result, said);
	if (opens)
		kw_player_close(&player);
	free(said);
}

static void a_frame_that_lies_is_damage(void **state)
{
	static const char long_name[KW_FRAME_MOST + 8] = {[8] = '/'};
	static const int64_t offsets[] = {LATEST + 1, -LATEST - 1, INT64_MAX, INT64_MIN};
	const struct {
		const char *what;
		struct frame frame;
	} rows[] = {
		{"a frame that is too long", {KW_FRAME_NAME, sizeof(long_name), long_name}},
		{"a size that is not a multiple of 8", {KW_FRAME_NAME, 10, "12345678/"}},
		{"a second header", good_header},
		{"an event without a head", {KW_FRAME_EVENT, 0, ""}},
		{"an event of no type", {KW_FRAME_EVENT, 16, "\0\0\20\0\0\0\0\0\0\0\0\0\0\0\0"}},
		{"a name of nobody", {KW_FRAME_NAME, 0, ""}},
		{"no name", {KW_FRAME_NAME, 8, "12345678"}},
		{"a name without an end", {KW_FRAME_NAME, 16, "12345678/a/b/c/d"}},
		{"no clock", {KW_FRAME_CLOCK, 0, ""}},
		{"two clocks", {KW_FRAME_CLOCK, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_damage(rows[i].what, good_header, rows[i].frame);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		assert_damage("a wild clock", good_header, (struct frame){KW_FRAME_CLOCK, 8, &offsets[i]});
}

static void a_frame_of_no_type_is_not_read(void **state)
{
	const uint32_t types[] = {0, KW_FRAME_MAX, UINT32_MAX};
	struct kw_recording_header header;
	struct kw_recording_reader *reader;
	struct capture capture;
	struct kw_frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		make_file((struct frame[]){good_header, {types[i], 8, "12345678"}}, 2);
		assert_int_equal(kw_recording_open(path, &reader, &header), 0);
		capture = capture_begin(STDERR_FILENO);
		assert_int_equal(kw_recording_next(reader, &frame), -EBADMSG);
		free(capture_end(&capture));
		kw_recording_close(reader);
	}
}

static void a_file_that_does_not_begin_with_its_header_is_damaged(void **state)
{
	const struct frame headers[] = {
		{KW_FRAME_EVENT, 8, "{\"b\": 1}"},
		{KW_FRAME_NAME, 8, "{\"b\": 1}"},
		{KW_FRAME_END, 0, ""},
		{KW_FRAME_HEADER, 0, ""},
		{KW_FRAME_HEADER, 8, "[\"b\", 1]"},
		{KW_FRAME_HEADER, 8, "{\"b\": 1 "},
		{KW_FRAME_HEADER, 16, "{\"started\": -1}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_damage(headers[i].payload, headers[i], good_header);
}

static void the_farthest_clock_is_one(void **state)
{
	const int64_t offsets[] = {LATEST, -LATEST};
	struct kw_player player;
	char *said;
	int result;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		make_file((struct frame[]){good_header, {KW_FRAME_CLOCK, 8, &offsets[i]}}, 2);
		assert_int_equal(play(&player, &result, &said), 1);
		assert_int_equal(result, 0);
		assert_int_equal(kw_player_source(&player).clock->offset, offsets[i]);
		assert_string_equal(said, "");
		kw_player_close(&player);
		free(said);
	}
}

static void text_of_the_header_is_safe_to_print(void **state)
{
	static const char json[64] = "{\"kernel\":\"6\\u001b[2J\", \"host\":\"\\u009b\", \"machine\":7}";
	struct kw_recording_header header;
	struct kw_recording_reader *reader;

	(void)state;
	make_file((struct frame[]){{KW_FRAME_HEADER, sizeof(json), json}}, 1);
	assert_int_equal(kw_recording_open(path, &reader, &header), 0);
	assert_string_equal(header.kernel, "6?[2J");
	assert_string_equal(header.host, "??");
	assert_string_equal(header.machine, "");
	kw_recording_close(reader);
}

/* The path that a player has of the control group 7 once it has played this one. */
static void assert_path(const char *given, uint32_t room, const char *expected)
{
	_cleanup_free_ char *payload = calloc(1, room), *said = NULL;
	struct kw_player player;
	struct kw_source source;
	int result;

	payload[0] = 7;
	strcpy(payload + 8, given);
	make_file((struct frame[]){good_header, {KW_FRAME_NAME, room, payload}}, 2);
	assert_int_equal(play(&player, &result, &said), 1);
	assert_int_equal(result, 0);
	source = kw_player_source(&player);
	assert_string_equal(source.cgroup(source.names, 7), expected);
	kw_player_close(&player);
}

static void a_control_groups_path_is_safe_to_print_and_no_longer_than_paths_are(void **state)
{
	static char longest[3 * PATH_MAX], cut[PATH_MAX];

	(void)state;
	assert_path("/a\033[2J\n", 24, "/a?[2J?");
	memset(longest, 'x', sizeof(longest) - 1);
	memset(cut, 'x', sizeof(cut) - 1);
	assert_path(longest, 8 + sizeof(longest), cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_that_lies_is_damage),
		cmocka_unit_test(a_frame_of_no_type_is_not_read),
		cmocka_unit_test(a_file_that_does_not_begin_with_its_header_is_damaged),
		cmocka_unit_test(the_farthest_clock_is_one),
		cmocka_unit_test(text_of_the_header_is_safe_to_print),
		cmocka_unit_test(a_control_groups_path_is_safe_to_print_and_no_longer_than_paths_are),
	};

	return cmocka_run_group_tests(tests, begin_file, end_file);
}
