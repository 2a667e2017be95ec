/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which a thread works, and that of tries, leave an error fewer candidates. */
#ifndef KEEPWATCH_ORDER_H
#define KEEPWATCH_ORDER_H

#include "join/work.h"

/* If a thread had answered for all failures that it knew before it learnt of one more, only this one is left. */
void kw_narrow_by_thread_order(const struct kw_work *work);

/* If the gateway sent a request once more when all other candidates had ended, only this last try is left. */
void kw_narrow_by_tries(const struct kw_work *work);

/* Removes each failure after which the same thread sent the request again. */
void kw_narrow_by_next_tries(const struct kw_work *work);

#endif
