/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs for the kernel, in the build that fits the running one. There are two, of the same sources: one for kernels with
 * bpf_loop() (Linux 5.17, and older ones that a distributor has given it), and one for those without. They have the same programs,
 * maps and variables. */
#ifndef KEEPWATCH_PROGRAMS_H
#define KEEPWATCH_PROGRAMS_H

#include <stdbool.h>

struct keepwatch_bpf;

/* Is the running kernel one without bpf_loop()? By its types (see kernel_types.h); false if there are none. */
bool kw_programs_are_old(void);

/* Opens them, to be loaded. The caller owns the result; NULL if that fails, with errno set. */
struct keepwatch_bpf *kw_programs_open(void);

#endif
