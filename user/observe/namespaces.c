/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <mntent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/privileges.h"

#define OWN_NAMESPACE "/proc/self/ns/net"

/* The namespaces visited so far, by inode; few on most hosts, thousands on none. */
struct visited {
	ino_t *inodes; /* owned */
	size_t count;
	int (*visit)(void *context);
	void *context;
};

static int remember(struct visited *visited, ino_t inode, bool *ret_new)
{
	ino_t *grown;

	*ret_new = false;
	for (size_t i = 0; i < visited->count; i++)
		if (visited->inodes[i] == inode)
			return 0;
	grown = reallocarray(visited->inodes, visited->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	visited->inodes = grown;
	visited->inodes[visited->count++] = inode;
	*ret_new = true;
	return 0;
}

/* A process may end while it is being looked at: what is gone needs no visit, nor does what is no network
 * namespace. */
static int visit_path(struct visited *visited, const char *path)
{
	_cleanup_fd_ int fd = -1;
	struct stat status;
	bool is_new;
	int r;

	if (stat(path, &status) < 0)
		return 0;
	r = remember(visited, status.st_ino, &is_new);
	if (r < 0 || !is_new)
		return r;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		return 0;
	if (setns(fd, CLONE_NEWNET) < 0) {
		kw_log(KW_LOG_WARNING,
		       "cannot enter the network namespace %s: %s; keepwatch will not see connections that "
		       "were already open there",
		       path, strerror(errno));
		return 0;
	}
	return visited->visit(visited->context);
}

static int visit_processes(struct visited *visited)
{
	_cleanup_dir_ DIR *entries = opendir("/proc");
	const struct dirent *entry;
	int r = 0;

	if (!entries)
		return 0;
	while (r == 0 && (entry = readdir(entries))) {
		char path[sizeof(entry->d_name) + sizeof("/proc//ns/net")];

		if (strspn(entry->d_name, "0123456789") == 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
		r = visit_path(visited, path);
	}
	return r;
}

/* Namespaces that are mounted: `ip netns` does so, and so do container runtimes, each at a place of its own. */
static int visit_mounts(struct visited *visited)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	int r = 0;

	if (!mounts)
		return 0;
	while (r == 0 && (mount = getmntent(mounts)))
		if (strcmp(mount->mnt_type, "nsfs") == 0)
			r = visit_path(visited, mount->mnt_dir);
	endmntent(mounts);
	return r;
}

static bool can_enter(void)
{
	if (kw_privileges_have(CAP_SYS_ADMIN))
		return true;
	kw_log(KW_LOG_WARNING, "this process lacks CAP_SYS_ADMIN, so keepwatch will not see connections that "
			       "were already open in other network namespaces");
	return false;
}

static int visit_others(struct visited *visited)
{
	int r;

	if (!kw_privileges_have(CAP_SYS_PTRACE))
		kw_log(KW_LOG_WARNING,
		       "this process lacks CAP_SYS_PTRACE, so keepwatch will not see connections that were "
		       "already open in network namespaces of other users");
	r = visit_processes(visited);
	return r < 0 ? r : visit_mounts(visited);
}

int kw_netns_each(int (*visit)(void *context), void *context)
{
	struct visited visited = {.visit = visit, .context = context};
	_cleanup_fd_ int own = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	struct stat status;
	bool is_new;
	int r;

	if (own < 0 || fstat(own, &status) < 0)
		return -errno;
	r = remember(&visited, status.st_ino, &is_new);
	if (r == 0)
		r = visit(context);
	if (r == 0 && can_enter()) {
		r = visit_others(&visited);
		if (setns(own, CLONE_NEWNET) < 0 && r == 0)
			r = -errno;
	}
	free(visited.inodes);
	return r;
}
