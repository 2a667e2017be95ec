/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns events into reports on standard output, at the end and, with --every, at intervals. Live runs and replays use
 * it alike. */
#ifndef KEEPWATCH_REPORTER_H
#define KEEPWATCH_REPORTER_H

#include "aggregate/intake.h"
#include "finding/severity.h"
#include "judge/sink.h"

struct kw_reporter_settings {
	struct kw_intake_settings intake;
	const char *
		host; /* is named with each report, because there are several; NULL: it is not; must outlive the reporter */
	bool json;
	int width;      /* columns of the terminal at standard output; 0: it is no terminal */
	uint64_t every; /* ns from report to report; 0 means once, at the end */
	enum kw_severity
		fail_on; /* a finding of this severity or above sets found; KW_SEVERITY_MAX: none does */
};

struct kw_reporter {
	struct kw_reporter_settings settings;
	struct kw_intake intake;
	uint64_t next;    /* monotonic ns of the next report; 0: only at the end */
	int progress;     /* columns of the terminal for a progress line, which must not wrap; 0: shows none */
	bool reader_gone; /* the reader has closed the pipe of standard output */
	bool found;       /* some report had a finding as severe as --fail-on says */
};

/* On failure one line has been logged, and the reporter must still be closed. */
int kw_reporter_open(struct kw_reporter *reporter, const struct kw_reporter_settings *settings,
		     struct kw_source source);

/* Sets the start of the observation, monotonic ns. */
void kw_reporter_start(struct kw_reporter *reporter, uint64_t started);

/* @reporter must not move in memory while the sink is in use. */
struct kw_sink kw_reporter_sink(struct kw_reporter *reporter);

/* Prints the last report. Returns 0, or -errno after logging it. */
int kw_reporter_finish(struct kw_reporter *reporter);

void kw_reporter_close(struct kw_reporter *reporter);

#endif
