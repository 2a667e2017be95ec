/* SPDX-License-Identifier: BSD-2-Clause */
/* A recording in several files, as they are or compressed, plays as one file does; and so does each file by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory_stream.h"
#include "recording/player.h"
#include "recording/recorder.h"
#include "tests/unit/capture.h"
#include "tests/unit/events.h"

#define PATH 64
#define SMALL (64U << 10) /* bytes of a file */
#define EVENTS 600        /* take several of these */
#define CGROUPS 7

static const struct kw_recording_header header = {
	.keepwatch = "1.2.3",
	.clock = {.offset = 1000},
	.started = 5 * KW_S,
	.connection_size = sizeof(struct kw_event_connection),
	.history_size = sizeof(struct kw_event_history),
};

static char folder[] = "/tmp/keepwatch-test-XXXXXX";

static int begin_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int end_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void path_of(char ret_path[PATH], const char *name)
{
	snprintf(ret_path, PATH, "%s/%s", folder, name);
}

static off_t size_of(const char *name)
{
	struct stat about;
	char path[PATH];

	path_of(path, name);
	return stat(path, &about) == 0 ? about.st_size : -1;
}

static void remove_set(const char *path)
{
	unlink(path);
	for (unsigned int i = 1; i < KW_RECORDING_FILES; i++) {
		char *name = kw_recording_name(path, i);

		assert_non_null(name);
		unlink(name);
		free(name);
	}
}

/* ---- recording ---- */

/* Control groups that get other names as time goes by. */
static const char *name_of(void *names, uint64_t id)
{
	static char text[32];
	const int *events = names;

	snprintf(text, sizeof(text), "/group/%llu/%d", (unsigned long long)id, *events / 200);
	return text;
}

/* Records the same @count events, whatever the settings. */
static void record(const struct kw_recording_settings *settings, int count)
{
	struct kw_recording_writer *writer;
	struct kw_recorder recorder;
	struct kw_clock clock = header.clock;
	int number = 0;
	struct kw_source source = {.clock = &clock, .names = &number, .cgroup = name_of};
	struct kw_sink sink;

	assert_int_equal(kw_recording_create_set(settings, &writer), 0);
	assert_int_equal(kw_recorder_open(&recorder, source, writer, &header), 0);
	sink = kw_recorder_sink(&recorder);
	for (; number < count; number++) {
		struct kw_event_connection event = event_connection();

		event.header.time = (uint64_t)number * KW_MS + 6 * KW_S;
		event.identity.cookie = (uint64_t)number + 1;
		event.identity.cgroup = (uint64_t)(number % CGROUPS) + 1;
		clock.offset += number % 50 == 0;
		assert_int_equal(kw_sink_feed(&sink, &event, sizeof(event)), 0);
		if (number % 20 == 0)
			assert_int_equal(kw_recording_flush(writer), 0);
	}
	assert_int_equal(kw_recording_finish(writer, true), 0);
	kw_recorder_close(&recorder);
}

/* ---- replaying ---- */

struct listener {
	FILE *stream;
	struct kw_source source;
};

static int note(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	const struct listener *listener = context;

	(void)verdict;
	fprintf(listener->stream, "%llu %lld %s\n", (unsigned long long)event->connection->identity.cookie,
		(long long)listener->source.clock->offset,
		kw_source_cgroup(&listener->source, event->connection->identity.cgroup));
	return 0;
}

/* All that a replay shows of each event, a line each; the caller frees it. *ret_said: what was logged. */
static char *replay(const char *name, int *ret_result, char **ret_said)
{
	struct capture capture = capture_begin(STDERR_FILENO);
	struct kw_recording_header got;
	struct kw_player player;
	struct listener listener;
	size_t length;
	char path[PATH], *text = NULL;

	path_of(path, name);
	*ret_result = kw_player_open(&player, path, &got);
	if (*ret_result == 0) {
		listener.stream = open_memstream(&text, &length);
		listener.source = kw_player_source(&player);
		*ret_result = kw_player_play(&player, &(struct kw_sink){.context = &listener, .event = note});
		fclose(listener.stream);
		kw_player_close(&player);
	}
	*ret_said = capture_end(&capture);
	return text;
}

static char *replay_well(const char *name)
{
	char *said, *text;
	int result;

	text = replay(name, &result, &said);
	assert_string_equal(said, "");
	assert_int_equal(result, 0);
	free(said);
	return text;
}

static size_t lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* ---- the tests ---- */

static void check_set(bool compress, uint64_t max_size)
{
	char one[PATH], set[PATH], *expected, *got;

	path_of(one, "one");
	path_of(set, "set");
	record(&(struct kw_recording_settings){.path = one}, EVENTS);
	record(&(struct kw_recording_settings){set, max_size, 100, compress}, EVENTS);
	assert_true(size_of("set.2") > 0);
	for (unsigned int i = 0; i < 100; i++) {
		char *name = kw_recording_name("set", i);

		assert_in_range(size_of(name), 0, max_size);
		free(name);
	}
	expected = replay_well("one");
	got = replay_well("set");
	assert_int_equal(lines(expected), EVENTS);
	assert_string_equal(got, expected);
	free(got);
	got = replay_well("set.1"); /* a part by itself: its names and its clock are its own */
	assert_true(lines(got) > 10 && lines(got) < EVENTS && strstr(expected, got));
	free(got);
	free(expected);
	remove_set(one);
	remove_set(set);
}

