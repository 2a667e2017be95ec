/* SPDX-License-Identifier: BSD-2-Clause */
/* From model and state to a screen of any size: only the lines that are visible are made. Pure. */
#ifndef KEEPWATCH_TOP_LAYOUT_H
#define KEEPWATCH_TOP_LAYOUT_H

#include "output/top/canvas.h"
#include "output/top/keys.h"

/* Draws into an empty canvas. Sets in @state how much fits, and scrolls its lists so that the cursor is visible. Returns 0 or
 * -ENOMEM. */
int kw_top_layout(const struct kw_top_model *model, struct kw_top_state *state, struct kw_canvas *canvas);

#endif
