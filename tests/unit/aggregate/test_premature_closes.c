/* SPDX-License-Identifier: BSD-2-Clause */
/* Premature closes are kept for longer than their events last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aggregate/premature_closes.h"
#include "tests/unit/tls_event.h"

static void the_evidence_of_a_close_within_tls_outlives_its_event(void **state)
{
	static struct kw_premature_closes closes;
	struct kw_event_tls data = event_of_tls();
	struct kw_service service = {.name = "nginx:80"};
	struct kw_verdict verdict;
	struct kw_event event;

	(void)state;
	assert_int_equal(kw_decode(&data, sizeof(data), &event), 0);
	kw_judge(event.connection, &verdict);
	assert_int_equal(verdict.premature, KW_PREMATURE_YES);
	kw_premature_note(&closes, &event, &verdict, &service, NULL);
	assert_outlives(&data, &verdict, &kw_premature_latest(&closes, 0)->kept.verdict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_evidence_of_a_close_within_tls_outlives_its_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
