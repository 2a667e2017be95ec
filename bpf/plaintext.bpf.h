/* SPDX-License-Identifier: GPL-2.0-only */
/* The plaintext of TLS connections: what the sockets know of it. Programs that probe a library cannot find a socket's storage, so
 * this state lies in a hash by the socket's cookie. It is made when a ClientHello passes in a process that uses a library with
 * probes, and is removed with the socket's last record.
 *
 * The library's side finds it by the client's random number, which the hello shows in clear and the library keeps: by nothing else,
 * because the address of a library's object is used again, and a thread's system calls are not only those of the call in hand. */
#ifndef KEEPWATCH_PLAINTEXT_BPF_H
#define KEEPWATCH_PLAINTEXT_BPF_H

#include "span.bpf.h"

/* Libraries have probes (--tls). Set before the programs are loaded, so that without it all this is no part of them. */
const volatile __u8 kw_reads_libraries = 0;

/* Kernels before 6.8 verify global functions that nobody calls, too: theirs ask first, so that without libraries they name no map that
 * is not there. */

#define KW_PLAINTEXTS 65536
#define KW_PROCESSES 8192
#define KW_ASKS_SIZE 65536 /* bytes: whole pages, however large these are */

/* Has the plaintext of the record in hand been followed? */
enum kw_sending {
	KW_SENDING_AHEAD,    /* not yet */
	KW_SENDING_EARLY,    /* before it was sent */
	KW_SENDING_FOLLOWED, /* or afterwards */
};

/* The connection as its plaintext shows it: in `c` the machine, counts, times and samples are the library's, all else is copied from
 * the socket's state for each record. Positions are those of the ciphertext, so that they compare with what TCP says. */
struct kw_plaintext {
	struct kw_connection c;
	struct kw_pipeline pipeline;
	struct kw_names names;
	__u64 random;        /* see struct tls_connection */
	__u64 cookie;        /* the socket's */
	__u64 socket;        /* its address, which is read only as long as the cookie is there */
	__u64 object;        /* the library's, which carries the connection; 0: none has yet */
	__u64 base[KW_WAYS]; /* position of the first byte of TLS */
	__u64 seen
		[KW_WAYS]; /* position of the ciphertext when the latest send began, and when the latest receive ended */
	__u64 taken[KW_WAYS]; /* position behind the last byte of plaintext that has been followed */
	__u64 given;          /* bytes of plaintext that have been received, by OpenSSL */
	__u64 requested;      /* bytes of the client's plaintext that have been followed */
	__u64 acted;          /* taken[KW_SENT] at the first act of the connection's end */
	__u64 early;          /* bytes of the latest send that have been followed although it did not succeed */
	__u32 lost;      /* some of it was not seen, or more than one object claims it: nothing can be said */
	__u32 blocked;   /* the latest send did not succeed: a part of it may have gone */
	__u32 library;   /* enum kw_library: the object's */
	__u32 told;      /* a record has been made of it */
	__u32 long_send; /* a send that may take more than one record is under way: whole ones may have gone */
	struct {
		__u64 address; /* where the process has it */
		__u64 length;  /* bytes; 0: none is */
		__u64 state;   /* enum kw_sending */
	} sending;             /* Go: the plaintext of the record that is being sent */
	struct {
		__u64 address; /* where the process had it */
		__u8 byte;
	} last; /* GnuTLS: the last byte that a send took which did not succeed */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, KW_PLAINTEXTS);
	__type(key, __u64);
	__type(value, struct kw_plaintext);
} plaintexts SEC(".maps");

/* The frames of those that carry HTTP/2, and their streams one by one, if these are to be reported: as the socket storages http2 and
 * http2_streams have them of clear text. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, KW_PLAINTEXTS);
	__type(key, __u64);
	__type(value, struct kw_http2);
} plaintext_http2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, KW_PLAINTEXTS);
	__type(key, __u64);
	__type(value, struct kw_http2_streams);
} plaintext_streams SEC(".maps");

/* New state begins as this: nothing but zeros. */
union kw_blank {
	struct kw_plaintext plaintext;
	struct kw_http2 http2;
	struct kw_http2_streams streams;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, union kw_blank);
} plaintext_blank SEC(".maps");

static __always_inline const union kw_blank *kw_blank(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&plaintext_blank, &zero);
}

