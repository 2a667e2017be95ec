/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the reference programs, and reads what the kernel counts of programs.
 *
 *     reference [-r]   switches the kernel's statistics of programs on for as long as it runs; then,
 *                      for each line "PID" on standard input, prints one JSON object: the programs
 *                      that this process holds, as {"name": [nanoseconds, runs], ...}
 *
 * With PID 0 it tells of its own. Programs of a hook run in the order in which they were attached; -r reverses it. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reference.skel.h"

static unsigned int program_of(const char *path)
{
	unsigned int id = 0;
	char line[128];
	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "prog_id: %u", &id) == 1)
			break;
	fclose(file);
	return id;
}

/* A link names the program it runs too: each program is told once, where its own descriptor is. */
static int is_program(const char *path)
{
	char target[64] = "";

	return readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "bpf-prog");
}

static void print_program(unsigned int id, const char *separator)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		printf("%s\"%s\": [%llu, %llu]", separator, info.name, info.run_time_ns, info.run_cnt);
	close(fd);
}

static void print_programs(long pid)
{
	const char *separator = "";
	char folder[64], path[400];
	struct dirent *entry;
	DIR *fds;

	snprintf(folder, sizeof(folder), "/proc/%ld", pid ? pid : (long)getpid());
	snprintf(path, sizeof(path), "%s/fd", folder);
	fds = opendir(path);
	printf("{");
	while (fds && (entry = readdir(fds))) {
		unsigned int id;

		snprintf(path, sizeof(path), "%s/fd/%s", folder, entry->d_name);
		if (!is_program(path))
			continue;
		snprintf(path, sizeof(path), "%s/fdinfo/%s", folder, entry->d_name);
		id = program_of(path);
		if (!id)
			continue;
		print_program(id, separator);
		separator = ", ";
	}
	if (fds)
		closedir(fds);
	printf("}\n");
	fflush(stdout);
}

/* The links live as long as this process. */
static int attach(const struct bpf_object *object, int reversed)
{
	struct bpf_program *program = NULL;

	while ((program = reversed ? bpf_object__prev_program(object, program)
				   : bpf_object__next_program(object, program)))
		if (!bpf_program__attach(program))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct reference_bpf *skel = reference_bpf__open_and_load();
	int reversed = argc > 1 && strcmp(argv[1], "-r") == 0;
	char line[32];
	int statistics;

	if (!skel || attach(skel->obj, reversed) < 0) {
		fprintf(stderr, "reference: the programs do not load; run as root\n");
		return 1;
	}
	statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (statistics < 0) {
		fprintf(stderr, "reference: the kernel gathers no statistics of programs\n");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		print_programs(strtol(line, NULL, 10));
	close(statistics);
	reference_bpf__destroy(skel);
	return 0;
}
