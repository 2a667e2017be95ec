/* SPDX-License-Identifier: GPL-2.0-only */
/* The plaintext of TLS connections: what Go's crypto/tls shows. Goroutines go on in other threads at any time, so nothing is kept for a
 * thread: each probe finds the connection anew, and by its socket alone. The places of the probes are in user/observe/tls/go.c: at
 * all of them the goroutine holds the connection's lock for that direction, so that records come in their order. */
#ifndef KEEPWATCH_GO_BPF_H
#define KEEPWATCH_GO_BPF_H

#include "library.bpf.h"

/* The beginnings of Go's structures, the same in all versions from 1.17 to 1.27. */
struct kw_go_interface {
	__u64 table;  /* of its methods */
	__u64 object; /* address */
};

/* crypto/tls.Conn. Its network connection is a *net.TCPConn, or anything else that a program has put around one. */
struct kw_go_connection {
	struct kw_go_interface network;
	__u8 is_client;
};

/* internal/poll.FD, with which the structure begins that a net.TCPConn points to. */
struct kw_go_descriptor {
	__u64 state; /* of its lock, with a bit that is set before the descriptor is closed */
	__u32 waiting[2];
	__u64 descriptor;
};
_Static_assert(__builtin_offsetof(struct kw_go_descriptor, descriptor) == KW_PROBE_GO_DESCRIPTOR,
	       "where user space has found it");

/* Within crypto/tls.Conn: bytes.Buffer with the ciphertext that has been received, and bytes.Reader with the plaintext of the latest
 * record. */
struct kw_go_input {
	struct {
		__u64 address, length, capacity;
		__u64 read; /* bytes that have been taken out, with the latest record */
		__u64 latest;
	} ciphertext;
	struct {
		__u64 address, length, capacity;
		__u64 read; /* bytes that the program has been given */
	} plaintext;
};

/* A record is longer than what is in it by this much at the least: its header, and a tag (RFC 8446 section 5.2, RFC 7905). */
#define KW_GO_OVERHEAD (TLS_HEADER + 16)

#define KW_GO_CLOSED 1 /* in state: src/internal/poll/fd_mutex.go, mutexClosed */

/* The method Read in a table of a net.Conn's: behind three words it is the third, because they are in the order of the alphabet. */
#define KW_GO_READ_AT ((3 + 2) * sizeof(__u64))

/* ---- which connection? ------------------------------------------------------------------------------ */

/* Is the network connection a *net.TCPConn? @read: address of its method. */
static __always_inline int kw_go_is_tcp(const struct kw_go_interface *network, __u64 read)
{
	__u64 method = 0;

	return bpf_probe_read_user(&method, sizeof(method), (const void *)(network->table + KW_GO_READ_AT)) ==
		       0 &&
	       method == read;
}

/* The socket with this descriptor of the current process; or NULL. Only the structure of a socket leads back to the file. */
static __always_inline struct sock *kw_go_socket(__u64 descriptor)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct socket *socket;
	struct file *file = NULL;

	if (descriptor >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor) || !file)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return socket && BPF_CORE_READ(socket, file) == file ? BPF_CORE_READ(socket, sk) : NULL;
}

/* The socket of a *net.TCPConn. A descriptor that is being closed may be another connection's by now. */
static __always_inline struct sock *kw_go_socket_of(const struct kw_go_interface *network)
{
	struct kw_go_descriptor shown = {};
	struct sock *sk;
	__u64 at = 0;

	if (bpf_probe_read_user(&at, sizeof(at), (const void *)network->object) ||
	    bpf_probe_read_user(&shown, sizeof(shown), (const void *)at))
		return NULL;
	sk = kw_go_socket(shown.descriptor);
	if (bpf_probe_read_user(&shown.state, sizeof(shown.state), (const void *)at) ||
	    shown.state & KW_GO_CLOSED)
		return NULL;
	return sk;
}

