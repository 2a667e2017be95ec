/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Of versions that are younger than the headers this is built with. */
#define FS_TRUNCATE (1ULL << 14) /* 3 */
#define NET_BIND_TCP (1ULL << 0) /* 4 */
#define NET_CONNECT_TCP (1ULL << 1)
#define FS_IOCTL_DEV (1ULL << 15)       /* 5 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0) /* 6 */
#define SCOPE_SIGNAL (1ULL << 1)

#define READ_FOLDER (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* struct landlock_ruleset_attr, as of version 6. An older kernel takes it as well, as long as what it does not know is 0. */
struct handled {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static struct handled handled_by(long version)
{
	struct handled handled = {.fs = LANDLOCK_ACCESS_FS_REFER - 1}; /* all of version 1 */

	if (version >= 2)
		handled.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		handled.fs |= FS_TRUNCATE;
	if (version >= 4)
		handled.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (version >= 5)
		handled.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		handled.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return handled;
}

static int allow_reading(int rules, int fd)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = fd};
	struct stat about;

	if (fstat(fd, &about) < 0)
		return -errno;
	rule.allowed_access = S_ISDIR(about.st_mode) ? READ_FOLDER : LANDLOCK_ACCESS_FS_READ_FILE;
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return -errno;
	return 0;
}

/* The process's own figures and the kernel's, in a place that has no rule of its own for each file; the count of
 * processors; random numbers, which some libraries read there. One that does not exist is not needed. */
static int allow_own(int rules)
{
	static const char *const paths[] = {"/proc", "/sys/devices/system/cpu", "/dev/urandom"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(paths) / sizeof(paths[0]); i++) {
		_cleanup_fd_ int fd = open(paths[i], O_PATH | O_CLOEXEC);

		if (fd >= 0)
			r = allow_reading(rules, fd);
	}
	return r;
}

int kw_landlock_restrict(const int *folders, size_t count)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct handled handled = handled_by(version);
	_cleanup_fd_ int rules = -1;
	int r;

	if (version < 0) {
		kw_log(KW_LOG_DEBUG,
		       "Landlock cannot be used here (%s): keepwatch may read any file that its "
		       "user may read",
		       strerror(errno));
		return 0;
	}
	rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	r = rules < 0 ? -errno : allow_own(rules);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = allow_reading(rules, folders[i]);
	if (r == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		r = -errno;
	return r < 0 ? kw_log_error(r, "cannot restrict itself by Landlock: %s", strerror(-r)) : 0;
}
