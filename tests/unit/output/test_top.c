/* SPDX-License-Identifier: BSD-2-Clause */
/* The live view: what is shown of whom, in which order, and how keys change that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/output/top_world.h"

/* Large, because of the closes that it keeps. */
static struct top top;

static int open_it(void **state)
{
	(void)state;
	open_top(&top);
	return 0;
}

static int close_it(void **state)
{
	(void)state;
	close_top(&top);
	return 0;
}

static void observe_three(void)
{
	observe(&top, "quiet:1", requests(1), idle_close(5000));
	for (int i = 0; i < 9; i++)
		observe(&top, "busy:2", requests(20), idle_close(5000));
	observe(&top, "losing:3", reused(4990), stale());
}

/* ---- rows ---- */

static void the_service_that_loses_most_comes_first(void **state)
{
	(void)state;
	observe_three();
	renew(&top);
	assert_int_equal(top.model.shown[KW_TOP_SECTION_SERVICES].count, 3);
	assert_string_equal(service_at(&top, 0), "losing:3");
	assert_string_equal(service_at(&top, 1), "busy:2");
	assert_int_equal(top.model.services[0].lost, 1);
	assert_int_equal(top.model.services[0].top, KW_REASON_STALE_REUSE);
	assert_int_equal(top.model.closes_so_far, 1);
}

static void a_rate_is_the_growth_since_the_screen_before(void **state)
{
	(void)state;
	observe(&top, "s:1", requests(10), idle_close(5000));
	renew(&top);
	assert_true(top.model.services[0].requests > 9.9 && top.model.services[0].requests < 10.1);
	for (int i = 0; i < 2; i++)
		observe(&top, "s:1", requests(30), idle_close(5000));
	renew(&top); /* two seconds later */
	assert_true(top.model.services[0].requests > 29.9 && top.model.services[0].requests < 30.1);
	assert_true(top.model.services[0].closes > 0.99 && top.model.services[0].closes < 1.01);
	renew(&top); /* no time has passed */
	assert_true(top.model.services[0].requests > 29.9 && top.model.services[0].requests < 30.1);
}

static void idle_connections_are_those_without_a_request_under_way(void **state)
{
	struct kw_service service = event_service(KW_ROLE_SERVER, "s:1");
	struct kw_event decoded;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		struct kw_event_connection event = requests(1);

		event.report = KW_REPORT_PROGRESS;
		event.header.time = ++top.world.now;
		event.identity.cookie = ++top.world.cookie;
		event.http.counts.requests_begun += i == 0;
		assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
		assert_int_equal(kw_aggregate_connection(&top.world.aggregate, &service, &decoded, NULL), 0);
	}
	renew(&top);
	assert_int_equal(top.model.services[0].open, 3);
	assert_int_equal(top.model.services[0].idle, 2);
}

/* The server's and the client's name stand in one row, whose closes are those of both. */
static void a_busy_service_does_not_drive_out_the_closes_of_others(void **state)
{
	const struct kw_premature_close *closes[KW_TOP_CLOSES];

	(void)state;
	observe(&top, "quiet:1", requests(1), idle_close(5000));
	for (int i = 0; i < 2 * KW_LATEST_CLOSES; i++)
		observe(&top, "busy:2", requests(1), idle_close(5000));
	renew(&top);
	assert_int_equal(kw_top_closes_of(&top.model, &top.model.services[1], closes), 1);
	assert_int_equal(kw_top_closes_of(&top.model, &top.model.services[0], closes), KW_LATEST_SHARE);
	for (size_t i = 1; i < KW_LATEST_SHARE; i++)
		assert_true(closes[i - 1]->time > closes[i]->time);
}

/* ---- choice ---- */

