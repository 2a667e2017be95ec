/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/explain/pages.h"

const struct kw_page *kw_page_of_reason(enum kw_reason reason)
{
	return reason < KW_PAGES_CUT ? &kw_pages_cut[reason] : &kw_pages_idle[reason - KW_PAGES_CUT];
}

const struct kw_page *kw_page_of_finding(enum kw_finding_id id)
{
	return &kw_pages_findings[id];
}
