/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/table.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define NAME_LEAST 20
#define BETWEEN 1 /* blanks between columns */

/* The columns from left to right. They get their place by their rank, 1 first, as long as there is room. */
struct column {
	enum kw_top_column column;
	int width;
	int rank;
	bool left; /* text, not a number */
};

static const struct column columns[] = {
	{KW_TOP_BY_ROLE, 6, 2, true},     {KW_TOP_BY_PROTOCOL, 7, 10, true}, {KW_TOP_BY_OPEN, 6, 3, false},
	{KW_TOP_BY_IDLE, 6, 8, false},    {KW_TOP_BY_STREAMS, 7, 12, false}, {KW_TOP_BY_REQUESTS, 7, 1, false},
	{KW_TOP_BY_REUSE, 7, 5, false},   {KW_TOP_BY_CLOSES, 8, 9, false},   {KW_TOP_BY_LOST, 6, 4, false},
	{KW_TOP_BY_TIMEOUT, 8, 6, false}, {KW_TOP_BY_MARGIN, 9, 7, false},   {KW_TOP_BY_REASON, 23, 11, true},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct places {
	bool shown[COLUMNS];
	int name; /* width of the names */
};

/* A later one is not put in where an earlier one found no room, so that columns come and go in one order. */
static struct places find_places(int width)
{
	struct places places = {.name = width};

	for (int rank = 1; rank <= (int)COLUMNS; rank++)
		for (size_t i = 0; i < COLUMNS; i++) {
			if (columns[i].rank != rank)
				continue;
			if (places.name - columns[i].width - BETWEEN < NAME_LEAST)
				return places;
			places.shown[i] = true;
			places.name -= columns[i].width + BETWEEN;
		}
	return places;
}

/* ---- cells ---- */

struct kw_top_cell kw_top_count(uint64_t count)
{
	static const char units[] = "kMGTPE";
	double number = (double)count;
	struct kw_top_cell cell;
	int unit = -1;

	while (number >= 99999.5) {
		number /= 1000;
		unit++;
	}
	if (unit < 0)
		snprintf(cell.text, sizeof(cell.text), "%" PRIu64, count);
	else
		snprintf(cell.text, sizeof(cell.text), "%.0f%c", number, units[unit]);
	return cell;
}

struct kw_top_cell kw_top_rate(double rate)
{
	struct kw_top_cell cell;

	if (rate >= 99.95)
		return kw_top_count((uint64_t)llround(rate));
	snprintf(cell.text, sizeof(cell.text), "%.1f", rate);
	return cell;
}

static struct kw_top_cell cell_of(struct kw_top_number number, const char *text)
{
	struct kw_top_cell cell;

	snprintf(cell.text, sizeof(cell.text), "%s%s", number.known && number.inferred ? "~" : "",
		 number.known ? text : "-");
	return cell;
}

struct kw_top_cell kw_top_share(struct kw_top_number number)
{
	char text[KW_DURATION_TEXT];

	snprintf(text, sizeof(text), "%.1f%%", 100 * number.value);
	return cell_of(number, text);
}

struct kw_top_cell kw_top_seconds(struct kw_top_number number)
{
	char text[KW_DURATION_TEXT + 1];

	snprintf(text, sizeof(text), "%s%s", number.value < 0 ? "-" : "",
		 kw_duration_about(fabs(number.value)).text);
	return cell_of(number, text);
}

static struct kw_top_cell text_cell(const char *text)
{
	struct kw_top_cell cell;

	snprintf(cell.text, sizeof(cell.text), "%s", text);
	return cell;
}

static struct kw_top_cell cell_in(enum kw_top_column column, const struct kw_top_service *service)
{
	switch (column) {
	case KW_TOP_BY_ROLE:
		return text_cell(kw_top_role(service));
	case KW_TOP_BY_PROTOCOL:
		return text_cell(service->protocol[0] ? service->protocol : "-");
	case KW_TOP_BY_OPEN:
		return kw_top_count(service->open);
	case KW_TOP_BY_IDLE:
		return kw_top_count(service->idle);
	case KW_TOP_BY_STREAMS:
		return kw_top_count(service->streams);
	case KW_TOP_BY_REQUESTS:
		return kw_top_rate(service->requests);
	case KW_TOP_BY_REUSE:
		return kw_top_share(service->reuse);
	case KW_TOP_BY_CLOSES:
		return kw_top_rate(service->closes);
	case KW_TOP_BY_LOST:
		return kw_top_count(service->lost);
	case KW_TOP_BY_TIMEOUT:
		return kw_top_seconds(service->timeout);
	case KW_TOP_BY_MARGIN:
		return kw_top_seconds(service->margin);
	default:
		return text_cell(service->top < KW_REASON_MAX ? kw_reason_name(service->top) : "-");
	}
}

/* A margin that is no margin is as bad as the requests that it will cost. */
static unsigned int look_of(enum kw_top_column column, const struct kw_top_service *service)
{
	if (column == KW_TOP_BY_LOST && service->lost)
		return KW_LOOK_CRITICAL;
	if (column == KW_TOP_BY_MARGIN && service->margin.known && service->margin.value <= 0)
		return KW_LOOK_WARNING;
	return KW_LOOK_PLAIN;
}

static void put(struct kw_canvas *canvas, int row, int at, const struct column *column, unsigned int look,
		const char *text)
{
	if (column->left)
		kw_canvas_put(canvas, row, at, column->width, look, text);
	else
		kw_canvas_put_right(canvas, row, at, column->width, look, text);
}

/* ---- rows ---- */

void kw_top_table_head(struct kw_canvas *canvas, int row, const struct kw_top_choice *choice)
{
	struct places places = find_places(canvas->width);
	int at = places.name;

	kw_canvas_look(canvas, row, KW_LOOK_BAR);
	kw_canvas_put(canvas, row, 0, places.name,
		      choice->sort == KW_TOP_BY_SERVICE ? KW_LOOK_BAR | KW_LOOK_SELECTED : KW_LOOK_BAR,
		      kw_top_column_name(KW_TOP_BY_SERVICE));
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!places.shown[i])
			continue;
		at += BETWEEN;
		put(canvas, row, at, &columns[i],
		    choice->sort == columns[i].column ? KW_LOOK_BAR | KW_LOOK_SELECTED : KW_LOOK_BAR,
		    kw_top_column_name(columns[i].column));
		at += columns[i].width;
	}
}

void kw_top_table_row(struct kw_canvas *canvas, int row, const struct kw_top_service *service)
{
	struct places places = find_places(canvas->width);
	int at = places.name;

	kw_canvas_put(canvas, row, 0, places.name, KW_LOOK_PLAIN, service->name);
	for (size_t i = 0; i < COLUMNS; i++) {
		struct kw_top_cell cell;

		if (!places.shown[i])
			continue;
		cell = cell_in(columns[i].column, service);
		at += BETWEEN;
		put(canvas, row, at, &columns[i], look_of(columns[i].column, service), cell.text);
		at += columns[i].width;
	}
}
