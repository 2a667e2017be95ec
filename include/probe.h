/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The process that puts probes into TLS libraries tells the programs that run there, of each probe, a number of 64 bits, which the
 * kernel keeps with it (the "cookie" of BPF_LINK_CREATE). Offsets are in bytes, and of fields of the library's object for a
 * connection. */
#ifndef KEEPWATCH_PROBE_H
#define KEEPWATCH_PROBE_H

#include "types.h"

/* Whose library it is. Recordings keep these. */
enum kw_library {
	KW_LIBRARY_NONE,
	KW_LIBRARY_OPENSSL,
	KW_LIBRARY_GNUTLS,
	KW_LIBRARY_GO,
	KW_LIBRARIES,
};

/* The field is not there, or not known. */
#define KW_PROBE_UNKNOWN 0xfff
#define KW_PROBE_NO_BIO 0xff

#define KW_PROBE_WRITES (1ULL << 0) /* the call sends */
#define KW_PROBE_LENGTHS                                                                                       \
	(1ULL                                                                                                  \
	 << 1) /* it returns 1, and the number of bytes in the place that an argument has the address of: */
#define KW_PROBE_FIFTH (1ULL << 2) /* the fifth, in place of the fourth */
/* The bytes are where the third argument says, in place of the second, which is the type of the records that are wanted: data or others. */
#define KW_PROBE_THIRD (1ULL << 3)
#define KW_PROBE_LIBRARY(cookie) ((enum kw_library)((cookie) >> 4 & 3))
#define KW_PROBE_OF_LIBRARY(library) ((__u64)(library) << 4)
#define KW_PROBE_INT (1ULL << 7)    /* the third argument is an int */
#define KW_PROBE_UNREAD (1ULL << 6) /* it gives or takes bytes in a way that is not followed */

/* The client's random number, and the number that is 1 if the object is a server's; KW_PROBE_UNKNOWN. */
#define KW_PROBE_RANDOM(cookie) ((cookie) >> 8 & 0xfff)
#define KW_PROBE_OF_RANDOM(at) ((__u64)((at)&0xfff) << 8)
#define KW_PROBE_SERVER(cookie) ((cookie) >> 20 & 0xfff)
#define KW_PROBE_OF_SERVER(at) ((__u64)((at)&0xfff) << 20)

/* OpenSSL: the addresses of the two BIOs through which the object reads and writes ciphertext (that of the second lies behind that of
 * the first), and within a BIO the numbers of bytes that it has given and taken, in the same order. KW_PROBE_NO_BIO. */
#define KW_PROBE_BIOS(cookie) ((cookie) >> 32 & 0xff)
#define KW_PROBE_OF_BIOS(at) ((__u64)((at)&0xff) << 32)
#define KW_PROBE_COUNTERS(cookie) ((cookie) >> 40 & 0xff)
#define KW_PROBE_OF_COUNTERS(at) ((__u64)((at)&0xff) << 40)

/* OpenSSL 1.1: the object has the address of a structure there, in which the random number is; 0: it is in the object itself. */
#define KW_PROBE_POINTER(cookie) ((cookie) >> 48 & 0xfff)
#define KW_PROBE_OF_POINTER(at) ((__u64)((at)&0xfff) << 48)

/* GnuTLS: how many bytes the object keeps until it is uncorked; KW_PROBE_UNKNOWN. */
#define KW_PROBE_CORKED(cookie) ((cookie) >> 48 & 0xfff)
#define KW_PROBE_OF_CORKED(at) ((__u64)((at)&0xfff) << 48)

/* Go: probes within functions that keep the address of the connection on their stack, this far above the stack pointer; and how far from
 * the probe lies the method Read of *net.TCPConn, by which such a connection is known. */
#define KW_PROBE_SLOT(cookie) ((cookie) >> 32 & 0xffff)
#define KW_PROBE_OF_SLOT(at) ((__u64)((at)&0xffff) << 32)
#define KW_PROBE_SLOT_MOST 0x8000
#define KW_PROBE_INPUT(cookie) ((cookie) >> 48) /* offset in the connection of its buffers for receiving */
#define KW_PROBE_OF_INPUT(at) ((__u64)(at) << 48)
#define KW_PROBE_INPUT_MOST 0x8000
#define KW_PROBE_METHOD(cookie) ((__s32)(cookie))
#define KW_PROBE_OF_METHOD(distance) ((__u64)(__u32)(distance))

#define KW_PROBE_GO_DESCRIPTOR 16 /* offset of the socket's descriptor in Go's structure of it */

#endif
