/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/arithmetic.h"
#include "base/cleanup.h"
#include "base/memory_stream.h"
#include "output/top/details.h"
#include "output/top/lines.h"
#include "output/top/table.h"

/* ---- lists ---- */

/* Scrolls so that the cursor is within the @page items that fit, and no place below the last one stays empty. */
static void scroll(size_t *first, size_t cursor, size_t page, size_t count)
{
	if (cursor >= *first + page)
		*first = cursor - page + 1;
	if (cursor < *first)
		*first = cursor;
	*first = kw_least(*first, kw_less(count, page));
}

static int lines_of(enum kw_top_section section)
{
	return section == KW_TOP_SECTION_CLOSES || section == KW_TOP_SECTION_FINDINGS ? 2 : 1;
}

/* The table has its headings too. */
static int titles_of(const struct kw_top_model *model, enum kw_top_section section)
{
	if (section == KW_TOP_SECTION_GATEWAYS && !model->gateway_count)
		return 0;
	return section == KW_TOP_SECTION_SERVICES ? 2 : 1;
}

/* ---- the main screen ---- */

/* Divides the rows: the lists take turns, one item each, the services two, until all have what they need or no row is left. */
static void divide(const struct kw_top_model *model, int rows, size_t ret_page[KW_TOP_SECTIONS])
{
	static const enum kw_top_section turns[] = {KW_TOP_SECTION_FINDINGS, KW_TOP_SECTION_SERVICES,
						    KW_TOP_SECTION_CLOSES, KW_TOP_SECTION_SERVICES,
						    KW_TOP_SECTION_GATEWAYS};
	bool given = true;

	for (enum kw_top_section section = 0; section < KW_TOP_SECTIONS; section++) {
		rows -= titles_of(model, section);
		ret_page[section] = 0;
	}
	while (given) {
		given = false;
		for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
			enum kw_top_section section = turns[i];

			if (ret_page[section] >= model->shown[section].count || lines_of(section) > rows)
				continue;
			ret_page[section]++;
			rows -= lines_of(section);
			given = true;
		}
	}
}

static void put_item(struct kw_canvas *canvas, int row, const struct kw_top_model *model,
		     enum kw_top_section section, uint32_t at)
{
	switch (section) {
	case KW_TOP_SECTION_FINDINGS:
		kw_top_line_finding(canvas, row, &model->findings[at]);
		break;
	case KW_TOP_SECTION_SERVICES:
		kw_top_table_row(canvas, row, &model->services[at]);
		break;
	case KW_TOP_SECTION_CLOSES:
		kw_top_line_close(canvas, row, &model->clock, &model->closes[at]);
		break;
	default:
		kw_top_line_gateway(canvas, row, &model->clock, &model->gateways[at]);
		break;
	}
}

/* Returns the row behind the list. */
static int put_list(struct kw_canvas *canvas, int row, const struct kw_top_model *model,
		    struct kw_top_state *state, enum kw_top_section section)
{
	const struct kw_top_list *list = &model->shown[section];
	size_t page = state->page[section], *first = &state->first[section];

	if (!titles_of(model, section))
		return row;
	kw_top_line_title(canvas, row++, model, section);
	if (section == KW_TOP_SECTION_SERVICES)
		kw_top_table_head(canvas, row++, &state->choice);
	scroll(first, state->cursor[section], page, list->count);
	for (size_t i = *first; i < *first + page && i < list->count; i++) {
		put_item(canvas, row, model, section, list->items[i]);
		if (section == state->section && i == state->cursor[section])
			kw_canvas_look(canvas, row, KW_LOOK_SELECTED);
		row += lines_of(section);
	}
	return row;
}

static void put_main(struct kw_canvas *canvas, const struct kw_top_model *model, struct kw_top_state *state)
{
	int row = KW_TOP_HEAD;

	divide(model, canvas->height - KW_TOP_HEAD - 1, state->page);
	for (enum kw_top_section section = 0; section < KW_TOP_SECTIONS; section++)
		row = put_list(canvas, row, model, state, section);
}

