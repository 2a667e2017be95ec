/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes events to a recording, unchanged, and before each event the cgroup names and clock that a replay needs to
 * print the same as the live run. */
#ifndef KEEPWATCH_RECORDER_H
#define KEEPWATCH_RECORDER_H

#include "event/losses.h"
#include "event/source.h"
#include "judge/sink.h"
#include "recording/cgroup_names.h"
#include "recording/recording.h"

struct kw_recorder {
	struct kw_source source;
	struct kw_recording_writer *writer;
	struct kw_recording_header header; /* of the present part */
	struct kw_recording_names names;   /* as last written to the file */
	struct kw_clock clock;             /* as last written to the file */
	uint64_t events;
	struct kw_losses losses; /* of events, between the kernel and here */
};

/* Writes the header; after that the sink may be used. @writer stays the caller's. Like the sink, it logs one line on
 * failure. */
int kw_recorder_open(struct kw_recorder *recorder, struct kw_source source, struct kw_recording_writer *writer,
		     const struct kw_recording_header *header);

/* @recorder must not move in memory while the sink is in use. */
struct kw_sink kw_recorder_sink(struct kw_recorder *recorder);

void kw_recorder_close(struct kw_recorder *recorder);

#endif
