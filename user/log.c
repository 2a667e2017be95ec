/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LOG_LINE 1024

static enum kw_log_level shown = KW_LOG_INFO;

/* One write per line: lines of several processes on one terminal or journal do not mix. */
static void log_line(enum kw_log_level level, const char *format, va_list args)
{
	static const char prefix[] = "keepwatch: ";
	char line[LOG_LINE];
	int saved_errno = errno;
	size_t end = sizeof(prefix) - 1;
	int written;

	if (level > shown && level > KW_LOG_NOTICE)
		return;
	__builtin_memcpy(line, prefix, end);
	written = vsnprintf(line + end, sizeof(line) - end - 1, format, args);
	if (written > 0)
		end += (size_t)written < sizeof(line) - end - 1 ? (size_t)written : sizeof(line) - end - 2;
	while (end > 0 && line[end - 1] == '\n')
		end--;
	for (size_t i = 0; i < end; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[end++] = '\n';
	/* There is nobody left to tell if this fails. */
	if (write(STDERR_FILENO, line, end) < 0)
		errno = 0;
	errno = saved_errno;
}

void kw_log(enum kw_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}

/* Whatever libbpf complains of, this program says in its own words: its lines are for debugging only. */
static int log_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level != LIBBPF_DEBUG)
		log_line(KW_LOG_DEBUG, format, args);
	return 0;
}

void kw_log_open(int verbosity)
{
	shown = verbosity < 0 ? KW_LOG_ERROR : verbosity > 0 ? KW_LOG_DEBUG : KW_LOG_INFO;
	libbpf_set_print(log_libbpf);
}
