/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aggregate/drains.h"
#include "aggregate/half_closed.h"
#include "aggregate/window.h"

#define START (100 * KW_S)

struct state {
	struct kw_drains drains;
	struct kw_outside outside;
};

static void add(struct state *s, uint64_t closed, uint64_t idle)
{
	struct kw_drain_close close = {.closed = closed, .idle = (int64_t)idle, .example = {closed, 0}};

	assert_int_equal(kw_drains_add(&s->drains, &close, &s->outside), 0);
}

static void settle(struct state *s)
{
	assert_int_equal(kw_drains_settle(&s->drains, UINT64_MAX, &s->outside), 0);
	assert_int_equal(s->drains.used, 0);
}

static void done(struct state *s)
{
	kw_drains_free(&s->drains);
	kw_sketch_free(&s->outside.idle);
}

static void closes_all_at_once_at_different_idle_ages_are_a_drain(void **state)
{
	static const struct {
		int closes;
		uint64_t apart;  /* between two closes */
		uint64_t spread; /* of the idle ages */
		bool drain;
	} rows[] = {
		{5, 20 * KW_MS, 1100 * KW_MS, true},   {4, 20 * KW_MS, 1100 * KW_MS, false}, /* too few */
		{5, 20 * KW_MS, 1000 * KW_MS, false},  /* not more than a second */
		{5, 30 * KW_MS, 1100 * KW_MS, false},  /* not within 100 ms */
		{300, 1 * KW_MS, 3000 * KW_MS, true},  /* longer than 100 ms as a whole, and still one */
		{1000, 5 * KW_MS, 100 * KW_MS, false}, /* a timeout on a busy server */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t closes = (uint64_t)rows[i].closes;
		struct state s = {0};

		for (uint64_t k = 0; k < closes; k++)
			add(&s, START + k * rows[i].apart,
			    5 * KW_S + k % 5 * rows[i].spread / (closes < 5 ? 3 : 4));
		settle(&s);
		assert_int_equal(s.drains.count, rows[i].drain);
		assert_int_equal(s.drains.remembered, rows[i].drain);
		assert_int_equal(s.outside.idle.count, rows[i].drain ? 0 : closes);
		if (rows[i].drain) {
			assert_int_equal(s.drains.list[0].closed, closes);
			assert_in_range(s.drains.list[0].first, START - KW_DRAIN_CELL, START);
			assert_int_equal(s.drains.list[0].example.cookie, START);
		}
		done(&s);
	}
}

static void what_comes_before_and_after_a_drain_is_outside(void **state)
{
	struct state s = {0};

	(void)state;
	for (uint64_t k = 0; k < 50; k++)
		add(&s, START + k * KW_S, 5 * KW_S);
	for (uint64_t k = 0; k < 8; k++)
		add(&s, START + 20500 * KW_MS + k * KW_MS, k * 600 * KW_MS);
	settle(&s);
	assert_int_equal(s.drains.count, 1);
	assert_int_equal(s.drains.list[0].closed, 8);
	assert_int_equal(s.outside.idle.count, 50);
	assert_int_equal(s.outside.idle.most, 5 * KW_S / KW_US);
	done(&s);
}

static void the_order_in_which_closes_are_told_does_not_matter(void **state)
{
	struct state s = {0};

	(void)state;
	for (uint64_t k = 0; k < 40; k++) /* both ends of the time by turns */
		add(&s, START + (k % 2 ? 40 - k : k) * 2 * KW_MS, k * 300 * KW_MS);
	settle(&s);
	assert_int_equal(s.drains.count, 1);
	assert_int_equal(s.drains.list[0].closed, 40);
	done(&s);
}

static void a_request_lost_in_a_drain_is_no_race(void **state)
{
	struct kw_drain_close race = {
		.closed = START + 10 * KW_MS, .idle = -1, .race = true, .lost = {{1, 0, 0}, 0}};
	struct state s = {0};

	(void)state;
	for (uint64_t k = 0; k < 8; k++)
		add(&s, START + k * KW_MS, k * 600 * KW_MS);
	assert_int_equal(kw_drains_add(&s.drains, &race, &s.outside), 0);
	settle(&s);
	assert_int_equal(s.drains.list[0].lost, 1);
	assert_int_equal(s.drains.list[0].closed, 8);
	assert_int_equal(s.outside.races, 0);
	/* One that is learnt of when the drain is settled is part of it all the same. */
	race.lost = (struct kw_lost_requests){.late = 1};
	assert_int_equal(kw_drains_add(&s.drains, &race, &s.outside), 0);
	assert_int_equal(s.drains.list[0].lost, 2);
	/* Elsewhere it is a race. */
	race.closed = START + 10 * KW_S;
	assert_int_equal(kw_drains_add(&s.drains, &race, &s.outside), 0);
	settle(&s);
	assert_int_equal(s.outside.races, 1);
	assert_int_equal(s.outside.race_lost[KW_RETRYABLE_UNKNOWN], 1);
	done(&s);
}

