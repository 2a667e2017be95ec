/* SPDX-License-Identifier: BSD-2-Clause */
/* What this process itself costs. */
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

/* What cannot be read is zero. */
void kw_process_read(struct kw_process *ret_process);

#endif
