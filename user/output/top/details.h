/* SPDX-License-Identifier: BSD-2-Clause */
/* The views that are opened from the main screen, as running text. */
#ifndef KEEPWATCH_TOP_DETAILS_H
#define KEEPWATCH_TOP_DETAILS_H

#include <stdio.h>

#include "output/top/keys.h"

/* A line that begins with one of these is shown in another look; the byte is no part of it. Text of others has none of them,
 * because it is sanitised. */
#define KW_TOP_TITLE '\1'
#define KW_TOP_ALARM '\2'
#define KW_TOP_QUIET '\3'

/* Prints the text of a view in lines of @width columns: of a service all but its closes. */
void kw_top_details(FILE *file, const struct kw_top_model *model, const struct kw_top_frame *frame, int width);

#endif
