/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of cgroups that a recording holds so far. Recorder and reader keep the same: with one name more
 * than there is room for, both forget all, and the recorder writes anew what it meets again. */
#ifndef KEEPWATCH_RECORDING_NAMES_H
#define KEEPWATCH_RECORDING_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct kw_recording_name;

struct kw_recording_names {
	struct kw_recording_name *table; /* owned; begin with all zeros */
};

/* False if nothing was set for this id; else *ret_path is its path, or NULL if it has none, until the next
 * set. */
bool kw_recording_names_find(const struct kw_recording_names *names, uint64_t id, const char **ret_path);

/* @path may be NULL. -ENOMEM. */
int kw_recording_names_set(struct kw_recording_names *names, uint64_t id, const char *path);

void kw_recording_names_clear(struct kw_recording_names *names);

#endif
