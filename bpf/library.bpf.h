/* SPDX-License-Identifier: GPL-2.0-only */
/* The plaintext of TLS connections: what a call of a library shows. Its bytes go through the same machine as those of clear text,
 * once the call has succeeded. Programs here are of another type than those of sockets (kprobe): they are loaded only with --tls. */
#ifndef KEEPWATCH_LIBRARY_BPF_H
#define KEEPWATCH_LIBRARY_BPF_H

#include "feed.bpf.h"
#include "../include/probe.h"

/* The object that a thread's latest call was of. */
struct kw_library_latest {
	__u64 object;
	__u64 random;
	__u64 cookie; /* of the connection that it carried */
};

/* A call of a library, while it runs. Threads may be stopped within a program, so each has room of its own. */
struct kw_library_call {
	__u64 object; /* 0: no call runs */
	__u64 buffer;
	__u64 size;   /* of what is to be sent */
	__u64 length; /* address of a number of bytes */
	__u64 stack;  /* where the stack stood at the call */
	__u64 cookie;
	__u64 bio;    /* OpenSSL: where its object's bytes are counted; 0: not read yet */
	__u64 corked; /* GnuTLS: bytes that the object kept when the call began */
	__u64 found; /* of a send: cookie of the connection that the object carried at its beginning; 0: not known yet */
	struct kw_library_latest latest;
	struct kw_scratch room;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_library_call);
} library_calls SEC(".maps");

static __always_inline int kw_is_of_gnutls(const struct kw_library_call *call)
{
	return KW_PROBE_LIBRARY(call->cookie) == KW_LIBRARY_GNUTLS;
}

/* Nothing follows such a program, but a program that something could follow runs on its thread's stack. Kernels from 6.13 on give
 * the others one for each processor. Threads may be stopped within these programs, though, and another thread's run of the
 * same program would overwrite that stack: the pointers on it led one of 7.3 into a page fault, and so to its end. */
KW_PROGRAMS(nowhere, 1);
#define KW_ON_THREADS_STACK(ctx) bpf_tail_call(ctx, &nowhere, 0)

/* The current process uses a library that has probes. Only the making of an object says so, whose probe is the last that a library
 * gets: so none of the object's calls is missed. */
static __always_inline void kw_library_used(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32, probed = KW_PROCESS_PROBED;
	__u32 *standing = bpf_map_lookup_elem(&processes, &pid);

	if (!standing)
		bpf_map_update_elem(&processes, &pid, &probed, BPF_ANY);
	else if (*standing != KW_PROCESS_PROBED)
		*standing = KW_PROCESS_PROBED;
}

/* ---- where in the stream? --------------------------------------------------------------------------- */

/* Reads how far the ciphertext has come by the socket. Returns 0, or -1 if the socket is another one by now. */
static __always_inline int kw_library_passed(const struct kw_plaintext *p, enum kw_way way, __u64 *ret_position)
{
	struct tcp_sock *tcp = (struct tcp_sock *)p->socket;
	struct sock *sk = (struct sock *)p->socket;
	__u32 sequence = way == KW_SENT ? BPF_CORE_READ(tcp, write_seq) : kw_copied_at(sk, tcp);
	__u32 base = way == KW_SENT ? p->c.tx_base : p->c.rx_base;

	if ((__u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) != p->cookie)
		return -1;
	*ret_position = kw_position(sequence, base, p->seen[way & 1]);
	return 0;
}

/* The same by the number of bytes that the object has read from its BIO, or written to it. A program may send and receive for the object,
 * earlier or later: then only this says where the bytes will be in the stream, or were. */
static __always_inline int kw_library_counted(const struct kw_plaintext *p, struct kw_library_call *call,
					      enum kw_way way, __u64 *ret_position)
{
	__u64 behind = way == KW_SENT ? sizeof(__u64) : 0, count = 0;

