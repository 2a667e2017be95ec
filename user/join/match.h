/* SPDX-License-Identifier: BSD-2-Clause */
/* Which failure caused which error, of several errors at once: each failure causes one error for each request that it lost, so
 * one that explains an error for certain is no candidate for the others. */
#ifndef KEEPWATCH_MATCH_H
#define KEEPWATCH_MATCH_H

#include "join/work.h"

/* Fills in the causes of the errors from begin to end, and takes from what is left of the failures. */
void kw_match(const struct kw_matches *matches, const struct kw_failure_keys *failures,
	      struct kw_habits *habits);

#endif
