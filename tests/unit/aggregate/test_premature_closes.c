/* SPDX-License-Identifier: BSD-2-Clause */
/* Premature closes are kept for longer than their events last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aggregate/premature_closes.h"
#include "tests/unit/judge/http2_story.h"
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

/* A verdict may point at the facts of one side too. */
static void the_evidence_of_a_close_of_http2_outlives_its_event(void **state)
{
	static struct kw_premature_closes closes;
	const struct http2_story story = {.answered = 3,
					  .unheaded = 2,
					  .goaways[HTTP2_SERVER] = {.after = S, .number = 5, .code = 11},
					  .actor = KW_CLOSER_SERVER,
					  .manner = KW_MANNER_FIN,
					  .closed_after = 2 * S};
	struct kw_event_http2 data = http2_story_event(&story, KW_ROLE_CLIENT);
	struct kw_service service = {.name = "nginx:80"};
	struct kw_evidence before, after;
	struct kw_verdict verdict;
	struct kw_event event;

	(void)state;
	assert_int_equal(kw_decode(&data, sizeof(data), &event), 0);
	kw_judge(event.connection, &verdict);
	assert_non_null(verdict.facts.goaway);
	kw_premature_note(&closes, &event, &verdict, &service, NULL);
	kw_evidence_write(&verdict, &before);
	memset(&data, 0xa5, sizeof(data));
	kw_evidence_write(&kw_premature_latest(&closes, 0)->kept.verdict, &after);
	assert_int_equal(after.count, before.count);
	for (size_t i = 0; i < before.count; i++)
		assert_string_equal(after.sentences[i], before.sentences[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_evidence_of_a_close_within_tls_outlives_its_event),
		cmocka_unit_test(the_evidence_of_a_close_of_http2_outlives_its_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