	if (!call->bio &&
	    bpf_probe_read_user(&call->bio, sizeof(call->bio),
				(const void *)(call->object + KW_PROBE_BIOS(call->cookie) + behind)))
		return -1;
	if (bpf_probe_read_user(&count, sizeof(count),
				(const void *)(call->bio + KW_PROBE_COUNTERS(call->cookie) + behind)))
		return -1;
	*ret_position = p->base[way & 1] + count;
	return 0;
}

static __always_inline int kw_library_position(const struct kw_plaintext *p, struct kw_library_call *call,
					       enum kw_way way, __u64 *ret_position)
{
	if (KW_PROBE_BIOS(call->cookie) == KW_PROBE_NO_BIO)
		return kw_library_passed(p, way, ret_position);
	return kw_library_counted(p, call, way, ret_position);
}

/* A program may give its object another BIO, as wrk does while the handshake is under way, or when it has just been done; the new one counts
 * from 0. Then the object would have written less than its socket has sent, which is so of no other: the counts go on from where the socket
 * is. */
static __noinline void kw_library_align(struct kw_plaintext *p, struct kw_library_call *call)
{
	__u64 passed[KW_WAYS], counted[KW_WAYS];

	if (KW_PROBE_BIOS(call->cookie) == KW_PROBE_NO_BIO)
		return;
	for (__u32 way = 0; way < KW_WAYS; way++) {
		call->bio = 0;
		if (kw_library_passed(p, way, &passed[way]) || kw_library_counted(p, call, way, &counted[way]))
			return;
	}
	call->bio = 0;
	if (counted[KW_SENT] >= passed[KW_SENT])
		return;
	p->base[KW_SENT] += passed[KW_SENT] - counted[KW_SENT];
	if (counted[KW_RECEIVED] < passed[KW_RECEIVED])
		p->base[KW_RECEIVED] += passed[KW_RECEIVED] - counted[KW_RECEIVED];
}

/* As kw_library_position(). It cannot go back, so where it does the object has got another BIO. */
static __always_inline int kw_library_look(struct kw_plaintext *p, struct kw_library_call *call,
					   enum kw_way way, __u64 *ret_position)
{
	if (kw_library_position(p, call, way, ret_position))
		return -1;
	if (*ret_position >= p->seen[way & 1])
		return 0;
	kw_library_align(p, call);
	return kw_library_position(p, call, way, ret_position);
}

/* ---- which connection? ------------------------------------------------------------------------------ */

static __always_inline struct kw_plaintext *kw_plaintext_by(__u64 random, __u32 role)
{
	struct kw_random_key key = {};
	struct kw_plaintext *p;
	__u64 *cookie;

	key.random = random;
	key.pid = bpf_get_current_pid_tgid() >> 32;
	key.role = role;
	cookie = bpf_map_lookup_elem(&randoms, &key);
	p = cookie ? bpf_map_lookup_elem(&plaintexts, cookie) : NULL;
	return p && p->random == random ? p : NULL;
}

/* A library may not show which side an object is, and both sides may be in this process: then neither is joined. */
static __always_inline struct kw_plaintext *kw_plaintext_by_either(__u64 random)
{
	struct kw_plaintext *client = kw_plaintext_by(random, KW_ROLE_CLIENT);
	struct kw_plaintext *server = kw_plaintext_by(random, KW_ROLE_SERVER);

	if (client && server)
		return NULL;
	return client ? client : server;
}

/* The connection with this random number that the object of a call can carry, by the side that it is. */
static __always_inline struct kw_plaintext *kw_plaintext_by_side(const struct kw_library_call *call,
								 __u64 random)
{
	__u32 server_at = KW_PROBE_SERVER(call->cookie), server = 0;

	if (server_at == KW_PROBE_UNKNOWN)
		return kw_plaintext_by_either(random);
	if (bpf_probe_read_user(&server, sizeof(server), (const void *)(call->object + server_at)))
		return NULL;
	return kw_plaintext_by(random, server == 1 ? KW_ROLE_SERVER : KW_ROLE_CLIENT);
}

