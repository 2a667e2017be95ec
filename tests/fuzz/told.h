/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures standard output, and checks the form that it must have whatever the events say. */
#ifndef KEEPWATCH_FUZZ_TOLD_H
#define KEEPWATCH_FUZZ_TOLD_H

#include <jansson.h>
#include <string.h>

#include "base/sanitize.h"
#include "tests/fuzz/check.h"

struct told {
	FILE *stdout_before;
	char *text;
	size_t length;
};

/* Must not move in memory until told_end(). */
static inline void told_begin(struct told *told)
{
	fflush(stdout);
	told->stdout_before = stdout;
	stdout = open_memstream(&told->text, &told->length);
	CHECK(stdout);
}

/* The text, which the caller frees. */
static inline char *told_end(struct told *told)
{
	CHECK(fclose(stdout) == 0);
	stdout = told->stdout_before;
	CHECK(strlen(told->text) == told->length);
	return told->text;
}

/* Lines of printable UTF-8: nothing in them moves a terminal's cursor or its colours. */
static inline void check_printable(const char *text)
{
	static char clean[1U << 20];

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		CHECK(length < sizeof(clean));
		CHECK(kw_sanitize(line, length, clean, sizeof(clean)) == length &&
		      !memcmp(line, clean, length));
		line += length + (line[length] == '\n');
	}
}

/* Each line is a JSON value. */
static inline void check_json(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		json_t *value = json_loadb(text, length, 0, NULL);

		CHECK(value && text[length] == '\n');
		json_decref(value);
		text += length + 1;
	}
}

#endif
