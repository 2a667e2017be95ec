/* SPDX-License-Identifier: BSD-2-Clause */
/* Landlock: the files that the process may read once it observes. It may write none, and neither connects nor listens nor
 * sends a signal to anybody else, as far as the kernel's version of Landlock covers that. */
#ifndef KEEPWATCH_LANDLOCK_H
#define KEEPWATCH_LANDLOCK_H

#include <stddef.h>

/* Leaves the calling thread, for good, what the program itself reads (/proc, the list of processors, random numbers), and
 * all below @folders: @count descriptors of directories, which stay the caller's. Takes no_new_privs. Does nothing on a
 * kernel without Landlock. 0 or -errno, and that has been logged. */
int kw_landlock_restrict(const int *folders, size_t count);

#endif