static void a_set_plays_as_one_file_does(void **state)
{
	(void)state;
	check_set(false, SMALL);
}

static void a_compressed_set_plays_as_one_file_does(void **state)
{
	(void)state;
	check_set(true, 20000);
}

static void a_compressed_file_is_smaller_and_plays_as_another_does(void **state)
{
	char one[PATH], small[PATH], *expected, *got;

	(void)state;
	path_of(one, "one");
	path_of(small, "small");
	record(&(struct kw_recording_settings){.path = one}, EVENTS);
	record(&(struct kw_recording_settings){.path = small, .compress = true}, EVENTS);
	assert_true(size_of("small") * 4 < size_of("one"));
	expected = replay_well("one");
	got = replay_well("small");
	assert_string_equal(got, expected);
	free(got);
	free(expected);
	unlink(one);
	unlink(small);
}

static void the_oldest_parts_are_written_over(void **state)
{
	char one[PATH], set[PATH], *expected, *got;

	(void)state;
	path_of(one, "one");
	path_of(set, "set");
	record(&(struct kw_recording_settings){.path = one}, EVENTS);
	record(&(struct kw_recording_settings){set, SMALL, 3, false}, EVENTS);
	assert_int_equal(size_of("set.3"), -1);
	expected = replay_well("one");
	got = replay_well("set");
	assert_true(lines(got) > 100 && lines(got) < EVENTS);
	assert_string_equal(got, expected + strlen(expected) - strlen(got)); /* the latest, in their order */
	free(got);
	free(expected);
	remove_set(one);
	remove_set(set);
}

static void a_part_that_is_missing_is_logged(void **state)
{
	char set[PATH], path[PATH], *said, *got;
	int result;

	(void)state;
	path_of(set, "set");
	record(&(struct kw_recording_settings){set, SMALL, 100, false}, EVENTS);
	path_of(path, "set.2");
	unlink(path);
	got = replay("set", &result, &said);
	assert_int_equal(result, 0);
	assert_non_null(strstr(said, "the parts between 2 and 4 are missing"));
	assert_true(lines(got) > 100 && lines(got) < EVENTS);
	free(said);
	free(got);
	remove_set(set);
}

static void cut(const char *name, off_t size)
{
	char path[PATH];

	path_of(path, name);
	assert_int_equal(truncate(path, size), 0);
}

static void a_damaged_part_does_not_hide_those_behind_it(void **state)
{
	char set[PATH], *said, *got;
	int result;

	(void)state;
	path_of(set, "set");
	record(&(struct kw_recording_settings){set, SMALL, 100, false}, EVENTS);
	cut("set.1", SMALL / 2);
	got = replay("set", &result, &said);
	assert_int_equal(result, -EBADMSG);
	assert_non_null(strstr(said, "set.1 is cut off at byte 32768"));
	assert_non_null(strstr(got, "\n600 "));
	assert_true(lines(got) > EVENTS - 100 && lines(got) < EVENTS);
	free(said);
	free(got);
	cut("set.1", 5);
	got = replay("set", &result, &said);
	assert_int_equal(result, -EBADMSG);
	assert_non_null(strstr(said, "set.1 is not a recording"));
	assert_non_null(strstr(got, "\n600 "));
	free(said);
	free(got);
	remove_set(set);
}

static void files_of_another_set_are_left_out(void **state)
{
	char set[PATH], other[PATH], path[PATH], *got;

	(void)state;
	path_of(set, "set");
	path_of(other, "other");
	path_of(path, "set.9");
	record(&(struct kw_recording_settings){set, SMALL, 8, false}, EVENTS / 4);
	record(&(struct kw_recording_settings){.path = other}, 10);
	path_of(path, "set.7"); /* was not used yet */
	assert_int_equal(size_of("set.7"), 0);
	assert_int_equal(rename(other, path), 0);
	got = replay_well("set");
	assert_int_equal(lines(got), EVENTS / 4);
	free(got);
	remove_set(set);
}

