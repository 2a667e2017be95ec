/* SPDX-License-Identifier: BSD-2-Clause */
/* Failures that only one error can be due to, of a process that answers each failure of that kind with an error. */
#ifndef KEEPWATCH_SOLE_H
#define KEEPWATCH_SOLE_H

#include "join/work.h"

/* Takes for certain; see kw_settle(). */
void kw_settle_sole(const struct kw_work *work);

#endif
