/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits of the status page, and how its sections write numbers, times and names. Everything but constants and numbers is
 * escaped. */
#ifndef KEEPWATCH_PAGE_FORMAT_H
#define KEEPWATCH_PAGE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "aggregate/aggregate.h"
#include "base/clock.h"
#include "base/duration.h"

/* The most of each that the page shows. */
#define KW_PAGE_FINDINGS 40
#define KW_PAGE_PLOTS 12
#define KW_PAGE_SERVICES 100

/* "timeout_race" as "Timeout race", "wait_s" as "Wait": the name of a finding, or of one of its numbers. */
void kw_page_words(FILE *file, const char *name);

/* Whether a number is in seconds, by its name: "wait_s". */
bool kw_page_is_seconds(const char *name);

/* "5.003 s", "210 ms". */
void kw_page_seconds(FILE *file, double seconds);

/* "42 s", "12.3 min": rounded as suits an age. */
void kw_page_span(uint64_t ns, char ret_text[KW_DURATION_TEXT]);

/* "14:03:22.123" in UTC, machine-readable too. */
void kw_page_time(FILE *file, const struct kw_clock *clock, uint64_t monotonic);

/* A service's name, and whether its connections are seen from the client's or the server's end. */
void kw_page_who(FILE *file, const struct kw_service_counters *counters);

/* The id of a connection, as in records. */
void kw_page_id(FILE *file, uint64_t cookie, uint32_t generation);

#endif
