/* SPDX-License-Identifier: BSD-2-Clause */
/* Owners by attribute: what a variable owns is given back when it goes out of scope, on every path. */
#ifndef KEEPWATCH_CLEANUP_H
#define KEEPWATCH_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void kw_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void kw_cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void kw_cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(kw_cleanup_free)
#define _cleanup_fd_ _cleanup_(kw_cleanup_fd)
#define _cleanup_file_ _cleanup_(kw_cleanup_file)

/* Hands what @pointer owns to the caller: the variable no longer owns it. */
#define kw_take(pointer)                                                                                       \
	({                                                                                                     \
		__typeof__(pointer) kw_taken = (pointer);                                                      \
		(pointer) = NULL;                                                                              \
		kw_taken;                                                                                      \
	})

#endif
