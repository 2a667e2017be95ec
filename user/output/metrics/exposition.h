/* SPDX-License-Identifier: BSD-2-Clause */
/* The two text formats that Prometheus reads: its own, 0.0.4, and OpenMetrics 1.0. They differ in the head lines
 * (names without suffix, units, a type "info"), in the form of a bucket's bound, and in the last line. */
#ifndef KEEPWATCH_EXPOSITION_H
#define KEEPWATCH_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define KW_EXPOSITION_BUCKETS 64 /* most buckets of a histogram */

/* A bucket's upper bound and its text, which is cached because each histogram of a family repeats it. */
struct kw_exposition_bound {
	double value;
	char text[32]; /* empty: not formatted yet */
};

/* Must start with all zeros except the first two fields. */
struct kw_exposition {
	FILE *file;
	bool open_metrics;
	const char *name;   /* of the family being written */
	const char *suffix; /* "_total" within a counter's family, "_info" within an info's, else "" */
	struct kw_exposition_bound bounds[KW_EXPOSITION_BUCKETS]; /* by index of the bucket */
};

#define KW_TYPE_COUNTER "counter"
#define KW_TYPE_GAUGE "gauge"
#define KW_TYPE_HISTOGRAM "histogram"
#define KW_TYPE_INFO "info" /* text format 0.0.4 calls it a gauge */

/* Begins a family; its samples must follow at once. A counter is named without "_total", an info without "_info".
 * A name that ends in "_seconds" or "_bytes" has that unit. */
void kw_exposition_family(struct kw_exposition *out, const char *name, const char *type, const char *help);

/* Writes one sample. @labels is "", or text made by kw_exposition_label(). */
void kw_exposition_integer(struct kw_exposition *out, const char *labels, int64_t value);
void kw_exposition_real(struct kw_exposition *out, const char *labels, double value);

/* A histogram. Nothing is owned. */
struct kw_exposed_histogram {
	const double *bounds;    /* upper bounds of all buckets but the last, in the metric's unit */
	const uint64_t *buckets; /* not cumulative */
	size_t count;            /* of buckets, up to KW_EXPOSITION_BUCKETS */
	double sum;              /* in the metric's unit */
};

/* Writes the samples of one histogram. */
void kw_exposition_histogram(struct kw_exposition *out, const char *labels,
			     const struct kw_exposed_histogram *histogram);

void kw_exposition_end(struct kw_exposition *out);

/* Appends name="value", escaped, to @labels of @size bytes; a label that does not fit is left out. */
void kw_exposition_label(char *labels, size_t size, const char *name, const char *value);

#endif
