/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void kw_usage_open(struct kw_usage *usage)
{
	struct kw_process process;

	usage->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	kw_process_read(&process);
	usage->fds = process.open_fds;
}

void kw_usage_read(const struct kw_usage *usage, unsigned int clients, struct kw_process *ret_process)
{
	unsigned long size = 0, resident = 0, page = (unsigned long)sysconf(_SC_PAGESIZE);
	struct timespec spent = {0};
	char line[128];
	ssize_t length = pread(usage->statm, line, sizeof(line) - 1, 0);

	line[length > 0 ? length : 0] = '\0';
	if (sscanf(line, "%lu %lu", &size, &resident) != 2)
		size = resident = 0;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	*ret_process = (struct kw_process){.cpu_seconds = (double)spent.tv_sec + (double)spent.tv_nsec / 1e9,
					   .virtual_bytes = (uint64_t)size * page,
					   .resident_bytes = (uint64_t)resident * page,
					   .open_fds = usage->fds + clients};
}
