/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "event/decode.h"
#include "recording/input.h"
#include "recording/older.h"
#include "recording/recording.h"

#define BUFFER (256U << 10) /* larger than any frame, and small enough for the cache */

struct kw_recording_reader {
	char *path;
	struct kw_input *input;
	uint64_t position; /* position of buffer[next] in the file */
	size_t next;       /* index in buffer where the next frame begins */
	size_t filled;
	bool ended;       /* the whole rest of the file is in the buffer, */
	bool damaged;     /* or what comes before a place where it cannot be decompressed */
	uint32_t version; /* of the file */
	uint8_t buffer[BUFFER] __attribute__((aligned(8)));
};

static int cannot_read(const struct kw_recording_reader *reader, int r)
{
	return kw_log_error(r, "cannot read %s: %s", reader->path, strerror(-r));
}

/* Reads until @size bytes are in the buffer, from buffer[next] on. Returns 0, or -ENODATA if the file ends before. */
static int need(struct kw_recording_reader *reader, size_t size)
{
	if (reader->filled - reader->next >= size)
		return 0;
	memmove(reader->buffer, reader->buffer + reader->next, reader->filled - reader->next);
	reader->filled -= reader->next;
	reader->next = 0;
	if (!reader->ended) {
		size_t got, room = BUFFER - reader->filled;
		int r = kw_input_read(reader->input, reader->buffer + reader->filled, room, &got);

		if (r < 0 && r != -EBADMSG)
			return cannot_read(reader, r);
		reader->filled += got;
		reader->ended = r < 0 || got < room;
		reader->damaged = r < 0;
	}
	return reader->filled >= size ? 0 : -ENODATA;
}

static void advance(struct kw_recording_reader *reader, size_t size)
{
	reader->next += size;
	reader->position += size;
}

static int damaged_at(const struct kw_recording_reader *reader, uint64_t position)
{
	return kw_log_error(-EBADMSG, "%s is damaged at byte %llu: keepwatch read everything before that",
			    reader->path, (unsigned long long)position);
}

static int cut_off(const struct kw_recording_reader *reader)
{
	if (reader->damaged)
		return damaged_at(reader, reader->position + reader->filled - reader->next);
	return kw_log_error(-EBADMSG, "%s is cut off at byte %llu: keepwatch read everything before that",
			    reader->path,
			    (unsigned long long)(reader->position + reader->filled - reader->next));
}

int kw_recording_damaged(const struct kw_recording_reader *reader, const struct kw_frame *frame)
{
	return damaged_at(reader, frame->position);
}

/* Real time, to 2262, fits a signed number of nanoseconds; the monotonic time that the offset is added to takes its part. */
bool kw_recording_is_offset(int64_t offset)
{
	const int64_t most = INT64_MAX - ((1LL << KW_TIME_BITS) - 1);

	return offset >= -most && offset <= most;
}

int kw_recording_next(struct kw_recording_reader *reader, struct kw_frame *ret_frame)
{
	struct kw_frame_head head;
	const uint8_t *payload;
	int r = need(reader, sizeof(head));

	if (r < 0)
		return r == -ENODATA ? cut_off(reader) : r;
	memcpy(&head, reader->buffer + reader->next, sizeof(head));
	if (head.size > KW_FRAME_MOST || head.size % 8 || head.type == 0 || head.type >= KW_FRAME_MAX)
		return damaged_at(reader, reader->position);
	r = need(reader, sizeof(head) + head.size);
	if (r < 0)
		return r == -ENODATA ? cut_off(reader) : r;
	payload = reader->buffer + reader->next + sizeof(head);
	if (kw_recording_checksum(reader->version, &head, payload) != head.checksum)
		return damaged_at(reader, reader->position);
	*ret_frame = (struct kw_frame){head.type, head.size, payload, reader->position};
	advance(reader, sizeof(head) + head.size);
	return head.type != KW_FRAME_END;
}

