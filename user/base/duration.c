/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/duration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "include/units.h"

static const struct unit {
	uint64_t below; /* ns; durations below this are printed in this unit */
	uint64_t size;  /* ns */
	unsigned int decimals;
	const char *name;
} units[] = {
	{KW_US, 1, 0, "ns"},
	{KW_MS, KW_US, 0, "us"},
	{KW_S, KW_MS, 1, "ms"},
	{10 * KW_S, KW_S, 3, "s"},
	{100 * KW_S, KW_S, 2, "s"},
	{1000 * KW_S, KW_S, 1, "s"},
	{6000 * KW_S, 60 * KW_S, 1, "min"},
	{UINT64_MAX, 3600 * KW_S, 1, "h"},
};

struct kw_duration kw_duration(uint64_t ns)
{
	const struct unit *unit = units;
	struct kw_duration duration;
	uint64_t steps, per_unit = 1;
	unsigned int decimals;

	while (ns >= unit->below && unit->below != UINT64_MAX)
		unit++;
	for (decimals = 0; decimals < unit->decimals; decimals++)
		per_unit *= 10;
	steps = ns / (unit->size / per_unit);
	for (; decimals && steps % 10 == 0; decimals--, per_unit /= 10)
		steps /= 10;
	if (decimals)
		snprintf(duration.text, sizeof(duration.text), "%" PRIu64 ".%0*" PRIu64 " %s", steps / per_unit,
			 (int)decimals, steps % per_unit, unit->name);
	else
		snprintf(duration.text, sizeof(duration.text), "%" PRIu64 " %s", steps, unit->name);
	return duration;
}

struct kw_duration kw_duration_about(double seconds)
{
	uint64_t ns = seconds > 0 ? (uint64_t)(seconds * 1e9 + 0.5) : 0, step = 1;

	while (ns / step >= 10000)
		step *= 10;
	return kw_duration((ns + step / 2) / step * step);
}

void kw_duration_print(uint64_t ns, char ret_text[KW_DURATION_TEXT])
{
	strcpy(ret_text, kw_duration(ns).text);
}
