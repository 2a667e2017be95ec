/* SPDX-License-Identifier: BSD-2-Clause */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "log.h"

#define OWN_NAMESPACE "/proc/self/ns/net"
#define NAMED_NAMESPACES "/run/netns"

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

/* A process may end while it is being looked at: what is gone needs no visit. */
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
	if (fd < 0)
		return 0;
	if (setns(fd, CLONE_NEWNET) < 0) {
		kw_log(KW_LOG_WARNING,
		       "cannot enter the network namespace %s: %s; its older connections are not seen", path,
		       strerror(errno));
		return 0;
	}
	return visited->visit(visited->context);
}

static int visit_directory(struct visited *visited, const char *directory, const char *suffix)
{
	DIR *entries = opendir(directory);
	const struct dirent *entry;
	int r = 0;

	if (!entries)
		return 0;
	while (r == 0 && (entry = readdir(entries))) {
		char path[PATH_MAX];

		if (entry->d_name[0] == '.' || (suffix[0] && strspn(entry->d_name, "0123456789") == 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", directory, entry->d_name, suffix);
		r = visit_path(visited, path);
	}
	closedir(entries);
	return r;
}

int kw_netns_each(int (*visit)(void *context), void *context)
{
	struct visited visited = {.visit = visit, .context = context};
	_cleanup_fd_ int own = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0)
		return -errno;
	r = visit_path(&visited, OWN_NAMESPACE);
	if (r == 0)
		r = visit_directory(&visited, "/proc", "/ns/net");
	if (r == 0)
		r = visit_directory(&visited, NAMED_NAMESPACES, "");
	free(visited.inodes);
	if (setns(own, CLONE_NEWNET) < 0 && r == 0)
		r = -errno;
	return r;
}
