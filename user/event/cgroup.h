/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the path of a cgroup (version 2) by its id, and caches it, because the cgroup may be gone at the next lookup.
 */
#ifndef KEEPWATCH_CGROUP_H
#define KEEPWATCH_CGROUP_H

#include <stdint.h>

struct kw_cgroups;

/* Succeeds even if cgroup version 2 is not mounted; then no path is found. Returns 0 or -ENOMEM. */
int kw_cgroups_open(struct kw_cgroups **ret_cgroups);

/* NULL is allowed. */
void kw_cgroups_close(struct kw_cgroups *cgroups);

/* The path below the mount, such as "/system.slice/nginx.service", in UTF-8 without control characters; NULL if it
 * cannot be found. Valid until the next call. */
const char *kw_cgroups_path(struct kw_cgroups *cgroups, uint64_t id);

#endif
