/* SPDX-License-Identifier: BSD-2-Clause */
/* A quick look at an ELF file: may it bring these functions? By the hash table in which the dynamic linker finds them, that takes a
 * few reads of some bytes, whatever the size of the file: so all files that processes map can be looked at. */
#ifndef KEEPWATCH_TLS_EXPORTS_H
#define KEEPWATCH_TLS_EXPORTS_H

#include <stddef.h>

/* What a file shows of itself. */
enum kw_exports {
	KW_EXPORTS_NO_ELF, /* it is no ELF file for this processor */
	KW_EXPORTS_NONE,   /* it has none of the functions, or hides them */
	KW_EXPORTS_MAYBE, /* it exports one, or has a table that takes longer to read: see kw_elf_functions() */
};

/* Looks at the file that @fd is open on, for @count functions; its position is not used. */
enum kw_exports kw_exports_look(int fd, const char *const *names, size_t count);

#endif
