/* SPDX-License-Identifier: BSD-2-Clause */
/* The TLS libraries that processes use: found in what is mapped into their memory. */
#ifndef KEEPWATCH_TLS_LIBRARIES_H
#define KEEPWATCH_TLS_LIBRARIES_H

#include <stdint.h>
#include <sys/types.h>

/* A library that a process has mapped. All of it lasts only for the call. */
struct kw_tls_library {
	int fd;          /* open for reading, at any position; the caller's */
	uint64_t device; /* these two name the file */
	uint64_t inode;
	const char *path; /* as the process sees it: hostile text */
	pid_t pid; /* the process; 0: none, because it is a file of this host that no process need have mapped */
};

typedef void (*kw_tls_library_fn)(void *context, const struct kw_tls_library *library);

/* Calls @found for each library of a process, of all processes, and of the host's folders for libraries: the same file may come
 * several times. Files that cannot be read are passed over, because processes end at any time. */
void kw_tls_libraries_of(pid_t pid, kw_tls_library_fn found, void *context);
void kw_tls_libraries_of_all(kw_tls_library_fn found, void *context);
void kw_tls_libraries_of_host(kw_tls_library_fn found, void *context);

/* Opens a file in the library's folder whose name begins with @name where the library's begins with @own: of a library that
 * consists of two files. Returns a descriptor for the caller to close, or -1. */
int kw_tls_library_sibling(const struct kw_tls_library *library, const char *own, const char *name);

#endif
