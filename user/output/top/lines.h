/* SPDX-License-Identifier: BSD-2-Clause */
/* The single lines of the live view: its head, its foot, and one for each finding, close and gateway's error. */
#ifndef KEEPWATCH_TOP_LINES_H
#define KEEPWATCH_TOP_LINES_H

#include "output/top/canvas.h"
#include "output/top/keys.h"

#define KW_TOP_HEAD 2 /* lines */

void kw_top_line_head(struct kw_canvas *canvas, const struct kw_top_model *model,
		      const struct kw_top_state *state);

/* Into the last row: the keys, or the filter that is being typed, or the message. */
void kw_top_line_foot(struct kw_canvas *canvas, const struct kw_top_state *state);

/* The title of a list of the main screen. */
void kw_top_line_title(struct kw_canvas *canvas, int row, const struct kw_top_model *model,
		       enum kw_top_section section);

/* Two lines: the finding with its service, and its summary. */
void kw_top_line_finding(struct kw_canvas *canvas, int row, const struct kw_top_finding *shown);

/* Two lines: the close and its decisive sentence. */
void kw_top_line_close(struct kw_canvas *canvas, int row, const struct kw_clock *clock,
		       const struct kw_premature_close *close);

/* One line, in the list of a service. */
void kw_top_line_close_of(struct kw_canvas *canvas, int row, const struct kw_clock *clock,
			  const struct kw_premature_close *close);

void kw_top_line_gateway(struct kw_canvas *canvas, int row, const struct kw_clock *clock,
			 const struct kw_latest_gateway *gateway);

#endif
