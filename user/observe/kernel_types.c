/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/kernel_types.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/user_file.h"

static struct btf *given; /* for the rest of the process's life */

/* Is the BTF object @fd the types of the kernel, and not of a module or a program? */
static bool is_of_kernel(int fd)
{
	char name[sizeof("vmlinux")] = "";
	struct bpf_btf_info info = {.name = (uintptr_t)name, .name_len = sizeof(name)};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.kernel_btf && strcmp(name, "vmlinux") == 0;
}

/* The number by which the kernel knows its own types. 0: it has none; or a negative errno: it does not say. */
static int64_t own_number(void)
{
	__u32 number = 0;
	int r;

	while ((r = bpf_btf_get_next_id(number, &number)) == 0) {
		_cleanup_fd_ int fd = bpf_btf_get_fd_by_id(number);

		if (fd >= 0 && is_of_kernel(fd))
			return number;
	}
	return r == -ENOENT ? 0 : r;
}

/* The types that the kernel shows, in either way; NULL and errno if it shows none. */
static struct btf *load_own(void)
{
	int64_t number;

	if (access(KW_TYPES_FILE, R_OK) == 0)
		return btf__parse(KW_TYPES_FILE, NULL);
	number = own_number();
	if (number > 0)
		return btf__load_from_kernel_by_id((__u32)number);
	errno = ESRCH;
	return NULL;
}

struct btf *btf__load_vmlinux_btf(void)
{
	__u32 size;
	const void *data = given ? btf__raw_data(given, &size) : NULL;

	return data ? btf__new(data, size) : load_own();
}

static bool are_same(const struct btf *one, const struct btf *other)
{
	__u32 sizes[2];
	const void *data[2] = {btf__raw_data(one, &sizes[0]), btf__raw_data(other, &sizes[1])};

	return data[0] && data[1] && sizes[0] == sizes[1] && memcmp(data[0], data[1], sizes[0]) == 0;
}

static struct btf *parse(const char *path)
{
	_cleanup_fd_ int fd = kw_user_open(path, O_RDONLY, 0);
	char name[64];

	if (fd < 0)
		return NULL;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd); /* libbpf opens files by their names */
	return btf__parse(name, NULL);
}

int kw_types_give(const char *path)
{
	struct btf *found = parse(path), *own;
	bool foreign;

	if (!found)
		return kw_log_error(-errno, "cannot read types of the kernel from %s: %s", path,
				    kw_user_strerror(errno));
	own = load_own();
	foreign = own && !are_same(found, own);
	btf__free(own);
	if (foreign) {
		btf__free(found);
		return kw_log_error(
			-EOPNOTSUPP,
			"%s has the types of another kernel than the one that runs: leave --btf out, "
			"because this kernel shows its own",
			path);
	}
	btf__free(given);
	given = found;
	return 0;
}

enum kw_types kw_types_find(void)
{
	int64_t number;

	if (access(KW_TYPES_FILE, R_OK) == 0)
		return given ? KW_TYPES_GIVEN : KW_TYPES_READ;
	number = own_number();
	if (number == 0)
		return KW_TYPES_NONE;
	if (given)
		return KW_TYPES_GIVEN;
	return number > 0 ? KW_TYPES_ASKED : KW_TYPES_HIDDEN;
}

const char *kw_types_missing(enum kw_types types)
{
	if (types == KW_TYPES_NONE)
		return "this kernel was built without CONFIG_DEBUG_INFO_BTF, and a file (--btf) cannot replace that, because "
		       "the kernel finds tracepoints by its own types alone: boot a kernel that has it, as distributions' have";
	if (types == KW_TYPES_HIDDEN)
		return "the file is hidden from this process (no /sys, or masked by a container): mount it there, or give its "
		       "copy with --btf, or give CAP_SYS_ADMIN, so that the kernel itself is asked";
	return NULL;
}
