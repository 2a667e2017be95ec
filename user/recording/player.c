/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/player.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/sanitize.h"
#include "recording/older.h"

/* Goes on to the next part, in which names are given anew. */
static int open_part(struct kw_player *player, struct kw_recording_header *ret_header)
{
	int r;

	kw_recording_close(player->reader);
	player->reader = NULL;
	kw_recording_names_clear(&player->names);
	r = kw_recording_open(player->set.parts[player->next++].path, &player->reader, ret_header);
	if (r == 0)
		player->clock = ret_header->clock;
	return r;
}

int kw_player_open(struct kw_player *player, const char *path, struct kw_recording_header *ret_header)
{
	int r;

	*player = (struct kw_player){0};
	r = kw_file_set_open(&player->set, path);
	return r < 0 ? r : open_part(player, ret_header);
}

static const char *cgroup_path(void *names, uint64_t id)
{
	const char *path = NULL;

	return kw_recording_names_find(names, id, &path) ? path : NULL;
}

struct kw_source kw_player_source(struct kw_player *player)
{
	return (struct kw_source){.clock = &player->clock, .names = &player->names, .cgroup = cgroup_path};
}

/* The frame is filled up to a multiple of 8 bytes, and so is every event, so the two sizes agree. */
static int on_event(struct kw_player *player, const struct kw_frame *frame, const struct kw_sink *sink)
{
	union kw_older_event renewed;
	int r;

	if (kw_older_renew(frame->payload, frame->size, &renewed))
		r = kw_sink_feed(sink, &renewed, renewed.header.size);
	else
		r = kw_sink_feed(sink, frame->payload, frame->size);

	return r == -EBADMSG ? kw_recording_damaged(player->reader, frame) : r;
}

/* The path is cleaned because anybody may have made the file. */
static int on_name(struct kw_player *player, const struct kw_frame *frame)
{
	const char *path = (const char *)frame->payload + sizeof(uint64_t);
	char clean[PATH_MAX];
	uint64_t id;

	if (frame->size <= sizeof(id) || !memchr(path, '\0', frame->size - sizeof(id)))
		return kw_recording_damaged(player->reader, frame);
	memcpy(&id, frame->payload, sizeof(id));
	kw_sanitize(path, frame->size - sizeof(id), clean, sizeof(clean));
	if (kw_recording_names_set(&player->names, id, clean) < 0)
		return kw_log_error(-ENOMEM, "out of memory");
	return 0;
}

static int on_clock(struct kw_player *player, const struct kw_frame *frame)
{
	int64_t offset;

	if (frame->size != sizeof(offset))
		return kw_recording_damaged(player->reader, frame);
	memcpy(&offset, frame->payload, sizeof(offset));
	if (!kw_recording_is_offset(offset))
		return kw_recording_damaged(player->reader, frame);
	player->clock.offset = offset;
	return 0;
}

static int on_frame(struct kw_player *player, const struct kw_frame *frame, const struct kw_sink *sink)
{
	switch (frame->type) {
	case KW_FRAME_EVENT:
		return on_event(player, frame, sink);
	case KW_FRAME_NAME:
		return on_name(player, frame);
	case KW_FRAME_CLOCK:
		return on_clock(player, frame);
	default:
		return kw_recording_damaged(player->reader, frame);
	}
}

/* Returns 1 if the sink has enough. */
static int play_part(struct kw_player *player, const struct kw_sink *sink)
{
	struct kw_frame frame;
	int r;

	while ((r = kw_recording_next(player->reader, &frame)) > 0) {
		r = on_frame(player, &frame, sink);
		if (r != 0)
			return r;
	}
	return r;
}

int kw_player_play(struct kw_player *player, const struct kw_sink *sink)
{
	struct kw_recording_header header;
	bool damaged = player->set.damaged;
	int r;

	for (;;) {
		r = play_part(player, sink);
		damaged |= r == -EBADMSG;
		if ((r != 0 && r != -EBADMSG) || player->next == player->set.count)
			break;
		r = open_part(player, &header);
		if (r < 0)
			return r;
	}
	if (r < 0 && r != -EBADMSG)
		return r;
	return damaged ? -EBADMSG : 0;
}

void kw_player_close(struct kw_player *player)
{
	kw_recording_names_clear(&player->names);
	kw_recording_close(player->reader);
	player->reader = NULL;
	kw_file_set_close(&player->set);
}
