/* SPDX-License-Identifier: BSD-2-Clause */
/* Where events come from, as far as the outputs need to know beside the events: what time it is, and what
 * cgroups are called. Live, the host answers; in a replay, the file does. */
#ifndef KEEPWATCH_SOURCE_H
#define KEEPWATCH_SOURCE_H

#include "base/clock.h"
#include "event/programs.h"

struct kw_source {
	const struct kw_clock *clock; /* may change between events */
	void *names;
	/* The path of a cgroup, or NULL where it is not known. Valid until the next call. */
	const char *(*cgroup)(void *names, uint64_t id);
	/* How often the queue of a listener was full so far; NULL in a replay, which does not know. */
	uint64_t (*overflows)(void);
	/* Finds out what kind of programs run, where their names do not say it; NULL in a replay. */
	void (*programs)(struct kw_programs *programs);
};

static inline const char *kw_source_cgroup(const struct kw_source *source, uint64_t id)
{
	return source->cgroup(source->names, id);
}

#endif
