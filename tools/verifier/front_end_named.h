/* SPDX-License-Identifier: BSD-2-Clause */
/* The argument that both programs of this folder take. */
#ifndef KEEPWATCH_FRONT_END_NAMED_H
#define KEEPWATCH_FRONT_END_NAMED_H

#include <string.h>

#include "observe/front_end.h"

/* The front end of this @name; KW_FRONT_END_ANY for NULL, KW_FRONT_END_MAX if there is none. */
static inline enum kw_front_end front_end_named(const char *name)
{
	enum kw_front_end front_end = KW_FRONT_END_ANY;

	while (name && front_end < KW_FRONT_END_MAX && strcmp(kw_front_end_name(front_end), name) != 0)
		front_end++;
	return front_end;
}

#endif
