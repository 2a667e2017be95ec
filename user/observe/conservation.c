/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/conservation.h"

void kw_conservation_look(struct kw_conservation *conservation, uint64_t made, uint64_t ended, uint64_t alive)
{
	int64_t difference = (int64_t)(made - ended - alive);
	int64_t stayed = difference < conservation->last ? difference : conservation->last;

	conservation->last = difference;
	if (stayed > (int64_t)conservation->missed)
		conservation->missed = (uint64_t)stayed;
}
