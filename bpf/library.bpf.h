/* SPDX-License-Identifier: GPL-2.0-only */
/* The plaintext of TLS connections: what a call of a library shows. Its bytes go through the same machine as those of clear text,
 * once the call has succeeded. Programs here are of another type than those of sockets (kprobe): they are loaded only with --tls. */
#ifndef KEEPWATCH_LIBRARY_BPF_H
#define KEEPWATCH_LIBRARY_BPF_H

#include "feed.bpf.h"
#include "../include/probe.h"

/* A call of a library, while it runs. Threads may be stopped within a program, so each has room of its own. */
struct kw_library_call {
	__u64 object; /* 0: no call runs */
	__u64 buffer;
	__u64 length; /* address of a number of bytes */
	__u64 size;   /* bytes in the buffer */
	__u64 corked; /* GnuTLS: bytes that the object kept when the call began */
	__u64 stack;  /* where the stack stood at the call */
	__u64 cookie;
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

/* The connection that the object of a call carries, by the random number that the object has now; or NULL. */
static __noinline struct kw_plaintext *kw_library_find(const struct kw_library_call *call)
{
	__u32 server_at = KW_PROBE_SERVER(call->cookie), server = 0;
	__u64 random = 0, holder = call->object,
	      pointer_at = kw_is_of_gnutls(call) ? 0 : KW_PROBE_POINTER(call->cookie);
	struct kw_plaintext *p;

	if (pointer_at &&
	    bpf_probe_read_user(&holder, sizeof(holder), (const void *)(call->object + pointer_at)))
		return NULL;
	if (bpf_probe_read_user(&random, sizeof(random),
				(const void *)(holder + KW_PROBE_RANDOM(call->cookie))))
		return NULL;
	random = __builtin_bswap64(random);
	if (server_at == KW_PROBE_UNKNOWN)
		p = kw_plaintext_by_either(random);
	else if (bpf_probe_read_user(&server, sizeof(server), (const void *)(call->object + server_at)))
		return NULL;
	else
		p = kw_plaintext_by(random, server == 1 ? KW_ROLE_SERVER : KW_ROLE_CLIENT);
	if (!p)
		return NULL;
	if (!p->object)
		__sync_val_compare_and_swap(&p->object, 0, call->object);
	p->library = KW_PROBE_LIBRARY(call->cookie);
	if (p->object != call->object)
		p->lost = 1;
	return p->lost ? NULL : p;
}

/* ---- where in the stream? --------------------------------------------------------------------------- */

/* Reads how far the ciphertext has come by the socket. Returns 0, or -1 if the socket is another one by now. */
static __always_inline int kw_library_passed(const struct kw_plaintext *p, enum kw_way way, __u64 *ret_position)
{
	struct tcp_sock *tcp = (struct tcp_sock *)p->socket;
	struct sock *sk = (struct sock *)p->socket;
	__u32 sequence = way == KW_SENT ? BPF_CORE_READ(tcp, write_seq) : BPF_CORE_READ(tcp, copied_seq);
	__u32 base = way == KW_SENT ? p->c.tx_base : p->c.rx_base;

	if ((__u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) != p->cookie)
		return -1;
	*ret_position = kw_position(sequence, base, p->seen[way & 1]);
	return 0;
}

/* The same by the number of bytes that the object has read from its BIO, or written to it. A program may send and receive for the object,
 * earlier or later: then only this says where the bytes will be in the stream, or were. */
static __always_inline int kw_library_counted(const struct kw_plaintext *p, const struct kw_library_call *call,
					      enum kw_way way, __u64 *ret_position)
{
	__u64 behind = way == KW_SENT ? sizeof(__u64) : 0, bio = 0, count = 0;

	if (bpf_probe_read_user(&bio, sizeof(bio),
				(const void *)(call->object + KW_PROBE_BIOS(call->cookie) + behind)) ||
	    bpf_probe_read_user(&count, sizeof(count),
				(const void *)(bio + KW_PROBE_COUNTERS(call->cookie) + behind)))
		return -1;
	*ret_position = p->base[way & 1] + count;
	return 0;
}

static __always_inline int kw_library_position(const struct kw_plaintext *p, const struct kw_library_call *call,
					       enum kw_way way, __u64 *ret_position)
{
	if (KW_PROBE_BIOS(call->cookie) == KW_PROBE_NO_BIO)
		return kw_library_passed(p, way, ret_position);
	return kw_library_counted(p, call, way, ret_position);
}

/* A send begins: notes where. One that did not succeed is made again with the same bytes, and some of these may have gone by then. */
static __always_inline void kw_library_mark(const struct kw_library_call *call)
{
	struct kw_plaintext *p = kw_library_find(call);
	__u64 now;

	if (p && !p->blocked && kw_library_position(p, call, KW_SENT, &now) == 0)
		p->seen[KW_SENT] = now;
}

/* It has not succeeded. */
static __always_inline void kw_library_block(const struct kw_library_call *call)
{
	struct kw_plaintext *p = kw_library_find(call);

	if (p)
		p->blocked = 1;
}

/* The place of a call's @n bytes. A send has just handed on its last byte, in records that are longer than what is in them. A receive takes
 * what the library had read: the ciphertext moves when the library has given all that it had before. Returns where the first byte
 * lies; -1: nowhere. */
static __always_inline __s64 kw_library_place(struct kw_plaintext *p, const struct kw_library_call *call,
					      enum kw_way way, __u64 n)
{
	__u64 seen = p->seen[way & 1], now;