static int read_preamble(struct kw_recording_reader *reader)
{
	struct kw_recording_preamble preamble;
	int r = need(reader, sizeof(preamble));

	if (r < 0 && r != -ENODATA)
		return r;
	if (r >= 0)
		memcpy(&preamble, reader->buffer, sizeof(preamble));
	if (r < 0 || memcmp(preamble.magic, KW_RECORDING_MAGIC, sizeof(preamble.magic)) != 0)
		return kw_log_error(-EBADMSG, "%s is not a recording: make one with keepwatch record",
				    reader->path);
	if (preamble.version == 0 || preamble.version > KW_RECORDING_VERSION)
		return kw_log_error(
			-EBADMSG,
			"%s has format version %u, but this keepwatch reads only up to %u: use a newer one",
			reader->path, preamble.version, KW_RECORDING_VERSION);
	reader->version = preamble.version;
	advance(reader, sizeof(preamble));
	return 0;
}

/* ---- the header ---- */

static void text_of(const json_t *object, const char *key, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	kw_sanitize(text ? text : "", size, ret_text, size);
}

static int64_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* A set that says what cannot be is none. */
static void parse_set(const json_t *object, struct kw_recording_set *ret_set)
{
	int64_t files = number_of(object, "files"), part = number_of(object, "part");

	if (files < 2 || files > KW_RECORDING_FILES || part < 1 || part > UINT32_MAX)
		return;
	*ret_set = (struct kw_recording_set){number_of(object, "begun"), (uint32_t)files, (uint32_t)part};
}

static void parse_header(const json_t *object, struct kw_recording_header *ret_header)
{
	const json_t *events = json_object_get(object, "events");

	memset(ret_header, 0, sizeof(*ret_header));
	text_of(object, "keepwatch", ret_header->keepwatch, sizeof(ret_header->keepwatch));
	text_of(object, "kernel", ret_header->kernel, sizeof(ret_header->kernel));
	text_of(object, "host", ret_header->host, sizeof(ret_header->host));
	text_of(object, "machine", ret_header->machine, sizeof(ret_header->machine));
	ret_header->processors = (uint32_t)number_of(object, "processors");
	ret_header->clock.offset = number_of(object, "clock_offset");
	ret_header->started = (uint64_t)number_of(object, "started");
	ret_header->exchanges = json_is_true(json_object_get(object, "exchanges"));
	ret_header->connection_size = (size_t)number_of(events, "connection");
	ret_header->history_size = (size_t)number_of(events, "lived");
	parse_set(json_object_get(object, "set"), &ret_header->set);
}

static int read_header(struct kw_recording_reader *reader, struct kw_recording_header *ret_header)
{
	struct kw_recording_header header;
	struct kw_frame frame = {0};
	_cleanup_(json_decrefp) json_t *object = NULL;
	int r = kw_recording_next(reader, &frame);

	if (r < 0)
		return r;
	if (frame.type != KW_FRAME_HEADER)
		return kw_recording_damaged(reader, &frame);
	object = json_loadb(frame.payload, strnlen(frame.payload, frame.size), 0, NULL);
	if (!json_is_object(object))
		return kw_recording_damaged(reader, &frame);
	parse_header(object, &header);
	if (header.started >> KW_TIME_BITS || !kw_recording_is_offset(header.clock.offset))
		return kw_recording_damaged(reader, &frame);
	if (!kw_older_is_known(header.connection_size, header.history_size))
		return kw_log_error(-EBADMSG,
				    "%s was recorded by keepwatch %s, whose events this keepwatch cannot read",
				    reader->path, header.keepwatch);
	*ret_header = header;
	return 0;
}

int kw_recording_open(const char *path, struct kw_recording_reader **ret_reader,
		      struct kw_recording_header *ret_header)
{
	_cleanup_(kw_recording_closep) struct kw_recording_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return kw_log_error(-ENOMEM, "out of memory");
	reader->path = strdup(path);
	if (!reader->path)
		return kw_log_error(-ENOMEM, "out of memory");
	r = kw_input_open(path, &reader->input);
	if (r < 0)
		return cannot_read(reader, r);
	r = read_preamble(reader);
	if (r == 0)
		r = read_header(reader, ret_header);
	if (r < 0)
		return r;
	*ret_reader = TAKE_PTR(reader);
	return 0;
}

void kw_recording_close(struct kw_recording_reader *reader)
{
	if (!reader)
		return;
	kw_input_close(reader->input);
	free(reader->path);
	free(reader);
}
