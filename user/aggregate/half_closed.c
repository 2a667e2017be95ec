/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/half_closed.h"

#define FRESH_TICKS (KW_LEAK_AGE / KW_LEAK_TICK)

static bool is_same(struct kw_example a, struct kw_example b)
{
	return a.cookie == b.cookie && a.generation == b.generation;
}

void kw_leaks_advance(struct kw_leaks *leaks, uint64_t now)
{
	uint64_t tick = now / KW_LEAK_TICK;

	if (tick > leaks->now + KW_LEAK_CELLS)
		leaks->now = tick - KW_LEAK_CELLS; /* no need to clear a cell twice */
	while (leaks->now < tick) {
		struct kw_leak_cell *cell = &leaks->fresh[++leaks->now % KW_LEAK_CELLS];

		/* This cell has just become old; its place is used for the new tick. */
		leaks->old += cell->count;
		if (cell->count > 0 && cell->example.cookie)
			kw_examples_add(&leaks->examples, cell->example);
		*cell = (struct kw_leak_cell){0};
	}
}

/* The cell for a FIN at this time, or NULL if that is already old. */
static struct kw_leak_cell *cell_of(struct kw_leaks *leaks, uint64_t peer_fin)
{
	uint64_t tick = peer_fin / KW_LEAK_TICK;

	if (tick > leaks->now)
		kw_leaks_advance(leaks, peer_fin);
	return tick + FRESH_TICKS >= leaks->now ? &leaks->fresh[tick % KW_LEAK_CELLS] : NULL;
}

void kw_leaks_enter(struct kw_leaks *leaks, uint64_t peer_fin, struct kw_example example)
{
	struct kw_leak_cell *cell = cell_of(leaks, peer_fin);

	if (!cell) {
		leaks->old++;
		kw_examples_add(&leaks->examples, example);
		return;
	}
	cell->count++;
	cell->example = example;
}

void kw_leaks_leave(struct kw_leaks *leaks, uint64_t peer_fin, struct kw_example example)
{
	struct kw_leak_cell *cell = cell_of(leaks, peer_fin);
	struct kw_examples *examples = &leaks->examples;

	if (cell) {
		cell->count--;
		if (is_same(cell->example, example))
			cell->example = (struct kw_example){0};
		return;
	}
	leaks->old--;
	for (uint32_t i = 0; i < examples->count; i++)
		if (is_same(examples->list[i], example))
			examples->list[i--] = examples->list[--examples->count];
}
