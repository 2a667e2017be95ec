/* SPDX-License-Identifier: BSD-2-Clause */
/* The two ways in which the kernel side learns of sends and receives, and which of them this kernel has. That is
 * found by trying: what counts is not the version but whether an empty program can be attached to each hook.
 *
 * Everything hangs on the sections of the kernel side: programs whose section has a "?" are off until a choice
 * switches them on. Those on tracepoints are the tracepoint front end, those at the exit of functions the
 * trampoline front end, iterators are ways to sweep over the connections; see `additions` in front_end.c for the rest. */
#ifndef KEEPWATCH_FRONT_END_H
#define KEEPWATCH_FRONT_END_H

#include <stdbool.h>

struct bpf_object;
struct bpf_program;

enum kw_front_end {
	KW_FRONT_END_ANY,        /* the first that works, in the order below */
	KW_FRONT_END_TRACEPOINT, /* Linux 6.3 or newer */
	KW_FRONT_END_TRAMPOLINE, /* Linux 5.15 or newer, where the kernel lets its functions be traced */
	KW_FRONT_END_MAX,
};

/* The hook that keeps something from working here. */
struct kw_missing_hook {
	const char
		*hook; /* as a section names it, such as "fexit/tcp_sendmsg"; lives as long as the object; NULL:
			     nothing is missing */
	int error; /* negative; -ESRCH: the kernel has no such hook; -ENODATA: its BTF lacks a type that is read there */
};

/* An addition to either front end, for what it does not see by itself. */
struct kw_addition {
	const char *purpose; /* what goes unseen without it */
	struct kw_missing_hook missing;
};

#define KW_ADDITIONS 4

struct kw_front_end_choice {
	enum kw_front_end chosen;       /* KW_FRONT_END_ANY: none */
	struct kw_missing_hook missing; /* of the last front end that was tried in vain */
	unsigned int additions;         /* how many this kernel needs */
	struct kw_addition addition[KW_ADDITIONS];
	const char *sweep; /* the iterator over the connections, as a section; NULL: there is none */
	struct kw_missing_hook sweep_missing; /* of the last one that was tried in vain */
};

/* "tracepoint", "trampoline"; "any" for KW_FRONT_END_ANY. */
const char *kw_front_end_name(enum kw_front_end front_end);

/* Says why a hook is missing, as a clause to follow its name. @size: of the buffer @ret_text. */
void kw_missing_hook_text(const struct kw_missing_hook *missing, char *ret_text, unsigned long size);

/* Tries the front ends until one works, or only the one that is @wanted, and the additions this kernel needs;
 * switches on their programs in @object, which must not be loaded yet. Tells all in @ret_choice, whatever comes of
 * it. Returns 0, or -EOPNOTSUPP if there is none; nothing has been logged then. */
int kw_front_end_choose(struct bpf_object *object, enum kw_front_end wanted,
			struct kw_front_end_choice *ret_choice);

/* Has @program a twin: another program on the same hook, which does whatever it misses? */
bool kw_front_end_has_twin(const struct bpf_object *object, const struct bpf_program *program);

#define KW_WITNESS_HOOK "tp_btf/softirq_entry" /* see witness.h */

/* Keeps from being attached along with the hooks: iterators, because they run when they are asked to; programs that
 * others go on in (see tail_calls.h); and the witness. */
void kw_front_end_hold(const struct bpf_object *object);

/* The first hook that this front end misses here. @object: not loaded, nothing chosen yet. */
struct kw_missing_hook kw_front_end_missing(const struct bpf_object *object, enum kw_front_end front_end);

#endif
