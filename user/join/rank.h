/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread that takes up requests in one order and ends them in the same: of equally many errors and failures, each error is due
 * to the failure of its own rank. */
#ifndef KEEPWATCH_RANK_H
#define KEEPWATCH_RANK_H

#include "join/work.h"

/* Takes for certain where the ranks agree throughout, by the beginnings and by the ends. */
void kw_settle_ranks(const struct kw_work *work);

#endif
