/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/obstacles.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define USER_NAMESPACE "/proc/self/ns/user"
#define INITIAL_USER_NAMESPACE 0xEFFFFFFDU /* its inode: include/linux/proc_ns.h, PROC_USER_INIT_INO */
#define LOCKDOWN "/sys/kernel/security/lockdown"
#define SELINUX "/sys/fs/selinux/enforce"

/* Whether @path has @word in its first line. -ENOENT or the like if it cannot be read. */
static int has_word(const char *path, const char *word)
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	char line[128];

	if (!file || !fgets(line, sizeof(line), file))
		return -ENOENT;
	return strstr(line, word) != NULL;
}

/* The kernel asks for capabilities in the first user namespace, whatever the process has in its own. */
static bool in_user_namespace(void)
{
	struct stat status;

	return stat(USER_NAMESPACE, &status) == 0 && status.st_ino != INITIAL_USER_NAMESPACE;
}

/* A program that reads the kernel's memory, of as many instructions as are asked for. */
static int load_reader(bool reading)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	size_t skipped = reading ? 0 : 5;

	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "kw_try", "GPL", program + skipped,
			     sizeof(program) / sizeof(program[0]) - skipped, NULL);
}

/* The file is rarely there in a container; then a program is tried. */
static bool is_locked_down(void)
{
	int told = has_word(LOCKDOWN, "[confidentiality]");
	_cleanup_fd_ int nothing = told < 0 ? load_reader(false) : -1;
	_cleanup_fd_ int reader = nothing >= 0 ? load_reader(true) : -1;

	return told < 0 ? nothing >= 0 && reader < 0 : told;
}

/* SELinux refuses by EACCES, all others by EPERM. */
static bool is_denied_by_selinux(void)
{
	_cleanup_fd_ int map =
		has_word(SELINUX, "1") > 0
			? bpf_map_create(BPF_MAP_TYPE_ARRAY, "kw_try", sizeof(__u32), sizeof(__u32), 1, NULL)
			: -1;

	return map == -EACCES;
}

const struct kw_obstacle kw_obstacles[KW_OBSTACLES] = {
	{"load programs", in_user_namespace,
	 "this process is in a user namespace of its own (a rootless or remapped container), where no capability counts for "
	 "that: run keepwatch on the host as root, or in a container without one (podman run as root, docker run "
	 "--userns=host, Kubernetes hostUsers: true)"},
	{"read the kernel's memory", is_locked_down,
	 "the kernel is locked down for confidentiality: boot it with lockdown=integrity, which is all that Secure "
	 "Boot asks for, or with none"},
	{"use BPF", is_denied_by_selinux,
	 "the policy of SELinux denies this process the class bpf: in a container use the type spc_t (podman or docker run --security-opt "
	 "label=type:spc_t, Kubernetes seLinuxOptions), else see ausearch -m avc -c keepwatch, and audit2allow"},
};