/* Both ends of a connection may be in one process, so the role is part of the key. */
struct kw_random_key {
	__u64 random;
	__u32 pid; /* a thread group */
	__u32 role;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, KW_PLAINTEXTS);
	__type(key, struct kw_random_key);
	__type(value, __u64); /* a cookie */
} randoms SEC(".maps");

/* As kw_arrived() and kw_copied() have it, of a socket that a probe knows by its address. Without this the last bytes before a FIN would
 * seem to lie behind it, where a read has taken both. */
static __always_inline __u32 kw_fin_arrived_at(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_flags) >> SOCK_DONE & 1;
}

static __always_inline __u32 kw_arrived_at(const struct sock *sk, const struct tcp_sock *tcp)
{
	return BPF_CORE_READ(tcp, rcv_nxt) - kw_fin_arrived_at(sk);
}

static __always_inline __u32 kw_copied_at(const struct sock *sk, const struct tcp_sock *tcp)
{
	__u32 copied = BPF_CORE_READ(tcp, copied_seq);

	return copied == BPF_CORE_READ(tcp, rcv_nxt) ? copied - kw_fin_arrived_at(sk) : copied;
}

/* Processes that have been seen in a probe, or that were asked for. */
enum kw_process_standing {
	KW_PROCESS_ASKED,
	KW_PROCESS_PROBED,
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KW_PROCESSES);
	__type(key, __u32);
	__type(value, __u32); /* enum kw_process_standing */
} processes SEC(".maps");

/* Processes whose libraries are to be looked at: their ids, each an __u32. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, KW_ASKS_SIZE);
} asks SEC(".maps");

/* A process without probes uses TLS: asks, once. A ring that is full loses nothing for good, because all processes are looked at from
 * time to time. */
static __always_inline void kw_ask(__u32 pid)
{
	__u32 asked = KW_PROCESS_ASKED;

	bpf_map_update_elem(&processes, &pid, &asked, BPF_NOEXIST);
	bpf_ringbuf_output(&asks, &pid, sizeof(pid), 0);
}

/* State for a connection. */
static __always_inline void kw_plaintext_begin(const struct kw_connection *c, const struct kw_tls *t,
					       __u64 socket)
{
	const union kw_blank *blank = kw_blank();
	__u64 cookie = c->identity.cookie;
	struct kw_plaintext *p;

	if (!blank || bpf_map_update_elem(&plaintexts, &cookie, &blank->plaintext, BPF_NOEXIST)) {
		kw_count_lost(KW_LOST_STATE);
		return;
	}
	p = bpf_map_lookup_elem(&plaintexts, &cookie);
	if (!p)
		return;
	p->random = t->machine.random;
	p->cookie = cookie;
	p->socket = socket;
	p->base[KW_SENT] = p->seen[KW_SENT] = t->base[KW_SENT];
	p->base[KW_RECEIVED] = p->seen[KW_RECEIVED] = t->base[KW_RECEIVED];
	p->c.role = c->role;
	p->c.tx_base = c->tx_base;
	p->c.rx_base = c->rx_base;
	p->c.http.http10_only = 1;
	p->c.identity = c->identity;
}

/* Another connection of this process has the same random number: whoever sent it the second time has copied it. It is not known any
 * more which of the two an object of the library carries. */
static __always_inline void kw_plaintext_contest(const struct kw_random_key *key)
{
	__u64 *cookie = bpf_map_lookup_elem(&randoms, key);
	struct kw_plaintext *p = cookie ? bpf_map_lookup_elem(&plaintexts, cookie) : NULL;

	if (p)
		p->lost = 1;
}

/* The ClientHello on @sk has passed: the plaintext of the current process may follow. */
static __noinline int kw_plaintext_expect(const struct kw_connection *c, struct kw_tls *t, struct sock *sk)
{
	struct kw_random_key key = {};
	__u32 *standing, pid;
	__u64 cookie;

	if (!c || !t || !t->machine.random || t->expected)
		return 0;
	t->expected = pid = bpf_get_current_pid_tgid() >> 32;
	standing = bpf_map_lookup_elem(&processes, &pid);
	if (!standing)
		kw_ask(pid);
	if (!standing || *standing != KW_PROCESS_PROBED)
		return 0;
	kw_plaintext_begin(c, t, (__u64)sk);
	key.random = t->machine.random;
	key.pid = pid;
	key.role = c->role;
	cookie = c->identity.cookie;
	if (bpf_map_update_elem(&randoms, &key, &cookie, BPF_NOEXIST))
		kw_plaintext_contest(&key);
	return 0;
}

