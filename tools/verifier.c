/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the verifier's statistics for each program that this kernel needs: instructions processed and peak states,
 * one line per program. Loads the programs but attaches none. Run as root. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

#include "include/event.h"
#include "observe/front_end.h"
#include "keepwatch.skel.h"

#define LOG_STATISTICS 4 /* BPF_LOG_STATS in the kernel's include/linux/bpf_verifier.h */
#define LOG_SIZE 4096
#define PROGRAMS_MAX 32

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static int print_program(const char *name, const char *log)
{
	const char *line = strstr(log, "processed ");
	unsigned long instructions, peak;

	if (!line ||
	    sscanf(line,
		   "processed %lu insns (limit %*u) max_states_per_insn %*u total_states %*u peak_states %lu",
		   &instructions, &peak) != 2) {
		fprintf(stderr, "verifier: no statistics for %s\n", name);
		return 1;
	}
	printf("%-20s %8lu %6lu\n", name, instructions, peak);
	return 0;
}

int main(void)
{
	static char logs[PROGRAMS_MAX][LOG_SIZE];
	struct kw_front_end_choice choice;
	struct keepwatch_bpf *skel;
	struct bpf_program *program;
	size_t count = 0;
	int failed = 0;

	libbpf_set_print(print_nothing);
	skel = keepwatch_bpf__open();
	if (!skel)
		return 1;
	bpf_object__for_each_program(program, skel->obj)
	{
		bpf_program__set_log_level(program, LOG_STATISTICS);
		bpf_program__set_log_buf(program, logs[count++ % PROGRAMS_MAX], LOG_SIZE);
	}
	if (kw_front_end_choose(skel->obj, KW_FRONT_END_ANY, &choice) < 0 || keepwatch_bpf__load(skel) < 0) {
		fprintf(stderr, "verifier: the programs do not load; run as root, see keepwatch check\n");
		keepwatch_bpf__destroy(skel);
		return 1;
	}
	count = 0;
	printf("%-20s %8s %6s\n", "program", "insns", "peak");
	bpf_object__for_each_program(program, skel->obj)
	{
		const char *log = logs[count++ % PROGRAMS_MAX];

		if (bpf_program__autoload(program))
			failed |= print_program(bpf_program__name(program), log);
	}
	keepwatch_bpf__destroy(skel);
	return failed;
}
