/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of a Go program by their names. Its runtime needs a table of them for its own stack traces ("pclntab"), so that it is
 * there in stripped programs too. Go's src/runtime/symtab.go describes it, and its forms since Go 1.16, 1.18, 1.20 and 1.26 are
 * known here. The file may be anybody's: nothing in it is believed. */
#ifndef KEEPWATCH_TLS_GO_TABLE_H
#define KEEPWATCH_TLS_GO_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct kw_go_function {
	uint64_t at;   /* offset of its first byte in the file; 0: there is no such function */
	uint64_t size; /* bytes up to the next function, padding among them */
};

/* Finds @count functions of the program that @fd is open on, at any position. The first @checked of them are such that look, as nearly
 * all of Go's do, whether their stack suffices: from Go 1.26 on the table does not say where the code begins, and these show it. 0;
 * -ENOENT: it is no Go program for this processor, or has none of them; -ENOTSUP: its table has a form that is not known, or its
 * code does not lie where the table says; -ENOMEM. */
int kw_go_functions(int fd, const char *const *names, size_t count, size_t checked,
		    struct kw_go_function *ret_functions);

#endif