static __always_inline struct kw_plaintext *kw_plaintext_of(const struct kw_connection *c)
{
	__u64 cookie = c->identity.cookie;

	return bpf_map_lookup_elem(&plaintexts, &cookie);
}

static __always_inline struct kw_http2 *kw_plaintext_http2_of(const struct kw_connection *c)
{
	__u64 cookie = c->identity.cookie;

	return bpf_map_lookup_elem(&plaintext_http2, &cookie);
}

/* The first act of the connection's end has been noted: frames that pass behind it end no stream. */
KW_GLOBAL int kw_plaintext_act(const struct kw_connection *c)
{
	struct kw_plaintext *p;

	if (!kw_reads_libraries || !c || c->http1.protocol != HTTP1_PROTOCOL_TLS)
		return 0;
	p = kw_plaintext_of(c);
	if (!p)
		return 0;
	p->acted = p->taken[KW_SENT];
	p->c.ending = c->ending;
	return 0;
}

/* Is this the state of a connection as its plaintext shows it, which has been settled? */
static __always_inline int kw_is_plaintext(const struct kw_connection *c)
{
	return kw_reads_libraries && c->sides[HTTP1_REQUESTS].flags & KW_HTTP_PLAINTEXT;
}

/* The records have shown a first request, whose plaintext comes a little later: until then a living connection is not reported, because
 * counts of records cannot be taken back. */
static __always_inline int kw_plaintext_is_awaited(const struct kw_plaintext *p, const struct kw_connection *c)
{
	return p && !p->told && !p->lost && p->c.http1.protocol == HTTP1_PROTOCOL_NONE &&
	       c->http.counts.requests_begun == 1;
}

/* The part of the flags of a side that the socket alone knows. */
#define KW_FLAGS_OF_SOCKET (KW_HTTP_EOF_READ | KW_HTTP_UNSUPPORTED | KW_HTTP_DISCARDED)

static __always_inline void kw_plaintext_copy(struct kw_connection *to, const struct kw_connection *c,
					      __u32 library)
{
	to->state = c->state;
	to->owned = c->owned;
	to->reported = c->reported;
	to->half_closed = c->half_closed;
	to->tx_end = c->tx_end;
	to->rx_end = c->rx_end;
	to->opened = c->opened;
	to->established = c->established;
	to->peer_fin = c->peer_fin;
	to->identity = c->identity;
	to->ending = c->ending;
	to->closing = c->closing;
	to->notice = c->notice;
	to->http.app_error = c->http.app_error;
	for (__u32 i = 0; i < 2; i++)
		to->sides[i].flags |= c->sides[i].flags & KW_FLAGS_OF_SOCKET;
	to->sides[HTTP1_REQUESTS].flags |= KW_HTTP_PLAINTEXT | KW_HTTP_OF_LIBRARY(library);
}

/* Had the message that the library took last begun to leave, and its end not? Then it was under way, whatever of it the library holds. Where
 * exchanges are reported one by one, its end may have been. */
static __always_inline int kw_plaintext_is_underway(const struct kw_plaintext *p, const struct kw_connection *c)
{
	__u32 direction = kw_direction(c->role, KW_SENT) & 1;
	const struct kw_http *http = &p->c.http;
	int requests = direction == HTTP1_REQUESTS;

	if ((requests ? http->request_begin : http->response_begin) >= c->tx_end)
		return 0;
	return p->c.sides[direction].open ||
	       (!kw_config.exchanges && (requests ? http->request_end : http->response_end) > c->tx_end);
}

/* The library has made ciphertext that its program never sent: which messages were in it is not known, but for one that was under way.
 * Frames behind the first act of an ending change nothing. */
static __always_inline int kw_plaintext_is_ahead(const struct kw_plaintext *p, const struct kw_connection *c)
{
	if (p->c.http1.protocol == HTTP1_PROTOCOL_H2C)
		return p->acted > c->tx_end;
	return p->taken[KW_SENT] > c->tx_end && !kw_plaintext_is_underway(p, c);
}

/* The rest of such a message never left. Its ciphertext is a little longer than what was in it, so that no more is said to have left than
 * had. An end may be taken back, because ends are in no total. */
