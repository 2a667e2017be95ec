/* SPDX-License-Identifier: BSD-2-Clause */
/* Several recordings, of several hosts mostly, played side by side in the order of their times. */
#ifndef KEEPWATCH_RECORDING_HOSTS_H
#define KEEPWATCH_RECORDING_HOSTS_H

#include "recording/player.h"

#define KW_HOST_LABEL 160

struct kw_recorded_host {
	struct kw_player player;
	struct kw_recording_header header;
	char label
		[KW_HOST_LABEL]; /* the host's name, safe to print; with the file's name behind it if two have the same */
	int64_t shift; /* ns, added to its monotonic times: the time by which all are ordered; the real time at first */
	bool waiting; /* an event was fetched and waits for its turn */
	bool over;    /* no more events come */
};

struct kw_recorded_hosts {
	struct kw_recorded_host *list; /* owned */
	size_t count;
	int damage; /* -EBADMSG if one of the files was damaged: the rest of the others is played all the same */
};

/* Opens all files. On failure one line has been logged, and nothing is left open. */
int kw_recorded_hosts_open(struct kw_recorded_hosts *hosts, const char *const *paths, size_t count);

/* Hands each event to the sink of its host, sinks[i] for list[i], to the end or until a sink has enough. 0, or -errno, which has
 * been logged; -EBADMSG if a file is damaged, after everything before the damage was handed on. */
int kw_recorded_hosts_play(struct kw_recorded_hosts *hosts, const struct kw_sink *sinks);

void kw_recorded_hosts_close(struct kw_recorded_hosts *hosts);

#endif
