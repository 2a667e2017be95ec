/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel side's sections say which programs have a twin, and which run only when they are asked to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* The skeleton names types of the events. */
#include "include/event.h"
#include "keepwatch.skel.h"
#include "observe/front_end.h"

static void programs_for_states_have_twins_and_no_others(void **state)
{
	struct keepwatch_bpf *skel = keepwatch_bpf__open();
	struct bpf_program *program;
	int twins = 0;

	(void)state;
	assert_non_null(skel);
	bpf_object__for_each_program(program, skel->obj)
	{
		const char *name = bpf_program__name(program);
		bool expected = strncmp(name, "kw_set_state", strlen("kw_set_state")) == 0 ||
				strncmp(name, "kw_destroy", strlen("kw_destroy")) == 0;

		assert_int_equal(kw_front_end_has_twin(skel->obj, program), expected);
		twins += expected;
	}
	assert_int_equal(twins, 4);
	keepwatch_bpf__destroy(skel);
}

static void programs_without_a_hook_are_not_attached_along_with_the_others(void **state)
{
	struct keepwatch_bpf *skel = keepwatch_bpf__open();

	(void)state;
	assert_non_null(skel);
	kw_front_end_hold(skel->obj);
	assert_false(bpf_program__autoattach(skel->progs.kw_find_sockets));
	assert_false(bpf_program__autoattach(skel->progs.kw_find_owners));
	assert_false(bpf_program__autoattach(skel->progs.kw_sweep));
	assert_false(bpf_program__autoattach(skel->progs.kw_sweep_files));
	assert_false(bpf_program__autoattach(skel->progs.kw_http1));
	assert_false(bpf_program__autoattach(skel->progs.kw_last_record));
	assert_true(bpf_program__autoattach(skel->progs.kw_set_state));
	keepwatch_bpf__destroy(skel);
}

static void a_hook_that_older_kernels_for_arm64_lack_is_explained(void **state)
{
	const struct kw_missing_hook missing = {.hook = "fexit/tcp_sendmsg", .error = -524};
	char text[128];

	(void)state;
	kw_missing_hook_text(&missing, text, sizeof(text));
	assert_non_null(strstr(text, "arm64"));
	assert_null(strstr(text, "524"));
	assert_true(strlen(text) < sizeof(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_for_states_have_twins_and_no_others),
		cmocka_unit_test(programs_without_a_hook_are_not_attached_along_with_the_others),
		cmocka_unit_test(a_hook_that_older_kernels_for_arm64_lack_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