/* The plaintext that is expected at this socket, of this process and this side. */
static __always_inline struct kw_plaintext *kw_go_expected(const struct sock *sk, __u32 role)
{
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	struct kw_plaintext *p = bpf_map_lookup_elem(&plaintexts, &cookie), *known;

	if (!p || p->socket != (__u64)sk)
		return NULL;
	known = kw_plaintext_by(p->random, role);
	return known && known->cookie == cookie ? known : NULL;
}

static __always_inline void kw_go_claim(struct kw_plaintext *p, __u64 object)
{
	if (!p->object) {
		__sync_val_compare_and_swap(&p->object, 0, object);
		p->library = KW_LIBRARY_GO;
	}
	if (p->object != object)
		p->lost = 1;
}

/* The connection of the function that a probe is in: @stack and @place are its stack pointer and where it stands. NULL: it is not known
 * for certain. */
static __noinline struct kw_plaintext *kw_go_find(__u64 stack, __u64 place, __u64 cookie)
{
	struct kw_go_connection connection = {};
	struct kw_plaintext *p;
	__u64 object = 0;
	struct sock *sk;

	if (bpf_probe_read_user(&object, sizeof(object), (const void *)(stack + KW_PROBE_SLOT(cookie))) ||
	    bpf_probe_read_user(&connection, sizeof(connection), (const void *)object) ||
	    !kw_go_is_tcp(&connection.network, place + KW_PROBE_METHOD(cookie)))
		return NULL;
	sk = kw_go_socket_of(&connection.network);
	p = sk ? kw_go_expected(sk, connection.is_client ? KW_ROLE_CLIENT : KW_ROLE_SERVER) : NULL;
	if (!p)
		return NULL;
	kw_go_claim(p, object);
	return p->lost ? NULL : p;
}

/* ---- what passes ------------------------------------------------------------------------------------- */

/* @n bytes of plaintext have passed, the first at @begin of the stream, which the current process has at @address. */
KW_GLOBAL int kw_go_feed(struct kw_plaintext *p, __u32 way, __s64 begin, __u64 address, __u64 n)
{
	struct kw_library_call *call;

	if (!kw_reads_libraries || !p)
		return 0;
	call = bpf_task_storage_get(&library_calls, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call)
		kw_count_lost(KW_LOST_STATE);
	if (!call || begin < 0)
		p->lost = 1;
	else
		kw_feed(p, &call->room, way & 1, begin, address, n);
	return 0;
}

/* The position in the stream of the plaintext at @address, which the program gets next. The latest record ends where the ciphertext begins
 * that has been received and not been decrypted yet. -1: nowhere. */
static __always_inline __s64 kw_go_place(struct kw_plaintext *p, __u64 input_at, __u64 address, __u64 n)
{
	struct kw_go_input input = {};
	__u64 now, behind, left;

	if (kw_library_passed(p, KW_RECEIVED, &now) ||
	    bpf_probe_read_user(&input, sizeof(input), (const void *)(p->object + input_at)))
		return -1;
	behind = input.ciphertext.length - input.ciphertext.read;
	left = input.plaintext.length - input.plaintext.read;
	if (address != input.plaintext.address + input.plaintext.read || n > left || left > TLS_LENGTH_MAX ||
	    behind > now || left > now - behind || now - behind - left < p->taken[KW_RECEIVED])
		return -1;
	p->seen[KW_RECEIVED] = now;
	return now - behind - left;
}

/* The first plaintext that a server gets: up to here it has sent nothing but its handshake, tickets among it. A server of HTTP/2 may be
 * sending at once, and that record has noted where it begins. */
static __always_inline void kw_go_first(struct kw_plaintext *p)
{
	__u64 now;

	if (!p->sending.length && kw_library_passed(p, KW_SENT, &now) == 0)
		p->seen[KW_SENT] = now;
}

/* A record may be answered before the goroutine that wrote it has come from its write: then it has left whole. */
static __always_inline void kw_go_catch_up(struct kw_plaintext *p)
{
	__u64 n = p->sending.length, address = p->sending.address, now;

	if (!n || p->sending.state != KW_SENDING_AHEAD || kw_library_passed(p, KW_SENT, &now) ||
	    now < p->seen[KW_SENT] + n + KW_GO_OVERHEAD ||
	    __sync_lock_test_and_set(&p->sending.state, KW_SENDING_FOLLOWED) != KW_SENDING_AHEAD)
		return;
	p->seen[KW_SENT] = now;
	kw_go_feed(p, KW_SENT, now - n, address, n);
}

