/* SPDX-License-Identifier: BSD-2-Clause */
#include "exposition.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define NUMBER_TEXT 40

void kw_exposition_family(struct kw_exposition *out, const char *name, const char *type, const char *help)
{
	const char *head;

	out->name = name;
	out->suffix = strcmp(type, KW_TYPE_COUNTER) == 0 ? "_total" : "";
	head = out->open_metrics ? "" : out->suffix;
	fprintf(out->file, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, head, help, name, head, type);
}

static void sample(struct kw_exposition *out, const char *suffix, const char *labels, const char *value)
{
	fprintf(out->file, "%s%s%s%s%s %s\n", out->name, suffix, labels[0] ? "{" : "", labels,
		labels[0] ? "}" : "", value);
}

void kw_exposition_integer(struct kw_exposition *out, const char *labels, int64_t value)
{
	char text[NUMBER_TEXT];

	snprintf(text, sizeof(text), "%" PRId64, value);
	sample(out, out->suffix, labels, text);
}

static void real_text(double value, char ret_text[NUMBER_TEXT])
{
	snprintf(ret_text, NUMBER_TEXT, "%.15g", value);
}

void kw_exposition_real(struct kw_exposition *out, const char *labels, double value)
{
	char text[NUMBER_TEXT];

	real_text(value, text);
	sample(out, out->suffix, labels, text);
}

/* OpenMetrics wants a bound to be written as a real number even if it is whole. */
static void bound_text(const struct kw_exposition *out, double bound, char ret_text[NUMBER_TEXT])
{
	if (isinf(bound)) {
		strcpy(ret_text, "+Inf");
		return;
	}
	real_text(bound, ret_text);
	if (out->open_metrics && !strpbrk(ret_text, ".e"))
		strcat(ret_text, ".0");
}

static void bucket(struct kw_exposition *out, const char *labels, double bound, uint64_t cumulative)
{
	char text[NUMBER_TEXT];

	bound_text(out, bound, text);
	fprintf(out->file, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", out->name, labels, labels[0] ? "," : "",
		text, cumulative);
}

void kw_exposition_histogram(struct kw_exposition *out, const char *labels, const double *bounds,
			     const uint64_t *buckets, size_t count, double sum)
{
	uint64_t cumulative = 0;
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < count; i++) {
		bool last = i == count - 1;

		cumulative += buckets[i];
		if (last || !isinf(bounds[i]))
			bucket(out, labels, last ? INFINITY : bounds[i], cumulative);
	}
	real_text(sum, text);
	sample(out, "_sum", labels, text);
	snprintf(text, sizeof(text), "%" PRIu64, cumulative);
	sample(out, "_count", labels, text);
}

void kw_exposition_end(struct kw_exposition *out)
{
	if (out->open_metrics)
		fputs("# EOF\n", out->file);
}

void kw_exposition_label(char *labels, size_t size, const char *name, const char *value)
{
	size_t start = strlen(labels);
	size_t end = start;
	int written = snprintf(labels + end, size - end, "%s%s=\"", start ? "," : "", name);

	end += written > 0 ? (size_t)written : 0;
	for (; *value && end + 4 < size; value++) {
		if (*value == '"' || *value == '\\' || *value == '\n')
			labels[end++] = '\\';
		labels[end++] = *value == '\n' ? 'n' : *value;
	}
	if (*value || end + 2 > size) {
		labels[start] = '\0';
		return;
	}
	labels[end++] = '"';
	labels[end] = '\0';
}
