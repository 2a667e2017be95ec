/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/sanitize.h"

#define REMEMBERED 4096    /* number of paths that are cached; when the cache is full, all are dropped */
#define KERNFS_HANDLE 0xfe /* FILEID_KERNFS: the file handle is the id itself */

struct entry {
	uint64_t id;
	UT_hash_handle hh;
	char path[]; /* empty if unknown */
};

struct kw_cgroups {
	struct entry *entries;
	char *mount; /* where cgroup version 2 is mounted; NULL if nowhere */
	int fd;      /* of mount */
};

static char *find_mount(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *mount;
	char *found = NULL;

	if (!mounts)
		return NULL;
	while (!found && (mount = getmntent(mounts)))
		if (strcmp(mount->mnt_type, "cgroup2") == 0)
			found = strdup(mount->mnt_dir);
	endmntent(mounts);
	return found;
}

enum kw_cgroup_versions kw_cgroup_versions(void)
{
	_cleanup_file_ FILE *mounts = setmntent("/proc/self/mounts", "re");
	enum kw_cgroup_versions found = KW_CGROUPS_NONE;
	const struct mntent *mount;

	while (mounts && (mount = getmntent(mounts)))
		if (strcmp(mount->mnt_type, "cgroup2") == 0)
			found |= KW_CGROUPS_2;
		else if (strcmp(mount->mnt_type, "cgroup") == 0)
			found |= KW_CGROUPS_1;
	return found;
}

int kw_cgroups_open(struct kw_cgroups **ret_cgroups)
{
	struct kw_cgroups *cgroups = calloc(1, sizeof(*cgroups));

	if (!cgroups)
		return -ENOMEM;
	cgroups->mount = find_mount();
	cgroups->fd = cgroups->mount ? open(cgroups->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	*ret_cgroups = cgroups;
	return 0;
}

static void forget(struct kw_cgroups *cgroups)
{
	struct entry *entry, *next;

	HASH_ITER (hh, cgroups->entries, entry, next) {
		HASH_DEL(cgroups->entries, entry);
		free(entry);
	}
}

void kw_cgroups_close(struct kw_cgroups *cgroups)
{
	if (!cgroups)
		return;
	forget(cgroups);
	if (cgroups->fd >= 0)
		close(cgroups->fd);
	free(cgroups->mount);
	free(cgroups);
}

/* Opens the directory by its id and reads its path. Returns false if that fails, for example because it was removed.
 */
static bool look_up(const struct kw_cgroups *cgroups, uint64_t id, char ret_path[PATH_MAX])
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} name = {.handle = {.handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE}, .id = id};
	_cleanup_fd_ int fd = -1;
	size_t skip = cgroups->mount ? strlen(cgroups->mount) : 0;
	char link[64];
	ssize_t length;

	if (cgroups->fd < 0)
		return false;
	memcpy(name.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(cgroups->fd, &name.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, ret_path, PATH_MAX - 1);
	if (length < 0 || (size_t)length < skip || memcmp(ret_path, cgroups->mount, skip) != 0)
		return false;
	ret_path[length] = '\0';
	memmove(ret_path, ret_path + skip, (size_t)length - skip + 1);
	if (!ret_path[0])
		strcpy(ret_path, "/");
	return true;
}

const char *kw_cgroups_path(struct kw_cgroups *cgroups, uint64_t id)
{
	char path[PATH_MAX], clean[PATH_MAX] = "";
	struct entry *entry;
	size_t length = 0;

	if (!id)
		return NULL;
	HASH_FIND(hh, cgroups->entries, &id, sizeof(id), entry);
	if (entry)
		return entry->path[0] ? entry->path : NULL;
	if (look_up(cgroups, id, path))
		length = kw_sanitize(path, sizeof(path), clean, sizeof(clean));
	if (HASH_COUNT(cgroups->entries) >= REMEMBERED)
		forget(cgroups);
	entry = calloc(1, sizeof(*entry) + length + 1);
	if (!entry)
		return NULL;
	entry->id = id;
	memcpy(entry->path, clean, length + 1);
	HASH_ADD(hh, cgroups->entries, id, sizeof(entry->id), entry);
	return entry->path[0] ? entry->path : NULL;
}
