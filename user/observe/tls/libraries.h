/* SPDX-License-Identifier: BSD-2-Clause */
/* The files with code that processes have mapped into their memory: any of them may be a TLS library, or a program that has one within
 * it. */
#ifndef KEEPWATCH_TLS_LIBRARIES_H
#define KEEPWATCH_TLS_LIBRARIES_H

#include <stdint.h>
#include <sys/types.h>

/* Which file it is, as long as it is not written again: the number of an inode is given out anew, and containers that share a layer of
 * an overlay show the same inode on several devices. Compared as bytes. */
struct kw_file_id {
	uint64_t device; /* KW_DEVICE_OVERLAY: whichever */
	uint64_t inode;
	uint64_t size;     /* bytes */
	uint64_t modified; /* ns since 1970 */
	uint64_t changed;  /* the same, of an overlay; else 0, because it changes when the file loses a name */
};

#define KW_DEVICE_OVERLAY UINT64_MAX

/* A file that a process has mapped. All of it lasts only for the call. */
struct kw_tls_library {
	int fd; /* open for reading, at any position; the caller's */
	struct kw_file_id id;
	const char *path; /* as the process sees it: hostile text */
	pid_t pid; /* the process; 0: none, because it is a file of this host that no process need have mapped */
};

typedef void (*kw_tls_library_fn)(void *context, const struct kw_tls_library *library);

/* Calls @found for each file with code that a process has mapped; and for all processes, where processes of one mount namespace share a
 * file once. Files that cannot be read are passed over, because processes end at any time. A file that has been replaced can be
 * read only with CAP_CHECKPOINT_RESTORE. */
void kw_tls_libraries_of(pid_t pid, kw_tls_library_fn found, void *context);
void kw_tls_libraries_of_all(kw_tls_library_fn found, void *context);

/* The same for the libraries of TLS in the host's folders for libraries. */
void kw_tls_libraries_of_host(kw_tls_library_fn found, void *context);

/* Calls @found for each process. */
void kw_tls_processes(void (*found)(void *context, pid_t pid), void *context);

/* Opens a file in the library's folder whose name begins with @name where the library's begins with @own: of a library that
 * consists of two files. Returns a descriptor for the caller to close, or -1. */
int kw_tls_library_sibling(const struct kw_tls_library *library, const char *own, const char *name);

#endif
