/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of registered fields that are counted by name if Connection lists them; all others count as "other". */
#ifndef KEEPWATCH_FIELDS_H
#define KEEPWATCH_FIELDS_H

#include <stdbool.h>

#include "include/event.h"

#define KW_FIELDS 24 /* including "other", which is the last */

extern const char *const kw_field_names[KW_FIELDS];

/* The index of a name from an event: lower case, without a NUL if it has the full length. */
int kw_field_of(const char name[HTTP1_WORD]);

/* Whether the field is meant for the far end, so that listing it in Connection makes a proxy remove it by mistake. */
bool kw_field_is_end_to_end(int field);

#endif
