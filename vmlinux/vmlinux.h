/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's types as far as keepwatch reads them, written by hand. CO-RE finds each field's place in the
 * running kernel by its name, so only names and kinds matter here, not order or what is left out. */
#ifndef KEEPWATCH_VMLINUX_H
#define KEEPWATCH_VMLINUX_H

#include <linux/bpf.h>
#include <linux/types.h>

/* task_struct.flags; include/linux/sched.h, all kernels */
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010 /* a thread of io_uring */
#define PF_KTHREAD 0x00200000

/* include/net/tcp_states.h; all kernels. */
enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Network namespace: its inode number names it. All kernels; read when a connection is established. */
struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

typedef struct {
	__s64 counter;
} atomic64_t;

/* What a socket, a TIME_WAIT minisocket and a request socket have in common. All kernels. */
struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num; /* the local port, host order; 0 at the move to SYN_SENT and mostly at CLOSE */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned int skc_hash;   /* of the addresses and ports; for the benchmark */
	unsigned long skc_flags; /* bits by enum sock_flags */
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie; /* a socket's number, which no other one gets */
};

struct sock;
struct bpf_map;

/* An open file. All kernels. Its inode says whether it is a socket; its private data are that then. */
struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

/* A segment that drew a RST: its headers name the connection where no socket is left. All kernels. */
struct net_device {
	possible_net_t nd_net;
};

struct sk_buff {
	struct net_device *dev;
	unsigned char *head;
	__u16 network_header;
	__u16 transport_header;
	char cb[48];
};

struct sk_buff_head {
	struct sk_buff *prev; /* the last one; the head itself if there is none */
};

/* What an ICMP error leaves in a socket's error queue: it lies in the buffer's cb. All kernels. */
struct sock_extended_err {
	__u32 ee_errno;
};

struct sock_exterr_skb {
	struct sock_extended_err ee;
};

/* The open file of a socket: by it a descriptor in a register is known to be this very socket. */
struct socket {
	struct sock *sk;
	struct file *file;
};

/* Any socket. All kernels; the two fields were bit fields before 5.6. */
struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	__u8 sk_shutdown;
	int sk_err;
	int sk_err_soft;
	struct sk_buff_head sk_error_queue;
	struct socket *sk_socket;
	void *sk_user_data; /* its low bits are flags */
};

struct inet_sock {
	__be16 inet_sport; /* survives where skc_num does not */
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	__u8 icsk_retransmits; /* timeouts in a row that no acknowledgement followed */
	__u8 icsk_probes_out;
	struct {
		__u32 lrcvtime; /* when data arrived last, in ticks of jiffies */
	} icsk_ack;
	const void *icsk_ulp_ops; /* kTLS, and the subflows of MPTCP, are such upper layers */
};

/* A full TCP socket, by kw_tcp() or kw_tcp_known(). All kernels; read in all hooks but destroy. */
struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 write_seq;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 copied_seq;
	__u32 rcv_nxt;
	__u32 srtt_us; /* eight times the smoothed round-trip time */
	__u32 total_retrans;
	__u32 snd_wl1; /* first sequence number of the latest segment that came with new data or a new acknowledgement */
	__u32 rcv_tstamp;      /* when an acknowledgement arrived last, in ticks of jiffies */
	__u32 lsndtime;        /* when data was sent last, in ticks of jiffies */
	__u64 bytes_received;  /* like rcv_nxt, and does not wrap; counts a FIN, and no SYN */
	__u64 bytes_acked;     /* like snd_una, and does not wrap; counts a FIN, and the SYN of connect() */
	__u64 tcp_clock_cache; /* CLOCK_MONOTONIC when it last sent or took a segment; read where it is there */
};

