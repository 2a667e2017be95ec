/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void *kw_memory_of_ring(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory)
		explicit_bzero(memory, count * size); /* a compiler leaves out a memset() here */
	return memory;
}
