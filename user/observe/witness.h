/* SPDX-License-Identifier: BSD-2-Clause */
/* A witness of interrupts that the kernel shows to no program. Some kernels run none in softirqs of certain processes; when
 * all of a connection's end falls into one, no program can have seen it. The kernel itself counts each softirq in
 * /proc/softirqs, and a program at their entry counts those that programs are shown: the difference was hidden.
 *
 * Each softirq costs a run of that program. So the witness goes once it has seen KW_WITNESS_ENOUGH of them and none was hidden. */
#ifndef KEEPWATCH_WITNESS_H
#define KEEPWATCH_WITNESS_H

#include <stdint.h>

#define KW_WITNESS_ENOUGH 100000

struct bpf_link;
struct bpf_program;

struct kw_witness {
	struct bpf_link *link; /* NULL: it does not look (any more) */
	int counts;            /* descriptor of the map that the program counts in; not owned */
	uint64_t first;        /* by the kernel's own count, when it began */
	uint64_t before;       /* hidden then: what came before it began */
	uint64_t hidden;       /* since then, at the least */
};

/* Attaches @program, which counts in the map @counts. Without success the witness does not look, which is no failure. */
void kw_witness_begin(struct kw_witness *witness, const struct bpf_program *program, int counts);

/* Compares, if it still looks; returns the softirqs that were hidden so far, at the least. */
uint64_t kw_witness_look(struct kw_witness *witness);

void kw_witness_end(struct kw_witness *witness);

#endif