static void each_column_sorts(void **state)
{
	const char *firsts[KW_TOP_COLUMNS] = {
		[KW_TOP_BY_WORST] = "losing:3", [KW_TOP_BY_SERVICE] = "busy:2", [KW_TOP_BY_REQUESTS] = "busy:2",
		[KW_TOP_BY_LOST] = "losing:3",  [KW_TOP_BY_CLOSES] = "busy:2",  [KW_TOP_BY_REUSE] = "busy:2",
		[KW_TOP_BY_TIMEOUT] = "busy:2", [KW_TOP_BY_REASON] = "busy:2"};

	(void)state;
	observe_three();
	renew(&top);
	for (int column = 0; column < KW_TOP_COLUMNS; column++) {
		assert_int_equal(top.state.choice.sort, column);
		if (firsts[column])
			assert_string_equal(service_at(&top, 0), firsts[column]);
		press(&top, "s");
	}
	assert_int_equal(top.state.choice.sort, KW_TOP_BY_WORST);
	press(&top, "I");
	assert_string_equal(service_at(&top, 2), "losing:3");
}

static void the_cursor_follows_its_service(void **state)
{
	(void)state;
	observe_three();
	renew(&top);
	kw_top_key(&top.state, &top.model, KW_KEY_DOWN);
	assert_string_equal(service_at(&top, top.state.cursor[KW_TOP_SECTION_SERVICES]), "busy:2");
	for (int i = 0; i < 3; i++)
		observe(&top, "quiet:1", reused(4990), stale());
	renew(&top);
	assert_string_equal(service_at(&top, 0), "quiet:1");
	assert_string_equal(service_at(&top, top.state.cursor[KW_TOP_SECTION_SERVICES]), "busy:2");
}

static void a_filter_ignores_the_case_of_letters_and_is_bounded(void **state)
{
	(void)state;
	observe_three();
	renew(&top);
	press(&top, "/BUSY");
	assert_int_equal(top.model.shown[KW_TOP_SECTION_SERVICES].count, 1);
	assert_int_equal(top.model.shown[KW_TOP_SECTION_CLOSES].count, 0);
	for (int i = 0; i < 200; i++)
		press(&top, "x");
	assert_int_equal(strlen(top.state.choice.filter), KW_TOP_FILTER - 1);
	kw_top_key(&top.state, &top.model, KW_KEY_UP); /* no character */
	kw_top_key(&top.state, &top.model, 0xe9);      /* none of ASCII */
	kw_top_key(&top.state, &top.model, KW_KEY_ESCAPE);
	assert_int_equal(top.model.shown[KW_TOP_SECTION_SERVICES].count, 3);
	assert_false(top.state.is_filtering);
}

/* ---- views ---- */

static void views_go_deeper_and_back(void **state)
{
	(void)state;
	observe_three();
	renew(&top);
	press(&top, "\n");
	assert_int_equal(kw_top_frame_of(&top.state)->view, KW_TOP_VIEW_SERVICE);
	press(&top, "\n");
	assert_int_equal(kw_top_frame_of(&top.state)->view, KW_TOP_VIEW_CLOSE);
	assert_int_equal(kw_top_frame_of(&top.state)->close.kept.verdict.reason, KW_REASON_STALE_REUSE);
	press(&top, "\n");
	assert_string_equal(kw_top_frame_of(&top.state)->topic, "stale_reuse");
	press(&top, "?\n\n?");
	assert_int_equal(kw_top_frame_of(&top.state)->view, KW_TOP_VIEW_EXPLANATION);
	press(&top, "qqq");
	assert_null(kw_top_frame_of(&top.state));
	assert_false(top.state.is_over);
	press(&top, "\033\b");
	assert_false(top.state.is_over);
	press(&top, "q");
	assert_true(top.state.is_over);
}

/* The evidence stays on the screen, although the place of its close has long been taken. */
static void an_open_view_stays(void **state)
{
	(void)state;
	observe_three();
	renew(&top);
	press(&top, "\n\n");
	for (int i = 0; i < 2 * KW_LATEST_CLOSES; i++)
		observe(&top, "losing:3", reused(4990), stale());
	renew(&top);
	draw(&top, 80, 24);
	assert_int_equal(kw_top_frame_of(&top.state)->close.kept.connection.identity.cookie, 11);
	assert_true(find_row(&top, "id b-5f3") > 0);
}