/* The same for a thread that goes on with the object of its latest call. The number is compared again, because another object may have
 * come to lie there. */
static __always_inline struct kw_plaintext *kw_plaintext_again(const struct kw_library_call *call, __u64 random)
{
	struct kw_plaintext *p;
	__u64 cookie = call->latest.cookie;

	if (call->latest.object != call->object || call->latest.random != random)
		return NULL;
	p = bpf_map_lookup_elem(&plaintexts, &cookie);
	return p && p->random == random && p->object == call->object ? p : NULL;
}

static __always_inline void kw_library_remember(struct kw_library_call *call, struct kw_plaintext *p)
{
	call->latest.object = call->object;
	call->latest.random = p->random;
	call->latest.cookie = p->cookie;
	p->library = KW_PROBE_LIBRARY(call->cookie);
	if (!p->object)
		__sync_val_compare_and_swap(&p->object, 0, call->object);
	if (p->object != call->object)
		p->lost = 1;
}

/* The connection that the object of a call carries, by the random number that the object has now; or NULL. */
static __noinline struct kw_plaintext *kw_library_find(struct kw_library_call *call)
{
	__u64 random = 0, holder = call->object;
	__u64 pointer_at = kw_is_of_gnutls(call) ? 0 : KW_PROBE_POINTER(call->cookie);
	struct kw_plaintext *p;

	if (pointer_at &&
	    bpf_probe_read_user(&holder, sizeof(holder), (const void *)(call->object + pointer_at)))
		return NULL;
	if (bpf_probe_read_user(&random, sizeof(random),
				(const void *)(holder + KW_PROBE_RANDOM(call->cookie))))
		return NULL;
	random = __builtin_bswap64(random);
	p = kw_plaintext_again(call, random);
	if (!p) {
		p = kw_plaintext_by_side(call, random);
		if (!p)
			return NULL;
		kw_library_remember(call, p);
	}
	if (!p->taken[KW_SENT] && !p->taken[KW_RECEIVED])
		kw_library_align(p, call);
	return p->lost ? NULL : p;
}

/* The same at the end of a call, which may have found it at its beginning. */
static __always_inline struct kw_plaintext *kw_library_find_again(struct kw_library_call *call)
{
	__u64 cookie = call->found;
	struct kw_plaintext *p;

	if (!cookie)
		return kw_library_find(call);
	p = bpf_map_lookup_elem(&plaintexts, &cookie);
	return p && !p->lost ? p : NULL;
}

/* ---- from where to where? ---------------------------------------------------------------------------- */

/* The position of a receive's @n bytes. No byte of a record can be had before the whole of it has come, and records without data may stand
 * before it: so they lie at the end of what the library has read, which may read ahead. Of plaintext there is less than of ciphertext.
 * Returns the position of the first byte; -1: it is not known. */
static __always_inline __s64 kw_library_place(struct kw_plaintext *p, struct kw_library_call *call, __u64 n)
{
	__u64 now;

	if (kw_library_look(p, call, KW_RECEIVED, &now) || now < p->seen[KW_RECEIVED])
		return -1;
	p->seen[KW_RECEIVED] = now;
	p->given += n;
	return p->given <= now ? (__s64)(now - n) : -1;
}

/* ---- receives --------------------------------------------------------------------------------------- */

/* The first plaintext of a server: up to here it has sent nothing but its handshake, tickets among it. */
static __always_inline void kw_library_first(struct kw_plaintext *p, struct kw_library_call *call)
{
	__u64 now;

	call->bio = 0; /* the other one */
	if (kw_library_position(p, call, KW_SENT, &now) == 0)
		p->seen[KW_SENT] = now;
}

/* The call has given @n bytes of @p. */
static __always_inline void kw_library_received(struct kw_plaintext *p, struct kw_library_call *call, __u64 n)
{
	int first = p->c.http1.protocol == HTTP1_PROTOCOL_NONE && p->c.role == KW_ROLE_SERVER;
	__s64 begin = kw_library_place(p, call, n);

	if (begin < 0) {
		p->lost = 1;
		return;
	}
	if (first)
		kw_library_first(p, call);
	kw_feed(p, &call->room, KW_RECEIVED, begin, call->buffer, n);
}

