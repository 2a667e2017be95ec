/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/system_calls.h"

/* Some of the calls of x86_64 are numbered below 0 on arm64, as these of 32-bit processors are on both. */
static void a_call_that_the_processor_lacks_is_left_out(void **state)
{
	static const int calls[] = {SCMP_SYS(stat64), SCMP_SYS(_llseek), SCMP_SYS(socketcall), SCMP_SYS(mmap2)};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	(void)state;
	assert_non_null(filter);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		assert_true(calls[i] < 0);
		assert_int_equal(kw_system_calls_add(filter, SCMP_ACT_ALLOW, calls[i], 0, NULL), 0);
	}
	assert_int_equal(kw_system_calls_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 0, NULL), 0);
	seccomp_release(filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_the_processor_lacks_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
