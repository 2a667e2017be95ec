/* SPDX-License-Identifier: BSD-2-Clause */
#include "aggregate/examples.h"

struct kw_example kw_example_of(const struct kw_identity *identity)
{
	return (struct kw_example){.cookie = identity->cookie, .generation = identity->generation};
}

void kw_examples_add(struct kw_examples *examples, struct kw_example example)
{
	if (examples->count < KW_EXAMPLES)
		examples->list[examples->count++] = example;
}

void kw_examples_merge(struct kw_examples *to, const struct kw_examples *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		kw_examples_add(to, from->list[i]);
}
