/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of `keepwatch explain`, for people who see a reason, a finding or an alert and want to know what to do.
 */
#ifndef KEEPWATCH_EXPLAIN_H
#define KEEPWATCH_EXPLAIN_H

#include "finding/finding.h"
#include "join/path.h"
#include "judge/judge.h"

#define KW_EXPLANATION_POINTS 8

/* All text is a constant; points end with the first NULL. */
struct kw_explanation {
	const char *summary; /* one line, no capital and no full stop */
	const char *meaning;
	const char *causes[KW_EXPLANATION_POINTS];
	const char *actions[KW_EXPLANATION_POINTS];
};

#define KW_EXPLANATIONS_CUT KW_REASON_CLOSE_DELIMITED /* how many reasons come before those of an orderly end */

extern const struct kw_explanation kw_explanations_cut[KW_EXPLANATIONS_CUT]; /* by enum kw_reason */
extern const struct kw_explanation
	kw_explanations_idle[KW_REASON_MAX -
			     KW_EXPLANATIONS_CUT]; /* by enum kw_reason minus KW_EXPLANATIONS_CUT */
extern const struct kw_explanation
	kw_explanations_http2[KW_REASON_MAX]; /* by enum kw_reason; empty where the two above have the page */
extern const struct kw_explanation
	kw_explanations_path[KW_PATH_MAX]; /* by enum kw_path_reason; the first is empty */
extern const struct kw_explanation kw_explanations_findings[KW_FINDING_MAX]; /* by enum kw_finding_id */

#define KW_ALERTS 12

/* An alert of tools/prometheus/alerts.yml: its page is its runbook. */
struct kw_alert {
	const char *name;
	struct kw_explanation page;
};

extern const struct kw_alert kw_alerts[KW_ALERTS];

/* Never NULL. */
const struct kw_explanation *kw_explanation_of_reason(enum kw_reason reason);
const struct kw_explanation *kw_explanation_of_finding(enum kw_finding_id id);

#endif
