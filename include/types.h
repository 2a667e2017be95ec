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

/* A function that the verifier reads once for each program, whatever it is called with, because it is global: it must do with
 * any values of its arguments. These are numbers, or pointers to whole structures, which may be NULL; it returns an int. A
 * call costs as much as three instructions, and a return, which some processors make dear: so this is for what is rare. */
#ifdef __bpf__
#define KW_GLOBAL __attribute__((noinline))
#else
#define KW_GLOBAL static inline
#endif

/* The verifier's habits, and the two macros that deal with them.
 *
 * The verifier walks every path through a program, and goes on from where two paths meet once for each difference between
 * them that it knows of. It knows the values in registers and on the stack, and nothing of the values in a map. So state
 * that many paths change lives in a map, and KW_FORGET() stands where they meet: the compiler then keeps nothing in
 * registers, values are read again from memory, and what follows is verified once. In loops the same holds from round to
 * round: a loop whose state is in a map is verified in one or two rounds.
 *
 * The verifier believes a bound only of the very register in which it was tested, and the verifier of 6.1 does not link a
 * register to its copy on the stack. The compiler, which knows a value to be small, may test a copy of it or leave out the
 * test. After KW_OPAQUE(value) the compiler knows no more of the value than the verifier does. It also keeps a loop from
 * becoming a call of memset(), which the kernel does not offer to programs. */
#ifdef __bpf__
#define KW_FORGET() asm volatile("" ::: "memory")
#define KW_OPAQUE(value) asm volatile("" : "+r"(value))
#else
#define KW_FORGET() ((void)0)
#define KW_OPAQUE(value) ((void)0)
#endif

/* A word, of 32 or 64 bits, that says that something else is there to be read: one processor publishes it, another one acquires it, and sees
 * all that was stored before. x86 keeps the order of stores, and that of loads, so there only the compiler must be held; other
 * processors do not. BPF has loads and stores that order others only from LLVM 20 and Linux 6.14 on, so there both go by
 * operations that read and write, which order everything around them. */
#ifndef __bpf__
#define KW_PUBLISH(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELEASE)
#define KW_ACQUIRE(word) __atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#elif defined(__TARGET_ARCH_x86)
#define KW_PUBLISH(word, value)                                                                                \
	do {                                                                                                   \
		KW_FORGET();                                                                                   \
		*(volatile typeof(word) *)&(word) = (value);                                                   \
	} while (0)
#define KW_ACQUIRE(word)                                                                                       \
	({                                                                                                     \
		typeof(word) kw_acquired = *(const volatile typeof(word) *)&(word);                            \
                                                                                                               \
		KW_FORGET();                                                                                   \
		kw_acquired;                                                                                   \
	})
#else
#define KW_PUBLISH(word, value) ((void)__sync_lock_test_and_set(&(word), (value)))
#define KW_ACQUIRE(word)                                                                                       \
	__builtin_choose_expr(sizeof(word) == 8, __sync_fetch_and_or((__u64 *)&(word), 0),                     \
			      __sync_fetch_and_or((__u32 *)&(word), 0))
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
