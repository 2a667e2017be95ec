/* SPDX-License-Identifier: BSD-2-Clause */
/* The closes of one service, of those that are kept. Pure. */
#ifndef KEEPWATCH_TOP_CLOSES_H
#define KEEPWATCH_TOP_CLOSES_H

#include "judge/sentences.h"
#include "output/top/model.h"

#define KW_TOP_CLOSES (KW_LATEST_CLOSES + KW_PREMATURE_KEPT)

/* Finds the closes of a row, the latest first; they stay the model's. Returns how many there are. */
size_t kw_top_closes_of(const struct kw_top_model *model, const struct kw_top_service *service,
			const struct kw_premature_close *ret_closes[KW_TOP_CLOSES]);

/* The name of its reason, or "late_request". Never NULL. */
const char *kw_top_close_reason(const struct kw_premature_close *close);

/* Whether it lost or cut a request. */
bool kw_top_close_is_premature(const struct kw_premature_close *close);

/* Its sentences, the decisive one first. */
void kw_top_close_evidence(const struct kw_premature_close *close, struct kw_evidence *ret_evidence);

#endif
