/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/process.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/cleanup.h"

/* /proc/self/stat, from the third field on: see proc(5). The second, the name, may hold anything. */
static void read_stat(struct kw_process *process)
{
	_cleanup_file_ FILE *file = fopen("/proc/self/stat", "re");
	double ticks = (double)sysconf(_SC_CLK_TCK);
	unsigned long user, system, size;
	unsigned long long start;
	struct timespec real, boot;
	char line[1024];
	const char *rest;
	long pages;

	if (!file || !fgets(line, sizeof(line), file))
		return;
	rest = strrchr(line, ')');
	if (!rest ||
	    sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu %lu %ld",
		   &user, &system, &start, &size, &pages) != 5)
		return;
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	process->cpu_seconds = (double)(user + system) / ticks;
	process->start_seconds = (double)(real.tv_sec - boot.tv_sec) +
				 (double)(real.tv_nsec - boot.tv_nsec) / 1e9 + (double)start / ticks;
	process->virtual_bytes = size;
	process->resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_fds(void)
{
	_cleanup_dir_ DIR *directory = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		count++;
	return count > 3 ? count - 3 : 0; /* without ".", "..", and the directory itself */
}

void kw_process_read(struct kw_process *ret_process)
{
	struct rlimit limit;

	memset(ret_process, 0, sizeof(*ret_process));
	read_stat(ret_process);
	ret_process->open_fds = count_fds();
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		ret_process->max_fds = limit.rlim_cur;
}
