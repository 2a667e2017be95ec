/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/half_closed.h"

#define FRESH_TICKS (KW_HALF_CLOSED_AGE / KW_HALF_CLOSED_TICK)

static bool is_same(struct kw_example a, struct kw_example b)
{
	return a.cookie == b.cookie && a.generation == b.generation;
}

void kw_half_closed_advance(struct kw_half_closed *half_closed, uint64_t now)
{
	uint64_t tick = now / KW_HALF_CLOSED_TICK;

	if (tick > half_closed->now + KW_HALF_CLOSED_CELLS)
		half_closed->now = tick - KW_HALF_CLOSED_CELLS; /* no need to clear a cell twice */
	while (half_closed->now < tick) {
		struct kw_half_closed_cell *cell =
			&half_closed->fresh[++half_closed->now % KW_HALF_CLOSED_CELLS];

		/* This cell has just become old; its place is used for the new tick. */
		half_closed->old += cell->count;
		if (cell->count > 0 && cell->example.cookie)
			kw_examples_add(&half_closed->examples, cell->example);
		*cell = (struct kw_half_closed_cell){0};
	}
}

/* The cell for a FIN at this time, or NULL if that is already old. */
static struct kw_half_closed_cell *cell_of(struct kw_half_closed *half_closed, uint64_t peer_fin)
{
	uint64_t tick = peer_fin / KW_HALF_CLOSED_TICK;

	if (tick > half_closed->now)
		kw_half_closed_advance(half_closed, peer_fin);
	return tick + FRESH_TICKS >= half_closed->now ? &half_closed->fresh[tick % KW_HALF_CLOSED_CELLS] : NULL;
}

void kw_half_closed_enter(struct kw_half_closed *half_closed, uint64_t peer_fin, struct kw_example example)
{
	struct kw_half_closed_cell *cell = cell_of(half_closed, peer_fin);

	if (!cell) {
		half_closed->old++;
		kw_examples_add(&half_closed->examples, example);
		return;
	}
	cell->count++;
	cell->example = example;
}

void kw_half_closed_leave(struct kw_half_closed *half_closed, uint64_t peer_fin, struct kw_example example)
{
	struct kw_half_closed_cell *cell = cell_of(half_closed, peer_fin);
	struct kw_examples *examples = &half_closed->examples;

	if (cell) {
		cell->count--;
		if (is_same(cell->example, example))
			cell->example = (struct kw_example){0};
		return;
	}
	half_closed->old--;
	for (uint32_t i = 0; i < examples->count; i++)
		if (is_same(examples->list[i], example))
			examples->list[i--] = examples->list[--examples->count];
}

void kw_half_closed_merge(struct kw_half_closed *half_closed, struct kw_half_closed *from, uint64_t now)
{
	kw_half_closed_advance(half_closed, now);
	kw_half_closed_advance(from, half_closed->now * KW_HALF_CLOSED_TICK);
	kw_half_closed_advance(half_closed, from->now * KW_HALF_CLOSED_TICK);
	for (int i = 0; i < KW_HALF_CLOSED_CELLS; i++) {
		half_closed->fresh[i].count += from->fresh[i].count;
		if (from->fresh[i].example.cookie)
			half_closed->fresh[i].example = from->fresh[i].example;
	}
	half_closed->old += from->old;
	kw_examples_merge(&half_closed->examples, &from->examples);
}
