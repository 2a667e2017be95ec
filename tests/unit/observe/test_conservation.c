/* SPDX-License-Identifier: BSD-2-Clause */
/* The comparison of states that were made, that have ended, and that a sweep met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "observe/conservation.h"

static void all_that_are_accounted_for_are_no_loss(void **state)
{
	struct kw_conservation it = {0};

	(void)state;
	kw_conservation_look(&it, 10, 4, 6);
	kw_conservation_look(&it, 20, 14, 6);
	assert_int_equal(it.missed, 0);
}

static void connections_that_end_during_a_sweep_do_not_look_missing(void **state)
{
	struct kw_conservation it = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		kw_conservation_look(&it, 10, 9, 6); /* five of the six were met before they ended */
	assert_int_equal(it.missed, 0);
}

static void a_difference_counts_once_it_has_stayed(void **state)
{
	struct kw_conservation it = {0};

	(void)state;
	kw_conservation_look(&it, 10, 4, 3);
	assert_int_equal(it.missed, 0);
	kw_conservation_look(&it, 10, 4, 5);
	assert_int_equal(it.missed, 1);
	kw_conservation_look(&it, 10, 4, 4);
	assert_int_equal(it.missed, 1);
	kw_conservation_look(&it, 10, 4, 4);
	assert_int_equal(it.missed, 2);
}

static void a_count_never_shrinks(void **state)
{
	struct kw_conservation it = {0};

	(void)state;
	kw_conservation_look(&it, 10, 4, 3);
	kw_conservation_look(&it, 10, 4, 3);
	kw_conservation_look(&it, 10, 4, 6);
	kw_conservation_look(&it, 10, 4, 6);
	assert_int_equal(it.missed, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_are_accounted_for_are_no_loss),
		cmocka_unit_test(connections_that_end_during_a_sweep_do_not_look_missing),
		cmocka_unit_test(a_difference_counts_once_it_has_stayed),
		cmocka_unit_test(a_count_never_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
