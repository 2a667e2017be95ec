/* SPDX-License-Identifier: BSD-2-Clause */
/* The registered field names that are told apart where Connection names them; all others are "other". */
#ifndef KEEPWATCH_FIELDS_H
#define KEEPWATCH_FIELDS_H

#include <stdbool.h>

#include "include/event.h"

#define KW_FIELDS 24 /* "other" included, which is the last */

extern const char *const kw_field_names[KW_FIELDS];

/* The index of a name as it stands in an event: lower case, not ended by NUL if it is as long as can be. */
int kw_field_of(const char name[HTTP1_WORD]);

/* This field is meant for the far end: whoever names it in Connection has it removed on the way. */
bool kw_field_is_end_to_end(int field);

#endif
