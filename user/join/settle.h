/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors that only one failure may have caused. */
#ifndef KEEPWATCH_SETTLE_H
#define KEEPWATCH_SETTLE_H

#include "join/work.h"

/* Gives the failure to the error. */
void kw_take(struct kw_match *match, struct kw_failure_key *key, enum kw_confidence confidence);

/* Leaves the error no other candidate. */
void kw_narrow_to(const struct kw_work *work, struct kw_match *match, const struct kw_failure_key *key);

bool kw_is_left_to(const struct kw_work *work, const struct kw_match *match, const struct kw_failure_key *key);

/* How many errors this failure may have caused; @only: those that have no other candidate. */
size_t kw_claims(const struct kw_work *work, const struct kw_failure_key *key, bool only);

/* Takes for certain. Each error that is settled leaves fewer candidates for the others. @learn: by times and threads alone, so
 * that it shows by how much requests grow. */
void kw_settle(const struct kw_work *work, bool learn);

#endif
