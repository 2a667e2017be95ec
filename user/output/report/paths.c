/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/report/paths.h"

#include <errno.h>
#include <inttypes.h>

#include "base/words.h"
#include "output/report/print.h"

#define SCHEMA 1
#define DIGITS 12

static bool is_used(const struct kw_path_counts *counts)
{
	return counts->pairs || counts->reasons[KW_PATH_ONE_END];
}

/* ---- JSON ---- */

static json_t *path_object(const struct kw_path_counts *counts)
{
	json_t *reasons = json_object(), *object = json_object();

	for (enum kw_path_reason reason = KW_PATH_NONE + 1; reason < KW_PATH_MAX; reason++)
		kw_json_set(&reasons, kw_path_reason_name(reason), kw_json_integer(counts->reasons[reason]));
	kw_json_set(&object, "client", json_string(counts->client));
	kw_json_set(&object, "server", json_string(counts->server));
	kw_json_set(&object, "pairs", kw_json_integer(counts->pairs));
	kw_json_set(&object, "agreed", kw_json_integer(counts->agreed));
	kw_json_set(&object, "reasons", reasons);
	return object;
}

static json_t *finding_object(const struct kw_path_counts *counts, const struct kw_finding *finding)
{
	json_t *object = json_object();

	kw_json_set(&object, "id", json_string(kw_finding_name(finding->id)));
	kw_json_set(&object, "severity", json_string(kw_severity_name(finding->severity)));
	kw_json_set(&object, "client", json_string(counts->client));
	kw_json_set(&object, "server", json_string(counts->server));
	kw_json_set(&object, "summary", json_string(finding->summary));
	kw_json_set(&object, "advice", kw_report_advice(finding));
	kw_json_set(&object, "numbers", kw_report_numbers(finding));
	kw_json_set(&object, "examples", kw_report_examples(&finding->examples));
	return object;
}

int kw_paths_json(FILE *file, const struct kw_paths_report *report)
{
	json_t *object = json_pack("{s:s, s:i}", "type", "paths", "schema", SCHEMA);
	json_t *findings = json_array(), *paths = json_array();
	struct kw_finding finding;

	for (size_t i = 0; i < report->count; i++) {
		if (is_used(&report->counts[i]))
			kw_json_append(&paths, path_object(&report->counts[i]));
		if (kw_raise_middlebox(&report->counts[i], &finding))
			kw_json_append(&findings, finding_object(&report->counts[i], &finding));
	}
	kw_json_set(&object, "findings", findings);
	kw_json_set(&object, "paths", paths);
	return kw_json_write_line(file, object, DIGITS);
}

/* ---- text ---- */

static void print_finding(FILE *file, const struct kw_path_counts *counts, const struct kw_report_style *style)
{
	struct kw_finding finding;

	if (!kw_raise_middlebox(counts, &finding))
		return;
	kw_report_headline(file, &finding, style);
	fprintf(file, "%s > %s\n", counts->client, counts->server);
	kw_report_summary(file, &finding, style);
	kw_report_advice_text(file, &finding, style);
}

static void print_path(FILE *file, const struct kw_path_counts *counts)
{
	fprintf(file, "\n%s > %s: %" PRIu64 " connection%s with both ends, which agree on %" PRIu64,
		counts->client, counts->server, counts->pairs, kw_plural(counts->pairs), counts->agreed);
	for (enum kw_path_reason reason = KW_PATH_NONE + 1; reason < KW_PATH_MAX; reason++)
		if (counts->reasons[reason])
			fprintf(file, ", %s %" PRIu64, kw_path_reason_name(reason), counts->reasons[reason]);
	fputc('\n', file);
}

int kw_paths_text(FILE *file, const struct kw_paths_report *report, const struct kw_report_style *style)
{
	fputs("---- between the hosts ----\n", file);
	for (size_t i = 0; i < report->count; i++)
		print_finding(file, &report->counts[i], style);
	for (size_t i = 0; i < report->count; i++)
		if (is_used(&report->counts[i]))
			print_path(file, &report->counts[i]);
	return ferror(file) ? -EIO : 0;
}
