/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "include/event.h"
#include "recording/output.h"
#include "recording/recording.h"

#define BUFFER (256U << 10)

struct kw_recording_writer {
	struct kw_output *outputs; /* of the set, in the order of their names; owned */
	unsigned int count;        /* how many */
	unsigned int parts;        /* files that have been begun; the latest is the one that is written */
	uint64_t max_size;         /* bytes that a file may have; 0: any number */
	struct kw_recording_set set;
	uint64_t earlier; /* bytes in the parts before this one */
	int failed;       /* -errno of the first failure; after it nothing is written any more */
	size_t used;      /* bytes in buffer */
	uint8_t buffer[BUFFER];
};

void kw_recording_describe(bool exchanges, const struct kw_clock *clock, struct kw_recording_header *ret_header)
{
	struct kw_recording_header header = {
		.keepwatch = KEEPWATCH_VERSION,
		.processors = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.clock = *clock,
		.started = kw_clock_monotonic(),
		.exchanges = exchanges,
		.connection_size = sizeof(struct kw_event_connection),
		.history_size = sizeof(struct kw_event_history),
	};
	struct utsname names;

	if (uname(&names) == 0) {
		kw_sanitize(names.release, sizeof(names.release), header.kernel, sizeof(header.kernel));
		kw_sanitize(names.nodename, sizeof(names.nodename), header.host, sizeof(header.host));
		kw_sanitize(names.machine, sizeof(names.machine), header.machine, sizeof(header.machine));
	}
	*ret_header = header;
}

/* ---- files ---- */

static struct kw_output *current(const struct kw_recording_writer *writer)
{
	return &writer->outputs[(writer->parts - 1) % writer->count];
}

static void free_writer(struct kw_recording_writer *writer)
{
	for (unsigned int i = 0; i < writer->count; i++)
		kw_output_close(&writer->outputs[i]);
	free(writer->outputs);
	free(writer);
}
KW_DEFINE_CLEANUP(struct kw_recording_writer *, free_writer);

static void begin_part(struct kw_recording_writer *writer)
{
	const struct kw_recording_preamble preamble = {.magic = KW_RECORDING_MAGIC,
						       .version = KW_RECORDING_VERSION};

	writer->parts++;
	memcpy(writer->buffer, &preamble, sizeof(preamble));
	writer->used = sizeof(preamble);
}

/* The files that did not exist before go, because nothing was recorded. */
static void remove_files(const struct kw_recording_writer *writer)
{
	for (unsigned int i = 0; i < writer->count; i++)
		if (writer->outputs[i].created && writer->outputs[i].fd >= 0)
			unlink(writer->outputs[i].path);
}

/* All files of the set, because none can be created once the process has given up its rights. */
static int open_outputs(struct kw_recording_writer *writer, const struct kw_recording_settings *settings)
{
	unsigned int files = settings->max_size ? settings->max_files : 1;

	writer->outputs = calloc(files, sizeof(writer->outputs[0]));
	if (!writer->outputs)
		return kw_log_error(-ENOMEM, "out of memory");
	for (unsigned int i = 0; i < files; i++) {
		_cleanup_free_ char *path = kw_recording_name(settings->path, i);
		int r = path ? 0 : kw_log_error(-ENOMEM, "out of memory");

		writer->count = i + 1;
		writer->outputs[i].fd = -1;
		if (r == 0)
			r = kw_output_open(&writer->outputs[i], path, settings->compress);
		if (r < 0)
			return r;
	}
	return 0;
}

int kw_recording_create_set(const struct kw_recording_settings *settings,
			    struct kw_recording_writer **ret_writer)
{
	_cleanup_(free_writerp) struct kw_recording_writer *writer = calloc(1, sizeof(*writer));
	int r;

	if (!writer)
		return kw_log_error(-ENOMEM, "out of memory");
	writer->max_size = settings->max_size;
	r = open_outputs(writer, settings);
	if (r < 0) {
		remove_files(writer);
		return r;
	}
	begin_part(writer);
	*ret_writer = TAKE_PTR(writer);
	return 0;
}

int kw_recording_create(const char *path, struct kw_recording_writer **ret_writer)
{
	return kw_recording_create_set(&(struct kw_recording_settings){.path = path}, ret_writer);
}

/* ---- writing ---- */

/* How many of the first @length bytes of the buffer belong to whole frames. The preamble counts as a frame. */
static size_t whole(const struct kw_recording_writer *writer, bool begun, size_t length)
{
	size_t at = begun ? 0 : sizeof(struct kw_recording_preamble);
	struct kw_frame_head head;

	while (at + sizeof(head) <= length) {
		memcpy(&head, writer->buffer + at, sizeof(head));
		if (at + sizeof(head) + head.size > length)
			break;
		at += sizeof(head) + head.size;
	}
	return at <= length ? at : 0;
}

/* Truncates the file after its last whole frame; in a pipe that is not possible. Compressed bytes of the buffer are in the file all or
 * not at all. */
