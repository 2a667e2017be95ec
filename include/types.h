/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fixed-width types and the few compiler hints that both sides share. The kernel side gets its types
 * from vmlinux/vmlinux.h, which must be included first; the host gets them from the kernel's UAPI. */
#ifndef KEEPWATCH_TYPES_H
#define KEEPWATCH_TYPES_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "keepwatch compares names a word at a time and so far does so for little-endian machines only"
#endif

/* The HTTP machine must be inlined completely, because BPF has no calls through pointers, and because a call costs as
 * much as three instructions. */
#define KW_INLINE static inline __attribute__((always_inline))

/* In a loop: forces values to be read from memory again. The verifier tracks every value in a register from round to
 * round, so no two rounds would look the same to it; it does not track values in a map. */
#ifdef __bpf__
#define KW_FORGET() asm volatile("" ::: "memory")
#else
#define KW_FORGET() ((void)0)
#endif

/* Stores a word so that the other direction's processor sees it only after all earlier stores. */
#ifdef __bpf__
#define KW_PUBLISH(word, value)                                                                                \
	do {                                                                                                   \
		asm volatile("" ::: "memory"); /* stores keep their order on x86 */                            \
		*(volatile typeof(word) *)&(word) = (value);                                                   \
	} while (0)
#else
#define KW_PUBLISH(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELEASE)
#endif

/* An unaligned 64-bit load. BPF maps allow it (the JIT runs where unaligned access is cheap) but clang
 * would split a memcpy() into eight byte loads; on the host, a memcpy() is the defined way. */
KW_INLINE __u64 kw_load64(const void *p)
{
#ifdef __bpf__
	return *(const __u64 *)p;
#else
	__u64 word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
#endif
}

#endif
