/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/files.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uthash.h>

#include "base/log.h"
#include "base/sanitize.h"

/* So that nobody exhausts memory by files of his own. */
#define FILES_MOST 16384
#define PROBED_MOST 256
#define LOOKS_KEPT 1 /* a file is forgotten when so many looks in a row have not met it */

struct kw_file {
	struct kw_file_id id;
	int links[KW_PROBE_PROGRAMS]; /* one for each program */
	size_t count;
	unsigned int unmet; /* looks that have not met it since it was met */
	UT_hash_handle hh;
};

struct kw_files {
	int programs[KW_PROBE_PROGRAMS];
	struct kw_file *table;
	size_t probed;
	bool full; /* that has been logged */
};

/* ---- probes ----------------------------------------------------------------------------------------- */

/* The kernel's arguments for a link of this type (include/uapi/linux/bpf.h, from Linux 6.6), which older headers lack. */
struct link_of_uprobes {
	uint32_t program;
	uint32_t target;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t references;
	uint64_t cookies;
	uint32_t count;
	uint32_t uprobe_flags;
	uint32_t pid;
	uint32_t reserved;
};

#define RETURNS 1 /* BPF_F_UPROBE_MULTI_RETURN */

/* Puts the probes of one program, if there are any. */
static int put(struct kw_file *file, int target, const struct kw_probes *probes, enum kw_probe_program program,
	       int fd)
{
	uint64_t offsets[KW_PROBES_MOST], cookies[KW_PROBES_MOST];
	struct link_of_uprobes link = {.program = (uint32_t)fd,
				       .attach_type = KW_UPROBE_MULTI,
				       .offsets = (uint64_t)(uintptr_t)offsets,
				       .cookies = (uint64_t)(uintptr_t)cookies,
				       .uprobe_flags = program == KW_PROBE_RETURN ? RETURNS : 0};
	char path[32];

	for (size_t i = 0; i < probes->count; i++) {
		if (probes->list[i].program != program)
			continue;
		offsets[link.count] = probes->list[i].offset;
		cookies[link.count++] = probes->list[i].cookie;
	}
	if (!link.count)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", target);
	link.path = (uint64_t)(uintptr_t)path;
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	if (fd < 0)
		return -errno;
	file->links[file->count++] = fd;
	return 0;
}

static int put_all(const struct kw_files *files, struct kw_file *file, int target,
		   const struct kw_probes *probes)
{
	int r = 0;

	for (enum kw_probe_program i = 0; i < KW_PROBE_PROGRAMS && r == 0; i++)
		r = put(file, target, probes, i, files->programs[i]);
	return r;
}

static void take_off(struct kw_file *file)
{
	for (size_t i = 0; i < file->count; i++)
		close(file->links[i]);
	file->count = 0;
}

/* ---- files ------------------------------------------------------------------------------------------ */

struct kw_files *kw_files_new(const int *programs)
{
	struct kw_files *files = calloc(1, sizeof(*files));

	if (files)
		memcpy(files->programs, programs, sizeof(files->programs));
	return files;
}

/* Anybody can map files that are not what they look like, so that is nothing to be warned of. */
static void say(const struct kw_tls_library *found, int result)
{
	char path[512];

	kw_sanitize(found->path, strlen(found->path), path, sizeof(path));
	if (result == 0)
		kw_log(KW_LOG_DEBUG, "%s (process %d) has probes", path, (int)found->pid);
	else if (result != -ENOEXEC && result != -ENOENT)
		kw_log(KW_LOG_DEBUG, "%s (process %d) gets no probes, because %s", path, (int)found->pid,
		       kw_probes_refusal(result));
}

static void say_full(struct kw_files *files, const char *what, unsigned int most)
{
	if (!files->full)
		kw_log(KW_LOG_WARNING, "there are more than %u %s: others get no probes", most, what);
	files->full = true;
}

static void look_into(struct kw_files *files, struct kw_file *file, const struct kw_tls_library *found)
{
	struct kw_probes probes;
	int r = kw_probes_of(found, &probes);

	if (r == 0 && files->probed >= PROBED_MOST) {
		say_full(files, "TLS libraries", PROBED_MOST);
		r = -ENOSPC;
	}
	if (r == 0)
		r = put_all(files, file, found->fd, &probes);
	if (r < 0)
		take_off(file);
	files->probed += r == 0;
	say(found, r);
}

void kw_files_meet(struct kw_files *files, const struct kw_tls_library *found)
{
	struct kw_file *file;

	HASH_FIND(hh, files->table, &found->id, sizeof(found->id), file);
	if (file) {
		file->unmet = 0;
		return;
	}
	file = HASH_COUNT(files->table) < FILES_MOST ? calloc(1, sizeof(*file)) : NULL;
	if (file) {
		file->id = found->id;
		HASH_ADD(hh, files->table, id, sizeof(file->id), file);
		look_into(files, file, found);
	} else {
		say_full(files, "files that processes map", FILES_MOST);
	}
}

void kw_files_begin_look(struct kw_files *files)
{
	struct kw_file *file, *next;

	HASH_ITER (hh, files->table, file, next)
		file->unmet++;
}

void kw_files_end_look(struct kw_files *files)
{
	struct kw_file *file, *next;

	HASH_ITER (hh, files->table, file, next) {
		if (file->unmet < LOOKS_KEPT)
			continue;
		files->probed -= file->count > 0;
		take_off(file);
		/* The analyser takes a table with one file for empty. NOLINTBEGIN(clang-analyzer-core.NullDereference) */
		HASH_DEL(files->table, file);
		/* NOLINTEND(clang-analyzer-core.NullDereference) */
		free(file);
	}
}
