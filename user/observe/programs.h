/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs for the kernel, in the build that fits the running one. There are two, of the same sources: one for kernels with
 * bpf_loop() (Linux 5.17, and older ones that a distributor has given it), and one for those without. They have the same programs,
 * maps and variables. */
#ifndef KEEPWATCH_PROGRAMS_H
#define KEEPWATCH_PROGRAMS_H

#include <stdbool.h>

struct btf;
struct keepwatch_bpf;

/* Opens them, to be loaded into the running kernel. The caller owns the result; NULL if that fails, with errno set. */
struct keepwatch_bpf *kw_programs_open(void);

/* The same for a kernel with these types, or, where that is NULL, for one that lacks nothing. */
struct keepwatch_bpf *kw_programs_open_for(const struct btf *types);

/* Can this kernel put a program into many functions of a library at once? From Linux 6.6. */
bool kw_programs_can_read_libraries(void);

/* With @wanted, the programs and maps for TLS libraries are loaded too; without, as after opening, they are not. */
void kw_programs_want_libraries(struct keepwatch_bpf *skel, bool wanted);

#endif
