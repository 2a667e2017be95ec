/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "recording/recording.h"
#include "recording/cgroup_names.h"
#include "tests/unit/capture.h"
#include "tests/unit/events.h"

#define PATH 64

static const struct kw_recording_header header = {
	.keepwatch = "1.2.3",
	.kernel = "6.18.0",
	.host = "web1",
	.machine = "x86_64",
	.processors = 4,
	.clock = {.offset = -77},
	.started = 5 * KW_S,
	.exchanges = true,
	.connection_size = sizeof(struct kw_event_connection),
	.history_size = sizeof(struct kw_event_history),
};

static void new_path(char ret_path[PATH])
{
	strcpy(ret_path, "/tmp/keepwatch-test-XXXXXX");
	close(mkstemp(ret_path));
}

/* A file of a header, @count events with the cookies 1, 2, 3 ..., and an end mark. */
static void make_file(const char *path, int count)
{
	struct kw_recording_writer *writer;

	assert_int_equal(kw_recording_create(path, &writer), 0);
	assert_int_equal(kw_recording_write_header(writer, &header), 0);
	for (int i = 0; i < count; i++) {
		struct kw_event_connection event = event_connection();

		event.identity.cookie = (uint64_t)i + 1;
		assert_int_equal(kw_recording_write(writer, KW_FRAME_EVENT, &event, sizeof(event)), 0);
	}
	assert_int_equal(kw_recording_finish(writer, true), 0);
}

