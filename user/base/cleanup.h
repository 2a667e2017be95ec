/* SPDX-License-Identifier: BSD-2-Clause */
/* Owners by attribute: a variable that owns something gives it back when it goes out of scope, on every path. So a function
 * is seen to be free of leaks without reading its callees. */
#ifndef KEEPWATCH_CLEANUP_H
#define KEEPWATCH_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Defines @release##p for variables that own a pointer: `_cleanup_(kw_loader_closep) struct kw_loader *loader = NULL;`. */
#define KW_DEFINE_CLEANUP(type, release)                                                                       \
	static inline void release##p(type *owner)                                                             \
	{                                                                                                      \
		if (*owner)                                                                                    \
			release(*owner);                                                                       \
	}                                                                                                      \
	struct kw_cleanup_needs_a_semicolon

static inline void kw_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void kw_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

KW_DEFINE_CLEANUP(FILE *, fclose);
KW_DEFINE_CLEANUP(DIR *, closedir);

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(kw_cleanup_free)
#define _cleanup_fd_ _cleanup_(kw_cleanup_fd)
#define _cleanup_file_ _cleanup_(fclosep)
#define _cleanup_dir_ _cleanup_(closedirp)

/* The value of a variable that owns something; afterwards the variable owns nothing (it is @nothing). */
#define KW_TAKE(variable, nothing)                                                                             \
	({                                                                                                     \
		__typeof__(variable) kw_taken = (variable);                                                    \
		(variable) = (nothing);                                                                        \
		kw_taken;                                                                                      \
	})
#define TAKE_PTR(pointer) KW_TAKE(pointer, NULL)
#define TAKE_FD(fd) KW_TAKE(fd, -1)
#define TAKE_STRUCT(owner) KW_TAKE(owner, ((__typeof__(owner)){0}))

#endif