/* ---- views with text ---- */

static int make_text(const struct kw_top_model *model, const struct kw_top_frame *frame, int width,
		     char **ret_text)
{
	struct kw_memory_stream stream = {0};
	size_t length;
	int r = kw_memory_stream_open(&stream);

	if (r < 0)
		return r;
	kw_top_details(stream.file, model, frame, width);
	r = kw_memory_stream_take(&stream, ret_text, &length);
	kw_memory_stream_close(&stream);
	return r;
}

static void put_text_line(struct kw_canvas *canvas, int row, const char *line)
{
	static const struct {
		char mark;
		unsigned int look;
	} marks[] = {
		{KW_TOP_TITLE, KW_LOOK_STRONG}, {KW_TOP_ALARM, KW_LOOK_CRITICAL}, {KW_TOP_QUIET, KW_LOOK_DIM}};
	unsigned int look = KW_LOOK_PLAIN;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (line[0] == marks[i].mark)
			look = marks[i].look;
	kw_canvas_put(canvas, row, 0, canvas->width, look, look == KW_LOOK_PLAIN ? line : line + 1);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* Puts the lines from @first on into at most @rows rows. Changes the text. Returns how many there were. */
static int put_text(struct kw_canvas *canvas, int row, int rows, char *text, size_t first)
{
	char *rest = text;
	const char *line;
	int put = 0;

	for (size_t i = 0; put < rows && (line = strsep(&rest, "\n")) && rest; i++)
		if (i >= first)
			put_text_line(canvas, row + put++, line);
	return put;
}

#define CLOSES_LEAST 4 /* lines for a service's closes, with their title */

static void put_closes(struct kw_canvas *canvas, int row, const struct kw_top_model *model,
		       struct kw_top_frame *frame)
{
	const struct kw_top_service *service = kw_top_service_find(model, &frame->service);
	const struct kw_premature_close *closes[KW_TOP_CLOSES];
	size_t count = service ? kw_top_closes_of(model, service, closes) : 0;
	int rows = canvas->height - 1 - (row + 1);

	frame->page = rows > 0 ? (size_t)rows : 0;
	frame->cursor = kw_least(frame->cursor, kw_less(count, 1));
	scroll(&frame->first, frame->cursor, frame->page, count);
	kw_canvas_print(canvas, row++, 0, KW_LOOK_STRONG, "Latest closes: %zu", count);
	for (size_t i = frame->first; i < frame->first + frame->page && i < count; i++, row++) {
		kw_top_line_close_of(canvas, row, &model->clock, closes[i]);
		if (i == frame->cursor)
			kw_canvas_look(canvas, row, KW_LOOK_SELECTED);
	}
}

static int put_frame(struct kw_canvas *canvas, const struct kw_top_model *model, struct kw_top_frame *frame)
{
	int rows = canvas->height - KW_TOP_HEAD - 1, row = KW_TOP_HEAD;
	_cleanup_free_ char *text = NULL;
	int r = make_text(model, frame, canvas->width, &text);

	if (r < 0)
		return r;
	if (frame->view == KW_TOP_VIEW_SERVICE) {
		row += put_text(canvas, row, rows - CLOSES_LEAST, text, 0);
		put_closes(canvas, row, model, frame);
		return 0;
	}
	frame->page = rows > 0 ? (size_t)rows : 0;
	frame->first = kw_least(frame->first, kw_less(count_lines(text), frame->page));
	put_text(canvas, row, rows, text, frame->first);
	return 0;
}

int kw_top_layout(const struct kw_top_model *model, struct kw_top_state *state, struct kw_canvas *canvas)
{
	int r = 0;

	kw_top_line_head(canvas, model, state);
	if (state->depth)
		r = put_frame(canvas, model, &state->frames[state->depth - 1]);
	else
		put_main(canvas, model, state);
	if (canvas->height > KW_TOP_HEAD) {
		kw_canvas_clear_row(canvas, canvas->height - 1);
		kw_top_line_foot(canvas, state);
	}
	return r;
}
