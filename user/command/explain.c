/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/wrap.h"
#include "command/commands.h"
#include "output/explain/pages.h"

#define WIDTH 78
#define NAME_WIDTH 28

static void print_points(const char *title, const char *const points[KW_EXPLANATION_POINTS])
{
	printf("\n%s\n", title);
	for (int i = 0; i < KW_EXPLANATION_POINTS && points[i]; i++)
		kw_wrap(stdout, WIDTH, "  - ", points[i]);
}

static void print_page(const char *name, const char *kind, const char *premature,
		       const struct kw_explanation *page)
{
	char text[160];

	printf("%s (%s)\n", name, kind);
	kw_wrap(stdout, WIDTH, "  ", page->summary);
	printf("\nWhat it means\n");
	kw_wrap(stdout, WIDTH, "  ", page->meaning);
	if (premature) {
		snprintf(text, sizeof(text), "Counts as premature (a request was lost or cut): %s.", premature);
		kw_wrap(stdout, WIDTH, "  ", text);
	}
	print_points("What causes it", page->causes);
	print_points("What to do", page->actions);
}

static void print_list(void)
{
	printf("Reasons, in the order in which keepwatch tries them:\n");
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
		printf("  %-*s %s\n", NAME_WIDTH, kw_reason_name(reason),
		       kw_explanation_of_reason(reason)->summary);
	printf("\nReasons of the path, which take the recordings of both hosts:\n");
	for (enum kw_path_reason reason = KW_PATH_NONE + 1; reason < KW_PATH_MAX; reason++)
		printf("  %-*s %s\n", NAME_WIDTH, kw_path_reason_name(reason),
		       kw_explanations_path[reason].summary);
	printf("\nFindings, which follow from many connections of one service:\n");
	for (enum kw_finding_id id = 0; id < KW_FINDING_MAX; id++)
		printf("  %-*s %s\n", NAME_WIDTH, kw_finding_name(id), kw_explanation_of_finding(id)->summary);
	printf("\nAlerts, for Prometheus:\n");
	for (int i = 0; i < KW_ALERTS; i++)
		printf("  %-*s %s\n", NAME_WIDTH, kw_alerts[i].name, kw_alerts[i].page.summary);
	printf("\nkeepwatch explain NAME says what it means, what causes it, and what to do.\n");
}

/* Returns 0, or -ENOENT if there is no such name. */
static int print_topic(const char *topic)
{
	enum kw_path_reason path = kw_path_reason_by_name(topic);
	enum kw_reason reason = kw_reason_by_name(topic);

	if (path < KW_PATH_MAX) {
		print_page(topic, "reason", NULL, &kw_explanations_path[path]);
		return 0;
	}
	if (reason < KW_REASON_MAX) {
		print_page(topic, "reason", kw_reason_premature(reason), kw_explanation_of_reason(reason));
		return 0;
	}
	for (enum kw_finding_id id = 0; id < KW_FINDING_MAX; id++)
		if (strcmp(topic, kw_finding_name(id)) == 0) {
			print_page(topic, "finding", NULL, kw_explanation_of_finding(id));
			return 0;
		}
	for (int i = 0; i < KW_ALERTS; i++)
		if (strcmp(topic, kw_alerts[i].name) == 0) {
			print_page(topic, "alert", NULL, &kw_alerts[i].page);
			return 0;
		}
	return -ENOENT;
}

enum kw_exit kw_command_explain(const struct kw_options *options)
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
