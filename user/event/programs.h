/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs whose names say nothing, but whose files do: Go binaries. Found once, at the start: afterwards keepwatch has
 * given up what it takes to read the files of other users' processes. */
#ifndef KEEPWATCH_PROGRAMS_H
#define KEEPWATCH_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/event.h"

#define KW_PROGRAMS 256 /* names that are kept */

/* Begins with all zeros. */
struct kw_programs {
	char go[KW_PROGRAMS][KW_COMM]; /* names of processes: hostile text */
	uint32_t count;
};

/* Looks at the processes that run now, at 32,768 at most. What cannot be read is passed over. */
void kw_programs_find(struct kw_programs *programs);

/* Whether a process of this name runs a Go binary. */
bool kw_programs_is_go(const struct kw_programs *programs, const char comm[KW_COMM]);

/* Whether the file of this name is one: by a section that the Go linker writes, and strip leaves alone. */
bool kw_is_go_binary(const char *path);

#endif
