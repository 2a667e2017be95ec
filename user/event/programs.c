/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/programs.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define SECTION ".note.go.buildid"
#define SECTIONS_MOST 1000 /* most sections that are read of a file; a Go binary has some twenty */
#define PROCESSES_MOST 32768
#define FILES 64 /* number of files that are cached, because many processes run the same file */

struct seen {
	dev_t device;
	ino_t inode;
	bool go;
};

struct search {
	struct kw_programs *programs;
	struct seen files[FILES];
};

static bool has_section(Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) < 0)
		return false;
	for (int i = 0; i < SECTIONS_MOST && (section = elf_nextscn(elf, section)); i++) {
		const char *name;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header))
			return false;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && strcmp(name, SECTION) == 0)
			return true;
	}
	return false;
}

static bool is_go(int fd)
{
	Elf *elf;
	bool found;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return false;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	found = elf && has_section(elf);
	elf_end(elf);
	return found;
}

bool kw_is_go_binary(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && is_go(fd);
}

/* kw_is_go_binary() with a cache, so that each file is read once. */
static bool runs_go(struct search *search, const char *process)
{
	char path[64];
	struct seen *seen;
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%.10s/exe", process);
	if (stat(path, &status) < 0)
		return false;
	seen = &search->files[status.st_ino % FILES];
	if (seen->inode != status.st_ino || seen->device != status.st_dev)
		*seen = (struct seen){status.st_dev, status.st_ino, kw_is_go_binary(path)};
	return seen->go;
}

static void add(struct kw_programs *programs, const char *process)
{
	_cleanup_file_ FILE *file = NULL;
	char path[64], comm[KW_COMM] = "";

	snprintf(path, sizeof(path), "/proc/%.10s/comm", process);
	file = fopen(path, "re");
	if (!file || programs->count == KW_PROGRAMS)
		return;
	comm[fread(comm, 1, sizeof(comm) - 1, file)] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	if (comm[0] && !kw_programs_is_go(programs, comm))
		memcpy(programs->go[programs->count++], comm, sizeof(comm));
}

void kw_programs_find(struct kw_programs *programs)
{
	struct search search = {.programs = programs};
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	int left = PROCESSES_MOST;

	while (directory && left > 0 && (entry = readdir(directory))) {
		if (!isdigit((unsigned char)entry->d_name[0]) || strlen(entry->d_name) > 10)
			continue;
		left--;
		if (runs_go(&search, entry->d_name))
			add(programs, entry->d_name);
	}
	if (directory)
		closedir(directory);
}

bool kw_programs_is_go(const struct kw_programs *programs, const char comm[KW_COMM])
{
	for (uint32_t i = 0; i < programs->count; i++)
		if (strncmp(programs->go[i], comm, KW_COMM) == 0)
			return true;
	return false;
}
