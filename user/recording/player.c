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
	if (r < 0)
		return r;
	player->damaged = player->set.damaged;
	r = open_part(player, ret_header);
	if (r < 0)
		kw_player_close(player);
	return r;
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

/* A frame that is no event. */
static int on_other(struct kw_player *player, const struct kw_frame *frame)
{
	switch (frame->type) {
	case KW_FRAME_NAME:
		return on_name(player, frame);
	case KW_FRAME_CLOCK:
		return on_clock(player, frame);
	default:
		return kw_recording_damaged(player->reader, frame);
	}
}

/* The next event of this part. Returns 1; 0 at its end. */
static int fetch_here(struct kw_player *player)
{
	int r;

	while ((r = kw_recording_next(player->reader, &player->frame)) > 0) {
		if (player->frame.type == KW_FRAME_EVENT)
			return 1;
		r = on_other(player, &player->frame);
		if (r < 0)
			return r;
	}
	return r;
}

/* Leaves a part that is at its end, or damaged. Returns 1 if another one is open; 0, or -EBADMSG if a part was damaged, if there is
 * none. */
static int leave_part(struct kw_player *player, bool damaged)
{
	struct kw_recording_header header;
	int r;

	player->damaged |= damaged;
	if (player->next == player->set.count)
		return player->damaged ? -EBADMSG : 0;
	r = open_part(player, &header);
	return r < 0 ? r : 1;
}

int kw_player_fetch(struct kw_player *player)
{
	int r;

	do {
		r = fetch_here(player);
		if (r > 0 || (r < 0 && r != -EBADMSG))
			return r;
		r = leave_part(player, r == -EBADMSG);
	} while (r > 0);
	return r;
}

uint64_t kw_player_time(const struct kw_player *player)
{
	struct kw_event_header header = {0};

	if (player->frame.size >= sizeof(header))
		memcpy(&header, player->frame.payload, sizeof(header));
	return header.time & ((1ULL << KW_TIME_BITS) - 1);
}

int kw_player_feed(struct kw_player *player, const struct kw_sink *sink)
{
	return on_event(player, &player->frame, sink);
}

int kw_player_play(struct kw_player *player, const struct kw_sink *sink)
{
	int r;

	while ((r = kw_player_fetch(player)) > 0) {
		r = kw_player_feed(player, sink);
		if (r == -EBADMSG)
			r = leave_part(player, true) > 0 ? 0 : r;
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return r;
}

void kw_player_close(struct kw_player *player)
{
	kw_recording_names_clear(&player->names);
	kw_recording_close(player->reader);
	player->reader = NULL;
	kw_file_set_close(&player->set);
}
