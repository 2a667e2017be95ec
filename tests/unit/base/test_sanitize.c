/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sanitize.h"

static void an_unknown_key_is_quoted_if_it_may_be_one(void **state)
{
	static const struct {
		const char *key, *excerpt;
	} rows[] = {
		{"", ""},
		{"nonsense", "nonsense"},
		{"basic_auth_user", "basic_auth_user"},
		{"sixteen-letters-", "sixteen-letters-"},
		{"seventeen-letters", "seventee..."},
		{"root:$6$salt$hash:19000:0:99999:7:::", "root..."},
		{"averylongname:$6$salt", "averylon..."},
		{"-----BEGIN PRIVATE KEY-----", "-----..."},
		{"s3cr3t", "s..."},
		{"MIIEvQIBADANBg", "..."},
		{"\033[2J", "..."},
	};
	char excerpt[KW_KEY_EXCERPT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(kw_key_excerpt(rows[i].key, excerpt), rows[i].excerpt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_key_is_quoted_if_it_may_be_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
