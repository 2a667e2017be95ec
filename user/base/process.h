/* SPDX-License-Identifier: BSD-2-Clause */
/* The resources that this process and its BPF programs take. */
#ifndef KEEPWATCH_PROCESS_H
#define KEEPWATCH_PROCESS_H

#include <stdint.h>

struct kw_process {
	double cpu_seconds;
	double start_seconds; /* since 1970 UTC */
	uint64_t resident_bytes;
	uint64_t virtual_bytes;
	uint64_t open_fds;
	uint64_t max_fds;
};

/* The run-time statistics of one BPF program; 0 unless the kernel gathers them (sysctl kernel.bpf_stats_enabled). */
struct kw_program_stats {
	const char *name; /* lives as long as the loader that filled it in */
	uint64_t run_ns;
	uint64_t runs;
};

/* Fields that cannot be read are 0. */
void kw_process_read(struct kw_process *ret_process);

#endif
