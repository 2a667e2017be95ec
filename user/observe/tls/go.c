/* SPDX-License-Identifier: BSD-2-Clause */
/* Go's crypto/tls, which each Go program has within it. No probe is put at a function's return by changing where it returns to: Go moves
 * the stacks of its goroutines, and ends a program whose return addresses it does not know. Probes are put at jumps and calls
 * within the functions instead, which the kernel carries out by itself, and where registers and the stack say all that is needed:
 *
 *   (*Conn).Read               hands plaintext to its program by the one call of memmove
 *   (*Conn).writeRecordLocked  gives a record's plaintext to encrypt, sends the record by write, and looks whether that failed
 *   client-, serverHandshake   run once for each connection, before anything is sent or received
 *
 * The connection itself, of type *Conn, is on the stack of the first two. It begins with the network connection and the side,
 * in all versions from Go 1.17 to 1.27. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "observe/tls/go_code.h"
#include "observe/tls/go_table.h"
#include "observe/tls/probes.h"
#include "observe/tls/header.h"
#include "observe/tls/sections.h"

enum function {
	READ,
	WRITE_RECORD,
	HANDSHAKE_CLIENT,
	HANDSHAKE_SERVER,
	ENCRYPT,
	WRITE,
	DESTROY,
	CHECKED, /* those before look whether their stack suffices */
	TCP_READ = CHECKED,
	MEMMOVE,
	FUNCTIONS,
};

static const char *const names[FUNCTIONS] = {
	[READ] = "crypto/tls.(*Conn).Read",
	[WRITE_RECORD] = "crypto/tls.(*Conn).writeRecordLocked",
	[HANDSHAKE_CLIENT] = "crypto/tls.(*Conn).clientHandshake",
	[HANDSHAKE_SERVER] = "crypto/tls.(*Conn).serverHandshake",
	[ENCRYPT] = "crypto/tls.(*halfConn).encrypt",
	[WRITE] = "crypto/tls.(*Conn).write",
	[DESTROY] = "internal/poll.(*FD).destroy",
	[TCP_READ] = "net.(*TCPConn).Read",
	[MEMMOVE] = "runtime.memmove",
};

#define CODE_MOST 16384 /* bytes of a function; they have some 2,500 at most */

/* The code of a function, whole. */
struct body {
	uint8_t bytes[CODE_MOST];
	struct kw_code code;
};

static bool read_body(int fd, const struct kw_go_function *function, struct body *body)
{
	body->code = (struct kw_code){KW_MACHINE_OWN, function->at, body->bytes, function->size};
	return function->at && function->size <= sizeof(body->bytes) &&
	       kw_header_read_at(fd, function->at, body->bytes, function->size);
}

/* A probe's cookie, for a function that keeps the connection in @slot. All code of a program moves as one, so the distance of the method
 * stays. */
static uint64_t cookie_of(uint32_t slot, uint64_t method, uint64_t at)
{
	return KW_PROBE_OF_SLOT(slot) | KW_PROBE_OF_METHOD(method - at);
}

static bool is_known(uint32_t slot, uint64_t method, uint64_t at)
{
	int64_t distance = (int64_t)(method - at);

	return at && slot < KW_PROBE_SLOT_MOST && distance == (int32_t)distance;
}

/* Offset in the connection of its buffers for receiving. Read sets a field of a bytes.Reader to -1, its last; a bytes.Buffer lies before. */
static uint32_t input_of(const struct kw_code *code)
{
	uint32_t unset = kw_go_code_unset(code), before = (5 + 4) * sizeof(uint64_t);

	return unset < KW_PROBE_INPUT_MOST && unset > before ? unset - before : KW_PROBE_INPUT_MOST;
}

static int add_read(int fd, struct body *body, const struct kw_go_function *functions, struct kw_probes *probes)
{
	uint64_t method = functions[TCP_READ].at, move;
	uint32_t slot, input;

	if (!read_body(fd, &functions[READ], body))
		return -ENOTSUP;
	slot = kw_go_code_slot(&body->code);
	input = input_of(&body->code);
	move = kw_go_code_call(&body->code, functions[MEMMOVE].at);
	if (!is_known(slot, method, move) || input == KW_PROBE_INPUT_MOST)
		return -ENOTSUP;
	kw_probes_add(probes, KW_PROBE_GO_READ, move, cookie_of(slot, method, move) | KW_PROBE_OF_INPUT(input));
	return 0;
}

static int add_write(int fd, struct body *body, const struct kw_go_function *functions,
		     struct kw_probes *probes)
{
	uint64_t method = functions[TCP_READ].at, encrypt, jump;
	uint32_t slot;

	if (!read_body(fd, &functions[WRITE_RECORD], body))
		return -ENOTSUP;
	slot = kw_go_code_slot(&body->code);
	encrypt = kw_go_code_call(&body->code, functions[ENCRYPT].at);
	jump = kw_go_code_jump(&body->code, kw_go_code_call(&body->code, functions[WRITE].at));
	if (!is_known(slot, method, encrypt) || !is_known(slot, method, jump))
		return -ENOTSUP;
	kw_probes_add(probes, KW_PROBE_GO_ENCRYPT, encrypt, cookie_of(slot, method, encrypt));
	kw_probes_add(probes, KW_PROBE_GO_SENT, jump, cookie_of(slot, method, jump));
	return 0;
}

/* Of the two handshakes a program may lack one, because Go's linker leaves out whatever nobody calls. */
static int add_begin(int fd, struct body *body, const struct kw_go_function *functions,
		     struct kw_probes *probes)
{
	bool any = false;

	for (enum function i = HANDSHAKE_CLIENT; i <= HANDSHAKE_SERVER; i++) {
		uint64_t check;

		if (!functions[i].at)
			continue;
		check = read_body(fd, &functions[i], body) ? kw_go_code_check(&body->code) : 0;
		if (!check)
			return -ENOTSUP;
		kw_probes_add(probes, KW_PROBE_BEGIN, check, 0);
		any = true;
	}
	return any ? 0 : -ENOTSUP;
}

/* Is the descriptor of a network connection where the kernel side reads it? A closed one is set to -1. */
static int check_descriptor(int fd, struct body *body, const struct kw_go_function *function)
{
	return read_body(fd, function, body) && kw_go_code_unset(&body->code) == KW_PROBE_GO_DESCRIPTOR
		       ? 0
		       : -ENOTSUP;
}

int kw_probes_of_go(const struct kw_tls_library *library, struct kw_probes *ret_probes)
{
	_cleanup_free_ struct body *body = malloc(sizeof(*body));
	struct kw_go_function functions[FUNCTIONS];
	int r = kw_go_functions(library->fd, names, FUNCTIONS, CHECKED, functions);

	if (r == 0 && (!functions[READ].at || !functions[WRITE_RECORD].at))
		r = -ENOENT;
	if (r == 0 && !body)
		r = -ENOMEM;
	if (r == 0)
		r = check_descriptor(library->fd, body, &functions[DESTROY]);
	if (r == 0)
		r = add_read(library->fd, body, functions, ret_probes);
	if (r == 0)
		r = add_write(library->fd, body, functions, ret_probes);
	if (r == 0)
		r = add_begin(library->fd, body, functions, ret_probes);
	return r;
}