/* ---- GnuTLS ----------------------------------------------------------------------------------------- */

/* Errors of a send that has taken bytes, and is to be called again until it has sent them, with the same bytes or none:
 * gnutls_record_send(3). */
#define KW_GNUTLS_AGAIN (-28)
#define KW_GNUTLS_INTERRUPTED (-52)
#define KW_GNUTLS_MOST 16384 /* bytes of a record, which a send takes at most */

/* How many bytes a send that has not succeeded has taken all the same; 0: none. */
static __always_inline __u64 kw_gnutls_took(const struct kw_library_call *call, __s32 returned)
{
	if (returned != KW_GNUTLS_AGAIN && returned != KW_GNUTLS_INTERRUPTED)
		return 0;
	return call->size < KW_GNUTLS_MOST ? call->size : KW_GNUTLS_MOST;
}

static __always_inline __u64 kw_gnutls_corked(const struct kw_library_call *call)
{
	__u64 n = 0, at = KW_PROBE_CORKED(call->cookie);

	if (at != KW_PROBE_UNKNOWN)
		bpf_probe_read_user(&n, sizeof(n), (const void *)(call->object + at));
	return n;
}

/* Does the object keep the @n bytes that it took? They come again when it is uncorked. */
static __always_inline int kw_gnutls_keeps(const struct kw_library_call *call, __u64 n)
{
	return n && kw_is_of_gnutls(call) && kw_gnutls_corked(call) - call->corked == n;
}

/* ---- sends ------------------------------------------------------------------------------------------ */

/* A whole record takes at most so many bytes of the stream (RFC 8446 section 5.2, and RFC 5246 section 6.2.3 with CBC, whose overhead in
 * use is below this). */
#define KW_RECORD_MOST (1 << 14)
#define KW_RECORD_SPAN (KW_RECORD_MOST + 64)

/* Follows the bytes of a send up to @end that have not been followed; their first one is at @position. */
static __always_inline void kw_library_send(struct kw_plaintext *p, struct kw_library_call *call, __u64 end,
					    __u64 position)
{
	kw_feed(p, &call->room, KW_SENT, position, call->buffer + p->early, end - p->early);
}

/* How many bytes of a send that has not succeeded may have gone: whole records, but never its last byte. */
static __always_inline __u64 kw_library_gone(struct kw_plaintext *p, struct kw_library_call *call)
{
	__u64 now, gone, most = call->size ? call->size - 1 : 0;

	if (kw_library_look(p, call, KW_SENT, &now) || now <= p->seen[KW_SENT])
		return 0;
	gone = (now - p->seen[KW_SENT]) / KW_RECORD_SPAN * KW_RECORD_MOST;
	return gone < most ? gone : most;
}

/* The first @n bytes of the send in hand are on their way, although it has not succeeded. */
static __always_inline void kw_library_send_early(struct kw_plaintext *p, struct kw_library_call *call, __u64 n)
{
	if (n <= p->early || n > KW_SPAN_MOST)
		return;
	kw_library_send(p, call, n, p->seen[KW_SENT] + p->early);
	p->early = n;
}

/* The library has taken bytes, the last before @end, that will not leave, because this side had ended its sending by then, or both had:
 * only the program will meet an error. */
static __always_inline int kw_library_sends_in_vain(const struct kw_plaintext *p, __u64 end)
{
	const struct kw_ending *ending = &p->c.ending;

	return ending->act != KW_ACT_NONE && ending->act != KW_ACT_PEER_FIN && end > ending->tx_sent;
}

/* A send of more than a record may never return, because its process ends within it: then some of it has gone, and a peer may have read that.
 * So the record that begins a message is followed at once. */
