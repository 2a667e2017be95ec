/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the path of a cgroup (version 2) by its id, and caches it, because the cgroup may be gone at the next lookup.
 */
#ifndef KEEPWATCH_CGROUP_H
#define KEEPWATCH_CGROUP_H

#include <stdint.h>

#include "base/cleanup.h"

struct kw_cgroups;

/* Which versions of control groups a host has. A container that is in a hierarchy of version 1 alone has no name. */
enum kw_cgroup_versions {
	KW_CGROUPS_NONE,
	KW_CGROUPS_1,
	KW_CGROUPS_2,
	KW_CGROUPS_BOTH,
};

/* By the mounts that this process sees. */
enum kw_cgroup_versions kw_cgroup_versions(void);

/* Succeeds even if cgroup version 2 is not mounted; then no path is found. Returns 0 or -ENOMEM. */
int kw_cgroups_open(struct kw_cgroups **ret_cgroups);

/* NULL is allowed. */
void kw_cgroups_close(struct kw_cgroups *cgroups);
KW_DEFINE_CLEANUP(struct kw_cgroups *, kw_cgroups_close);

/* The path below the mount, such as "/system.slice/nginx.service", in UTF-8 without control characters; NULL if it
 * cannot be found. Valid until the next call. */
const char *kw_cgroups_path(struct kw_cgroups *cgroups, uint64_t id);

#endif
