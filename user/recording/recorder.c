/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/recorder.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"

int kw_recorder_open(struct kw_recorder *recorder, struct kw_source source, struct kw_recording_writer *writer,
		     const struct kw_recording_header *header)
{
	*recorder = (struct kw_recorder){
		.source = source, .writer = writer, .clock = header->clock, .header = *header};
	return kw_recording_write_header(writer, header);
}

void kw_recorder_close(struct kw_recorder *recorder)
{
	kw_recording_names_clear(&recorder->names);
}

static const struct kw_event_header *header_of(const struct kw_event *event)
{
	if (event->connection)
		return &event->connection->header;
	if (event->exchange)
		return &event->exchange->header;
	if (event->gateway)
		return &event->gateway->header;
	if (event->late)
		return &event->late->header;
	return event->totals ? &event->totals->header : &event->unseen->header;
}

static const struct kw_identity *identity_of(const struct kw_event *event)
{
	if (event->connection)
		return &event->connection->identity;
	if (event->exchange)
		return &event->exchange->identity;
	if (event->gateway)
		return &event->gateway->identity;
	return event->late ? &event->late->identity : NULL;
}

static int write_clock(struct kw_recorder *recorder)
{
	int64_t offset = recorder->source.clock->offset;

	if (offset == recorder->clock.offset)
		return 0;
	recorder->clock.offset = offset;
	return kw_recording_write(recorder->writer, KW_FRAME_CLOCK, &offset, sizeof(offset));
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Writes the name of a cgroup now, because it may be gone, or replaced by another, when the recording is replayed. */
static int write_name(struct kw_recorder *recorder, uint64_t id)
{
	uint8_t payload[sizeof(id) + PATH_MAX];
	const char *path, *known;
	size_t length;

	if (!id)
		return 0;
	path = kw_source_cgroup(&recorder->source, id);
	if (kw_recording_names_find(&recorder->names, id, &known) && is_same(path, known))
		return 0;
	if (kw_recording_names_set(&recorder->names, id, path) < 0)
		return kw_log_error(-ENOMEM, "out of memory");
	length = path ? strnlen(path, PATH_MAX - 1) : 0;
	memcpy(payload, &id, sizeof(id));
	if (length)
		memcpy(payload + sizeof(id), path, length);
	payload[sizeof(id) + length] = '\0';
	return kw_recording_write(recorder->writer, KW_FRAME_NAME, payload, sizeof(id) + length + 1);
}

/* Most bytes that an event and the frames before it take. */
#define ROOM(size) ((size) + PATH_MAX + 2 * sizeof(uint64_t) + 3 * (sizeof(struct kw_frame_head) + 7))

/* Goes on in another file if this one is full. Its replay needs all names anew, and the present clock. */
static int make_room(struct kw_recorder *recorder, const struct kw_event_header *event)
{
	if (!kw_recording_is_full(recorder->writer, ROOM(event->size)))
		return 0;
	recorder->header.started = event->time;
	recorder->header.clock = recorder->clock = *recorder->source.clock;
	kw_recording_names_clear(&recorder->names);
	return kw_recording_turn(recorder->writer, &recorder->header);
}

/* The totals come once a second; then everything is flushed to the file, so that a crash loses at most a second. */
static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_recorder *recorder = context;
	const struct kw_event_header *header = header_of(event);
	const struct kw_identity *identity = identity_of(event);
	int r = make_room(recorder, header);

	(void)verdict;
	if (r == 0)
		r = write_clock(recorder);
	if (r == 0 && identity)
		r = write_name(recorder, identity->cgroup);
	if (r == 0)
		r = kw_recording_write(recorder->writer, KW_FRAME_EVENT, header, header->size);
	recorder->events += r == 0 && identity;
	kw_losses_note(&recorder->losses, event);
	if (r == 0 && event->totals)
		r = kw_recording_flush(recorder->writer);
	return r;
}

struct kw_sink kw_recorder_sink(struct kw_recorder *recorder)
{
	return (struct kw_sink){.context = recorder, .event = on_event};
}
