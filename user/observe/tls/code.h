/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine code of a function, as far as it shows where a library keeps things. It may be anybody's: nothing in it is believed. */
#ifndef KEEPWATCH_TLS_CODE_H
#define KEEPWATCH_TLS_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kw_machine {
	KW_MACHINE_X86_64,
	KW_MACHINE_ARM64,
};

/* The processor that this program was built for. */
#if defined(__x86_64__)
#define KW_MACHINE_OWN KW_MACHINE_X86_64
#elif defined(__aarch64__)
#define KW_MACHINE_OWN KW_MACHINE_ARM64
#endif

struct kw_code {
	enum kw_machine machine;
	uint64_t
		at; /* where its first byte lies: in the unit in which answers shall be, here offsets in a file */
	const uint8_t *bytes; /* the caller's */
	size_t size;          /* bytes; the function may be shorter */
};

#define KW_CODE_UNKNOWN (~0U)

/* The offset of the field whose address the function takes, or that it loads @size bytes from, of the object that its first argument
 * points to. The first such field behind the first @from bytes of the object. KW_CODE_UNKNOWN: it shows none. */
uint32_t kw_code_address(const struct kw_code *code, uint32_t from);
uint32_t kw_code_load(const struct kw_code *code, uint32_t from, uint32_t size);

/* Does it load @size bytes from the field at @at? */
bool kw_code_loads(const struct kw_code *code, uint32_t at, uint32_t size);

/* The function that it hands its first two arguments on to, unchanged. */
struct kw_callee {
	uint64_t at;
	unsigned int
		result; /* the argument, from 1, that has the address of a place on the stack, for a result; 0: none has */
};

/* Finds the first that the function calls. Returns whether it shows one. */
bool kw_code_callee(const struct kw_code *code, struct kw_callee *ret_callee);

/* Is the first instruction one that the kernel carries out by itself when a probe is there? All others are stepped singly, which takes
 * ten times as long: arch/x86/kernel/uprobes.c and arch/arm64/kernel/probes/decode-insn.c. */
bool kw_code_is_emulated(const struct kw_code *code);

#endif