	if (kw_library_position(p, call, way, &now) || now < seen)
		return -1;
	p->seen[way & 1] = now;
	if (way == KW_SENT) {
		p->blocked = 0;
		return now > seen + n ? (__s64)(now - n) : -1;
	}
	if (now > seen)
		p->taken[KW_RECEIVED] = seen;
	return p->taken[KW_RECEIVED] + n <= now ? (__s64)p->taken[KW_RECEIVED] : -1;
}

/* ---- GnuTLS ------------------------------------------------------------------------------------------- */

/* Errors of a send that has taken bytes, and is to be called again until it has sent them: gnutls/gnutls.h. */
#define KW_GNUTLS_AGAIN (-28)
#define KW_GNUTLS_INTERRUPTED (-52)
#define KW_GNUTLS_MOST 16384 /* bytes of a record, which a send takes at most */

static __always_inline __u64 kw_gnutls_corked(const struct kw_library_call *call)
{
	__u64 n = 0, at = KW_PROBE_CORKED(call->cookie);

	if (at != KW_PROBE_UNKNOWN)
		bpf_probe_read_user(&n, sizeof(n), (const void *)(call->object + at));
	return n;
}

/* How many bytes a send has taken that have not been followed. Those of a corked object come again when it is uncorked. Those of
 * a send that could not finish are followed at once, because its program need not show them again. */
static __always_inline __u64 kw_gnutls_taken(const struct kw_library_call *call, __s32 returned)
{
	struct kw_plaintext *p = kw_library_find(call);

	if (!p)
		return 0;
	if (p->blocked) {
		if (returned > 0 && (__u32)returned != p->blocked)
			p->lost = 1;
		if (returned > 0)
			p->blocked = 0;
		return 0;
	}
	if (returned == KW_GNUTLS_AGAIN || returned == KW_GNUTLS_INTERRUPTED) {
		p->blocked = call->size < KW_GNUTLS_MOST ? call->size : KW_GNUTLS_MOST;
		return p->blocked;
	}
	return returned > 0 && kw_gnutls_corked(call) - call->corked != (__u64)returned ? returned : 0;
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
static __always_inline void kw_library_lose(const struct kw_library_call *call)
{
	struct kw_plaintext *p = kw_library_find(call);

	if (p)
		p->lost = 1;
}

static __always_inline int kw_library_enter(struct pt_regs *ctx)
{
	struct kw_library_call *call;
	__u64 cookie = bpf_get_attach_cookie(ctx);

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
	call->object = KW_FIRST(ctx);
	call->buffer = KW_SECOND(ctx);
	call->size = KW_THIRD(ctx);
	call->cookie = cookie;
	/* The context may only be read at fixed offsets, so the compiler must not choose between two of them. */
	call->length = KW_FOURTH(ctx);
	KW_FORGET();
	if (cookie & KW_PROBE_FIFTH)
		call->length = KW_FIFTH(ctx);
	if (cookie & KW_PROBE_THIRD)
		call->buffer = call->size;
	call->stack = KW_STACK(ctx);
	if (cookie & KW_PROBE_UNREAD) {
		kw_library_lose(call);
		call->object = 0;
		return 0;
	}
	if (!(cookie & KW_PROBE_WRITES))
		return 0;
	kw_library_mark(call);
	if (kw_is_of_gnutls(call))
		call->corked = kw_gnutls_corked(call);
	return 0;
}

/* Is this the end of the call that began last? The return has taken its address off the stack, where it is there. */
static __always_inline int kw_library_is_end(const struct kw_library_call *call, struct pt_regs *ctx)
{
	return call->object && KW_STACK(ctx) - call->stack <= sizeof(__u64);
}

/* The call has taken or given @n bytes of @p. */
static __always_inline void kw_library_took(struct kw_plaintext *p, struct kw_library_call *call,
					    enum kw_way way, __u64 n)
{
	__s64 begin;

	/* GnuTLS: a record that waits lies behind what was sent before it. */
	if (way == KW_SENT && p->blocked && kw_is_of_gnutls(call))
		begin = p->seen[KW_SENT];
	else
		begin = kw_library_place(p, call, way, n);
	if (begin < 0)
		p->lost = 1;
	else
		kw_feed(p, &call->room, way, begin, call->buffer, n);
}

static __always_inline int kw_library_leave(struct pt_regs *ctx)
{
	struct kw_library_call *call =
		bpf_task_storage_get(&library_calls, bpf_get_current_task_btf(), NULL, 0);
	struct kw_plaintext *p;
	enum kw_way way;
	__u64 n;

	if (!call || !kw_library_is_end(call, ctx))
		return 0;
	way = call->cookie & KW_PROBE_WRITES ? KW_SENT : KW_RECEIVED;
	if (way == KW_SENT && kw_is_of_gnutls(call))
		n = kw_gnutls_taken(call, (__s32)KW_RETURNED(ctx));
	else
		n = kw_library_result(call, (__s32)KW_RETURNED(ctx));
	if (!n && way == KW_SENT && !kw_is_of_gnutls(call))
		kw_library_block(call);
	p = n ? kw_library_find(call) : NULL;
	if (p)
		kw_library_took(p, call, way, n);
	call->object = 0;
	return 0;
}

#endif
