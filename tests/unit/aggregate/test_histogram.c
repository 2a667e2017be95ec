/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of the histograms that the kernel gathers, which goes without branches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "include/histogram.h"

/* The number of bounds below @ns, counted one by one. */
static uint32_t counted(const uint64_t *bounds, uint64_t ns)
{
	uint32_t bucket = 0;

	while (bounds[bucket] < ns)
		bucket++;
	return bucket;
}

static void a_duration_lies_in_the_bucket_whose_bounds_are_about_it(void **state)
{
	(void)state;
	for (int which = 0; which < KW_HISTOGRAM_MAX; which++) {
		const uint64_t *bounds = (const uint64_t *)kw_histogram_bounds[which];

		for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++)
			for (int beside = -1; beside <= 1; beside++) {
				uint64_t ns = bounds[i] < KW_NEVER ? bounds[i] + (uint64_t)beside : KW_NEVER;

				assert_int_equal(kw_histogram_bucket(kw_histogram_bounds[which], ns),
						 counted(bounds, ns));
			}
		assert_int_equal(kw_histogram_bucket(kw_histogram_bounds[which], 0), 0);
	}
}

static uint64_t word(uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
	return a | (uint64_t)b << 16 | (uint64_t)c << 32 | (uint64_t)d << 48;
}

/* Counts wrap, so that a later one may be the smaller. */
static void four_counts_are_subtracted_each_by_itself(void **state)
{
	static const uint16_t counts[] = {0, 1, 2, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff};
	const int most = sizeof(counts) / sizeof(*counts);

	(void)state;
	for (int i = 0; i < most; i++)
		for (int j = 0; j < most; j++) {
			uint16_t now = counts[i], then = counts[j], more = (uint16_t)(now - then);

			assert_int_equal(kw_histogram_news(word(now, 0, now, 5), word(then, 1, then, 3)),
					 word(more, 0xffff, more, 2));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_duration_lies_in_the_bucket_whose_bounds_are_about_it),
		cmocka_unit_test(four_counts_are_subtracted_each_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
