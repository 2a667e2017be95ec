/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the verifier's statistics for each program that this kernel needs, one line per program:
 *
 *     verifier [tracepoint|trampoline]
 *
 * instructions processed; states at most and in all; milliseconds that the verifier took; MiB of kernel memory that it took at
 * most, as far as that can be seen from outside (other processes that take or free memory meanwhile are in it). Each program is
 * loaded by itself, none is attached. Run as root. */
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "include/event.h"
#include "observe/front_end.h"
#include "observe/programs.h"
#include "front_end_named.h"
#include "keepwatch.skel.h"

#define LOG_STATISTICS 4 /* BPF_LOG_STATS in the kernel's include/linux/bpf_verifier.h */
#define LOG_SIZE 65536
#define SAMPLE_NS 500000
#define PROGRAMS_MAX 64
#define NAME 64

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* ---- memory ------------------------------------------------------------------------------------------- */

static atomic_bool sampling;
static long least_free; /* KiB, since the sampling began */

static long memory_free(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemFree: %ld kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static void *sample(void *unused)
{
	const struct timespec pause = {.tv_nsec = SAMPLE_NS};

	while (sampling) {
		long kib = memory_free();

		if (kib < least_free)
			least_free = kib;
		nanosleep(&pause, NULL);
	}
	return unused;
}

/* ---- programs ----------------------------------------------------------------------------------------- */

struct statistics {
	unsigned long instructions, states, peak, microseconds;
	double mib;
};

/* Loads one program of a new copy of the object, by its name. Returns 0 and its statistics, or -1. */
static int load_alone(const char *name, enum kw_front_end front_end, struct statistics *ret_statistics)
{
	static char log[LOG_SIZE];
	struct kw_front_end_choice choice;
	struct keepwatch_bpf *skel = kw_programs_open();
	struct bpf_program *program;
	const char *line = NULL;
	pthread_t thread;
	long before;
	int r;

	if (!skel || kw_front_end_choose(skel->obj, front_end, &choice) < 0)
		return -1;
	bpf_object__for_each_program(program, skel->obj)
	{
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), name) == 0);
		bpf_program__set_log_level(program, LOG_STATISTICS);
		bpf_program__set_log_buf(program, log, sizeof(log));
	}
	memset(ret_statistics, 0, sizeof(*ret_statistics));
	before = least_free = memory_free();
	sampling = true;
	pthread_create(&thread, NULL, sample, NULL);
	r = keepwatch_bpf__load(skel);
	sampling = false;
	pthread_join(thread, NULL);
	ret_statistics->mib = (double)(before - least_free) / 1024;
	sscanf(log, "verification time %lu usec", &ret_statistics->microseconds);
	line = strstr(log, "processed ");
	if (r == 0 && line &&
	    sscanf(line,
		   "processed %lu insns (limit %*u) max_states_per_insn %*u total_states %lu peak_states %lu",
		   &ret_statistics->instructions, &ret_statistics->states, &ret_statistics->peak) != 3)
		r = -1;
	keepwatch_bpf__destroy(skel);
	return r < 0 || !line ? -1 : 0;
}

/* The names of the programs that this kernel needs. Returns how many, or -1. */
static int names_of(enum kw_front_end front_end, char names[PROGRAMS_MAX][NAME])
{
	struct kw_front_end_choice choice;
	struct keepwatch_bpf *skel = kw_programs_open();
	struct bpf_program *program;
	int count = 0;

	if (!skel || kw_front_end_choose(skel->obj, front_end, &choice) < 0)
		return -1;
	bpf_object__for_each_program(program, skel->obj)
	{
		if (bpf_program__autoload(program) && count < PROGRAMS_MAX)
			snprintf(names[count++], NAME, "%s", bpf_program__name(program));
	}
	keepwatch_bpf__destroy(skel);
	return count;
}

static void print_row(const char *name, const struct statistics *statistics)
{
	printf("%-20s %8lu %6lu %7lu %6.1f %6.1f\n", name, statistics->instructions, statistics->peak,
	       statistics->states, (double)statistics->microseconds / 1000, statistics->mib);
}

int main(int argc, char **argv)
{
	static char names[PROGRAMS_MAX][NAME];
	enum kw_front_end front_end = front_end_named(argc > 1 ? argv[1] : NULL);
	struct statistics sum = {0};
	int count;

	libbpf_set_print(print_nothing);
	count = front_end == KW_FRONT_END_MAX ? -1 : names_of(front_end, names);
	if (count < 0) {
		fprintf(stderr, "verifier: no front end works; run as root, see keepwatch check\n");
		return 1;
	}
	printf("%-20s %8s %6s %7s %6s %6s\n", "program", "insns", "peak", "states", "ms", "MiB");
	for (int i = 0; i < count; i++) {
		struct statistics one;

		if (load_alone(names[i], front_end, &one) < 0) {
			fprintf(stderr, "verifier: %s does not load; see keepwatch check -v\n", names[i]);
			return 1;
		}
		print_row(names[i], &one);
		sum.instructions += one.instructions;
		sum.states += one.states;
		sum.microseconds += one.microseconds;
		sum.peak = one.peak > sum.peak ? one.peak : sum.peak;
		sum.mib = one.mib > sum.mib ? one.mib : sum.mib;
	}
	print_row("all", &sum);
	return 0;
}
