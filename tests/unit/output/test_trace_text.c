/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of `trace`: columns that stay in place, and colour on terminals only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output/trace/text.h"
#include "tests/unit/events.h"

#define AT (3 * KW_S)
#define REASON_COLUMN 69

static const struct kw_clock clock_of_tests;
static const struct kw_service service = {.name = "nginx:8080"};

static struct kw_verdict verdict(enum kw_reason reason, enum kw_premature premature)
{
	return (struct kw_verdict){.closer = KW_CLOSER_SERVER,
				   .manner = KW_MANNER_FIN,
				   .reason = reason,
				   .premature = premature,
				   .lost_requests = premature == KW_PREMATURE_YES,
				   .closed = AT};
}

#define CGROUP                                                                                                 \
	"/kubepods.slice/kubepods-pod01234567_89ab_cdef_0123_456789abcdef.slice/"                              \
	"crio-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope"

/* To be freed. */
static char *line_of(const struct kw_verdict *verdict, struct kw_text_style style)
{
	struct kw_event_connection facts = event_connection();
	struct kw_event event = {.connection = &facts};
	struct kw_evidence evidence = {.count = 2, .sentences = {"the first", "the second"}};
	struct kw_record record = {.event = &event,
				   .verdict = verdict,
				   .evidence = verdict ? &evidence : NULL,
				   .service = &service,
				   .cgroup = CGROUP,
				   .clock = clock_of_tests};
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(kw_text_connection(file, &record, &style), 0);
	fclose(file);
	return text;
}

static char *late_line(struct kw_text_style style)
{
	struct kw_event_late late = {
		.header.time = AT + 26 * KW_US, .closed = AT, .identity = event_connection().identity};
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	assert_int_equal(kw_text_late(file, &late, &service, &clock_of_tests, &style), 0);
	fclose(file);
	return text;
}

/* Of each reason, and of what is not a reason, stands where the eye looks for it. */
static void reasons_stand_in_one_column(void **state)
{
	(void)state;
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++) {
		struct kw_verdict one = verdict(reason, KW_PREMATURE_NO);
		char *text = line_of(&one, (struct kw_text_style){0});

		assert_ptr_equal(strstr(text, kw_reason_name(reason)), text + REASON_COLUMN);
		assert_ptr_equal(strstr(text, "  by server (fin)\n"), text + REASON_COLUMN + 23);
		free(text);
	}
	char *open = line_of(NULL, (struct kw_text_style){0}), *late = late_line((struct kw_text_style){0});

	assert_ptr_equal(strstr(open, "still open\n"), open + REASON_COLUMN);
	assert_ptr_equal(strstr(late, "late_request"), late + REASON_COLUMN);
	assert_non_null(strstr(late, " +1 req      26 us  late_request "));
	assert_non_null(strstr(late, "  from 10.0.0.9:51334 after the close, premature, 1 lost\n"));
	free(open);
	free(late);
}

static void evidence_is_indented_and_tells_which_connection(void **state)
{
	struct kw_verdict usual = verdict(KW_REASON_UNUSED, KW_PREMATURE_NO);
	struct kw_verdict lost = verdict(KW_REASON_NO_RESPONSE, KW_PREMATURE_YES);
	const char *block = "\n              the first\n              the second\n"
			    "              local 10.0.0.5:8080, remote 10.0.0.9:51334, id 1a2b-5f3\n";
	const char *place = "              netns 4026531840, pid 812, container 0123456789ab (cri-o), "
			    "pod 01234567-89ab-cdef-0123-456789abcdef, cgroup " CGROUP "\n";
	char *text = line_of(&usual, (struct kw_text_style){0});

	(void)state;
	assert_null(strstr(text, "the first"));
	free(text);
	text = line_of(&usual, (struct kw_text_style){.evidence = true});
	assert_non_null(strstr(text, block));
	assert_string_equal(strstr(text, block) + strlen(block), place);
	free(text);
	text = line_of(&lost, (struct kw_text_style){0});
	assert_non_null(strstr(text, block));
	assert_null(strstr(text, place));
	free(text);
}

static unsigned int escapes(const char *text)
{
	unsigned int count = 0;

	for (; (text = strchr(text, '\033')); text++)
		count++;
	return count;
}

/* Every colour is switched off again, and none is there without being asked for. */
static void colour_is_for_what_stands_out(void **state)
{
	static const struct {
		enum kw_premature premature;
		bool evidence;
		unsigned int escapes;
	} rows[] = {
		{KW_PREMATURE_NO, false, 0},
		{KW_PREMATURE_NO, true, 2},       /* the evidence steps back */
		{KW_PREMATURE_UNKNOWN, false, 2}, /* the reason */
		{KW_PREMATURE_YES, false,
		 6}, /* the reason, "premature", and the evidence, which then is there */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_verdict one = verdict(KW_REASON_UNKNOWN, rows[i].premature);
		char *text = line_of(&one, (struct kw_text_style){true, rows[i].evidence});

		assert_int_equal(escapes(text), rows[i].escapes);
		free(text);
		text = line_of(&one, (struct kw_text_style){false, rows[i].evidence});
		assert_int_equal(escapes(text), 0);
		free(text);
	}
	char *late = late_line((struct kw_text_style){.colour = true});

	assert_int_equal(escapes(late), 4);
	free(late);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_stand_in_one_column),
		cmocka_unit_test(evidence_is_indented_and_tells_which_connection),
		cmocka_unit_test(colour_is_for_what_stands_out),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
