/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/explain/pages.h"

const struct kw_explanation *kw_explanation_of_reason(enum kw_reason reason)
{
	if (kw_explanations_http2[reason].summary)
		return &kw_explanations_http2[reason];
	return reason < KW_EXPLANATIONS_CUT ? &kw_explanations_cut[reason]
					    : &kw_explanations_idle[reason - KW_EXPLANATIONS_CUT];
}

const struct kw_explanation *kw_explanation_of_finding(enum kw_finding_id id)
{
	return &kw_explanations_findings[id];
}
