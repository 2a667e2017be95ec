/* SPDX-License-Identifier: BSD-2-Clause */
/* The live view as a whole: takes events, makes a model of them once an interval, shows it, follows the keys. Live runs and
 * replays use it alike. */
#ifndef KEEPWATCH_TOP_VIEWER_H
#define KEEPWATCH_TOP_VIEWER_H

#include "aggregate/intake.h"
#include "judge/sink.h"
#include "output/top/keys.h"

struct kw_viewer_settings {
	struct kw_intake_settings intake;
	uint64_t
		interval; /* ns from screen to screen; screens come with the kernel's totals, once a second at most */
	bool once;        /* no terminal: one screen at the end, see kw_viewer_finish() */
	const char *host; /* this host's name, or the recording's: hostile text; must outlive the viewer */
};

/* Must not move in memory. */
struct kw_viewer {
	struct kw_viewer_settings settings;
	struct kw_intake intake;
	struct kw_premature_closes closes;
	struct kw_latest latest;
	struct kw_rates rates;
	struct kw_top_model model;
	struct kw_top_state state;
	uint64_t next; /* monotonic ns, of events: when the next model is due */
	bool utf8;
	char message[1100];
};

/* Opens the terminal too, unless there is to be one screen only. Returns 0; or -errno, which has been
 * logged. */
int kw_viewer_open(struct kw_viewer *viewer, const struct kw_viewer_settings *settings,
		   struct kw_source source);
void kw_viewer_close(struct kw_viewer *viewer);

/* The observation began at this time (monotonic ns). Shows an empty screen. 0 or -ENOMEM, which has been logged. */
int kw_viewer_start(struct kw_viewer *viewer, uint64_t started);

struct kw_sink kw_viewer_sink(struct kw_viewer *viewer);

/* Takes the keys that are waiting. Returns 0; 1 once the user wants to leave; -errno, which has been logged. */
int kw_viewer_keys(struct kw_viewer *viewer);

/* Draws again: the terminal's size has changed. 0 or -ENOMEM, which has been logged. */
int kw_viewer_resize(struct kw_viewer *viewer);

/* No more events come. Prints the one screen, or shows the last one with a @message in its last line (NULL: none). Returns 0 or -errno,
 * which has been logged. */
int kw_viewer_finish(struct kw_viewer *viewer, const char *message);

#endif