static void keys_of_an_empty_screen_do_nothing(void **state)
{
	(void)state;
	renew(&top);
	for (int key = 1; key <= KW_KEY_F10; key = key == 126 ? KW_KEY_UP : key + 1) {
		if (key == 'q' || key == KW_KEY_F10)
			continue;
		kw_top_key(&top.state, &top.model, key);
		draw(&top, 80, 24);
	}
	assert_false(top.state.is_over);
}

/* ---- layout ---- */

static void every_view_fits_every_size(void **state)
{
	static const char *const ways[] = {"",     "\n",     "\n\n",     "\n\n\n", "?",
					   "\t\n", "\t\t\n", "\t\t\n\n", "/b",     "p"};
	static const int sizes[][2] = {{80, 24}, {200, 60}, {40, 10}, {500, 200},
				       {20, 5},  {3, 4},    {1, 1},   {1, 50}};

	(void)state;
	observe_three();
	for (int i = 0; i < 30; i++)
		observe(&top, "losing:3", reused(4990), stale());
	renew(&top);
	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
		for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
			kw_top_begin(&top.state);
			kw_top_arrange(&top.model, &top.state.choice);
			press(&top, ways[way]);
			draw(&top, sizes[size][0], sizes[size][1]);
			kw_top_key(&top.state, &top.model, KW_KEY_END);
			draw(&top, sizes[size][0], sizes[size][1]);
			assert_int_equal(row_of(&top, 0)[0], 'h');
		}
}

static void the_cursor_is_always_visible(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s:%d", 1000 + i);
		observe(&top, name, requests(1), idle_close(5000));
	}
	renew(&top);
	for (int i = 0; i < 400; i++) {
		int row;

		draw(&top, 80, 24);
		row = find_row(&top, service_at(&top, top.state.cursor[KW_TOP_SECTION_SERVICES]));
		assert_true(row > 0);
		assert_int_equal(top.canvas.cells[row * 80].look & KW_LOOK_SELECTED, KW_LOOK_SELECTED);
		kw_top_key(&top.state, &top.model,
			   i < 310   ? KW_KEY_DOWN
			   : i < 350 ? KW_KEY_PAGE_UP
				     : KW_KEY_UP);
	}
}

static void columns_come_by_their_rank(void **state)
{
	(void)state;
	observe_three();
	renew(&top);
	draw(&top, 80, 24);
	assert_true(find_row(&top, "lost  timeout    margin") > 0);
	assert_int_equal(find_row(&top, "top reason"), -1);
	draw(&top, 132, 24);
	assert_true(find_row(&top, "streams") > 0 && find_row(&top, "top reason") > 0);
	assert_true(find_row(&top, "server_closed_idle") > 0);
	draw(&top, 30, 24);
	assert_true(find_row(&top, "req/s") > 0);
	assert_int_equal(find_row(&top, "margin"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_service_that_loses_most_comes_first, open_it, close_it),
		cmocka_unit_test_setup_teardown(a_rate_is_the_growth_since_the_screen_before, open_it,
						close_it),
		cmocka_unit_test_setup_teardown(idle_connections_are_those_without_a_request_under_way, open_it,
						close_it),
		cmocka_unit_test_setup_teardown(a_busy_service_does_not_drive_out_the_closes_of_others, open_it,
						close_it),
		cmocka_unit_test_setup_teardown(each_column_sorts, open_it, close_it),
		cmocka_unit_test_setup_teardown(the_cursor_follows_its_service, open_it, close_it),
		cmocka_unit_test_setup_teardown(a_filter_ignores_the_case_of_letters_and_is_bounded, open_it,
						close_it),
		cmocka_unit_test_setup_teardown(views_go_deeper_and_back, open_it, close_it),
		cmocka_unit_test_setup_teardown(an_open_view_stays, open_it, close_it),
		cmocka_unit_test_setup_teardown(keys_of_an_empty_screen_do_nothing, open_it, close_it),
		cmocka_unit_test_setup_teardown(every_view_fits_every_size, open_it, close_it),
		cmocka_unit_test_setup_teardown(the_cursor_is_always_visible, open_it, close_it),
		cmocka_unit_test_setup_teardown(columns_come_by_their_rank, open_it, close_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