static __always_inline void kw_library_begin_long(struct kw_plaintext *p, struct kw_library_call *call)
{
	const struct kw_side *side = &p->c.sides[kw_direction(p->c.role, KW_SENT) & 1];

	if (p->c.http1.protocol <= HTTP1_PROTOCOL_HTTP1 && !side->open &&
	    !kw_library_sends_in_vain(p, p->seen[KW_SENT] + 1))
		kw_library_send_early(p, call, KW_RECORD_MOST);
}

/* A send begins: notes where. One that did not succeed is made again with the same bytes, and some of these may have gone by then. */
static __always_inline void kw_library_mark(struct kw_library_call *call)
{
	struct kw_plaintext *p = kw_library_find(call);
	__u64 now;

	if (!p)
		return;
	call->found = p->cookie;
	if (p->blocked)
		return;
	if (kw_library_look(p, call, KW_SENT, &now) == 0)
		p->seen[KW_SENT] = now;
	p->long_send = call->size > KW_RECORD_MOST && !kw_is_of_gnutls(call);
	if (p->long_send)
		kw_library_begin_long(p, call);
}

/* Differs once bytes have begun or ended a message; those that do not add to one that is under way. */
static __always_inline __u64 kw_messages(const struct kw_plaintext *p)
{
	const struct kw_http *http = &p->c.http;

	return http->request_begin + http->response_begin + http->counts.requests_ended +
	       http->counts.responses_ended;
}

/* GnuTLS has taken the bytes of such a send, and its program may call again without them: so they are followed now, but for the last,
 * because not all of them have gone. Where none has, and a message begins or ends with them, that is ahead of what has left. */
static __always_inline void kw_gnutls_blocked(struct kw_plaintext *p, struct kw_library_call *call,
					      __s32 returned)
{
	__u64 n = kw_gnutls_took(call, returned), messages = kw_messages(p), now;

	if (n) {
		p->last.address = call->buffer + n - 1;
		bpf_probe_read_user(&p->last.byte, sizeof(p->last.byte), (const void *)p->last.address);
		kw_library_send_early(p, call, n - 1);
	}
	if (kw_library_passed(p, KW_SENT, &now) || now >= p->taken[KW_SENT])
		return;
	if (now > p->seen[KW_SENT] ||
	    (kw_messages(p) == messages && p->c.http1.protocol == HTTP1_PROTOCOL_HTTP1))
		p->taken[KW_SENT] = now;
}

/* It has succeeded without bytes, so that its last one is where it was at first. Returns 0, or -1 if that is another one by now. */
static __always_inline int kw_gnutls_find_last(struct kw_plaintext *p, struct kw_library_call *call)
{
	__u8 byte = 0;

	if (bpf_probe_read_user(&byte, sizeof(byte), (const void *)p->last.address) || byte != p->last.byte)
		return -1;
	call->buffer = p->last.address - p->early;
	return 0;
}

/* It has not succeeded: its program will make it again, or give up. */
static __always_inline void kw_library_blocked(struct kw_plaintext *p, struct kw_library_call *call,
					       __s32 returned)
{
	p->blocked = 1;
	p->long_send = 0;
	if (kw_is_of_gnutls(call))
		kw_gnutls_blocked(p, call, returned);
	else
		kw_library_send_early(p, call, kw_library_gone(p, call));
}

/* The call has taken @n bytes of @p: it has just handed on the last one, in records that are longer than what is in them. */
static __always_inline void kw_library_sent(struct kw_plaintext *p, struct kw_library_call *call, __u64 n)
{
	__u64 now;

	if (kw_library_look(p, call, KW_SENT, &now) || now <= p->seen[KW_SENT] + n ||
	    (n > p->early && !call->buffer && kw_gnutls_find_last(p, call))) {
		p->lost = 1;
		return;
	}
	p->seen[KW_SENT] = now;
	p->blocked = p->long_send = 0;
	if (n > p->early && !kw_library_sends_in_vain(p, now))
		kw_library_send(p, call, n, now - (n - p->early));
	p->early -= n < p->early ? n : p->early;
}

