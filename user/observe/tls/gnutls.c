/* SPDX-License-Identifier: BSD-2-Clause */
/* GnuTLS. Its functions for receiving go on in an inner one, and that for sending in another exported one: probes are put there, where
 * these begin with an instruction that the kernel carries out by itself. The code of exported functions shows where a session keeps what
 * is needed. */
#include <errno.h>

#include "observe/tls/elf.h"
#include "observe/tls/probes.h"

#define ENTITY_CLIENT 2 /* GNUTLS_CLIENT of gnutls/gnutls.h; a server has 1 */

enum function {
	RECEIVE,
	RECEIVE_SEQ,
	RECEIVE_PACKET,
	SEND,
	SEND2, /* from 3.6.3 on: what SEND goes on in */
	SEND_RANGE,
	INIT,
	GET_RANDOM,
	IS_RESUMED,
	CHECK_CORKED,
	FUNCTIONS,
};

static const char *const names[FUNCTIONS] = {
	[RECEIVE] = "gnutls_record_recv",
	[RECEIVE_SEQ] = "gnutls_record_recv_seq",
	[RECEIVE_PACKET] = "gnutls_record_recv_packet",
	[SEND] = "gnutls_record_send",
	[SEND2] = "gnutls_record_send2",
	[SEND_RANGE] = "gnutls_record_send_range",
	[INIT] = "gnutls_init",
	[GET_RANDOM] = "gnutls_session_get_random",
	[IS_RESUMED] = "gnutls_session_is_resumed",
	[CHECK_CORKED] = "gnutls_record_check_corked",
};

static uint64_t within(uint32_t at)
{
	return at < KW_PROBE_UNKNOWN ? at : KW_PROBE_UNKNOWN;
}

static uint64_t fields_of(int fd, const uint64_t *functions)
{
	struct kw_elf_code code;
	uint64_t fields = KW_PROBE_OF_LIBRARY(KW_LIBRARY_GNUTLS) | KW_PROBE_OF_BIOS(KW_PROBE_NO_BIO);

	kw_elf_code(fd, functions[GET_RANDOM], &code);
	fields |= KW_PROBE_OF_RANDOM(within(kw_code_stored_address(&code.code)));
	kw_elf_code(fd, functions[IS_RESUMED], &code);
	fields |= KW_PROBE_OF_SERVER(within(kw_code_compared(&code.code, ENTITY_CLIENT)));
	kw_elf_code(fd, functions[CHECK_CORKED], &code);
	return fields | KW_PROBE_OF_CORKED(within(kw_code_load(&code.code, 0, 8)));
}

/* Both functions for receiving go on in one, with the buffer as its third argument; or else they get the probes. */
static void add_receives(int fd, struct kw_probes *probes, const uint64_t *functions, uint64_t fields)
{
	struct kw_elf_code code;
	uint64_t inner;

	kw_elf_code(fd, functions[RECEIVE], &code);
	inner = kw_code_shifted(&code.code);
	kw_elf_code(fd, functions[RECEIVE_SEQ], &code);
	if (kw_code_shifted(&code.code) != inner)
		inner = 0;
	kw_elf_code(fd, inner, &code);
	if (inner && kw_code_is_emulated(&code.code)) {
		kw_probes_add_call(probes, inner, fields | KW_PROBE_THIRD);
		return;
	}
	kw_probes_add_call(probes, functions[RECEIVE], fields);
	kw_probes_add_call(probes, functions[RECEIVE_SEQ], fields);
}

static void add_sends(int fd, struct kw_probes *probes, const uint64_t *functions, uint64_t fields)
{
	struct kw_elf_code code;

	kw_elf_code(fd, functions[SEND], &code);
	if (!functions[SEND2] || !kw_code_only_jumps(&code.code))
		kw_probes_add_call(probes, functions[SEND], fields | KW_PROBE_WRITES);
	kw_probes_add_call(probes, functions[SEND2], fields | KW_PROBE_WRITES);
	kw_probes_add_call(probes, functions[SEND_RANGE], fields | KW_PROBE_WRITES);
}

int kw_probes_of_gnutls(const struct kw_tls_library *library, struct kw_probes *ret_probes)
{
	uint64_t functions[FUNCTIONS], fields;
	int r = kw_elf_functions(library->fd, names, FUNCTIONS, functions);

	if (r < 0)
		return r;
	if (!functions[RECEIVE] || !functions[SEND] || !functions[INIT])
		return -ENOENT;
	fields = fields_of(library->fd, functions);
	if (KW_PROBE_RANDOM(fields) == KW_PROBE_UNKNOWN)
		return -ENOTSUP;
	add_receives(library->fd, ret_probes, functions, fields);
	add_sends(library->fd, ret_probes, functions, fields);
	kw_probes_add(ret_probes, KW_PROBE_CALL, functions[RECEIVE_PACKET], fields | KW_PROBE_UNREAD);
	kw_probes_add(ret_probes, KW_PROBE_BEGIN, functions[INIT], fields);
	return 0;
}
