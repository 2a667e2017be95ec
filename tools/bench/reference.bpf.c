// SPDX-License-Identifier: GPL-2.0-only
/* Reference programs, with which keepwatch's programs are compared on the same hooks in the same run. empty: does
 * nothing. storage: finds the socket's storage. floor: does the minimum for looking at each message (the storage, the
 * clock, the caller's registers, one read of 128 bytes of user memory). glance: does the minimum to recognise the
 * continuation of a body, with a table of sockets and a sequence number. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../../bpf/kernel.bpf.h"

#define SOCKETS 4096      /* in the table; a power of two */
#define WINDOW (1U << 29) /* bytes that a socket may send or receive before its entry is made anew */

/* Each program has a storage map of its own, because the second program to use the same one would find it in the
 * cache. */
struct storage {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
};

struct storage of_storage SEC(".maps"), of_floor SEC(".maps");

static struct entry {
	const struct sock *sk;
	__u32 ends[2];
} table[SOCKETS];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u8[128]);
} room SEC(".maps");

static __always_inline __u64 *find(void *storage, struct sock *sk)
{
	return bpf_sk_storage_get(storage, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
}

static __always_inline void storage_of(struct sock *sk)
{
	__u64 *value = find(&of_storage, sk);

	if (value)
		*value += 1;
}

static __always_inline void floor_of(struct sock *sk, __u32 index)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	__u8 *bytes = bpf_map_lookup_elem(&room, &index);
	__u64 *value = find(&of_floor, sk);

	if (!bytes || !value)
		return;
	*value = bpf_ktime_get_ns();
	bpf_probe_read_user(bytes, 128, (void *)regs->si);
}

static __always_inline void glance(struct sock *sk, int sending)
{
	struct entry *entry = &table[sk->__sk_common.skc_hash & (SOCKETS - 1)];
	const struct tcp_sock *tcp = kw_tcp_known(sk);
	__u32 left;

	if (!tcp)
		return;
	left = entry->ends[sending] - (sending ? tcp->write_seq : tcp->copied_seq);
	if (entry->sk == sk && left && left <= WINDOW)
		return;
	entry->sk = sk;
	entry->ends[0] = tcp->copied_seq + WINDOW;
	entry->ends[1] = tcp->write_seq + WINDOW;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(empty_send, struct sock *sk, int result, int flags)
{
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(empty_receive, struct sock *sk, int result, int flags)
{
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(storage_send, struct sock *sk, int result, int flags)
{
	storage_of(sk);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(storage_receive, struct sock *sk, int result, int flags)
{
	storage_of(sk);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(floor_send, struct sock *sk, int result, int flags)
{
	floor_of(sk, 0);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(floor_receive, struct sock *sk, int result, int flags)
{
	floor_of(sk, 1);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(glance_send, struct sock *sk, int result, int flags)
{
	glance(sk, 1);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(glance_receive, struct sock *sk, int result, int flags)
{
	glance(sk, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