/* Each cut of a compressed file yields whole events from the first on, and one line that says where it ends. */
static void a_compressed_file_that_is_cut_or_damaged_yields_all_before(void **state)
{
	char small[PATH], *said, *got, *expected;
	off_t size;
	int result, fd;

	(void)state;
	path_of(small, "small");
	record(&(struct kw_recording_settings){.path = small, .compress = true}, EVENTS);
	expected = replay_well("small");
	size = size_of("small");
	fd = open(small, O_RDWR);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, size / 2), 4);
	close(fd);
	got = replay("small", &result, &said);
	assert_int_equal(result, -EBADMSG);
	assert_non_null(strstr(said, "small is "));
	assert_memory_equal(got, expected, strlen(got));
	assert_true(lines(got) > 20 && lines(got) < EVENTS);
	free(said);
	free(got);
	cut("small", size / 3);
	got = replay("small", &result, &said);
	assert_int_equal(result, -EBADMSG);
	assert_non_null(strstr(said, "small is cut off at byte "));
	assert_memory_equal(got, expected, strlen(got));
	assert_true(lines(got) > 20 && lines(got) < EVENTS);
	free(said);
	free(got);
	free(expected);
	unlink(small);
}

/* As zstd --ultra --long=27 writes it: whoever reads it would have to remember 128 MiB. */
static void a_file_that_wants_much_memory_is_refused(void **state)
{
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00};
	char path[PATH], *said;
	int result, fd;

	(void)state;
	path_of(path, "large");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, frame, sizeof(frame)), sizeof(frame));
	close(fd);
	assert_null(replay("large", &result, &said));
	assert_int_equal(result, -EBADMSG);
	assert_non_null(strstr(said, "is not a recording"));
	free(said);
	unlink(path);
}

static void a_set_whose_file_is_there_already_is_not_begun(void **state)
{
	struct kw_recording_writer *writer;
	struct capture capture;
	char set[PATH], path[PATH], *said;
	int fd;

	(void)state;
	path_of(set, "set");
	path_of(path, "set.2");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	capture = capture_begin(STDERR_FILENO);
	assert_int_equal(
		kw_recording_create_set(&(struct kw_recording_settings){set, SMALL, 4, false}, &writer),
		-EEXIST);
	said = capture_end(&capture);
	assert_non_null(strstr(said, "set.2 exists already"));
	free(said);
	assert_int_equal(size_of("set"), -1); /* those that were made are gone again, */
	assert_int_equal(size_of("set.1"), -1);
	assert_int_equal(size_of("set.2"), 4); /* and that one is not */
	unlink(path);
}

static void a_set_that_never_began_leaves_no_files(void **state)
{
	struct kw_recording_writer *writer;
	char set[PATH];

	(void)state;
	path_of(set, "set");
	assert_int_equal(kw_recording_create_set(&(struct kw_recording_settings){set, SMALL, 4, true}, &writer),
			 0);
	assert_int_equal(size_of("set.3"), 0);
	assert_int_equal(kw_recording_finish(writer, false), 0);
	assert_int_equal(size_of("set"), -1);
	assert_int_equal(size_of("set.3"), -1);
}

/* The disk is full: here, because the process may write no larger files. */
static void a_compressed_file_that_may_not_grow_keeps_what_it_has(void **state)
{
	struct rlimit limit = {.rlim_cur = 4000, .rlim_max = RLIM_INFINITY};
	struct kw_event_connection event = event_connection();
	struct kw_recording_writer *writer;
	struct capture capture;
	char path[PATH], *said, *got;
	int r = 0, result;

	(void)state;
	path_of(path, "small");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(kw_recording_create_set(
				 &(struct kw_recording_settings){.path = path, .compress = true}, &writer),
			 0);
	assert_int_equal(kw_recording_write_header(writer, &header), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	capture = capture_begin(STDERR_FILENO);
	while (r == 0) {
		event.identity.cookie = event.identity.cookie * 6364136223846793005ULL + 1;
		r = kw_recording_write(writer, KW_FRAME_EVENT, &event, sizeof(event));
		if (r == 0)
			r = kw_recording_flush(writer);
	}
	assert_int_equal(kw_recording_finish(writer, false), -EFBIG);
	said = capture_end(&capture);
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_non_null(strstr(said, "File too large"));
	free(said);
	got = replay("small", &result, &said);
	assert_int_equal(result, -EBADMSG);
	assert_non_null(strstr(said, "cut off"));
	assert_true(lines(got) > 2);
	free(said);
	free(got);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_plays_as_one_file_does),
		cmocka_unit_test(a_compressed_set_plays_as_one_file_does),
		cmocka_unit_test(a_compressed_file_is_smaller_and_plays_as_another_does),
		cmocka_unit_test(the_oldest_parts_are_written_over),
		cmocka_unit_test(a_part_that_is_missing_is_logged),
		cmocka_unit_test(a_damaged_part_does_not_hide_those_behind_it),
		cmocka_unit_test(files_of_another_set_are_left_out),
		cmocka_unit_test(a_compressed_file_that_is_cut_or_damaged_yields_all_before),
		cmocka_unit_test(a_file_that_wants_much_memory_is_refused),
		cmocka_unit_test(a_set_whose_file_is_there_already_is_not_begun),
		cmocka_unit_test(a_set_that_never_began_leaves_no_files),
		cmocka_unit_test(a_compressed_file_that_may_not_grow_keeps_what_it_has),
	};

	return cmocka_run_group_tests(tests, begin_folder, end_folder);
}