/* ---- the probes -------------------------------------------------------------------------------------- */

/* How many bytes the call in hand took or gave; 0: none. */
static __always_inline __u64 kw_library_result(const struct kw_library_call *call, __s32 returned)
{
	__u64 n = 0;

	if (returned <= 0)
		return 0;
	if (!(call->cookie & KW_PROBE_LENGTHS))
		return returned;
	return bpf_probe_read_user(&n, sizeof(n), (const void *)call->length) || n > KW_SPAN_MOST ? 0 : n;
}

/* A call begins within another one, as with TLS inside TLS: that one's bytes will not be followed, and its connection says nothing
 * more. A call that was left by a jump looks the same. */
static __always_inline void kw_library_lose(struct kw_library_call *call)
{
	struct kw_plaintext *p = kw_library_find(call);

	if (p)
		p->lost = 1;
}

/* Takes down the arguments of a call. */
static __always_inline void kw_library_note(struct kw_library_call *call, struct pt_regs *ctx, __u64 cookie)
{
	call->object = KW_FIRST(ctx);
	call->buffer = KW_SECOND(ctx);
	call->size = KW_THIRD(ctx);
	/* The context may only be read at fixed offsets, so the compiler must not choose between two of them. */
	call->length = KW_FOURTH(ctx);
	KW_FORGET();
	if (cookie & KW_PROBE_FIFTH)
		call->length = KW_FIFTH(ctx);
	if (cookie & KW_PROBE_THIRD)
		call->buffer = call->size;
	if (cookie & KW_PROBE_INT)
		call->size = (__u32)call->size;
	call->cookie = cookie;
	call->stack = KW_STACK(ctx);
	call->bio = call->found = 0;
}

static __always_inline int kw_library_enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct kw_library_call *call;

	if (cookie & KW_PROBE_THIRD && (__u32)KW_SECOND(ctx) != TLS_APPLICATION_DATA)
		return 0;
	call = bpf_task_storage_get(&library_calls, bpf_get_current_task_btf(), NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		kw_count_lost(KW_LOST_STATE);
		return 0;
	}
	if (call->object && call->object != KW_FIRST(ctx))
		kw_library_lose(call);
	kw_library_note(call, ctx, cookie);
	if (cookie & KW_PROBE_UNREAD) {
		kw_library_lose(call);
		call->object = 0;
	} else if (cookie & KW_PROBE_WRITES) {
		kw_library_mark(call);
		call->corked = kw_is_of_gnutls(call) ? kw_gnutls_corked(call) : 0;
	}
	return 0;
}

/* Is this the end of the call that began last? The return has taken its address off the stack, where it is there. */
static __always_inline int kw_library_is_end(const struct kw_library_call *call, struct pt_regs *ctx)
{
	return call->object && KW_STACK(ctx) - call->stack <= sizeof(__u64);
}

/* The call has returned @returned. */
static __always_inline void kw_library_end(struct kw_library_call *call, __s32 returned)
{
	int writes = !!(call->cookie & KW_PROBE_WRITES);
	__u64 n = kw_library_result(call, returned);
	struct kw_plaintext *p = n || writes ? kw_library_find_again(call) : NULL;

	if (!p)
		return;
	if (!writes)
		kw_library_received(p, call, n);
	else if (!n)
		kw_library_blocked(p, call, returned);
	else if (!kw_gnutls_keeps(call, n))
		kw_library_sent(p, call, n);
}

static __always_inline int kw_library_leave(struct pt_regs *ctx)
{
	struct kw_library_call *call =
		bpf_task_storage_get(&library_calls, bpf_get_current_task_btf(), NULL, 0);

	if (!call || !kw_library_is_end(call, ctx))
		return 0;
	kw_library_end(call, (__s32)KW_RETURNED(ctx));
	call->object = 0;
	return 0;
}

#endif