static void put_bytes(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static size_t get_bytes(const char *path, uint8_t *ret_bytes, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t got = read(fd, ret_bytes, room);

	close(fd);
	assert_true(got >= 0 && (size_t)got < room);
	return (size_t)got;
}

/* Reads all there is. Each event must be the one that belongs there. The number of events; what reading ended with
 * in *ret_end; and what was said, freed by the caller, in *ret_said. */
static int read_file(const char *path, int *ret_end, char **ret_said)
{
	struct capture capture = capture_begin(STDERR_FILENO);
	struct kw_recording_header got;
	struct kw_recording_reader *reader;
	struct kw_frame frame;
	int count = 0;

	*ret_end = kw_recording_open(path, &reader, &got);
	if (*ret_end == 0) {
		while ((*ret_end = kw_recording_next(reader, &frame)) > 0) {
			struct kw_event_connection expected = event_connection();

			expected.identity.cookie = (uint64_t)++count;
			assert_int_equal(frame.type, KW_FRAME_EVENT);
			assert_int_equal(frame.size, sizeof(expected));
			assert_int_equal((uintptr_t)frame.payload % 8, 0);
			assert_memory_equal(frame.payload, &expected, sizeof(expected));
		}
		kw_recording_close(reader);
	}
	*ret_said = capture_end(&capture);
	return count;
}

static void what_was_written_is_read(void **state)
{
	struct kw_recording_header got;
	struct kw_recording_reader *reader;
	struct stat about;
	char path[PATH], *said;
	int end;

	(void)state;
	new_path(path);
	unlink(path);
	make_file(path, 2000); /* more than a buffer holds */
	assert_int_equal(read_file(path, &end, &said), 2000);
	assert_int_equal(end, 0);
	assert_string_equal(said, "");
	free(said);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_int_equal(kw_recording_open(path, &reader, &got), 0);
	assert_memory_equal(&got, &header, sizeof(got));
	kw_recording_close(reader);
	unlink(path);
}

static void a_file_cut_anywhere_yields_all_whole_frames_and_says_where(void **state)
{
	uint8_t bytes[8192];
	char path[PATH], whole[PATH], *said, where[64];
	size_t size, head;
	int end;

	(void)state;
	new_path(path);
	new_path(whole);
	make_file(whole, 3);
	size = get_bytes(whole, bytes, sizeof(bytes));
	head = size - 3 * (sizeof(struct kw_event_connection) + 16) - 16;
	for (size_t cut = 0; cut < size; cut++) {
		int expected = cut < head ? 0 : (int)((cut - head) / (sizeof(struct kw_event_connection) + 16));

		put_bytes(path, bytes, cut);
		if (expected > 3)
			expected = 3;
		assert_int_equal(read_file(path, &end, &said), expected);
		assert_int_equal(end, -EBADMSG);
		if (cut < sizeof(struct kw_recording_preamble))
			snprintf(where, sizeof(where), "is not a recording");
		else
			snprintf(where, sizeof(where), "cut off at byte %zu", cut);
		assert_non_null(strstr(said, where));
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
		free(said);
	}
	unlink(path);
	unlink(whole);
}

static void a_damaged_byte_is_found_where_it_is(void **state)
{
	uint8_t bytes[8192];
	char path[PATH], whole[PATH], *said, where[64];
	size_t size, head, frame = sizeof(struct kw_event_connection) + 16;
	int end;

	(void)state;
	new_path(path);
	new_path(whole);
	make_file(whole, 3);
	size = get_bytes(whole, bytes, sizeof(bytes));
	head = size - 3 * frame - 16;
	for (size_t at = 0; at < size; at++) {
		uint8_t bit = (uint8_t)(1 << at % 8);
		size_t index = at < head ? 0 : (at - head) / frame;

		bytes[at] ^= bit;
		put_bytes(path, bytes, size);
		bytes[at] ^= bit;
		assert_int_equal(read_file(path, &end, &said), at < head ? 0 : index);
		assert_int_equal(end, -EBADMSG);
		snprintf(where, sizeof(where), "damaged at byte %zu", head + index * frame);
		/* A size that is damaged may also look as if the file ended too soon. */
		if (at >= head && (at - head) % frame >= 8)
			assert_non_null(strstr(said, where));
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
		free(said);
	}
	unlink(path);
	unlink(whole);
}

/* Writes a file of this version with this header and one event. */
static void make_old_file(const char *path, uint32_t version, const char *json)
{
	struct kw_recording_preamble preamble = {.magic = KW_RECORDING_MAGIC, .version = version};
	struct kw_event_connection event = event_connection();
	struct kw_frame_head heads[] = {
		{.size = (uint32_t)((strlen(json) + 7) & ~7UL), .type = KW_FRAME_HEADER},
		{.size = sizeof(event), .type = KW_FRAME_EVENT},
		{.size = 0, .type = KW_FRAME_END},
	};
	const void *payloads[] = {json, &event, ""};
	uint8_t padded[256] = {0};
	FILE *file = fopen(path, "w");

	assert_true(heads[0].size <= sizeof(padded));
	/* Zeros are behind it. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(padded, json, strlen(json));
	payloads[0] = padded;
	event.identity.cookie = 1;
	fwrite(&preamble, sizeof(preamble), 1, file);
	for (int i = 0; i < 3; i++) {
		heads[i].checksum = kw_recording_checksum(version, &heads[i], payloads[i]);
		fwrite(&heads[i], sizeof(heads[i]), 1, file);
		fwrite(payloads[i], 1, heads[i].size, file);
	}
	assert_int_equal(fclose(file), 0);
}

/* Computed by other means: files of all versions must be readable for ever. */
static void checksums_are_those_of_their_version(void **state)
{
	struct kw_frame_head event = {.size = 48, .type = KW_FRAME_EVENT}, end = {.type = KW_FRAME_END};
	uint8_t payload[48];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	assert_int_equal(kw_recording_checksum(1, &event, payload), 0x57c49a68ccce7aa4);
	assert_int_equal(kw_recording_checksum(1, &end, NULL), 0x4edb9e55d5caf0d4);
	assert_int_equal(kw_recording_checksum(2, &event, payload), 0xf19982e4);
	assert_int_equal(kw_recording_checksum(2, &end, NULL), 0x52fc2f5b);
	assert_int_equal(kw_recording_checksum(3, &event, payload), 0xf19982e4);
	assert_int_equal(kw_recording_checksum(3, &end, NULL), 0x52fc2f5b);
}

/* A program that cannot read the events of today must refuse the file and not call it damaged. */
static void files_of_today_are_of_version_5(void **state)
{
	struct kw_recording_preamble preamble;
	uint8_t bytes[8192];
	char path[PATH];

	(void)state;
	new_path(path);
	make_file(path, 1);
	assert_true(get_bytes(path, bytes, sizeof(bytes)) > sizeof(preamble));
	memcpy(&preamble, bytes, sizeof(preamble));
	assert_int_equal(preamble.version, 6);
	unlink(path);
}

static void files_of_older_versions_are_read(void **state)
{
	char path[PATH], *said;
	int end;

	(void)state;
	new_path(path);
	for (uint32_t version = 1; version <= KW_RECORDING_VERSION; version++) {
		make_old_file(path, version, "{}");
		assert_int_equal(read_file(path, &end, &said), 1);
		assert_int_equal(end, 0);
		free(said);
	}
	unlink(path);
}

static void an_older_header_that_says_less_is_read(void **state)
{
	struct kw_recording_header got;
	struct kw_recording_reader *reader;
	char path[PATH], *said;
	int end;

	(void)state;
	new_path(path);
	make_old_file(path, 1, "{\"keepwatch\":\"0.0.1\",\"clock_offset\":12345}");
	assert_int_equal(read_file(path, &end, &said), 1);
	assert_int_equal(end, 0);
	free(said);
	assert_int_equal(kw_recording_open(path, &reader, &got), 0);
	assert_string_equal(got.keepwatch, "0.0.1");
	assert_int_equal(got.clock.offset, 12345);
	assert_int_equal(got.started, 0);
	assert_string_equal(got.kernel, "");
	kw_recording_close(reader);
	unlink(path);
}

static void what_cannot_be_read_is_told_in_one_line(void **state)
{
	static const struct {
		uint32_t version;
		const char *json;
		const char *hint;
	} rows[] = {
		{7, "{}", "has format version 7"},
		{0, "{}", "has format version 0"},
		{1, "[]", "damaged at byte 16"},
		{2, "[]", "damaged at byte 16"},
		{3, "[]", "damaged at byte 16"},
		{4, "[]", "damaged at byte 16"},
		{5, "[]", "damaged at byte 16"},
		{6, "[]", "damaged at byte 16"},
		{1, "{\"keepwatch\":\"9.9\",\"events\":{\"connection\":8}}", "by keepwatch 9.9"},
	};
	char path[PATH], *said;
	int end;

	(void)state;
	new_path(path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_old_file(path, rows[i].version, rows[i].json);
		assert_int_equal(read_file(path, &end, &said), 0);
		assert_int_equal(end, -EBADMSG);
		assert_non_null(strstr(said, rows[i].hint));
		free(said);
	}
	put_bytes(path, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27);
	assert_int_equal(read_file(path, &end, &said), 0);
	assert_non_null(strstr(said, "is not a recording"));
	free(said);
	unlink(path);
	read_file("/nonexistent/file", &end, &said);
	assert_int_equal(end, -ENOENT);
	free(said);
}

static void a_file_that_may_not_grow_keeps_what_it_has(void **state)
{
	const size_t frame = sizeof(struct kw_event_connection) + 16, most = 100000;
	struct rlimit limit = {.rlim_cur = most, .rlim_max = RLIM_INFINITY};
	struct capture capture;
	struct kw_recording_writer *writer;
	struct kw_event_connection event = event_connection();
	struct stat about;
	char path[PATH], *said;
	int r = 0, written = 0, end;

	(void)state;
	new_path(path);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(kw_recording_create(path, &writer), 0);
	assert_int_equal(kw_recording_write_header(writer, &header), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	capture = capture_begin(STDERR_FILENO);
	while (r == 0) {
		event.identity.cookie = (uint64_t)++written;
		r = kw_recording_write(writer, KW_FRAME_EVENT, &event, sizeof(event));
		if (r == 0 && written % 10 == 0)
			r = kw_recording_flush(writer);
	}
	assert_int_equal(kw_recording_flush(writer), -EFBIG);
	assert_int_equal(kw_recording_finish(writer, false), -EFBIG);
	said = capture_end(&capture);
	limit.rlim_cur = RLIM_INFINITY;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(r, -EFBIG);
	assert_non_null(strstr(said, "File too large"));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	free(said);
	assert_int_equal(stat(path, &about), 0);
	assert_true((size_t)about.st_size <= most && (size_t)about.st_size + frame > most);
	assert_int_equal(read_file(path, &end, &said), (size_t)about.st_size / frame);
	assert_non_null(strstr(said, "cut off"));
	free(said);
	unlink(path);
}

static void a_recording_is_not_overwritten(void **state)
{
	struct capture capture;
	struct kw_recording_writer *writer;
	char path[PATH], *said;

	(void)state;
	new_path(path);
	make_file(path, 1);
	capture = capture_begin(STDERR_FILENO);
	assert_int_equal(kw_recording_create(path, &writer), -EEXIST);
	said = capture_end(&capture);
	assert_non_null(strstr(said, "exists already"));
	free(said);
	unlink(path);
}

static void a_recording_that_never_began_leaves_no_file(void **state)
{
	struct kw_recording_writer *writer;
	char path[PATH];

	(void)state;
	new_path(path);
	unlink(path);
	assert_int_equal(kw_recording_create(path, &writer), 0);
	assert_int_equal(kw_recording_finish(writer, false), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void names_are_forgotten_all_at_once(void **state)
{
	struct kw_recording_names names = {0};
	const char *path = "";

	(void)state;
	for (uint64_t id = 1; id <= KW_RECORDING_NAMES; id++)
		assert_int_equal(kw_recording_names_set(&names, id, id == 7 ? NULL : "/a"), 0);
	assert_true(kw_recording_names_find(&names, 7, &path));
	assert_null(path);
	assert_int_equal(kw_recording_names_set(&names, 7, "/b"), 0); /* no new one: nothing is forgotten */
	assert_true(kw_recording_names_find(&names, 7, &path));
	assert_string_equal(path, "/b");
	assert_true(kw_recording_names_find(&names, 1, &path));
	assert_int_equal(kw_recording_names_set(&names, KW_RECORDING_NAMES + 1, "/c"), 0);
	assert_false(kw_recording_names_find(&names, 7, &path));
	assert_true(kw_recording_names_find(&names, KW_RECORDING_NAMES + 1, &path));
	kw_recording_names_clear(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(a_file_cut_anywhere_yields_all_whole_frames_and_says_where),
		cmocka_unit_test(a_damaged_byte_is_found_where_it_is),
		cmocka_unit_test(checksums_are_those_of_their_version),
		cmocka_unit_test(files_of_today_are_of_version_5),
		cmocka_unit_test(files_of_older_versions_are_read),
		cmocka_unit_test(an_older_header_that_says_less_is_read),
		cmocka_unit_test(what_cannot_be_read_is_told_in_one_line),
		cmocka_unit_test(a_file_that_may_not_grow_keeps_what_it_has),
		cmocka_unit_test(a_recording_is_not_overwritten),
		cmocka_unit_test(a_recording_that_never_began_leaves_no_file),
		cmocka_unit_test(names_are_forgotten_all_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
