/* SPDX-License-Identifier: BSD-2-Clause */
/* What every observing command does: load, attach, then hand on each event with its verdict until it is time
 * to stop, and drain what the kernel still holds. */
#ifndef KEEPWATCH_OBSERVE_H
#define KEEPWATCH_OBSERVE_H

#include "event/decode.h"
#include "judge/judge.h"
#include "observe/loader.h"
#include "base/clock.h"
#include "base/loop.h"

/* Where events go. @verdict is set for a connection that closed, else NULL. */
struct kw_sink {
	void *context;
	/* 0; above 0: enough, stop at once and drain nothing; below 0: failed, and that has been logged. */
	int (*event)(void *context, const struct kw_event *event, const struct kw_verdict *verdict);
};

struct kw_observer {
	struct kw_loop loop;
	struct kw_loader *loader;
	struct kw_clock clock; /* read again each second: the system's time may be set */
	struct kw_sink sink;
	enum kw_sweep_mode last_sweep; /* what to report when stopping */
	uint64_t next_sweep;           /* none before that time: the last one took long */
	bool enough;                   /* the sink wants no more */
	bool reported;                 /* what failed has been logged */
};

/* Loads everything and starts to observe, gives up the privileges that this took, writes "observing" to standard
 * error and tells systemd. Files to be written and sockets must be open before. @observer must not move in memory. On failure one line has been logged and nothing is left open. -EOPNOTSUPP: this
 * host cannot run it. */
int kw_observer_open(struct kw_observer *observer, const struct kw_config *config, uint32_t ring_size,
		     enum kw_front_end front_end, enum kw_sweep_mode last_sweep, struct kw_sink sink);

/* Until a signal, or whatever was added to the loop, stops it; then drains. 0 or what failed and has been
 * logged. */
int kw_observer_run(struct kw_observer *observer);

void kw_observer_close(struct kw_observer *observer);

#endif
