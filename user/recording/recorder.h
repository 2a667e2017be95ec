/* SPDX-License-Identifier: BSD-2-Clause */
/* From events to a recording: each as it is, behind whatever is needed to tell it later as it is told now. */
#ifndef KEEPWATCH_RECORDER_H
#define KEEPWATCH_RECORDER_H

#include "event/source.h"
#include "judge/sink.h"
#include "recording/cgroup_names.h"
#include "recording/recording.h"

struct kw_recorder {
	struct kw_source source;
	struct kw_recording_writer *writer;
	struct kw_recording_names names; /* that the file holds */
	struct kw_clock clock;           /* that the file holds */
	uint64_t events;
	uint64_t lost; /* on the way here */
};

/* Writes the header; from then on the sink may be used. @writer stays the caller's. On failure one line has
 * been logged, here and from the sink. */
int kw_recorder_open(struct kw_recorder *recorder, struct kw_source source, struct kw_recording_writer *writer,
		     const struct kw_recording_header *header);

/* @recorder must not move in memory while the sink is in use. */
struct kw_sink kw_recorder_sink(struct kw_recorder *recorder);

void kw_recorder_close(struct kw_recorder *recorder);

#endif
