/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/cgroup_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "recording/recording.h"

struct kw_recording_name {
	uint64_t id;
	UT_hash_handle hh;
	char path[]; /* empty: the cgroup has no path */
};

bool kw_recording_names_find(const struct kw_recording_names *names, uint64_t id, const char **ret_path)
{
	struct kw_recording_name *name;

	HASH_FIND(hh, names->table, &id, sizeof(id), name);
	if (!name)
		return false;
	*ret_path = name->path[0] ? name->path : NULL;
	return true;
}

static void forget(struct kw_recording_names *names, struct kw_recording_name *name)
{
	HASH_DEL(names->table, name);
	free(name);
}

int kw_recording_names_set(struct kw_recording_names *names, uint64_t id, const char *path)
{
	size_t length = path ? strlen(path) : 0;
	struct kw_recording_name *name;

	HASH_FIND(hh, names->table, &id, sizeof(id), name);
	if (name)
		forget(names, name);
	if (HASH_COUNT(names->table) >= KW_RECORDING_NAMES)
		kw_recording_names_clear(names);
	name = calloc(1, sizeof(*name) + length + 1);
	if (!name)
		return -ENOMEM;
	name->id = id;
	if (length)
		memcpy(name->path, path, length);
	HASH_ADD(hh, names->table, id, sizeof(name->id), name);
	return 0;
}

void kw_recording_names_clear(struct kw_recording_names *names)
{
	struct kw_recording_name *name, *next;

	HASH_ITER (hh, names->table, name, next)
		forget(names, name);
}
