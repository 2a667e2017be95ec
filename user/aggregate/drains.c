/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/drains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WITHIN (100 * KW_MS / KW_DRAIN_CELL) /* number of cells that the closes of one drain span at most */
#define CLOSES_LEAST 5
#define BINS 64               /* most that a cell keeps */
#define SPREAD (KW_S / KW_US) /* us; the idle times of a drain's closes differ by more than this */

/* Index of the first cell not below @index (where to insert it). Searches from the end, because events arrive nearly in
 * order. */
static uint32_t lower_bound(const struct kw_drains *drains, uint64_t index)
{
	uint32_t at = drains->used;

	while (at > 0 && drains->cells[at - 1].index >= index)
		at--;
	return at;
}

static void remove_first(struct kw_drains *drains)
{
	kw_sketch_free(&drains->cells[0].pending.idle);
	drains->used--;
	memmove(&drains->cells[0], &drains->cells[1], drains->used * sizeof(drains->cells[0]));
}

/* Marks the cells of a drain that begins at the first cell, if one does. */
static void mark(struct kw_drains *drains)
{
	uint64_t least = UINT64_MAX, most = 0, closed = 0;
	uint32_t count = 0;

	for (; count < drains->used && drains->cells[count].index < drains->cells[0].index + WITHIN; count++) {
		const struct kw_sketch *idle = &drains->cells[count].pending.idle;

		closed += drains->cells[count].closed;
		if (idle->count && idle->least < least)
			least = idle->least;
		if (idle->count && idle->most > most)
			most = idle->most;
	}
	if (closed < CLOSES_LEAST || most < least || most - least <= SPREAD)
		return;
	for (uint32_t i = 0; i < count; i++)
		drains->cells[i].drained = true;
}

/* Adds a cell to the drain that it continues, or to a new one. */
static void add_to_drain(struct kw_drains *drains, const struct kw_drain_cell *cell)
{
	uint64_t time = cell->index * KW_DRAIN_CELL;
	struct kw_drain *last = drains->remembered ? &drains->list[drains->remembered - 1] : NULL;

	if (!last || time > last->last + WITHIN * KW_DRAIN_CELL) {
		if (drains->remembered == KW_DRAINS) {
			memmove(&drains->list[0], &drains->list[1], (KW_DRAINS - 1) * sizeof(drains->list[0]));
			drains->remembered--;
		}
		last = &drains->list[drains->remembered++];
		*last = (struct kw_drain){.first = time, .example = cell->example};
		drains->count++;
	}
	last->last = time;
	last->closed += cell->closed + cell->pending.unannounced;
	last->lost += cell->lost;
}

static int add_pending(struct kw_not_drained *to, const struct kw_not_drained *from)
{
	int r;

	to->races += from->races;
	to->races_inferred += from->races_inferred;
	to->races_at_once += from->races_at_once;
	to->early += from->early;
	to->unannounced += from->unannounced;
	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		to->race_lost[i] += from->race_lost[i];
	for (int i = 0; i < KW_REASON_MAX; i++)
		to->uncovered[i] += from->uncovered[i];
	r = kw_sketch_merge(&to->idle, &from->idle);
	kw_sketch_limit(&to->idle, KW_SKETCH_KEPT);
	return r;
}

static int settle_first(struct kw_drains *drains, struct kw_not_drained *not_drained)
{
	const struct kw_drain_cell *cell = &drains->cells[0];
	int r = 0;

	mark(drains);
	if (cell->drained)
		add_to_drain(drains, cell);
	else
		r = add_pending(not_drained, &cell->pending);
	remove_first(drains);
	return r;
}

int kw_drains_settle(struct kw_drains *drains, uint64_t before, struct kw_not_drained *not_drained)
{
	int r = 0;

	while (r == 0 && drains->used && drains->cells[0].index < before / KW_DRAIN_CELL)
		r = settle_first(drains, not_drained);
	return r;
}

static int grow(struct kw_drains *drains)
{
	uint32_t capacity = drains->capacity ? 2 * drains->capacity : 4;
	struct kw_drain_cell *grown;

	if (drains->used < drains->capacity)
		return 0;
	grown = reallocarray(drains->cells, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	drains->cells = grown;
	drains->capacity = capacity;
	return 0;
}

/* Finds the cell with this index, or adds it. NULL: out of memory. */
static struct kw_drain_cell *cell_of(struct kw_drains *drains, uint64_t index)
{
	uint32_t at = lower_bound(drains, index);
	struct kw_drain_cell *cell;

	if (at < drains->used && drains->cells[at].index == index)
		return &drains->cells[at];
	if (grow(drains) < 0)
		return NULL;
	cell = &drains->cells[at];
	memmove(cell + 1, cell, (drains->used - at) * sizeof(*cell));
	drains->used++;
	*cell = (struct kw_drain_cell){.index = index};
	return cell;
}

static uint64_t sum_of(const struct kw_lost_requests *lost)
{
	uint64_t sum = lost->late;

	for (int i = 0; i < KW_RETRYABLE_MAX; i++)
		sum += lost->retryable[i];
	return sum;
}

static int add_to_cell(struct kw_drain_cell *cell, const struct kw_drain_close *close)
{
	cell->lost += sum_of(&close->lost);
	cell->pending.early += close->early;
	cell->pending.unannounced += close->unannounced;
	if (close->uncovered)
		cell->pending.uncovered[close->reason] += close->uncovered;
	if (close->race) {
		cell->pending.races_at_once += close->at_once;
		cell->pending.races++;
		cell->pending.races_inferred += close->inferred;
		cell->pending.race_lost[KW_RETRYABLE_UNKNOWN] += close->lost.late;
		for (int i = 0; i < KW_RETRYABLE_MAX; i++)
			cell->pending.race_lost[i] += close->lost.retryable[i];
	}
	if (close->idle < 0)
		return 0;
	if (!cell->closed++)
		cell->example = close->example;
	kw_sketch_limit(&cell->pending.idle, BINS);
	return kw_sketch_add(&cell->pending.idle, (uint64_t)close->idle / KW_US);
}

/* Finds the settled drain at this time, because a late request may be reported up to a minute after its drain. */
static struct kw_drain *settled_drain_at(struct kw_drains *drains, uint64_t time)
{
	for (uint32_t i = drains->remembered; i-- > 0;)
		if (time + KW_DRAIN_CELL >= drains->list[i].first &&
		    time <= drains->list[i].last + 2 * KW_DRAIN_CELL)
			return &drains->list[i];
	return NULL;
}

int kw_drains_add(struct kw_drains *drains, const struct kw_drain_close *close,
		  struct kw_not_drained *not_drained)
{
	uint64_t index = close->closed / KW_DRAIN_CELL;
	struct kw_drain_cell *cell;
	struct kw_drain *drain;

	if (!drains->used || index < drains->cells[0].index) {
		drain = settled_drain_at(drains, close->closed);
		if (drain) {
			drain->closed += close->idle >= 0 || close->unannounced;
			drain->lost += sum_of(&close->lost);
			return 0;
		}
	}
	if (drains->used == KW_DRAIN_CELLS) {
		int r = settle_first(drains, not_drained);

		if (r < 0)
			return r;
	}
	cell = cell_of(drains, index);
	return cell ? add_to_cell(cell, close) : -ENOMEM;
}

void kw_drains_free(struct kw_drains *drains)
{
	while (drains->used)
		kw_sketch_free(&drains->cells[--drains->used].pending.idle);
	free(drains->cells);
	*drains = (struct kw_drains){0};
}
