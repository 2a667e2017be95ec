/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which a thread works, and that of tries, leave an error fewer candidates. */
#ifndef KEEPWATCH_ORDER_H
#define KEEPWATCH_ORDER_H

#include "join/work.h"

/* Where a thread answered all that it had learnt of before it learnt of one more, leaves only that. */
void kw_narrow_by_thread_order(const struct kw_work *work);

/* Where a request was sent again after all other candidates were over, leaves only the last try. */
void kw_narrow_by_tries(const struct kw_work *work);

/* Leaves no failure after which the same thread sent the request again. */
void kw_narrow_by_next_tries(const struct kw_work *work);

#endif
