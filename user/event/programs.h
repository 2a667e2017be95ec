/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds programs that are Go binaries, which their files show but their names do not. Done once, at the start,
 * because keepwatch then gives up the capability to read the files of other users' processes. */
#ifndef KEEPWATCH_PROGRAMS_H
#define KEEPWATCH_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/event.h"

#define KW_PROGRAMS 256 /* number of names that are kept */

/* Begins with all zeros. */
struct kw_programs {
	char go[KW_PROGRAMS][KW_COMM]; /* names of processes: hostile text */
	uint32_t count;
};

/* Looks at the processes that run now, at most 32,768 of them. Files that cannot be read are skipped. */
void kw_programs_find(struct kw_programs *programs);

/* Whether a process of this name runs a Go binary. */
bool kw_programs_is_go(const struct kw_programs *programs, const char comm[KW_COMM]);

/* Whether the file at this path is a Go binary. Looks for a section that the Go linker writes and that strip keeps.
 */
bool kw_is_go_binary(const char *path);

#endif
