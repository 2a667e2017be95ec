/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/losses.h"
#include "tests/unit/events.h"

static void note(struct kw_losses *losses, const void *data)
{
	const struct kw_event_header *header = data;
	struct kw_event event;

	assert_int_equal(kw_decode(data, header->size, &event), 0);
	kw_losses_note(losses, &event);
}

static void the_latest_counts_hold_whichever_came_last(void **state)
{
	struct kw_event_connection connection = event_connection();
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, 8}};
	struct kw_event_unseen unseen = event_unseen(4, 1, 900);
	struct kw_losses losses = {0};

	(void)state;
	note(&losses, &unseen);
	assert_int_equal(kw_losses_all(&losses), 5);
	totals.totals.lost[KW_LOST_CLOSED] = 20;
	totals.totals.lost[KW_LOST_RECURSION] = 3;
	note(&losses, &totals);
	assert_int_equal(kw_losses_all(&losses), 28);
	unseen = event_unseen(4, 2, 1000);
	note(&losses, &unseen);
	note(&losses, &connection);
	assert_int_equal(kw_losses_all(&losses), 29);
}

static void a_larger_ring_is_advised_only_where_it_may_help(void **state)
{
	struct kw_losses dropped = {.dropped = 1}, unseen = {.unseen = 1}, both = {1, 1};

	(void)state;
	assert_string_equal(kw_losses_hint(&dropped), "a larger --ring-size may help");
	assert_string_equal(kw_losses_hint(&unseen), "the kernel showed them to no program");
	assert_non_null(strstr(kw_losses_hint(&both), "to no program"));
	assert_non_null(strstr(kw_losses_hint(&both), "--ring-size may help"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_latest_counts_hold_whichever_came_last),
		cmocka_unit_test(a_larger_ring_is_advised_only_where_it_may_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
