/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of services: as many columns as there is room for, the most telling first. */
#ifndef KEEPWATCH_TOP_TABLE_H
#define KEEPWATCH_TOP_TABLE_H

#include "base/duration.h"
#include "output/top/canvas.h"
#include "output/top/keys.h"

/* Puts the headings into a row. The column that the table is sorted by stands out. */
void kw_top_table_head(struct kw_canvas *canvas, int row, const struct kw_top_choice *choice);

/* Puts a service into a row. */
void kw_top_table_row(struct kw_canvas *canvas, int row, const struct kw_top_service *service);

struct kw_top_cell {
	char text[KW_DURATION_TEXT + 8];
};

/* "~97.8%", "5.003 s", "-" if it is not known. */
struct kw_top_cell kw_top_share(struct kw_top_number number);
struct kw_top_cell kw_top_seconds(struct kw_top_number number);

/* "0.5", "12", "1.2k": a rate, or a count, in few digits. */
struct kw_top_cell kw_top_rate(double rate);
struct kw_top_cell kw_top_count(uint64_t count);

#endif
