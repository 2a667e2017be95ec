/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/user_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "base/cleanup.h"

static struct {
	int fds[KW_USER_FOLDERS];
	size_t count;
	bool closed; /* what is opened from now on was opened before */
} folders;

bool kw_user_has_fewer(void)
{
	static enum {
		UNKNOWN,
		FEWER,
		SAME
	} answer;

	/* The kernel says so when it executes a program that has more rights than whoever executes it. */
	if (answer == UNKNOWN)
		answer = getauxval(AT_SECURE) && getuid() != 0 ? FEWER : SAME;
	return answer == FEWER;
}

struct kw_user_rights kw_user_rights_begin(void)
{
	struct kw_user_rights rights = {.lowered = kw_user_has_fewer()};

	if (!rights.lowered)
		return rights;
	capng_get_caps_process();
	rights.capabilities = capng_save_state();
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, (unsigned int)capability);
	rights.fsgid = (unsigned int)setfsgid(getgid());
	rights.fsuid = (unsigned int)setfsuid(getuid());
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		abort(); /* giving up cannot fail, and with these rights nothing must be opened */
	return rights;
}

void kw_user_rights_end(struct kw_user_rights *rights)
{
	int saved = errno;

	if (!rights->lowered)
		return;
	setfsuid(rights->fsuid);
	setfsgid(rights->fsgid);
	capng_restore_state(&rights->capabilities);
	capng_apply(CAPNG_SELECT_CAPS);
	errno = saved;
}

int kw_user_open(const char *path, int flags, mode_t mode)
{
	_cleanup_(kw_user_rights_end) struct kw_user_rights rights = kw_user_rights_begin();

	return open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
}

const char *kw_user_strerror(int error)
{
	if (error == EACCES && folders.closed)
		return "Permission denied; since its start keepwatch reads only in folders that it read then, so a "
		       "file elsewhere takes a restart";
	return strerror(error);
}

/* @path: is changed. */
static void keep_folder(char *path)
{
	int fd;

	if (folders.count == KW_USER_FOLDERS)
		return;
	fd = open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		folders.fds[folders.count++] = fd;
}

static void keep_folders(const char *path)
{
	char named[PATH_MAX], real[PATH_MAX];

	if (folders.closed || strlen(path) >= sizeof(named))
		return;
	strcpy(named, path);
	keep_folder(named);
	if (realpath(path, real))
		keep_folder(real);
}

int kw_user_read(const char *path)
{
	_cleanup_(kw_user_rights_end) struct kw_user_rights rights = kw_user_rights_begin();
	int fd = kw_user_open(path, O_RDONLY, 0);

	if (fd >= 0)
		keep_folders(path);
	return fd;
}

FILE *kw_user_fopen(const char *path)
{
	_cleanup_fd_ int fd = kw_user_read(path);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (file)
		TAKE_FD(fd);
	return file;
}

size_t kw_user_folders(int ret_folders[KW_USER_FOLDERS])
{
	size_t count = folders.count;

	memcpy(ret_folders, folders.fds, count * sizeof(folders.fds[0]));
	folders.count = 0;
	folders.closed = true;
	return count;
}
