/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines that are broken where a terminal ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/wrap.h"

static void becomes(int width, const char *text, const char *expected)
{
	size_t length;
	char *printed;
	FILE *file = open_memstream(&printed, &length);

	kw_wrap_lines(file, width, text);
	fclose(file);
	assert_string_equal(printed, expected);
	free(printed);
}

static void a_line_that_fits_stays_as_it_is(void **state)
{
	(void)state;
	becomes(10, "", "");
	becomes(10, "\n", "\n");
	becomes(10, "  a  b  c \n\n0123456789\n", "  a  b  c \n\n0123456789\n");
}

static void a_longer_line_goes_on_to_the_right_of_its_beginning(void **state)
{
	(void)state;
	becomes(10, "one two three four\nx\n", "one two\n    three\n    four\nx\n");
	becomes(12, "  one two three\n", "  one two\n      three\n");
	becomes(10, "a  bc  defghij\n", "a  bc\n    defghij\n");
}

static void a_longer_word_has_a_line_of_its_own(void **state)
{
	(void)state;
	becomes(6, "0123456789 ab\n", "0123456789\n    ab\n");
	becomes(6, "a 0123456789 b\n", "a\n    0123456789\n    b\n");
}

static void colours_take_no_column(void **state)
{
	(void)state;
	becomes(7, "\033[1;31mone\033[0m two\n", "\033[1;31mone\033[0m two\n");
	becomes(6, "\033[1;31mone\033[0m two\n", "\033[1;31mone\033[0m\n    two\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_fits_stays_as_it_is),
		cmocka_unit_test(a_longer_line_goes_on_to_the_right_of_its_beginning),
		cmocka_unit_test(a_longer_word_has_a_line_of_its_own),
		cmocka_unit_test(colours_take_no_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
