/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define SAID 16384

static int saved = -1;

/* Standard error becomes a new file, until said(). */
static void listen_in(void)
{
	int file = memfd_create("said", MFD_CLOEXEC);

	assert_true(file >= 0);
	saved = dup(STDERR_FILENO);
	dup2(file, STDERR_FILENO);
	close(file);
}

/* Names standard error as the journal's stream, with an inode that is @off too high. */
static void name_journal(unsigned int off)
{
	struct stat status;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino + off);
	setenv("JOURNAL_STREAM", stream, 1);
}

static void said(char ret_said[SAID])
{
	ssize_t length = pread(STDERR_FILENO, ret_said, SAID - 1, 0);

	ret_said[length > 0 ? length : 0] = '\0';
	dup2(saved, STDERR_FILENO);
	close(saved);
	unsetenv("JOURNAL_STREAM");
}

static void log_each_level(int verbosity)
{
	kw_log_open(verbosity);
	kw_log(KW_LOG_ERROR, "a");
	kw_log(KW_LOG_WARNING, "b");
	kw_log(KW_LOG_NOTICE, "c");
	kw_log(KW_LOG_INFO, "d");
	kw_log(KW_LOG_DEBUG, "e");
}

static void levels_are_shown_by_verbosity(void **state)
{
	static const char *const wanted[] = {
		"keepwatch: a\nkeepwatch: c\n",
		"keepwatch: a\nkeepwatch: b\nkeepwatch: c\nkeepwatch: d\n",
		"keepwatch: a\nkeepwatch: b\nkeepwatch: c\nkeepwatch: d\nkeepwatch: e\n",
	};
	char text[SAID];

	(void)state;
	for (int verbosity = -1; verbosity <= 1; verbosity++) {
		listen_in();
		log_each_level(verbosity);
		said(text);
		assert_string_equal(text, wanted[verbosity + 1]);
	}
}

static void the_journal_gets_priorities(void **state)
{
	char text[SAID];

	(void)state;
	listen_in();
	name_journal(0);
	log_each_level(1);
	said(text);
	assert_string_equal(text, "<3>keepwatch: a\n<4>keepwatch: b\n<5>keepwatch: c\n<6>keepwatch: d\n"
				  "<7>keepwatch: e\n");
}

static void a_redirected_standard_error_gets_none(void **state)
{
	char text[SAID];

	(void)state;
	listen_in();
	name_journal(1);
	log_each_level(-1);
	said(text);
	assert_string_equal(text, "keepwatch: a\nkeepwatch: c\n");
}

/* As libbpf prints: through the function that was set. */
static void libbpf_prints(enum libbpf_print_level level, const char *format, ...)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	va_list args;

	va_start(args, format);
	print(level, format, args);
	va_end(args);
	libbpf_set_print(print);
}

static void the_end_of_the_verifiers_log_is_logged(void **state)
{
	static char log[200000];
	char text[SAID];
	size_t length = 0;

	(void)state;
	for (int i = 0; i < 5000; i++)
		length += (size_t)sprintf(log + length, "%d: (b7) r0 = 0\n", i);
	sprintf(log + length, "R3 invalid mem access 'scalar'\nprocessed 5000 insns\n");
	listen_in();
	kw_log_open(-1);
	libbpf_prints(LIBBPF_WARN, "libbpf: prog '%s': -- BEGIN PROG LOAD LOG --\n%s-- END PROG LOAD LOG --\n",
		      "kw", log);
	libbpf_prints(LIBBPF_WARN, "libbpf: failed to load\n");
	said(text);
	assert_non_null(strstr(text, "\nkeepwatch: verifier: R3 invalid mem access 'scalar'\n"
				     "keepwatch: verifier: processed 5000 insns\n"));
	assert_non_null(strstr(text, "verifier: 4999: (b7)"));
	assert_null(strstr(text, "verifier: 4980: (b7)"));
	assert_null(strstr(text, "failed to load"));
}

static void a_short_log_is_logged_whole(void **state)
{
	char text[SAID];

	(void)state;
	listen_in();
	kw_log_open(0);
	libbpf_prints(LIBBPF_WARN, "prog '%s': -- BEGIN PROG LOAD LOG --\n%s", "kw", "why\n");
	said(text);
	assert_string_equal(text, "keepwatch: verifier: prog 'kw': -- BEGIN PROG LOAD LOG --\n"
				  "keepwatch: verifier: why\n");
}

static void what_a_terminal_would_obey_is_not_logged(void **state)
{
	char text[SAID];

	(void)state;
	listen_in();
	kw_log_open(0);
	kw_log(KW_LOG_ERROR, "%s: a\tb\nc \xc2\x9b gr\xc3\xbc\xc3\x9f", "\033]0;title\007\x7f\x80");
	said(text);
	assert_string_equal(text, "keepwatch: ?]0;title???: a b c ?? gr\xc3\xbc\xc3\x9f\n");
}

static void a_line_that_is_too_long_is_cut(void **state)
{
	char text[SAID], message[3000];

	(void)state;
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	listen_in();
	kw_log_open(0);
	kw_log(KW_LOG_ERROR, "%s", message);
	said(text);
	assert_int_equal(strlen(text), 1024);
	assert_int_equal(text[1023], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_shown_by_verbosity),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(a_redirected_standard_error_gets_none),
		cmocka_unit_test(the_end_of_the_verifiers_log_is_logged),
		cmocka_unit_test(a_short_log_is_logged_whole),
		cmocka_unit_test(what_a_terminal_would_obey_is_not_logged),
		cmocka_unit_test(a_line_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
