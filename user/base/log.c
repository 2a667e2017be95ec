/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sanitize.h"

#define LOG_LINE 1024
#define VERIFIER_LINES 12 /* the reason, the instructions before it, and the verifier's totals */

static enum kw_log_level shown = KW_LOG_INFO;
static bool to_journal;

/* Lines that wait until the terminal is free: a ring. */
static struct {
	bool on;
	unsigned int count; /* so far */
	char lines[KW_LOG_HELD][LOG_LINE];
} held;

/* The priorities of syslog(3), as the journal reads them in front of a line. */
static const char priorities[] = {
	[KW_LOG_ERROR] = '3', [KW_LOG_WARNING] = '4', [KW_LOG_NOTICE] = '5',
	[KW_LOG_INFO] = '6',  [KW_LOG_DEBUG] = '7',
};

/* The service manager names the device and inode of the stream that it gave us. A standard error that was redirected
 * since is another file, whose readers do not expect priorities. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[48];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return strcmp(stream, ours) == 0;
}

/* The message as a part of a line: text of others may be in it, and a terminal must not obey that. */
static size_t write_message(char *ret_text, size_t size, const char *format, va_list args)
{
	char text[LOG_LINE];
	int length = vsnprintf(text, sizeof(text), format, args);
	size_t end = length < 0 ? 0 : strlen(text);

	while (end > 0 && text[end - 1] == '\n')
		end--;
	for (size_t i = 0; i < end; i++)
		if (text[i] == '\n' || text[i] == '\t')
			text[i] = ' ';
	return kw_sanitize(text, end, ret_text, size);
}

/* There is nobody left to tell if this fails. */
static void write_line(const char *line, size_t length)
{
	if (write(STDERR_FILENO, line, length) < 0)
		errno = 0;
}

static void keep_line(const char *line, size_t length)
{
	char *place = held.lines[held.count++ % KW_LOG_HELD];

	memcpy(place, line, length);
	place[length - 1] = '\0'; /* in place of the line feed */
}

/* One write per line: lines of several processes on one terminal or journal do not mix. */
static void log_line(enum kw_log_level level, const char *format, va_list args)
{
	char line[LOG_LINE];
	int saved_errno = errno;
	size_t end;

	if (level > shown && level != KW_LOG_NOTICE)
		return;
	end = to_journal ? (size_t)snprintf(line, sizeof(line), "<%c>keepwatch: ", priorities[level])
			 : (size_t)snprintf(line, sizeof(line), "keepwatch: ");
	end += write_message(line + end, sizeof(line) - end, format, args);
	line[end++] = '\n'; /* in place of the NUL */
	if (!held.on)
		write_line(line, end);
	else if (level != KW_LOG_NOTICE) /* no script waits for something on a terminal */
		keep_line(line, end);
	errno = saved_errno;
}

void kw_log(enum kw_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}

void kw_log_hold(void)
{
	held.on = isatty(STDERR_FILENO);
	held.count = 0;
}

const char *kw_log_held(void)
{
	return held.on && held.count ? held.lines[(held.count - 1) % KW_LOG_HELD] : NULL;
}

void kw_log_release(void)
{
	unsigned int first = held.count > KW_LOG_HELD ? held.count - KW_LOG_HELD : 0;

	if (!held.on)
		return;
	held.on = false;
	for (unsigned int i = first; i < held.count; i++) {
		char *line = held.lines[i % KW_LOG_HELD];
		size_t length = strlen(line);

		line[length] = '\n';
		write_line(line, length + 1);
	}
}

/* The last @count lines of @text, which ends with a line feed. */
static char *last_lines(char *text, unsigned int count)
{
	char *from = text + strlen(text);

	if (from > text)
		from--;
	while (from > text && (from[-1] != '\n' || --count > 0))
		from--;
	return from;
}

static void log_verifier(const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *rest = NULL;

	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return;
	}
	for (char *line = strtok_r(last_lines(text, VERIFIER_LINES), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		kw_log(KW_LOG_ERROR, "verifier: %s", line);
}

/* This program reports in its own words why something failed, so libbpf's lines are for debugging. The verifier's log is
 * the exception: only it says why a program was refused. It is long, and its reason stands at its end. */
static int log_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && strstr(format, "BEGIN PROG LOAD LOG"))
		log_verifier(format, args);
	else if (level != LIBBPF_DEBUG)
		log_line(KW_LOG_DEBUG, format, args);
	return 0;
}

void kw_log_open(int verbosity)
{
	shown = verbosity < 0 ? KW_LOG_ERROR : verbosity > 0 ? KW_LOG_DEBUG : KW_LOG_INFO;
	to_journal = is_journal();
	libbpf_set_print(log_libbpf);
}
