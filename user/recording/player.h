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
	struct kw_file_set set;
	unsigned int next;                  /* part of the set that comes after this one */
	struct kw_recording_reader *reader; /* of the present part; owned */
	struct kw_recording_names names;    /* the cgroups' paths as the file gave them so far; owned */
	struct kw_clock clock;              /* as the file gave it last */
};

/* Opens the file, and if it is the first one of a set, the others; reads the header of the part that comes first. On failure one line has been logged and nothing is left open. */
int kw_player_open(struct kw_player *player, const char *path, struct kw_recording_header *ret_header);

/* The names and the time as the recording has them. @player must outlive the result and not move in memory. */
struct kw_source kw_player_source(struct kw_player *player);

/* Hands every event to @sink, to the end of the last file or until the sink has enough. 0, or -errno, which has been logged;
 * -EBADMSG if a file is damaged: all events before the damage were handed on, and those of the parts behind it. */
int kw_player_play(struct kw_player *player, const struct kw_sink *sink);

void kw_player_close(struct kw_player *player);

#endif
