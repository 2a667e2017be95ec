/* SPDX-License-Identifier: BSD-2-Clause */
/* A quick look at an ELF file: may it bring these functions? By the hash table in which the dynamic linker finds them, that takes a
 * few reads of some bytes, whatever the size of the file: so all files that processes map can be looked at. */
#ifndef KEEPWATCH_TLS_EXPORTS_H
#define KEEPWATCH_TLS_EXPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The answer. */
enum kw_exports {
	KW_EXPORTS_NO_ELF, /* it is no ELF file for this processor */
	KW_EXPORTS_NONE,   /* it has none of the functions, or hides them */
	KW_EXPORTS_MAYBE, /* it exports one, or has a table that takes longer to read: see kw_elf_functions() */
};

/* Looks at the file that @fd is open on, for @count functions; its position is not used. */
enum kw_exports kw_exports_look(int fd, const char *const *names, size_t count);

/* Finds functions that the file exports: offsets in the file, bytes; 0 for one that it does not. Returns whether the file has such a
 * table: else nothing has been found out. */
bool kw_exports_find(int fd, const char *const *names, size_t count, uint64_t *ret_offsets);

/* Has it a table of its own symbols, exported or not? Files that are installed have most often been stripped of it. */
bool kw_exports_has_symbols(int fd);

#endif
