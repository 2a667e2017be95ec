/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aggregate/majority.h"

static void add(struct kw_majority *majority, uint32_t number, int count)
{
	for (int i = 0; i < count; i++)
		kw_majority_add(majority, number);
}

static void assert_majority(const struct kw_majority *majority, uint32_t number, uint64_t count)
{
	uint32_t found;

	assert_int_equal(kw_majority_find(majority, &found), count);
	if (count)
		assert_int_equal(found, number);
}

static void more_than_half_are_found_whatever_the_others_are(void **state)
{
	static const uint32_t numbers[] = {0, 1, 63, 1000, 0x7fffffff, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct kw_majority majority = {0};

		for (uint32_t other = 0; other < 200; other++) {
			kw_majority_add(&majority, 0x9e3779b9 * (other + 7));
			kw_majority_add(&majority, numbers[i]);
		}
		kw_majority_add(&majority, numbers[i]);
		uint32_t found;

		assert_in_range(kw_majority_find(&majority, &found), 201, 201 + 20); /* some share its hash */
		assert_int_equal(found, numbers[i]);
	}
}

static void half_is_not_enough(void **state)
{
	struct kw_majority majority = {0};

	(void)state;
	assert_majority(&majority, 0, 0);
	add(&majority, 1000, 5);
	assert_majority(&majority, 1000, 5);
	add(&majority, 17, 4);
	assert_majority(&majority, 1000, 5);
	add(&majority, 17, 1);
	assert_majority(&majority, 1000, 0);
}

/* Of each bit there is a majority here, but not of a number. */
static void bits_that_agree_are_no_number(void **state)
{
	struct kw_majority majority = {0};

	(void)state;
	for (uint32_t i = 0; i < 32; i++)
		kw_majority_add(&majority, 0xf0f0 ^ 1U << i);
	assert_majority(&majority, 0xf0f0, 0);
}

static void the_order_and_the_parts_make_no_difference(void **state)
{
	struct kw_majority whole = {0}, first = {0}, second = {0};

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		kw_majority_add(&whole, i % 3 ? 128 : i);
		kw_majority_add(i % 2 ? &first : &second, (99 - i) % 3 ? 128 : 99 - i);
	}
	kw_majority_merge(&second, &first);
	assert_memory_equal(&second, &whole, sizeof(whole));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_half_are_found_whatever_the_others_are),
		cmocka_unit_test(half_is_not_enough),
		cmocka_unit_test(bits_that_agree_are_no_number),
		cmocka_unit_test(the_order_and_the_parts_make_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
