/* SPDX-License-Identifier: BSD-2-Clause */
/* The evidence: a verdict in sentences, built from the facts, good enough to paste into a ticket. */
#ifndef KEEPWATCH_EVIDENCE_H
#define KEEPWATCH_EVIDENCE_H

#include "judge/sentences.h"

/* Writes what supports @verdict, the decisive sentence first; the event of its facts must still be there. Pure, cannot
 * fail. */
void kw_evidence_write(const struct kw_verdict *verdict, struct kw_evidence *ret_evidence);

#endif
