/* SPDX-License-Identifier: BSD-2-Clause */
/* A model of the live view, made from connections of services of any name. */
#ifndef KEEPWATCH_TEST_TOP_WORLD_H
#define KEEPWATCH_TEST_TOP_WORLD_H

#include "output/top/keys.h"
#include "output/top/layout.h"
#include "tests/unit/world.h"

struct top {
	struct world world;
	struct kw_premature_closes closes;
	struct kw_latest latest;
	struct kw_rates rates;
	struct kw_top_model model;
	struct kw_top_state state;
	struct kw_canvas canvas;
};

static inline void open_top(struct top *top)
{
	memset(top, 0, sizeof(*top));
	open_world(&top->world);
	top->world.aggregate.ceiling = 20000;
	kw_top_begin(&top->state);
}

static inline void close_top(struct top *top)
{
	kw_canvas_close(&top->canvas);
	kw_top_model_close(&top->model);
	kw_rates_close(&top->rates);
	close_world(&top->world);
}

/* One connection of a service of this name, a second after the one before. */
static inline void observe(struct top *top, const char *name, struct kw_event_connection event,
			   struct kw_verdict verdict)
{
	struct kw_service service = event_service(event.identity.role, name);
	struct kw_event decoded;

	top->world.now += KW_S;
	event.header.time = verdict.closed = event.ending.time = event.closing.time = top->world.now;
	event.opened = event.established = top->world.now - 10 * KW_S;
	event.identity.cookie = ++top->world.cookie;
	assert_int_equal(kw_decode(&event, sizeof(event), &decoded), 0);
	verdict.facts.event = decoded.connection;
	assert_int_equal(kw_aggregate_connection(&top->world.aggregate, &service, &decoded, &verdict), 0);
	kw_premature_note(&top->closes, &decoded, &verdict, &service, NULL);
	kw_latest_note(&top->latest, &decoded, &verdict, &service, NULL);
}

static inline struct kw_verdict stale(void)
{
	return lost(verdict_of(KW_REASON_STALE_REUSE, KW_CLOSER_SERVER, KW_PHASE_WAITING));
}

/* Makes a model of all so far, in the place of the one before. */
static inline void renew(struct top *top)
{
	struct kw_top_source source = {.aggregate = &top->world.aggregate,
				       .closes = &top->closes,
				       .latest = &top->latest,
				       .rates = &top->rates,
				       .clock = {.offset = 1700000000 * (int64_t)KW_S},
				       .host = "host"};
	struct kw_top_model model;

	assert_int_equal(kw_aggregate_settle(&top->world.aggregate, UINT64_MAX), 0);
	assert_int_equal(kw_top_model_make(&source, &model), 0);
	kw_top_follow(&top->state, &top->model, &model);
	kw_top_model_close(&top->model);
	top->model = model;
}

/* Draws on a canvas of this size. */
static inline void draw(struct top *top, int width, int height)
{
	kw_canvas_close(&top->canvas);
	assert_int_equal(kw_canvas_open(&top->canvas, width, height, false), 0);
	assert_int_equal(kw_top_layout(&top->model, &top->state, &top->canvas), 0);
}

/* The first characters of a row. */
static inline const char *row_of(const struct top *top, int row)
{
	static char text[KW_CANVAS_WIDTH + 1];
	int column;

	for (column = 0; column < top->canvas.width; column++)
		text[column] = top->canvas.cells[row * top->canvas.width + column].text[0];
	text[column] = '\0';
	return text;
}

/* The row that has this text in it, or -1. */
static inline int find_row(const struct top *top, const char *part)
{
	for (int row = 0; row < top->canvas.height; row++)
		if (strstr(row_of(top, row), part))
			return row;
	return -1;
}

static inline void press(struct top *top, const char *keys)
{
	for (; *keys; keys++)
		kw_top_key(&top->state, &top->model, *keys);
}

/* The name of the service in this place of the table. */
static inline const char *service_at(const struct top *top, size_t at)
{
	const struct kw_top_list *list = &top->model.shown[KW_TOP_SECTION_SERVICES];

	return at < list->count ? top->model.services[list->items[at]].name : "";
}

#endif
