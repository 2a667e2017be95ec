/* SPDX-License-Identifier: BSD-2-Clause */
/* A finding: a fault that many connections of one service show together, with its numbers and with advice. */
#ifndef KEEPWATCH_FINDING_H
#define KEEPWATCH_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "finding/severity.h"

/* The order is also that of findings with the same severity in a report. */
enum kw_finding_id {
	KW_FINDING_TIMEOUT_RACE,
	KW_FINDING_TRUNCATED_RESPONSES,
	KW_FINDING_NO_RESPONSES,
	KW_FINDING_DRAIN,
	KW_FINDING_UNANNOUNCED_CLOSES,
	KW_FINDING_TIMEOUT_NOT_HONOURED,
	KW_FINDING_LOST_REQUESTS,
	KW_FINDING_CONNECTS_FAIL,
	KW_FINDING_LOW_REUSE,
	KW_FINDING_MAX_CHURN,
	KW_FINDING_PROBE_ONLY,
	KW_FINDING_CLIENTS_GIVE_UP,
	KW_FINDING_DEAD_PATH,
	KW_FINDING_CLOSE_WAIT_LEAK,
	KW_FINDING_OBSOLETE_FIELDS,
	KW_FINDING_MAX,
};

/* "timeout_race" and so on: the contract's names; never NULL. */
const char *kw_finding_name(enum kw_finding_id id);

/* Identifies a connection, so that its record can be found. */
struct kw_example {
	uint64_t cookie;
	uint32_t generation;
};

#define KW_EXAMPLES 3

struct kw_examples {
	struct kw_example list[KW_EXAMPLES];
	uint32_t count;
};

/* Keeps the first KW_EXAMPLES. */
void kw_examples_add(struct kw_examples *examples, struct kw_example example);

enum kw_number_kind {
	KW_NUMBER_COUNT,
	KW_NUMBER_SECONDS,
	KW_NUMBER_SHARE, /* 0 to 1 */
	KW_NUMBER_RATE,
	KW_NUMBER_TEXT,
	KW_NUMBER_NULL, /* not known */
};

/* One of the numbers that support a finding. */
struct kw_number {
	const char *name;
	enum kw_number_kind kind;
	double value;     /* for all kinds but text and null */
	const char *text; /* for the kind text; a constant */
};

#define KW_FINDING_NUMBERS 12
#define KW_FINDING_SUMMARY 512
#define KW_FINDING_ADVICE 8
#define KW_FINDING_ADVICE_TEXT 512

struct kw_finding {
	enum kw_finding_id id;
	enum kw_severity severity;
	size_t number_count;
	struct kw_number numbers[KW_FINDING_NUMBERS];
	char summary[KW_FINDING_SUMMARY];
	size_t advice_count;
	char advice[KW_FINDING_ADVICE][KW_FINDING_ADVICE_TEXT];
	struct kw_examples examples;
};

/* These add to a finding. If there is no room, they do nothing. */
void kw_finding_count(struct kw_finding *finding, const char *name, uint64_t count);
void kw_finding_count_or_null(struct kw_finding *finding, const char *name, bool known, uint64_t count);
void kw_finding_seconds(struct kw_finding *finding, const char *name, bool known, double seconds);
void kw_finding_number(struct kw_finding *finding, const char *name, enum kw_number_kind kind, double value);
void kw_finding_text(struct kw_finding *finding, const char *name, const char *text);
void kw_finding_advise(struct kw_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void kw_finding_summarise(struct kw_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
