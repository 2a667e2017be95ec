/* SPDX-License-Identifier: BSD-2-Clause */
/* A hint for a mistyped name. */
#ifndef KEEPWATCH_NEAREST_H
#define KEEPWATCH_NEAREST_H

#include <stddef.h>

/* The name that was probably meant by @typed, which ends at "=" if it has one: it differs in at most two letters, and
 * in at most a third of them. @name_at gives the known names by index, then NULL. NULL if no name is that near. */
const char *kw_nearest(const char *typed, const char *(*name_at)(size_t index));

#endif