static __always_inline void kw_plaintext_trim(struct kw_plaintext *p, const struct kw_connection *c)
{
	__u32 direction = kw_direction(c->role, KW_SENT) & 1;
	struct http1_stream *s = &p->c.http1.streams[direction];
	__u64 rest = p->taken[KW_SENT] - c->tx_end;

	p->taken[KW_SENT] = c->tx_end;
	s->body -= rest < s->body ? rest : s->body;
	if (p->c.sides[direction].open)
		return;
	p->c.sides[direction].open = 1;
	if (direction == HTTP1_REQUESTS) {
		p->c.http.counts.requests_ended--;
	} else {
		p->c.http.counts.responses_ended--;
		p->c.http1.popped--;
	}
}

/* A goroutine is in a write of a record that has been followed, or has not come from it yet. */
static __always_inline int kw_plaintext_lags(const struct kw_plaintext *p)
{
	return p->sending.length && p->sending.state == KW_SENDING_EARLY;
}

/* Data has come to an end that had ended its session: a library takes it, but gives it to nobody. */
static __always_inline int kw_plaintext_is_ended(const struct kw_plaintext *p, const struct kw_connection *c,
						 const struct kw_tls *t)
{
	const struct kw_tls_facts *facts = &t->facts;
	int client = c->role == KW_ROLE_CLIENT;

	return facts->notified_by == 1 + kw_direction(c->role, KW_SENT) &&
	       p->taken[KW_SENT] <= facts->notified_at &&
	       (client ? c->http.response_started : c->http.request_started) > facts->notified &&
	       (client ? c->http.response_begin : c->http.request_begin) >= p->seen[KW_RECEIVED];
}

/* Did data come to a server behind its end, so that its program was not given it? One that does without its library from there on discards
 * what it reads of the socket. Returns the flag that says so, or 0. */
static __always_inline __u32 kw_plaintext_after_end(const struct kw_plaintext *p, const struct kw_connection *c,
						    const struct kw_tls *t)
{
	const struct kw_http *http = &c->http;

	if (kw_plaintext_is_ended(p, c, t))
		return KW_HTTP_BEHIND_NOTICE;
	if (c->ending.act == KW_ACT_LOCAL_FIN && http->request_begin >= c->ending.rx_arrived &&
	    http->request_begin >= p->seen[KW_RECEIVED])
		return KW_HTTP_DISCARDED;
	return 0;
}

/* The end of a connection met a goroutine in the write of a record, which has not left whole: nobody can read it. */
static __always_inline int kw_plaintext_is_cut(const struct kw_plaintext *p, const struct kw_connection *c,
					       __u64 end)
{
	return p->sending.length && end > c->tx_end;
}

/* The socket has seen whole records with data behind all that the library was seen to take or give: somebody else did, as a process does
 * that was forked behind the handshake. As long as no record of the server is sure to be a response, all of them may be tickets. A server
 * may discard what it reads behind its end, and one of HTTP/2 also streams that had come before: the client's record tells those. */
static __always_inline int kw_plaintext_is_behind(const struct kw_plaintext *p, const struct kw_connection *c,
						  const struct kw_tls *t)
{
	const struct kw_http *http = &c->http;
	int client = c->role == KW_ROLE_CLIENT;
	__u64 sent = client ? http->request_end : http->response_end;
	__u64 received = client ? http->response_end : http->request_end;
	__u64 end = p->c.http1.protocol == HTTP1_PROTOCOL_H2C ? c->ending.rx_read : c->ending.rx_arrived;

	if (!p->blocked && !p->long_send && !kw_plaintext_lags(p) && !kw_plaintext_is_cut(p, c, sent) &&
	    sent > p->seen[KW_SENT])
		return 1;
	if ((client && !http->counts.responses_ended) || kw_plaintext_is_ended(p, c, t) ||
	    (c->ending.act == KW_ACT_LOCAL_FIN && received > end))
		return 0;
	return received <= c->rx_bytes && received > p->seen[KW_RECEIVED];
}

/* More data of the same side: what looked like an alert was none, but data of the same length. */
static __always_inline void kw_tls_not_notified(struct kw_tls *t, __u32 direction)
{
	struct kw_tls_facts *facts = &t->facts;

	facts->notifiers &= ~(1 << direction);
	if (facts->notified_by != 1 + direction)
		return;
	facts->notified = facts->notified_by = 0;
	facts->notifiers &= ~KW_TLS_OVER_UNREAD;
}

/* The library has taken or given data up to the end of what looked like an alert. */
static __always_inline void kw_plaintext_check_alert(const struct kw_plaintext *p,
						     const struct kw_connection *c, struct kw_tls *t)
{
	__u32 direction = t->facts.notified_by - 1;
	enum kw_way way = direction == kw_direction(c->role, KW_SENT) ? KW_SENT : KW_RECEIVED;

	if (t->facts.notified && p->taken[way] > t->facts.notified_at)
		kw_tls_not_notified(t, direction & 1);
}

