/* SPDX-License-Identifier: BSD-2-Clause */
/* The probes that a TLS library gets. Each kind of library has a file that finds them: openssl.c, gnutls.c, go.c. */
#ifndef KEEPWATCH_TLS_PROBES_H
#define KEEPWATCH_TLS_PROBES_H

#include <stddef.h>
#include <stdint.h>

#include "include/probe.h"
#include "observe/tls/libraries.h"

/* The programs that run there (bpf/keepwatch.bpf.c), in the order in which a library gets them. The last one is a sign to the kernel
 * side that all others are there. */
enum kw_probe_program {
	KW_PROBE_RETURN,     /* a function returns: the only one that is put at returns */
	KW_PROBE_CALL,       /* a function is called */
	KW_PROBE_GO_READ,    /* Go: plaintext is copied to the program */
	KW_PROBE_GO_ENCRYPT, /* a record is about to be encrypted */
	KW_PROBE_GO_SENT,    /* it has been sent, or could not be */
	KW_PROBE_BEGIN,      /* the library makes a connection's object, or begins its handshake */
	KW_PROBE_PROGRAMS,
};

struct kw_probe {
	enum kw_probe_program program;
	uint64_t offset; /* in the file, bytes */
	uint64_t cookie; /* see include/probe.h */
};

#define KW_PROBES_MOST 64 /* of one library */

struct kw_probes {
	struct kw_probe list[KW_PROBES_MOST];
	size_t count;
};

/* Adds one, if @offset is not 0 and there is room. */
void kw_probes_add(struct kw_probes *probes, enum kw_probe_program program, uint64_t offset, uint64_t cookie);

/* Adds both that a function gets whose call and return are looked at. */
void kw_probes_add_call(struct kw_probes *probes, uint64_t offset, uint64_t cookie);

/* Finds the probes of a library, whichever kind it is. 0; -ENOEXEC: it is no file for this processor; -ENOENT: it lacks a function that is
 * needed; -EPROTONOSUPPORT: it has the functions of OpenSSL, but others made it; -ENOTSUP: its code does not show where it keeps what joins a connection to a socket. */
int kw_probes_of(const struct kw_tls_library *library, struct kw_probes *ret_probes);

/* Versions of libraries that it was tried with. */
#define KW_PROBES_TRIED "OpenSSL 1.1.1, 3.0 and 3.5, GnuTLS 3.7, and Go 1.19 to 1.26"

/* Why a file gets no probes: the end of a sentence, behind "because". @result: of kw_probes_of(), or an errno of putting them, negative. */
const char *kw_probes_refusal(int result);

/* The same of one kind. */
int kw_probes_of_openssl(const struct kw_tls_library *library, struct kw_probes *ret_probes);
int kw_probes_of_gnutls(const struct kw_tls_library *library, struct kw_probes *ret_probes);
int kw_probes_of_go(const struct kw_tls_library *library, struct kw_probes *ret_probes);

#endif
