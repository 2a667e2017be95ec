/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs of the kernel side that no hook runs: others go on in them by tail call, through arrays of programs (see
 * enum kw_next in bpf/maps.bpf.h). They stand beside the programs of the hook whose arguments they expect. */
#ifndef KEEPWATCH_TAIL_CALLS_H
#define KEEPWATCH_TAIL_CALLS_H

#include <stdbool.h>

struct bpf_object;
struct bpf_program;

/* Is @program one of them? It has no hook of its own then. */
bool kw_tail_calls_reach(const struct bpf_program *program);

/* Of the programs that are switched on in @object, which must not be loaded yet: switches off those that another one can stand
 * in for. This kernel is asked by trying whether programs of two hooks may go on in the same one. */
void kw_tail_calls_choose(struct bpf_object *object);

/* Fills the arrays of @object, which is loaded; to be called before anything is attached. Returns 0 or -errno. */
int kw_tail_calls_fill(const struct bpf_object *object);

#endif