/* Is @p all that was said on the connection, and HTTP? */
static __always_inline int kw_plaintext_is_whole(const struct kw_plaintext *p, const struct kw_connection *c,
						 const struct kw_tls *t)
{
	__u32 protocol = p->c.http1.protocol;

	if (!p->object || p->lost || t->renegotiated ||
	    (protocol != HTTP1_PROTOCOL_HTTP1 && protocol != HTTP1_PROTOCOL_H2C) ||
	    t->machine.doubts & TLS_DOUBT_EARLY_DATA || c->http1.streams[HTTP1_REQUESTS].state != HTTP1_FRAME)
		return 0;
	return !c->closing.time || !(kw_plaintext_is_ahead(p, c) || kw_plaintext_is_behind(p, c, t));
}

/* A record has been made of the plaintext before, and now some of that is not known: the counts stay, and nothing is said of the end. */
static __always_inline void kw_plaintext_lose(struct kw_connection *c)
{
	kw_taint(&c->sides[HTTP1_REQUESTS], KW_TAINT_GAP);
	kw_taint(&c->sides[HTTP1_RESPONSES], KW_TAINT_GAP);
	c->http1.streams[HTTP1_REQUESTS].state = c->http1.streams[HTTP1_RESPONSES].state =
		c->http1.protocol == HTTP1_PROTOCOL_H2C ? HTTP1_TUNNEL : HTTP1_LOST;
}

/* The connection has ended, and @p is all that was said on it. */
static __always_inline void kw_plaintext_conclude(struct kw_plaintext *p, const struct kw_connection *c,
						  const struct kw_tls *t)
{
	if (c->role == KW_ROLE_SERVER)
		p->c.sides[HTTP1_REQUESTS].flags |= kw_plaintext_after_end(p, c, t);
	if (p->c.http1.protocol == HTTP1_PROTOCOL_HTTP1 && p->taken[KW_SENT] > c->tx_end)
		kw_plaintext_trim(p, c);
}

/* Can the record of a connection be made of its plaintext? If so, @p gets what the socket knows. Counts only grow, so one whose exchanges
 * have been reported by its plaintext is reported so to its end, and one that has been by its records, too. @before: what has been
 * reported, or NULL. */
KW_GLOBAL int kw_plaintext_settle(struct kw_plaintext *p, struct kw_connection *c, struct kw_tls *t,
				  const struct kw_reported *before, const struct kw_standing *standing)
{
	int whole;

	if (!kw_reads_libraries || !p || !c || !t || !standing)
		return 0;
	whole = kw_plaintext_is_whole(p, c, t);
	if (!p->told && (!whole || (before && before->counts.requests_begun)))
		return 0;
	if (!whole)
		kw_plaintext_lose(&p->c);
	else if (c->closing.time)
		kw_plaintext_conclude(p, c, t);
	kw_plaintext_check_alert(p, c, t);
	kw_plaintext_copy(&p->c, c, p->library);
	p->c.tx_bytes = c->tx_bytes + (c->closing.time ? 0 : kw_span_passed(c, standing->sent));
	p->c.rx_bytes = c->rx_bytes;
	c->half_closed = standing->report != KW_REPORT_CLOSED && c->peer_fin &&
			 !(c->ending.acts & 1 << KW_ACT_LOCAL_FIN);
	p->told = 1;
	return 1;
}

/* The last record of @c has been sent. */
KW_GLOBAL int kw_plaintext_end(const struct kw_connection *c, const struct kw_tls *t)
{
	struct kw_random_key key = {};
	__u64 cookie, *known;

	if (!kw_reads_libraries || !c || !t || !t->expected)
		return 0;
	key.random = t->machine.random;
	key.pid = t->expected;
	key.role = c->role;
	cookie = c->identity.cookie;
	known = bpf_map_lookup_elem(&randoms, &key);
	if (known && *known == cookie)
		bpf_map_delete_elem(&randoms, &key);
	bpf_map_delete_elem(&plaintexts, &cookie); /* first: see kw_feed_is_over() */
	bpf_map_delete_elem(&plaintext_http2, &cookie);
	bpf_map_delete_elem(&plaintext_streams, &cookie);
	return 0;
}

#endif
