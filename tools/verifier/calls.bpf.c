// SPDX-License-Identifier: GPL-2.0-only
/* The kernel side once more, for measurement only: it counts its calls of helpers, callbacks and functions.
 *
 * Each helper is hidden by a macro of its own name, which counts and then calls it (counted.h, which the Makefile makes of
 * libbpf's list, so that no helper can be forgotten). Entries of functions are counted by a call that the compiler adds to each
 * function once it has inlined the others (-finstrument-function-entry-bare). */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "calls.h"

#define KW_UNCOUNTED __attribute__((noinline, no_instrument_function))

struct kw_calls kw_calls = {};

/* Is this the process under test? Others run these programs too. */
static __always_inline int kw_is_measured(void)
{
	return kw_calls.pid && bpf_get_current_task_btf()->tgid == (__s32)kw_calls.pid;
}

/* A call of the helper of this number. It and the next ones are global, so that they add nothing to what the verifier has to
 * follow where they are called. */
KW_UNCOUNTED int kw_called(__u32 helper)
{
	if (helper < KW_HELPERS && kw_is_measured())
		kw_calls.helpers[helper]++;
	return 0;
}

KW_UNCOUNTED int kw_called_back(__u64 rounds)
{
	if (kw_is_measured())
		kw_calls.callbacks += rounds;
	return 0;
}

/* The name that the compiler gives to the call that it adds. */
KW_UNCOUNTED int __cyg_profile_func_enter_bare(void) /* NOLINT(bugprone-reserved-identifier) */
{
	if (kw_is_measured())
		kw_calls.entries++;
	return 0;
}

/* bpf_loop() returns how many rounds it made. */
static __always_inline long kw_looped(long rounds)
{
	kw_called(KW_HELPER_LOOP);
	if (rounds > 0)
		kw_called_back(rounds);
	return rounds;
}

#include "counted.h"

#undef bpf_loop
#define bpf_loop(...) kw_looped(bpf_loop(__VA_ARGS__))

#include "../../bpf/keepwatch.bpf.c" /* NOLINT(bugprone-suspicious-include) */
