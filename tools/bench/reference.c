/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs reference programs, and reads what the kernel counts of programs.
 *
 *     reference [-rs] [KIND...]   attaches the programs of these kinds, "empty", "floor" and so on; then, for each line
 *                                 "PID" on standard input, prints one JSON object: the programs that this process
 *                                 holds, as {"name": [nanoseconds, runs], ...}
 *
 * With PID 0 it tells of its own. Programs of a hook run in the order in which they were attached; -r reverses it. -s
 * switches the kernel's statistics of programs on for as long as it runs. */
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

/* A link's descriptor names its program too, so only descriptors of programs count. */
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

static int is_of(const char *program, char *const *kinds)
{
	for (; *kinds; kinds++) {
		size_t length = strlen(*kinds);

		if (strncmp(program, *kinds, length) == 0 && program[length] == '_')
			return 1;
	}
	return 0;
}

static struct reference_bpf *load(char *const *kinds)
{
	struct reference_bpf *skel = reference_bpf__open();
	struct bpf_program *program;

	if (!skel)
		return NULL;
	bpf_object__for_each_program(program, skel->obj)
	{
		bpf_program__set_autoload(program, is_of(bpf_program__name(program), kinds));
	}
	if (reference_bpf__load(skel) == 0)
		return skel;
	reference_bpf__destroy(skel);
	return NULL;
}

/* The links live as long as this process. */
static int attach(const struct bpf_object *object, int reversed)
{
	struct bpf_program *program = NULL;

	while ((program = reversed ? bpf_object__prev_program(object, program)
				   : bpf_object__next_program(object, program)))
		if (bpf_program__autoload(program) && !bpf_program__attach(program))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	int reversed = 0, statistics = 0, option;
	struct reference_bpf *skel;
	char line[32];

	while ((option = getopt(argc, argv, "rs")) != -1) {
		reversed |= option == 'r';
		statistics |= option == 's';
	}
	skel = load(argv + optind);
	if (!skel || attach(skel->obj, reversed) < 0) {
		fprintf(stderr, "reference: the programs do not load; run as root\n");
		return 1;
	}
	statistics = statistics ? bpf_enable_stats(BPF_STATS_RUN_TIME) : 0;
	if (statistics < 0) {
		fprintf(stderr, "reference: the kernel gathers no statistics of programs\n");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		print_programs(strtol(line, NULL, 10));
	if (statistics)
		close(statistics);
	reference_bpf__destroy(skel);
	return 0;
}
