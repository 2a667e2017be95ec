/* SPDX-License-Identifier: BSD-2-Clause */
/* The part that every observing command has in common: from the options to an observer whose events reach a sink. */
#ifndef KEEPWATCH_OBSERVATION_H
#define KEEPWATCH_OBSERVATION_H

#include "command/options.h"
#include "event/cgroup.h"
#include "event/source.h"
#include "judge/sink.h"
#include "observe/observer.h"

/* This host as the source of names and times. @clock and @cgroups must outlive the result. */
struct kw_source kw_observation_source(const struct kw_clock *clock, struct kw_cgroups *cgroups);

/* Opens @observer as the options say and makes it feed @sink, which must outlive it. Errors as kw_observer_open(). */
int kw_observation_open(struct kw_observer *observer, const struct kw_options *options,
			enum kw_sweep_mode last_sweep, struct kw_sink *sink);

/* Runs the observer until a signal comes, the sink has enough, or @duration ns passed (0: no limit). 0, or -errno,
 * which has been logged. */
int kw_observation_run(struct kw_observer *observer, uint64_t duration);

#endif
