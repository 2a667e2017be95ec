/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/metrics/exposition.h"

#include <math.h>
#include <string.h>

#define NUMBER_TEXT 40

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* OpenMetrics has a line for the unit, which is the end of the name, and a type "info" for values that never change.
 */
static void open_metrics_head(struct kw_exposition *out, const char *type, const char *help)
{
	const char *unit = ends_in(out->name, "_seconds") ? "seconds"
			   : ends_in(out->name, "_bytes") ? "bytes"
							  : "";

	fprintf(out->file, "# HELP %s %s\n# TYPE %s %s\n", out->name, help, out->name, type);
	if (unit[0])
		fprintf(out->file, "# UNIT %s %s\n", out->name, unit);
}

void kw_exposition_family(struct kw_exposition *out, const char *name, const char *type, const char *help)
{
	bool info = strcmp(type, KW_TYPE_INFO) == 0;

	out->name = name;
	out->suffix = info ? "_info" : strcmp(type, KW_TYPE_COUNTER) == 0 ? "_total" : "";
	if (out->open_metrics) {
		open_metrics_head(out, type, help);
		return;
	}
	fprintf(out->file, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, out->suffix, help, name, out->suffix,
		info ? KW_TYPE_GAUGE : type);
}

/* Only this thread uses the stream, so it is written without a lock and without a format, which takes a third of the
 * time. */
static void put(struct kw_exposition *out, const char *text)
{
	fputs_unlocked(text, out->file);
}

static void sample(struct kw_exposition *out, const char *suffix, const char *labels, const char *value)
{
	put(out, out->name);
	put(out, suffix);
	if (labels[0]) {
		put(out, "{");
		put(out, labels);
		put(out, "}");
	}
	put(out, " ");
	put(out, value);
	put(out, "\n");
}

static const char *whole_text(uint64_t value, bool negative, char ret_text[NUMBER_TEXT])
{
	char *at = ret_text + NUMBER_TEXT - 1;

	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	if (negative)
		*--at = '-';
	return at;
}

void kw_exposition_integer(struct kw_exposition *out, const char *labels, int64_t value)
{
	char text[NUMBER_TEXT];

	sample(out, out->suffix, labels,
	       whole_text(value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, text));
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

/* OpenMetrics wants a bound as a real number, such as "1.0", even if it is whole. */
static const char *bound_text(struct kw_exposition *out, size_t index, double value)
{
	struct kw_exposition_bound *bound = &out->bounds[index];

	if (bound->text[0] && bound->value == value)
		return bound->text;
	bound->value = value;
	if (isinf(value))
		return strcpy(bound->text, "+Inf");
	snprintf(bound->text, sizeof(bound->text), "%.15g", value);
	if (out->open_metrics && !strpbrk(bound->text, ".e"))
		strcat(bound->text, ".0");
	return bound->text;
}

static void bucket(struct kw_exposition *out, const char *labels, const char *bound, uint64_t cumulative)
{
	char text[NUMBER_TEXT];

	put(out, out->name);
	put(out, "_bucket{");
	put(out, labels);
	put(out, labels[0] ? ",le=\"" : "le=\"");
	put(out, bound);
	put(out, "\"} ");
	put(out, whole_text(cumulative, false, text));
	put(out, "\n");
}

void kw_exposition_histogram(struct kw_exposition *out, const char *labels,
			     const struct kw_exposed_histogram *histogram)
{
	uint64_t cumulative = 0;
	char text[NUMBER_TEXT];

	for (size_t i = 0; i < histogram->count; i++) {
		double bound = i == histogram->count - 1 ? INFINITY : histogram->bounds[i];

		cumulative += histogram->buckets[i];
		bucket(out, labels, bound_text(out, i, bound), cumulative);
	}
	real_text(histogram->sum, text);
	sample(out, "_sum", labels, text);
	sample(out, "_count", labels, whole_text(cumulative, false, text));
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
