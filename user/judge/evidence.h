/* SPDX-License-Identifier: BSD-2-Clause */
/* The evidence: a verdict in sentences, built from the facts, good enough to paste into a ticket. */
#ifndef KEEPWATCH_EVIDENCE_H
#define KEEPWATCH_EVIDENCE_H

#include "judge/judge.h"

#define KW_EVIDENCE_SENTENCES 8
#define KW_EVIDENCE_LENGTH 160

struct kw_evidence {
	size_t count;
	char sentences[KW_EVIDENCE_SENTENCES]
		      [KW_EVIDENCE_LENGTH]; /* ASCII, ended by NUL, nothing from the traffic */
};

/* Writes what supports @verdict, the decisive sentence first; the event of its facts must still be there. Pure, cannot
 * fail. */
void kw_evidence_write(const struct kw_verdict *verdict, struct kw_evidence *ret_evidence);

#endif
