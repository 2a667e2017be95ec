/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenSSL 3, and 1.1. Its functions for reading and writing hand their arguments on to inner ones, which begin with an instruction that the kernel
 * carries out by itself: probes are put there, because they are ten times as fast. The code of exported functions shows where an
 * object keeps what is needed. */
#include <errno.h>

#include "base/cleanup.h"
#include "observe/tls/elf.h"
#include "observe/tls/probes.h"

enum function {
	READ,
	READ_EX,
	WRITE,
	WRITE_EX,
	NEW,
	GET_RANDOM,
	IS_SERVER,
	GET_RBIO,
	GET_WBIO,
	SET_VERSION, /* a macro in OpenSSL, and a function where others went on with its code: LibreSSL, BoringSSL, AWS-LC */
	FUNCTIONS,
};

static const char *const names[FUNCTIONS] = {
	[READ] = "SSL_read",
	[READ_EX] = "SSL_read_ex",
	[WRITE] = "SSL_write",
	[WRITE_EX] = "SSL_write_ex",
	[NEW] = "SSL_new",
	[GET_RANDOM] = "SSL_get_client_random",
	[IS_SERVER] = "SSL_is_server",
	[GET_RBIO] = "SSL_get_rbio",
	[GET_WBIO] = "SSL_get_wbio",
	[SET_VERSION] = "SSL_CTX_set_min_proto_version",
};

/* Of the part that may be in a file of its own: libcrypto. */
static const char *const counters[] = {"BIO_number_read", "BIO_number_written"};

static uint64_t within(uint32_t at, uint32_t unknown)
{
	return at < unknown ? at : unknown;
}

/* The offset in a BIO of its two numbers of bytes. */
static uint32_t counters_in(int fd)
{
	struct kw_elf_code read, written;
	uint64_t functions[2];
	uint32_t at;

	if (kw_elf_functions(fd, counters, 2, functions) < 0)
		return KW_PROBE_NO_BIO;
	kw_elf_code(fd, functions[0], &read);
	kw_elf_code(fd, functions[1], &written);
	at = kw_code_load(&read.code, 8, 8);
	return at < KW_PROBE_NO_BIO && kw_code_loads(&written.code, at + 8, 8) ? at : KW_PROBE_NO_BIO;
}

static uint32_t counters_of(const struct kw_tls_library *library)
{
	uint32_t at = counters_in(library->fd);
	_cleanup_fd_ int crypto = -1;

	if (at != KW_PROBE_NO_BIO)
		return at;
	crypto = kw_tls_library_sibling(library, "libssl", "libcrypto");
	return crypto < 0 ? KW_PROBE_NO_BIO : counters_in(crypto);
}

/* The offset in an object of the addresses of its BIOs. */
static uint32_t bios_of(int fd, const uint64_t *functions)
{
	struct kw_elf_code reads, writes;
	uint32_t at;

	kw_elf_code(fd, functions[GET_RBIO], &reads);
	kw_elf_code(fd, functions[GET_WBIO], &writes);
	at = kw_code_load(&reads.code, 8, 8);
	return at < KW_PROBE_NO_BIO && kw_code_loads(&writes.code, at + 8, 8) ? at : KW_PROBE_NO_BIO;
}

static uint64_t bio_fields(const struct kw_tls_library *library, const uint64_t *functions)
{
	uint32_t bios = bios_of(library->fd, functions), numbers = counters_of(library);

	if (bios == KW_PROBE_NO_BIO || numbers == KW_PROBE_NO_BIO)
		bios = numbers = KW_PROBE_NO_BIO;
	return KW_PROBE_OF_BIOS(bios) | KW_PROBE_OF_COUNTERS(numbers);
}

/* The random number is in the object from version 3 on, before that in a structure that the object has the address of. */
static uint64_t random_field(int fd, const uint64_t *functions)
{
	struct kw_code_path path;
	struct kw_elf_code code;
	uint32_t at;

	kw_elf_code(fd, functions[GET_RANDOM], &code);
	at = kw_code_address(&code.code, 8);
	if (at == KW_CODE_UNKNOWN && kw_code_behind(&code.code, 8, &path) && path.pointer < KW_PROBE_UNKNOWN &&
	    path.field < KW_PROBE_UNKNOWN)
		return KW_PROBE_OF_RANDOM(path.field) | KW_PROBE_OF_POINTER(path.pointer);
	return KW_PROBE_OF_RANDOM(within(at, KW_PROBE_UNKNOWN));
}

static uint64_t fields_of(const struct kw_tls_library *library, const uint64_t *functions)
{
	struct kw_elf_code code;
	uint64_t fields = random_field(library->fd, functions);

	kw_elf_code(library->fd, functions[IS_SERVER], &code);
	fields |= KW_PROBE_OF_SERVER(within(kw_code_load(&code.code, 8, 4), KW_PROBE_UNKNOWN));
	return fields | bio_fields(library, functions) | KW_PROBE_OF_LIBRARY(KW_LIBRARY_OPENSSL);
}

/* Probes for the inner function that @plain and @extended both call, or else for these two. */
static void add_calls(int fd, struct kw_probes *probes, uint64_t plain, uint64_t extended, uint64_t cookie)
{
	struct kw_elf_code code;
	struct kw_callee callee, other;
	bool same;

	kw_elf_code(fd, plain, &code);
	same = kw_code_callee(&code.code, &callee) && (callee.result == 4 || callee.result == 5);
	kw_elf_code(fd, extended, &code);
	same = same && kw_code_callee(&code.code, &other) && other.at == callee.at;
	kw_elf_code(fd, same ? callee.at : 0, &code);
	if (same && kw_code_is_emulated(&code.code)) {
		kw_probes_add_call(probes, callee.at,
				   cookie | KW_PROBE_LENGTHS | (callee.result == 5 ? KW_PROBE_FIFTH : 0));
		return;
	}
	kw_probes_add_call(probes, plain, cookie | KW_PROBE_INT);
	kw_probes_add_call(probes, extended, cookie | KW_PROBE_LENGTHS);
}

int kw_probes_of_openssl(const struct kw_tls_library *library, struct kw_probes *ret_probes)
{
	uint64_t functions[FUNCTIONS], fields;
	int r = kw_elf_functions(library->fd, names, FUNCTIONS, functions);

	if (r < 0)
		return r;
	if (!functions[READ] || !functions[WRITE] || !functions[NEW])
		return -ENOENT;
	if (functions[SET_VERSION])
		return -EPROTONOSUPPORT;
	fields = fields_of(library, functions);
	if (KW_PROBE_RANDOM(fields) == KW_PROBE_UNKNOWN)
		return -ENOTSUP;
	add_calls(library->fd, ret_probes, functions[READ], functions[READ_EX], fields);
	add_calls(library->fd, ret_probes, functions[WRITE], functions[WRITE_EX], fields | KW_PROBE_WRITES);
	kw_probes_add(ret_probes, KW_PROBE_BEGIN, functions[NEW], fields);
	return 0;
}
