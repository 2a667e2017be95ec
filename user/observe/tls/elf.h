/* SPDX-License-Identifier: BSD-2-Clause */
/* An ELF file of this processor: its functions by their names, and their code. The file may be anybody's: nothing in it is believed. */
#ifndef KEEPWATCH_TLS_ELF_H
#define KEEPWATCH_TLS_ELF_H

#include <stddef.h>
#include <stdint.h>

#include "observe/tls/code.h"

#define KW_ELF_CODE 256 /* bytes of a function that are read */

/* Finds functions by their names: offsets in the file, bytes; 0 for one that it lacks. Where it does not export the first one, all of
 * its own functions are looked through. Reads the file that @fd is open on; its position is not kept. A file with far more sections
 * or symbols than programs have counts as one without. 0, or -ENOEXEC: it is no ELF file for this processor. */
int kw_elf_functions(int fd, const char *const *names, size_t count, uint64_t *ret_offsets);

/* The code of the function that begins at @offset. */
struct kw_elf_code {
	uint8_t bytes[KW_ELF_CODE];
	struct kw_code code; /* of these bytes */
};

void kw_elf_code(int fd, uint64_t offset, struct kw_elf_code *ret_code);

#endif
