/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of cgroups that a recording holds so far. Recorder and reader keep the same table. When it is full and
 * one more name comes, both forget all names, and the recorder writes a name again when it meets it again. */
#ifndef KEEPWATCH_RECORDING_NAMES_H
#define KEEPWATCH_RECORDING_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct kw_recording_name;

struct kw_recording_names {
	struct kw_recording_name *table; /* owned; must start with all zeros */
};

/* Returns false if nothing was set for this id. Otherwise *ret_path is its path, or NULL if it has none; valid until
 * the next call of kw_recording_names_set(). */
bool kw_recording_names_find(const struct kw_recording_names *names, uint64_t id, const char **ret_path);

/* @path may be NULL. Returns 0 or -ENOMEM. */
int kw_recording_names_set(struct kw_recording_names *names, uint64_t id, const char *path);

void kw_recording_names_clear(struct kw_recording_names *names);

#endif
