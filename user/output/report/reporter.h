/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as a report on standard output, at the end and, if asked for, again and again: live, or from a
 * file. */
#ifndef KEEPWATCH_REPORTER_H
#define KEEPWATCH_REPORTER_H

#include "aggregate/intake.h"
#include "finding/severity.h"
#include "judge/sink.h"

struct kw_reporter_settings {
	struct kw_intake_settings intake;
	bool json;
	uint64_t every; /* ns from report to report; 0 means once, at the end */
	enum kw_severity
		fail_on; /* a finding of this severity or above sets found; KW_SEVERITY_MAX: none does */
};

struct kw_reporter {
	struct kw_reporter_settings settings;
	struct kw_intake intake;
	uint64_t next;    /* monotonic ns of the next report; 0: only at the end */
	bool progress;    /* a line on the terminal tells that it works */
	bool reader_gone; /* standard output is a closed pipe */
	bool found;       /* a finding as severe as --fail-on says */
};

/* On failure one line has been logged, and the reporter must still be closed. */
int kw_reporter_open(struct kw_reporter *reporter, const struct kw_reporter_settings *settings,
		     struct kw_source source);

/* Says when the observation began, monotonic ns. */
void kw_reporter_start(struct kw_reporter *reporter, uint64_t started);

/* @reporter must not move in memory while the sink is in use. */
struct kw_sink kw_reporter_sink(struct kw_reporter *reporter);

/* The last report. 0 or -errno, which has been logged. */
int kw_reporter_finish(struct kw_reporter *reporter);

void kw_reporter_close(struct kw_reporter *reporter);

#endif
