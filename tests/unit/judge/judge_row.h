/* SPDX-License-Identifier: BSD-2-Clause */
/* One row of the judge's tests: a connection as it truly went, and what each end that can see it must say of
 * it. The closer and the manner are the story's own: both ends must agree on them. */
#ifndef KEEPWATCH_TESTS_JUDGE_ROW_H
#define KEEPWATCH_TESTS_JUDGE_ROW_H

#include "judge_more.h"

struct expected {
	bool seen; /* this end can see it */
	enum kw_reason reason;
	enum kw_phase phase;
	enum kw_premature premature;
	enum kw_confidence confidence;
	uint32_t lost;
};

struct row {
	const char *claim;
	struct story story;
	struct expected at[KW_ROLE_MAX];
};

#define IS(reason, phase, premature, confidence, lost)                                                         \
	{                                                                                                      \
		true, KW_REASON_##reason, KW_PHASE_##phase, KW_PREMATURE_##premature,                          \
			KW_CONFIDENCE_##confidence, lost                                                       \
	}
#define AT_CLIENT(...) [KW_ROLE_CLIENT] = IS(__VA_ARGS__)
#define AT_SERVER(...) [KW_ROLE_SERVER] = IS(__VA_ARGS__)
#define AT_BOTH(...) AT_CLIENT(__VA_ARGS__), AT_SERVER(__VA_ARGS__)
#define BY(who, how) .closer = KW_CLOSER_##who, .manner = KW_MANNER_##how

#endif
