/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine code of Go's functions: places for probes that the kernel carries out by itself, and where the functions keep what is
 * read there. Go passes arguments and results in registers (src/cmd/compile/abi-internal.md), since 1.17 on x86_64 and since 1.18 on
 * arm64. The code may be anybody's: nothing in it is believed. */
#ifndef KEEPWATCH_TLS_GO_CODE_H
#define KEEPWATCH_TLS_GO_CODE_H

#include "observe/tls/code.h"

#define KW_GO_CODE_BEGIN 32 /* bytes that show how a function begins */

/* All answers are in the unit of @code->at; 0, or KW_CODE_UNKNOWN for offsets: the code does not show it. */

/* The jump by which a function that begins here looks whether its goroutine's stack suffices. If it does not, the function
 * begins again on a longer one, and comes by once more. */
uint64_t kw_go_code_check(const struct kw_code *code);

/* The place where the function keeps its first argument as long as it runs: offset from the stack pointer, as that is behind the
 * function's beginning. */
uint32_t kw_go_code_slot(const struct kw_code *code);

/* The only call of the function at @callee. */
uint64_t kw_go_code_call(const struct kw_code *code, uint64_t callee);

/* The jump right behind the call at @call that depends on whether the second result is 0. */
uint64_t kw_go_code_jump(const struct kw_code *code, uint64_t call);

/* The offset of a field of 8 bytes that the function sets to -1. */
uint32_t kw_go_code_unset(const struct kw_code *code);

#endif
