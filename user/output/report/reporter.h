/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns events into reports on standard output, at the end and, with --every, at intervals. Live runs and replays use
 * it alike. */
#ifndef KEEPWATCH_REPORTER_H
#define KEEPWATCH_REPORTER_H

#include "observe/observer.h"
#include "aggregate/intake.h"

struct kw_reporter {
	const struct kw_options *options;
	struct kw_tally tally;
	uint64_t next;    /* monotonic ns of the next report; 0: only at the end */
	bool progress;    /* shows a progress line on the terminal */
	bool reader_gone; /* the reader has closed the pipe of standard output */
	bool found;       /* some report had a finding as severe as --fail-on says */
};

/* @options must outlive the reporter. On failure one line has been logged, and it must still be closed. */
int kw_reporter_open(struct kw_reporter *reporter, const struct kw_options *options, struct kw_source source);

/* Sets the start of the observation, monotonic ns. */
void kw_reporter_start(struct kw_reporter *reporter, uint64_t started);

/* @reporter must not move in memory while the sink is in use. */
struct kw_sink kw_reporter_sink(struct kw_reporter *reporter);

/* Prints the last report. Returns 0, or -errno after logging it. */
int kw_reporter_finish(struct kw_reporter *reporter);

void kw_reporter_close(struct kw_reporter *reporter);

#endif
