/* SPDX-License-Identifier: BSD-2-Clause */
#include "command/nearest.h"

#include <string.h>

#define NAME_MAX_LENGTH 31 /* longer than any command or option */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters one must insert, remove, replace or swap with their neighbour to make @a of @b. Both are at most
 * NAME_MAX_LENGTH long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t cost[NAME_MAX_LENGTH + 1][NAME_MAX_LENGTH + 1];

	for (size_t i = 0; i <= a_length; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= b_length; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= a_length; i++)
		for (size_t j = 1; j <= b_length; j++) {
			size_t replaced = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			cost[i][j] = least(replaced, 1 + least(cost[i - 1][j], cost[i][j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	return cost[a_length][b_length];
}

const char *kw_nearest(const char *typed, const char *(*name_at)(size_t index))
{
	size_t length = strcspn(typed, "=");
	size_t best = least(2, length / 3) + 1;
	const char *nearest = NULL, *name;

	if (length > NAME_MAX_LENGTH)
		return NULL;
	for (size_t i = 0; (name = name_at(i)); i++) {
		size_t name_length = strnlen(name, NAME_MAX_LENGTH);
		size_t differs = distance(typed, length, name, name_length);

		if (differs < best) {
			best = differs;
			nearest = name;
		}
	}
	return nearest;
}
