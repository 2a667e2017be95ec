/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/others.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observe/tls/elf.h"
#include "observe/tls/exports.h"

#define PIECE (1 << 20)        /* bytes that are read at a time */
#define SIZE_LEAST (256 << 10) /* a program with TLS within it is larger */
#define SIZE_MOST (512LL << 20)

struct sign {
	const char *text;
	const char *name;
};

/* Functions that only these export. */
static const struct sign functions[] = {
	{"SSL_ImportFD", "NSS"},
	{"wolfSSL_read", "wolfSSL"},
	{"mbedtls_ssl_read", "mbedTLS"},
	{"s2n_recv", "s2n-tls"},
	{"JNI_CreateJavaVM", "Java's virtual machine, whose TLS (JSSE) is compiled while it runs"},
};

/* Words in programs that have a library within them: names of its sources, for messages, and of its functions. Those that also occur in
 * others come last. */
static const struct sign words[] = {
	{"/rustls-", "rustls"},
	{"crypto/tls.(*Conn).Read", "Go's crypto/tls, without the names of sections"},
	{"BoringSSL", "BoringSSL, without symbols"},
	{"LibreSSL", "LibreSSL, without symbols"},
	{"ssl/ssl_lib.c", "OpenSSL, without symbols"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *by_function(int fd)
{
	uint64_t offsets[1];

	for (size_t i = 0; i < COUNT(functions); i++) {
		const char *const name[] = {functions[i].text};

		if (kw_exports_look(fd, name, 1) == KW_EXPORTS_MAYBE &&
		    kw_elf_functions(fd, name, 1, offsets) == 0 && offsets[0])
			return functions[i].name;
	}
	return NULL;
}

/* The first of the words that is in these bytes; COUNT(words): none. */
static size_t word_in(const char *bytes, size_t size, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (memmem(bytes, size, words[i].text, strlen(words[i].text)))
			return i;
	return before;
}

/* Pieces overlap, so that no word is cut. */
static const char *by_word(int fd)
{
	_cleanup_free_ char *piece = malloc(PIECE);
	size_t found = COUNT(words);
	ssize_t got;

	for (off_t at = 0; piece && at < SIZE_MOST && (got = pread(fd, piece, PIECE, at)) > 64; at += got - 64)
		found = word_in(piece, (size_t)got, found);
	return found < COUNT(words) ? words[found].name : NULL;
}

const char *kw_tls_other(const struct kw_tls_library *library)
{
	const char *name = by_function(library->fd);

	return name || library->id.size < SIZE_LEAST ? name : by_word(library->fd);
}
