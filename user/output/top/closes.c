/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/closes.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/duration.h"
#include "judge/evidence.h"

static bool is_same(const struct kw_premature_close *a, const struct kw_premature_close *b)
{
	const struct kw_identity *left = &a->kept.connection.identity, *right = &b->kept.connection.identity;

	return left->cookie == right->cookie && left->generation == right->generation && a->late == b->late;
}

static bool is_among(const struct kw_premature_close *close, const struct kw_premature_close **closes,
		     size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(close, closes[i]))
			return true;
	return false;
}

static int compare(const void *left, const void *right)
{
	const struct kw_premature_close *a = *(const struct kw_premature_close *const *)left;
	const struct kw_premature_close *b = *(const struct kw_premature_close *const *)right;

	if (a->time != b->time)
		return a->time > b->time ? -1 : 1;
	return a < b ? -1 : 1;
}

size_t kw_top_closes_of(const struct kw_top_model *model, const struct kw_top_service *service,
			const struct kw_premature_close *ret_closes[KW_TOP_CLOSES])
{
	size_t latest, count = 0;

	for (size_t i = 0; i < model->latest_count; i++)
		if (kw_top_is_of(service, &model->latest[i].service))
			ret_closes[count++] = &model->latest[i];
	latest = count;
	for (size_t i = 0; i < model->close_count; i++)
		if (kw_top_is_of(service, &model->closes[i].service) &&
		    !is_among(&model->closes[i], ret_closes, latest))
			ret_closes[count++] = &model->closes[i];
	qsort(ret_closes, count, sizeof(const struct kw_premature_close *), compare);
	return count;
}

const char *kw_top_close_reason(const struct kw_premature_close *close)
{
	return close->late ? "late_request" : kw_reason_name(close->kept.verdict.reason);
}

bool kw_top_close_is_premature(const struct kw_premature_close *close)
{
	return close->late || close->kept.verdict.premature == KW_PREMATURE_YES;
}

/* For a late request the kernel reports only its time, so there is one sentence. */
void kw_top_close_evidence(const struct kw_premature_close *close, struct kw_evidence *ret_evidence)
{
	if (!close->late) {
		kw_evidence_write(&close->kept.verdict, ret_evidence);
		return;
	}
	ret_evidence->count = 1;
	snprintf(ret_evidence->sentences[0], KW_EVIDENCE_LENGTH,
		 "a request arrived %s after the server had closed the idle connection",
		 kw_duration(close->late_by).text);
}
