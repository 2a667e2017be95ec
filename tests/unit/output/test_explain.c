/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of `keepwatch explain`: none is missing or empty, and what they refer to is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/explain/pages.h"

#define PATHS KW_REASON_MAX
#define FINDINGS (PATHS + KW_PATH_MAX - 1)
#define ALERTS (FINDINGS + KW_FINDING_MAX)
#define TOPICS (ALERTS + KW_ALERTS)
#define LONGEST_SUMMARY 96 /* the list of all gives each a line */

static const char *name_of(int topic)
{
	if (topic < PATHS)
		return kw_reason_name(topic);
	if (topic < FINDINGS)
		return kw_path_reason_name(topic - PATHS + 1);
	return topic < ALERTS ? kw_finding_name(topic - FINDINGS) : kw_alerts[topic - ALERTS].name;
}

static const struct kw_explanation *page_of(int topic)
{
	if (topic < PATHS)
		return kw_explanation_of_reason(topic);
	if (topic < FINDINGS)
		return &kw_explanations_path[topic - PATHS + 1];
	return topic < ALERTS ? kw_explanation_of_finding(topic - FINDINGS) : &kw_alerts[topic - ALERTS].page;
}

/* Letters and signs that any terminal shows; single spaces, so that it can be wrapped. */
static void is_text(const char *name, const char *text)
{
	if (!text || !text[0])
		fail_msg("%s lacks a text", name);
	for (const char *c = text; c && *c; c++)
		if (*c < ' ' || *c > '~' || (*c == ' ' && (c[1] == ' ' || !c[1])))
			fail_msg("%s: bad text '%s'", name, text);
}

static void every_topic_has_a_whole_page(void **state)
{
	(void)state;
	for (int topic = 0; topic < TOPICS; topic++) {
		const struct kw_explanation *page = page_of(topic);

		is_text(name_of(topic), page->summary);
		is_text(name_of(topic), page->meaning);
		is_text(name_of(topic), page->causes[0]);
		is_text(name_of(topic), page->actions[0]);
		assert_true(strlen(page->summary) <= LONGEST_SUMMARY);
		for (int i = 0; i < KW_EXPLANATION_POINTS; i++) {
			if (page->causes[i])
				is_text(name_of(topic), page->causes[i]);
			if (page->actions[i])
				is_text(name_of(topic), page->actions[i]);
		}
	}
}

static void no_two_pages_are_alike(void **state)
{
	(void)state;
	for (int topic = 0; topic < TOPICS; topic++)
		for (int other = 0; other < topic; other++) {
			assert_string_not_equal(page_of(topic)->summary, page_of(other)->summary);
			assert_string_not_equal(page_of(topic)->meaning, page_of(other)->meaning);
		}
}

/* A word in the place of a topic must be one: "keepwatch explain NAME" and "(see NAME)". */
static void refers_to_topics(const char *from, const char *text, const char *before)
{
	const char *at = text ? strstr(text, before) : NULL;

	for (; at; at = strstr(at, before)) {
		size_t length;
		bool found = false;

		at += strlen(before);
		length = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
		for (int topic = 0; topic < TOPICS && !found; topic++)
			found = strlen(name_of(topic)) == length && !strncmp(name_of(topic), at, length);
		if (!found && strncmp(at, "REASON", length) != 0)
			fail_msg("%s refers to '%.*s'", from, (int)length, at);
	}
}

static void what_a_page_refers_to_has_a_page(void **state)
{
	(void)state;
	for (int topic = 0; topic < TOPICS; topic++) {
		const struct kw_explanation *page = page_of(topic);

		refers_to_topics(name_of(topic), page->meaning, "(see ");
		for (int i = 0; i < KW_EXPLANATION_POINTS; i++) {
			refers_to_topics(name_of(topic), page->causes[i], "(see ");
			refers_to_topics(name_of(topic), page->causes[i], "keepwatch explain ");
			refers_to_topics(name_of(topic), page->actions[i], "(see ");
			refers_to_topics(name_of(topic), page->actions[i], "keepwatch explain ");
		}
	}
}

static void when_a_reason_is_premature_comes_from_its_rule(void **state)
{
	(void)state;
	assert_string_equal(kw_reason_premature(KW_REASON_STALE_REUSE), "always");
	assert_string_equal(kw_reason_premature(KW_REASON_UNUSED), "never");
	assert_string_equal(kw_reason_premature(KW_REASON_PROCESS_EXIT), "if requests were lost");
	assert_string_equal(kw_reason_premature(KW_REASON_IDLE_RESET), "only if a late request came");
	assert_string_equal(kw_reason_premature(KW_REASON_UNKNOWN), "not known");
	assert_string_equal(kw_reason_premature(KW_REASON_MAX), "not known");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_topic_has_a_whole_page),
		cmocka_unit_test(no_two_pages_are_alike),
		cmocka_unit_test(what_a_page_refers_to_has_a_page),
		cmocka_unit_test(when_a_reason_is_premature_comes_from_its_rule),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
