/* SPDX-License-Identifier: BSD-2-Clause */
/* Capstone, the library that reads machine code. It is loaded when code is to be read, and not at the start, because its tables take
 * memory, and nothing else than --tls needs them. */
#ifndef KEEPWATCH_TLS_CAPSTONE_H
#define KEEPWATCH_TLS_CAPSTONE_H

#include <capstone/capstone.h>
#include <stdbool.h>

/* Its functions, by their names without the "cs_". */
#define KW_CAPSTONE(_) _(open) _(close) _(option) _(malloc) _(free) _(disasm_iter) _(insn_group) _(regs_access)

#define KW_CAPSTONE_POINTER(name) __typeof__(cs_##name) *name;

struct kw_capstone {
	KW_CAPSTONE(KW_CAPSTONE_POINTER)
};

/* Valid once kw_capstone_load() has returned true. */
extern struct kw_capstone kw_capstone;

/* Loads it, if it has not been. A process that has given up opening files can do so no more. Returns whether it is there; if not,
 * dlerror(3) says why. */
bool kw_capstone_load(void);

/* Begins to read code of a processor, with all that is known of each instruction; loads the library first. Returns whether that
 * succeeded: then kw_capstone_end() ends it, and frees what @ret_one points to, the room for an instruction. */
bool kw_capstone_begin(cs_arch arch, cs_mode mode, csh *ret_handle, cs_insn **ret_one);
void kw_capstone_end(csh handle, cs_insn *one);

#endif