static int give_up(struct kw_recording_writer *writer, uint64_t before, size_t done, int r)
{
	struct kw_output *output = current(writer);
	uint64_t good = before + whole(writer, before > 0, done);

	writer->failed = r;
	if (ftruncate(output->fd, (off_t)good) == 0)
		output->size = good;
	return kw_log_error(r, "cannot write %s: %s; the %llu bytes before that are a usable recording",
			    output->path, strerror(-r), (unsigned long long)good);
}

int kw_recording_flush(struct kw_recording_writer *writer)
{
	struct kw_output *output = current(writer);
	uint64_t before = output->size;
	size_t done;
	int r = writer->failed;

	if (r < 0 || writer->used == 0)
		return r;
	r = kw_output_append(output, writer->buffer, writer->used, &done);
	if (r < 0)
		return give_up(writer, before, done, r);
	writer->used = 0;
	return 0;
}

int kw_recording_write(struct kw_recording_writer *writer, enum kw_frame_type type, const void *payload,
		       size_t size)
{
	struct kw_frame_head head = {.size = (uint32_t)((size + 7) & ~(size_t)7), .type = type};
	uint8_t *at;
	int r = writer->failed;

	if (size > KW_FRAME_MOST)
		return kw_log_error(-EMSGSIZE, "a frame of %zu bytes does not fit a recording", size);
	if (r == 0 && writer->used + sizeof(head) + head.size > BUFFER)
		r = kw_recording_flush(writer);
	if (r < 0)
		return r;
	at = writer->buffer + writer->used;
	memset(at + sizeof(head), 0, head.size);
	if (size)
		memcpy(at + sizeof(head), payload, size);
	head.checksum = kw_recording_checksum(KW_RECORDING_VERSION, &head, at + sizeof(head));
	memcpy(at, &head, sizeof(head));
	writer->used += sizeof(head) + head.size;
	return 0;
}

/* Its place in the set; nothing for a file alone. */
static int add_set(json_t *object, const struct kw_recording_set *set)
{
	if (!set->files)
		return 0;
	return json_object_set_new(object, "set",
				   json_pack("{s:I, s:I, s:I}", "begun", (json_int_t)set->begun, "files",
					     (json_int_t)set->files, "part", (json_int_t)set->part));
}

int kw_recording_write_header(struct kw_recording_writer *writer, const struct kw_recording_header *header)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(json_decrefp) json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:{s:I, s:I}}", "keepwatch", header->keepwatch,
		"kernel", header->kernel, "host", header->host, "machine", header->machine, "processors",
		(json_int_t)header->processors, "clock_offset", (json_int_t)header->clock.offset, "started",
		(json_int_t)header->started, "exchanges", header->exchanges, "events", "connection",
		(json_int_t)header->connection_size, "lived", (json_int_t)header->history_size);

	if (writer->max_size) {
		if (writer->parts == 1)
			writer->set.begun = header->clock.offset + (int64_t)header->started;
		writer->set.files = writer->count;
		writer->set.part = writer->parts;
	}
	if (object && add_set(object, &writer->set) == 0)
		text = json_dumps(object, JSON_COMPACT);
	if (!text)
		return kw_log_error(-ENOMEM, "out of memory");
	return kw_recording_write(writer, KW_FRAME_HEADER, text, strlen(text));
}

/* The end mark, and what was held back. */
static int end_part(struct kw_recording_writer *writer, bool complete)
{
	int r = complete ? kw_recording_write(writer, KW_FRAME_END, NULL, 0) : 0;

	if (r == 0)
		r = kw_recording_flush(writer);
	return r < 0 ? r : kw_output_end(current(writer));
}

bool kw_recording_is_full(const struct kw_recording_writer *writer, size_t size)
{
	size_t more = writer->used + size + sizeof(struct kw_frame_head); /* and the end mark */

	return writer->max_size && !writer->failed &&
	       current(writer)->size + kw_output_bound(current(writer), more) > writer->max_size;
}

int kw_recording_turn(struct kw_recording_writer *writer, const struct kw_recording_header *header)
{
	struct kw_output *output;
	int r = end_part(writer, true);

	if (r < 0)
		return r;
	writer->earlier += current(writer)->size;
	begin_part(writer);
	output = current(writer);
	r = kw_output_restart(output);
	if (r < 0) {
		writer->failed = r;
		return kw_log_error(r, "cannot write %s: %s", output->path, strerror(-r));
	}
	return kw_recording_write_header(writer, header);
}

int kw_recording_finish(struct kw_recording_writer *writer, bool complete)
{
	int r;

	if (!writer)
		return 0;
	if (!complete && writer->parts == 1 && !current(writer)->size &&
	    writer->used == sizeof(struct kw_recording_preamble)) {
		writer->used = 0;
		remove_files(writer);
	}
	r = end_part(writer, complete);
	for (unsigned int i = 0; i < writer->count; i++) {
		int closed = kw_output_close(&writer->outputs[i]);

		r = r < 0 ? r : closed;
	}
	free_writer(writer);
	return r;
}

uint64_t kw_recording_size(const struct kw_recording_writer *writer)
{
	return writer->earlier + current(writer)->size + writer->used;
}
