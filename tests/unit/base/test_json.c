/* SPDX-License-Identifier: BSD-2-Clause */
/* An object that memory did not suffice for must not lose a key in silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"

static size_t left; /* allocations until one fails */

static void *scarce(size_t size)
{
	return left && left-- ? malloc(size) : NULL;
}

static json_t *small_object(void)
{
	json_t *object = json_object(), *list = json_array();

	kw_json_append(&list, json_string("x"));
	kw_json_append(&list, kw_json_integer(2));
	kw_json_set(&object, "list", list);
	kw_json_set(&object, "real", kw_json_real_or_null(true, 1.5));
	kw_json_set(&object, "text", kw_json_string_or_null(""));
	return object;
}

static void an_object_is_whole_or_an_error(void **state)
{
	FILE *file = fopen("/dev/null", "w");
	size_t enough = 0;
	int r;

	(void)state;
	json_set_alloc_funcs(scarce, free);
	do {
		json_t *object;

		left = enough;
		object = small_object();
		left = 1000;
		assert_true(!object || json_object_size(object) == 3);
		assert_true(!object || json_array_size(json_object_get(object, "list")) == 2);
		r = kw_json_write_line(file, object, 15);
		assert_true(r == 0 || r == -ENOMEM);
	} while (r < 0 && ++enough < 100);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(r, 0);
	assert_in_range(enough, 5, 99); /* each allocation was seen to fail */
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_whole_or_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
