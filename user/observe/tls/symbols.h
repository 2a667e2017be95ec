/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of a TLS library: where they are in its file, and where the library keeps what joins a connection to a socket. The
 * file may be anybody's: nothing in it is believed, and what is wrong in it leads at most to probes that join nothing. */
#ifndef KEEPWATCH_TLS_SYMBOLS_H
#define KEEPWATCH_TLS_SYMBOLS_H

#include <stdint.h>

enum kw_tls_function {
	KW_TLS_READ,
	KW_TLS_READ_EX,
	KW_TLS_WRITE,
	KW_TLS_WRITE_EX,
	KW_TLS_NEW,
	KW_TLS_GET_RANDOM, /* the two whose code shows where fields of the object are */
	KW_TLS_IS_SERVER,
	KW_TLS_FUNCTIONS,
};

#define KW_TLS_FIELD_UNKNOWN 0xffff

struct kw_tls_symbols {
	uint64_t functions[KW_TLS_FUNCTIONS]; /* offset in the file, bytes; 0: the library has none */
	uint16_t
		random_at; /* offset of the client's random number in the object, bytes; KW_TLS_FIELD_UNKNOWN */
	uint16_t server_at; /* the same of the number that says whether it is a server's */
};

/* Reads the file that @fd is open on; its position is not kept. 0, or -ENOEXEC: no library for this processor, or -ENOENT: it lacks a
 * function that is needed, or -ENOTSUP: its code does not show where the random number is. */
int kw_tls_symbols_read(int fd, struct kw_tls_symbols *ret_symbols);

#endif