/* memmove copies plaintext to the program: its arguments are where to, from where, and how much. */
static __always_inline void kw_go_on_read(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), address = KW_GO_SECOND(ctx), n = KW_GO_THIRD(ctx);
	struct kw_plaintext *p = kw_go_find(KW_STACK(ctx), KW_PLACE(ctx), cookie);

	if (!p || !n)
		return;
	if (p->c.role == KW_ROLE_SERVER && p->c.http1.protocol == HTTP1_PROTOCOL_NONE)
		kw_go_first(p);
	else
		kw_go_catch_up(p);
	kw_go_feed(p, KW_RECEIVED, kw_go_place(p, KW_PROBE_INPUT(cookie), address, n), address, n);
}

/* Can the socket send still? Where it cannot, a write will tell no more than an error. */
static __always_inline int kw_go_can_send(const struct kw_plaintext *p)
{
	const struct sock *sk = (const struct sock *)p->socket;
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT) && !BPF_CORE_READ(sk, sk_err);
}

/* encrypt takes a record's header and its plaintext, each as address, length and capacity. The plaintext stays where it is until the
 * record has been sent. Frames of HTTP/2 are followed here, because another goroutine may close the connection before this one comes from
 * its write; they lie within their record, wherever that ends. */
static __always_inline void kw_go_on_encrypt(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), record = KW_GO_SECOND(ctx), now;
	struct kw_plaintext *p = kw_go_find(KW_STACK(ctx), KW_PLACE(ctx), cookie);
	__u8 type = 0;

	if (!p)
		return;
	p->sending.length = 0;
	p->sending.state = KW_SENDING_AHEAD;
	if (bpf_probe_read_user(&type, sizeof(type), (const void *)record) ||
	    kw_library_passed(p, KW_SENT, &now)) {
		p->lost = 1;
	} else if (type == TLS_APPLICATION_DATA) {
		p->seen[KW_SENT] = now;
		p->sending.address = KW_GO_FIFTH(ctx);
		p->sending.length = KW_GO_SIXTH(ctx);
		if (!kw_is_framed(&p->c) || !kw_go_can_send(p))
			return;
		p->sending.state = KW_SENDING_EARLY;
		kw_go_feed(p, KW_SENT, (__s64)now + 1, p->sending.address, p->sending.length);
	}
}

/* The record in hand has been sent: notes where it ends. Returns where its plaintext begins, which has the place of its last bytes; -1: that
 * is not known. */
static __always_inline __s64 kw_go_end_record(struct kw_plaintext *p, __u64 n)
{
	__u64 before = p->seen[KW_SENT], now;

	if (kw_library_passed(p, KW_SENT, &now))
		return -1;
	p->seen[KW_SENT] = now;
	return n <= TLS_LENGTH_MAX && now > before + n ? (__s64)(now - n) : -1;
}

/* write has returned, with an error if not all of the record has gone. */
static __always_inline void kw_go_on_sent(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), error = KW_GO_SECOND(ctx), n, state;
	struct kw_plaintext *p = kw_go_find(KW_STACK(ctx), KW_PLACE(ctx), cookie);
	__s64 begin;

	if (!p)
		return;
	n = p->sending.length;
	p->sending.length = 0;
	p->blocked = !!error;
	state = __sync_lock_test_and_set(&p->sending.state, KW_SENDING_FOLLOWED);
	if (state == KW_SENDING_FOLLOWED)
		return;
	begin = kw_go_end_record(p, n);
	if (error || !n)
		return;
	if (state == KW_SENDING_AHEAD)
		kw_go_feed(p, KW_SENT, begin, p->sending.address, n);
	else if (begin < 0)
		p->lost = 1;
	else
		p->taken[KW_SENT] = p->seen[KW_SENT];
}

#endif