/* Read in place of an entry of the table of files, which has no type of its own. All kernels. */
struct hlist_head {
	void *first;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

/* The cgroup v2 a task is in, by the id of its directory. All kernels. */
struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

/* The current task: only looked at where it is the one that acts on the socket. All kernels. */
struct task_struct {
	unsigned int flags;
	int exit_code;
	__s32 pid;
	__s32 tgid;
	struct task_struct *group_leader;
	struct task_struct *last_wakee; /* which this one woke; kernels for several processors */
	struct files_struct *files;
	struct css_set *cgroups;
	void *worker_private; /* of a worker of io_uring: its struct io_worker */
	char comm[16];
};

#if defined(__TARGET_ARCH_x86)
/* The registers of the system call that runs (arch/x86/include/asm/ptrace.h), or of a call of a library. */
struct pt_regs {
	unsigned long bx;
	unsigned long r10;
	unsigned long r8;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long cs;
	unsigned long ax;
	unsigned long ip;
	unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
/* The same (arch/arm64/include/asm/ptrace.h). */
struct pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
	__s32 syscallno;
};
#endif

/* A request of io_uring, and what it hands on to the socket. From 6.3, where the kernel has io_uring and says so in its BTF; read
 * when a request is submitted, and at the socket's event. Its command, which begins where it begins, is a struct io_sr_msg or a
 * struct io_rw. */
struct hlist_node {
	struct hlist_node **pprev; /* NULL: in no list */
};

struct io_cqe {
	int fd; /* a descriptor, or the index of a fixed file, until the result is there */
};

struct io_wq_work {
}; /* only its place counts */

struct io_rsrc_node {
	unsigned long file_ptr; /* its low bits are flags */
};

struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes; /* from 6.13 */
};

struct io_fixed_file {
	unsigned long file_ptr;
};

struct io_file_table {
	struct io_rsrc_data data;    /* from 6.13 */
	struct io_fixed_file *files; /* until 6.12 */
};

struct io_ring_ctx {
	struct io_file_table file_table;
	unsigned int nr_user_files; /* until 6.12 */
	unsigned int compat : 1;
};

struct io_kiocb {
	struct file *file; /* once it has been tried for the first time */
	__u8 opcode;
	__u64 flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct hlist_node hash_node; /* in it while it waits for its file */
	void *async_data;
	struct io_wq_work work;
};

struct io_sr_msg {
	void *buf; /* of a message: the user's struct msghdr */
	__u16 flags;
};

struct io_rw {
	__u64 addr;
	__u32 len;
};

enum iter_type {
	ITER_UBUF,
	ITER_IOVEC,
};

struct iov_iter {
	__u8 iter_type; /* its numbers differ between kernels */
	unsigned long iov_offset;
	void *ubuf; /* or the iovec that it stands at: one place has both */
};

struct msghdr {
	struct iov_iter msg_iter;
};

struct io_async_msghdr {
	struct msghdr msg;
};

struct io_async_rw {
	struct iov_iter iter; /* from 6.10 */
};

struct io_rw_state {
	struct iov_iter iter;
};

struct io_async_rw___6_9 {
	struct io_rw_state s; /* until 6.9 */
};

/* A thread of io_uring, and the work that it does. */
struct io_worker {
	struct io_wq_work *cur_work;
};

/* Iterator contexts; iter/tcp and iter/task_file from 5.8, iter/bpf_sk_storage_map from 5.9. */
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num; /* objects before this one */
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

#pragma clang attribute pop

/* User-space structures, as a 64-bit program lays them out: fixed, so not relocated. */
struct user_iovec {
	__u64 base;
	__u64 length;
};

struct user_msghdr {
	__u64 name;
	__u32 name_length;
	__u32 padding;
	__u64 iov; /* struct user_iovec * */
	__u64 iov_count;
	__u64 control;
	__u64 control_length;
	__u32 flags;
	__u32 padding2;
};

struct user_mmsghdr {
	struct user_msghdr header;
	__u32 length; /* of what passed; the kernel writes it behind each message */
	__u32 padding;
};

/* The same, as a 32-bit program does. */
struct user_iovec_32 {
	__u32 base;
	__u32 length;
};

struct user_msghdr_32 {
	__u32 name;
	__u32 name_length;
	__u32 iov; /* struct user_iovec_32 * */
	__u32 iov_count;
	__u32 control;
	__u32 control_length;
	__u32 flags;
};

#endif
