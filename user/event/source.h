/* SPDX-License-Identifier: BSD-2-Clause */
/* The source of events. Outputs need some facts beside the events, such as the clock and the names of cgroups: in a
 * live run the host provides them, in a replay the file. */
#ifndef KEEPWATCH_SOURCE_H
#define KEEPWATCH_SOURCE_H

#include "event/cgroup.h"
#include "event/decode.h"
#include "observe/accept_queue.h"
#include "event/programs.h"

struct kw_source {
	const struct kw_clock *clock; /* may change between events */
	void *names;
	/* The path of a cgroup, or NULL if unknown. Valid until the next call. */
	const char *(*cgroup)(void *names, uint64_t id);
	/* Counts how often a listener's accept queue was full so far; NULL in a replay, which cannot know. */
	uint64_t (*overflows)(void);
	/* Finds programs whose names do not show what they are, see programs.h; NULL in a replay. */
	void (*programs)(struct kw_programs *programs);
};

static inline const char *kw_source_host_cgroup(void *names, uint64_t id)
{
	return kw_cgroups_path(names, id);
}

/* The source for a live run on this host. @clock and @cgroups must outlive the result. */
static inline struct kw_source kw_source_host(const struct kw_clock *clock, struct kw_cgroups *cgroups)
{
	return (struct kw_source){.clock = clock,
				  .names = cgroups,
				  .cgroup = kw_source_host_cgroup,
				  .overflows = kw_listen_overflows,
				  .programs = kw_programs_find};
}

static inline const char *kw_source_cgroup(const struct kw_source *source, uint64_t id)
{
	return source->cgroup(source->names, id);
}

#endif