static void memory_is_bounded_and_nothing_gets_lost(void **state)
{
	struct state s = {0};

	(void)state;
	for (uint64_t k = 0; k < 10000; k++)
		add(&s, START + k * 200 * KW_MS, 5 * KW_S);
	assert_in_range(s.drains.room, 1, 2 * KW_DRAIN_CELLS);
	settle(&s);
	assert_int_equal(s.outside.idle.count, 10000);
	for (uint64_t k = 0; k < 100; k++) /* more drains than are remembered */
		for (uint64_t i = 0; i < 6; i++)
			add(&s, 2 * START + k * 10 * KW_S + i * KW_MS, i * KW_S);
	settle(&s);
	assert_int_equal(s.drains.count, 100);
	assert_int_equal(s.drains.remembered, KW_DRAINS);
	assert_in_range(s.drains.list[KW_DRAINS - 1].first, 2 * START + 990 * KW_S - KW_S,
			2 * START + 990 * KW_S);
	done(&s);
}

static void half_closed_connections_leak_after_a_minute(void **state)
{
	struct kw_example first = {1, 0}, second = {2, 0}, third = {3, 0};
	struct kw_leaks leaks = {0};

	(void)state;
	kw_leaks_advance(&leaks, START);
	kw_leaks_enter(&leaks, START, first);
	kw_leaks_enter(&leaks, START + KW_S, second);
	kw_leaks_advance(&leaks, START + 59 * KW_S);
	assert_int_equal(leaks.old, 0);
	kw_leaks_leave(&leaks, START + KW_S, second);
	kw_leaks_advance(&leaks, START + 66 * KW_S);
	assert_int_equal(leaks.old, 1);
	kw_leaks_enter(&leaks, START + 60 * KW_S, third);
	kw_leaks_leave(&leaks, START, first);
	assert_int_equal(leaks.old, 0);
	assert_int_equal(leaks.examples.count, 0);
	kw_leaks_advance(&leaks, START + 10000 * KW_S);
	assert_int_equal(leaks.old, 1);
	assert_int_equal(leaks.examples.count, 1);
	assert_int_equal(leaks.examples.list[0].cookie, 3);
	kw_leaks_leave(&leaks, START + 60 * KW_S, third);
	assert_int_equal(leaks.old, 0);
}

static uint64_t seen_in(const struct kw_window *window, uint64_t length, uint64_t now)
{
	struct kw_statistics sum;
	uint64_t seen;

	assert_int_equal(kw_window_sum(window, length, now, &sum), 0);
	seen = sum.seen;
	assert_int_equal(sum.close_idle.count, seen);
	kw_statistics_free(&sum);
	return seen;
}

static void a_window_slides(void **state)
{
	const uint64_t length = 600 * KW_S;
	struct kw_window window = {0};

	(void)state;
	for (uint64_t k = 0; k < 1200; k++) {
		struct kw_statistics *now = kw_window_now(&window, length, START + k * KW_S);

		now->seen++;
		assert_int_equal(kw_sketch_add(&now->close_idle, 5), 0);
	}
	assert_in_range(seen_in(&window, length, START + 1199 * KW_S), 540, 600);
	assert_in_range(seen_in(&window, length, START + 1499 * KW_S), 240, 300);
	assert_int_equal(seen_in(&window, length, START + 1900 * KW_S), 0);
	kw_window_free(&window);
	for (uint64_t k = 0; k < 1200; k++) { /* the whole observation */
		struct kw_statistics *now = kw_window_now(&window, 0, START + k * KW_S);

		now->seen++;
		assert_int_equal(kw_sketch_add(&now->close_idle, 5), 0);
	}
	assert_int_equal(seen_in(&window, 0, START + 9999 * KW_S), 1200);
	kw_window_free(&window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes_all_at_once_at_different_idle_ages_are_a_drain),
		cmocka_unit_test(what_comes_before_and_after_a_drain_is_outside),
		cmocka_unit_test(the_order_in_which_closes_are_told_does_not_matter),
		cmocka_unit_test(a_request_lost_in_a_drain_is_no_race),
		cmocka_unit_test(memory_is_bounded_and_nothing_gets_lost),
		cmocka_unit_test(half_closed_connections_leak_after_a_minute),
		cmocka_unit_test(a_window_slides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
