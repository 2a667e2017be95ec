/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets of time: each address has its share, and all together have theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "include/units.h"
#include "web/budget.h"

#define NOW (100 * KW_S)

static struct kw_budget budget;
static const struct kw_source_address one = {{1}}, two = {{2}};

static int begin(void **state)
{
	(void)state;
	budget = (struct kw_budget){.together = {2, KW_S}, .each = {10, KW_S / 10}};
	return 0;
}

static void a_burst_is_free_and_the_share_comes_back(void **state)
{
	(void)state;
	assert_true(kw_budget_allows(&budget, &one, NOW));
	kw_budget_charge(&budget, &one, NOW, KW_S / 10);
	assert_true(kw_budget_allows(&budget, &one, NOW));
	kw_budget_charge(&budget, &one, NOW, KW_S / 10);
	assert_int_equal(kw_budget_owed(&budget, &one, NOW), 2 * KW_S);
	assert_false(kw_budget_allows(&budget, &one, NOW));
	assert_false(kw_budget_allows(&budget, &one, NOW + KW_S - 1));
	assert_true(kw_budget_allows(&budget, &one, NOW + KW_S));
	assert_int_equal(kw_budget_owed(&budget, &one, NOW + 3 * KW_S), 0);
}

static void one_address_leaves_the_other_its_share(void **state)
{
	(void)state;
	kw_budget_charge(&budget, &one, NOW, KW_S / 2);
	assert_false(kw_budget_allows(&budget, &one, NOW));
	assert_true(kw_budget_allows(&budget, &two, NOW));
	assert_int_equal(kw_budget_owed(&budget, &two, NOW), 0);
}

static void all_together_have_a_share_too(void **state)
{
	(void)state;
	for (uint8_t i = 1; i <= 30; i++) {
		struct kw_source_address address = {{i}};

		kw_budget_charge(&budget, &address, NOW, KW_S / 20);
	}
	assert_false(kw_budget_has_time(&budget, NOW));
	assert_false(kw_budget_allows(&budget, &(struct kw_source_address){{99}}, NOW));
	assert_true(kw_budget_has_time(&budget, NOW + KW_S));
}

/* Whoever owes most is known for longest, so more addresses than there is room for do not clear a debt. */
static void the_address_that_owes_least_is_forgotten(void **state)
{
	(void)state;
	kw_budget_charge(&budget, &one, NOW, KW_S);
	for (unsigned int i = 0; i < 3 * KW_BUDGET_ADDRESSES; i++) {
		struct kw_source_address address = {{3, (uint8_t)i, (uint8_t)(i >> 8)}};

		kw_budget_charge(&budget, &address, NOW, KW_MS);
	}
	assert_int_equal(kw_budget_owed(&budget, &one, NOW), 10 * KW_S);
	assert_int_equal(kw_budget_owed(&budget, &(struct kw_source_address){{3, 0, 0}}, NOW), 0);
}

static struct kw_source_address parse(int family, const char *text)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)family};

	inet_pton(family, text,
		  family == AF_INET ? (void *)&((struct sockaddr_in *)&address)->sin_addr
				    : (void *)&((struct sockaddr_in6 *)&address)->sin6_addr);
	return kw_source_address_of(&address);
}

static void a_host_is_an_ipv4_address_or_half_an_ipv6_address(void **state)
{
	struct kw_source_address v4 = parse(AF_INET, "127.0.0.1"), other = parse(AF_INET, "127.0.0.2");
	struct kw_source_address v6 = parse(AF_INET6, "2001:db8::1"), same = parse(AF_INET6, "2001:db8::2:1");
	struct kw_source_address next = parse(AF_INET6, "2001:db8:0:1::1");

	(void)state;
	assert_false(kw_source_address_equal(&v4, &other));
	assert_true(kw_source_address_equal(&v6, &same));
	assert_false(kw_source_address_equal(&v6, &next));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_burst_is_free_and_the_share_comes_back, begin),
		cmocka_unit_test_setup(one_address_leaves_the_other_its_share, begin),
		cmocka_unit_test_setup(all_together_have_a_share_too, begin),
		cmocka_unit_test_setup(the_address_that_owes_least_is_forgotten, begin),
		cmocka_unit_test(a_host_is_an_ipv4_address_or_half_an_ipv6_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
