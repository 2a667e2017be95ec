/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/explain/pages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "base/log.h"

#define WIDTH 78
#define NAME_WIDTH 28

const struct kw_page *kw_page_of_reason(enum kw_reason reason)
{
	return reason < KW_PAGES_CUT ? &kw_pages_cut[reason] : &kw_pages_idle[reason - KW_PAGES_CUT];
}

const struct kw_page *kw_page_of_finding(enum kw_finding_id id)
{
	return &kw_pages_findings[id];
}

/* Prints text, wrapped at WIDTH. @first precedes the first line; the other lines are indented by its width. */
static void print_wrapped(const char *first, const char *text)
{
	int indent = (int)strlen(first), column = printf("%s", first);

	for (;;) {
		int length = (int)strcspn(text, " ");

		if (column > indent && column + 1 + length > WIDTH)
			column = printf("\n%*s", indent, "") - 1;
		column += printf("%s%.*s", column > indent ? " " : "", length, text);
		if (!text[length])
			break;
		text += length + 1;
	}
	putchar('\n');
}

static void print_points(const char *title, const char *const points[KW_PAGE_POINTS])
{
	printf("\n%s\n", title);
	for (int i = 0; i < KW_PAGE_POINTS && points[i]; i++)
		print_wrapped("  - ", points[i]);
}

static void print_page(const char *name, const char *kind, const char *premature, const struct kw_page *page)
{
	char text[160];

	printf("%s (%s)\n", name, kind);
	print_wrapped("  ", page->summary);
	printf("\nWhat it means\n");
	print_wrapped("  ", page->meaning);
	if (premature) {
		snprintf(text, sizeof(text), "Counts as premature (a request was lost or cut): %s.", premature);
		print_wrapped("  ", text);
	}
	print_points("What causes it", page->causes);
	print_points("What to do", page->actions);
}

static void print_list(void)
{
	printf("Reasons, in the order in which keepwatch tries them:\n");
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
		printf("  %-*s %s\n", NAME_WIDTH, kw_reason_name(reason), kw_page_of_reason(reason)->summary);
	printf("\nFindings, which follow from many connections of one service:\n");
	for (enum kw_finding_id id = 0; id < KW_FINDING_MAX; id++)
		printf("  %-*s %s\n", NAME_WIDTH, kw_finding_name(id), kw_page_of_finding(id)->summary);
	printf("\nAlerts, for Prometheus:\n");
	for (int i = 0; i < KW_ALERTS; i++)
		printf("  %-*s %s\n", NAME_WIDTH, kw_alerts[i].name, kw_alerts[i].page.summary);
	printf("\nkeepwatch explain NAME says what it means, what causes it, and what to do.\n");
}

/* Returns 0, or -ENOENT if there is no such name. */
static int print_topic(const char *topic)
{
	enum kw_reason reason = kw_reason_by_name(topic);

	if (reason < KW_REASON_MAX) {
		print_page(topic, "reason", kw_reason_premature(reason), kw_page_of_reason(reason));
		return 0;
	}
	for (enum kw_finding_id id = 0; id < KW_FINDING_MAX; id++)
		if (strcmp(topic, kw_finding_name(id)) == 0) {
			print_page(topic, "finding", NULL, kw_page_of_finding(id));
			return 0;
		}
	for (int i = 0; i < KW_ALERTS; i++)
		if (strcmp(topic, kw_alerts[i].name) == 0) {
			print_page(topic, "alert", NULL, &kw_alerts[i].page);
			return 0;
		}
	return -ENOENT;
}

int kw_explain(const struct kw_options *options)
{
	if (!options->topic) {
		print_list();
	} else if (print_topic(options->topic) < 0) {
		kw_log_error(-EINVAL,
			     "no reason, finding or alert is named '%.100s': keepwatch explain lists all names",
			     options->topic);
		return KW_EXIT_USAGE;
	}
	if (fflush(stdout) == 0 || errno == EPIPE)
		return KW_EXIT_DONE;
	kw_log_error(-EIO, "cannot write to standard output: %s", strerror(errno));
	return KW_EXIT_FAILED;
}
