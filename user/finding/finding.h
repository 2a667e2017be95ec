/* SPDX-License-Identifier: BSD-2-Clause */
/* A finding: a fault that many connections of one service show together, with its numbers and with advice. */
#ifndef KEEPWATCH_FINDING_H
#define KEEPWATCH_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate/examples.h"
#include "finding/severity.h"

/* "timeout_race" and so on: the contract's names; never NULL. */
const char *kw_finding_name(enum kw_finding_id id);

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
