/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice where nothing proves one of several failures. */
#ifndef KEEPWATCH_CHOOSE_H
#define KEEPWATCH_CHOOSE_H

#include "join/work.h"

/* Takes the likeliest failures as inferred causes. Where errors compete for fewer failures, and the process is known to answer so
 * of its own accord, none of them gets a cause: one of them has none, and nothing shows which one. */
void kw_choose(const struct kw_work *work);

#endif
