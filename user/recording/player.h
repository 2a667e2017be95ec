/* SPDX-License-Identifier: BSD-2-Clause */
/* Plays a recording: the second source of the same raw bytes, beside the live observer. */
#ifndef KEEPWATCH_PLAYER_H
#define KEEPWATCH_PLAYER_H

#include "event/source.h"
#include "judge/sink.h"
#include "recording/cgroup_names.h"
#include "recording/recording.h"
#include "recording/file_set.h"

struct kw_player {
	struct kw_file_set set;             /* owned */
	unsigned int next;                  /* part of the set that comes after this one */
	bool damaged;                       /* a part was */
	struct kw_recording_reader *reader; /* of the present part; owned */
	struct kw_recording_names names;    /* the cgroups' paths as the file gave them so far; owned */
	struct kw_clock clock;              /* as the file gave it last */
	struct kw_frame frame;              /* the event that was fetched last */
};

/* Opens the file, and if it is the first one of a set, the others; reads the header of the part that comes first. On failure one line
 * has been logged and nothing is left open. */
int kw_player_open(struct kw_player *player, const char *path, struct kw_recording_header *ret_header);

/* The names and the time as the recording has them. @player must outlive the result and not move in memory. */
struct kw_source kw_player_source(struct kw_player *player);

/* Hands every event to @sink, to the end of the last file or until the sink has enough. 0, or -errno, which has been logged;
 * -EBADMSG if a file is damaged: all events before the damage were handed on, and those of the parts behind it. */
int kw_player_play(struct kw_player *player, const struct kw_sink *sink);

/* The same in steps, for whoever plays several recordings side by side. Reads up to the next event. Returns 1; 0 at the end of the
 * file; -errno as kw_player_play(). */
int kw_player_fetch(struct kw_player *player);

/* When the event that was fetched was made, by the recorded host's monotonic clock, ns. */
uint64_t kw_player_time(const struct kw_player *player);

/* Hands the event that was fetched to @sink. Returns the sink's result, or -EBADMSG, which has been logged. */
int kw_player_feed(struct kw_player *player, const struct kw_sink *sink);

void kw_player_close(struct kw_player *player);

#endif
