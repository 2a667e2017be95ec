/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEEPWATCH_MEMORY_H
#define KEEPWATCH_MEMORY_H

#include <stddef.h>

/* Memory of @count times @size bytes, all zeros, and resident at once: of a ring that fills over hours, so that a program that
 * runs for long takes it at its start and not later. The caller frees it. NULL: out of memory. */
void *kw_memory_of_ring(size_t count, size_t size);

#endif
