/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "aggregate/sketch.h"

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Numbers of every size, the same each time. */
static void fill(uint64_t *ret_values, size_t count)
{
	uint64_t state = 1;

	for (size_t i = 0; i < count; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		ret_values[i] = (state >> 11) >> (state >> 58);
	}
}

static void quantiles_are_off_by_less_than_a_64th(void **state)
{
	static const double shares[] = {0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 1};
	uint64_t values[10000];
	struct kw_sketch sketch = {0};

	(void)state;
	fill(values, 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(kw_sketch_add(&sketch, values[i]), 0);
	qsort(values, 10000, sizeof(values[0]), compare);
	assert_int_equal(sketch.count, 10000);
	assert_int_equal(sketch.least, values[0]);
	assert_int_equal(sketch.most, values[9999]);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		double exact = (double)values[(size_t)(shares[i] * 10000) - 1];
		double got = (double)kw_sketch_quantile(&sketch, shares[i]);

		if (got < exact * (1 - 1.0 / 64) || got > exact * (1 + 1.0 / 64))
			fail_msg("%g: %g in place of %g", shares[i], got, exact);
	}
	kw_sketch_free(&sketch);
}

static void equal_numbers_and_small_ones_are_exact(void **state)
{
	struct kw_sketch sketch = {0};

	(void)state;
	assert_int_equal(kw_sketch_quantile(&sketch, 0.5), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(kw_sketch_add(&sketch, 5003217), 0);
	assert_int_equal(kw_sketch_quantile(&sketch, 0.5), 5003217);
	assert_int_equal(sketch.used, 1);
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(kw_sketch_add(&sketch, i), 0);
	assert_int_equal(sketch.used, 65);
	assert_int_equal(kw_sketch_quantile(&sketch, 10.0 / 164), 9);
	kw_sketch_clear(&sketch);
	assert_int_equal(sketch.count, 0);
	assert_int_equal(kw_sketch_quantile(&sketch, 1), 0);
	assert_int_equal(kw_sketch_add(&sketch, UINT64_MAX), 0);
	assert_int_equal(kw_sketch_quantile(&sketch, 0.5), UINT64_MAX);
	kw_sketch_free(&sketch);
}

static void two_sketches_add_up(void **state)
{
	struct kw_sketch parts[2] = {{0}}, whole = {0};
	uint64_t values[1000];

	(void)state;
	fill(values, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(kw_sketch_add(&parts[i % 2], values[i]), 0);
		assert_int_equal(kw_sketch_add(&whole, values[i]), 0);
	}
	assert_int_equal(kw_sketch_merge(&parts[0], &parts[1]), 0);
	assert_int_equal(parts[0].used, whole.used);
	assert_int_equal(parts[0].count, whole.count);
	assert_int_equal(parts[0].least, whole.least);
	assert_int_equal(parts[0].most, whole.most);
	assert_memory_equal(parts[0].bins, whole.bins, whole.used * sizeof(whole.bins[0]));
	kw_sketch_free(&parts[0]);
	kw_sketch_free(&parts[1]);
	kw_sketch_free(&whole);
}

static void the_cluster_is_the_densest_5_percent(void **state)
{
	struct kw_sketch sketch = {0};
	struct kw_cluster cluster;

	(void)state;
	cluster = kw_sketch_cluster(&sketch, 250000);
	assert_int_equal(cluster.count, 0);
	for (uint64_t i = 0; i < 20; i++) { /* noise, 1 to 20 s */
		assert_int_equal(kw_sketch_add(&sketch, (i + 1) * 1000000), 0);
		assert_int_equal(kw_sketch_add(&sketch, 60000000 + i * 10000), 0);
	}
	cluster = kw_sketch_cluster(&sketch, 250000);
	assert_int_equal(cluster.count, 20);
	assert_int_equal(cluster.mean, 60095000);
	kw_sketch_clear(&sketch);
	/* Where 5% is next to nothing, the least width counts. */
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(kw_sketch_add(&sketch, 300000 + i * 20000), 0);
	assert_int_equal(kw_sketch_cluster(&sketch, 250000).count, 10);
	assert_in_range(kw_sketch_cluster(&sketch, 0).count, 1, 2);
	kw_sketch_free(&sketch);
}

/* A cluster of 10,000 numbers within 20 ms of a minute, among 20,000 of every size. */
static void a_sketch_that_is_limited_stays_small_and_keeps_its_clusters(void **state)
{
	struct kw_sketch sketch = {0};
	struct kw_cluster cluster;
	uint64_t values[20000];

	(void)state;
	fill(values, 20000);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(kw_sketch_add(&sketch, values[i]), 0);
		if (i % 2 == 0)
			assert_int_equal(kw_sketch_add(&sketch, 60000000 + (uint64_t)i), 0);
		kw_sketch_limit(&sketch, 256);
		assert_true(sketch.used < 256 && sketch.capacity <= 256);
	}
	assert_int_equal(sketch.count, 30000);
	cluster = kw_sketch_cluster(&sketch, 0);
	assert_in_range(cluster.count, 10000, 10200);
	assert_in_range(cluster.mean, 59800000, 60200000);
	kw_sketch_free(&sketch);
}

static void one_value_more_than_fits_joins_the_two_that_lie_closest(void **state)
{
	static const uint64_t values[] = {1000, 1020, 64000, 4000000};
	struct kw_sketch sketch = {0};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(kw_sketch_add(&sketch, values[i]), 0);
	kw_sketch_limit(&sketch, 5); /* they fit */
	assert_int_equal(sketch.used, 4);
	kw_sketch_limit(&sketch, 4);
	assert_true(sketch.used < 4);
	assert_int_equal(kw_sketch_quantile(&sketch, 0.1), 1010);
	assert_int_equal(kw_sketch_quantile(&sketch, 1), 4000000);
	assert_int_equal(sketch.count, 4);
	kw_sketch_free(&sketch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_off_by_less_than_a_64th),
		cmocka_unit_test(equal_numbers_and_small_ones_are_exact),
		cmocka_unit_test(two_sketches_add_up),
		cmocka_unit_test(a_sketch_that_is_limited_stays_small_and_keeps_its_clusters),
		cmocka_unit_test(one_value_more_than_fits_joins_the_two_that_lie_closest),
		cmocka_unit_test(the_cluster_is_the_densest_5_percent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
