/* SPDX-License-Identifier: BSD-2-Clause */
/* The sentences of evidence, and how they are written, for the files that write them. */
#ifndef KEEPWATCH_SENTENCES_H
#define KEEPWATCH_SENTENCES_H

#include "base/duration.h"
#include "judge/judge.h"

#define KW_EVIDENCE_SENTENCES 8
#define KW_EVIDENCE_LENGTH 160

struct kw_evidence {
	size_t count;
	char sentences[KW_EVIDENCE_SENTENCES]
		      [KW_EVIDENCE_LENGTH]; /* ASCII, ended by NUL, nothing from the traffic */
};

struct kw_writer {
	const struct kw_event_connection *event;
	const struct kw_verdict *verdict;
	const struct kw_facts *facts;
	struct kw_evidence *out;
};

/* Adds a sentence; one too many is dropped, since the least important come last. */
__attribute__((format(printf, 2, 3))) void kw_say(struct kw_writer *w, const char *format, ...);

/* A duration that may be less than 0, where things were noticed in another order than they happened: that counts as 0. */
struct kw_duration kw_signed_duration(int64_t ns);

#endif
