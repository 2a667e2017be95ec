/* SPDX-License-Identifier: GPL-2.0-only */
/* The buffers of io_uring. A request sends or receives whenever its socket is ready: within the system call that submits it,
 * within any other call of the same task, or in a thread of the kernel. So each request is noted when it is submitted, by the
 * file of its socket and its way; and when the socket has sent or received, the request that did it is sought:
 *
 *   a worker of io_uring            says itself which request it carries out
 *   else, of the notes of the file  the latest request that has begun, is not over, and does not wait for the socket
 *
 * A request that has not begun has no file yet: all that stand behind another one in a chain. One that waits for its socket is
 * in a table of the ring; only a multishot request stays in it while it receives. Until 6.9 nothing shows that a request is over,
 * so that those are given up which were submitted while another one of their way was waiting. Requests of one way that run at
 * once, on two processors, are not told apart; but then nobody knows the order of their bytes either. */
#ifndef KEEPWATCH_URING_BPF_H
#define KEEPWATCH_URING_BPF_H

#include "maps.bpf.h"

/* include/uapi/linux/io_uring.h */
#define KW_OP(number) (1ULL << (number))
#define KW_OP_MAX 64
#define KW_SEND KW_OP(26)
#define KW_RECV KW_OP(27)
#define KW_SEND_ZC KW_OP(47)
#define KW_READ_MULTISHOT KW_OP(49)
#define KW_SENDS_MESSAGE (KW_OP(9) | KW_OP(48)) /* sendmsg, sendmsg_zc */
#define KW_RECVMSG KW_OP(10)
#define KW_WRITES (KW_OP(5) | KW_OP(23)) /* write_fixed, write */
#define KW_READS (KW_OP(4) | KW_OP(22) | KW_READ_MULTISHOT)
#define KW_WRITES_VECTOR (KW_OP(2) | KW_OP(61)) /* writev, writev_fixed */
#define KW_READS_VECTOR (KW_OP(1) | KW_OP(60))

#define KW_OPS_SENT (KW_SEND | KW_SEND_ZC | KW_SENDS_MESSAGE | KW_WRITES | KW_WRITES_VECTOR)
#define KW_OPS_RECEIVED (KW_RECV | KW_RECVMSG | KW_READS | KW_READS_VECTOR)
#define KW_OPS_MESSAGE (KW_SENDS_MESSAGE | KW_RECVMSG)
#define KW_OPS_SOCKET (KW_SEND | KW_SEND_ZC | KW_RECV | KW_OPS_MESSAGE)       /* struct io_sr_msg */
#define KW_OPS_BUFFER (KW_SEND | KW_SEND_ZC | KW_RECV | KW_WRITES | KW_READS) /* address and length */

#define KW_FIXED_FILE 1     /* IOSQE_FIXED_FILE, in io_kiocb.flags */
#define KW_BUFFER_SELECT 32 /* IOSQE_BUFFER_SELECT */
#define KW_RECV_MULTISHOT 2

#define KW_FILE_FLAGS 7UL /* in the address of a fixed file */
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define KW_IOVECS 1024 /* UIO_MAXIOV */

/* Does the kernel's BTF say all that is read here? user/observe/uring.c has the same list, for what it says of it. */
static __always_inline int kw_knows_uring(void)
{
	return bpf_rdonly_cast && bpf_core_type_exists(struct io_kiocb) &&
	       bpf_core_type_exists(struct io_cqe) && bpf_core_type_exists(struct io_ring_ctx) &&
	       bpf_core_type_exists(struct io_sr_msg) && bpf_core_type_exists(struct io_rw) &&
	       bpf_core_type_exists(struct io_async_msghdr) && bpf_core_type_exists(struct io_async_rw) &&
	       bpf_core_type_exists(struct io_worker);
}

/* From 6.10 each request has a copy of what it hands to the socket, from its submission to its end; before, only one that
 * could not be carried out at once. */
static __always_inline int kw_has_always_copy(void)
{
	return bpf_core_field_exists(struct io_async_rw, iter);
}

/* ---- the state of a request ------------------------------------------------------------------------------ */

static __always_inline int kw_is_of(const struct io_kiocb *request, __u64 file, __u32 way)
{
	__u64 ops = way == KW_SENT ? KW_OPS_SENT : KW_OPS_RECEIVED;
	__u8 opcode = request->opcode;

	return (__u64)request->file == file && opcode < KW_OP_MAX && ops >> opcode & 1;
}

/* Flags that only receives and sends have, and no reads and writes. */
static __always_inline __u32 kw_socket_flags(const struct io_kiocb *request)
{
	return KW_OPS_SOCKET >> (request->opcode & (KW_OP_MAX - 1)) & 1
		       ? KW_AS(struct io_sr_msg, request)->flags
		       : 0;
}

/* The copy goes with the request's end. */
static __always_inline int kw_is_over(const struct io_kiocb *request)
{
	return kw_has_always_copy() && !request->async_data;
}

/* Is it in the ring's table of those that wait for their files? The link back shows that the place holds no remains. */
static __always_inline int kw_is_waiting(const struct io_kiocb *request)
{
	__u64 back = (__u64)request->hash_node.pprev;

	return back && (__u64)KW_AS(struct hlist_head, back)->first == (__u64)&request->hash_node;
}

static __always_inline int kw_is_multishot(const struct io_kiocb *request)
{
	return KW_READ_MULTISHOT >> (request->opcode & (KW_OP_MAX - 1)) & 1 ||
	       kw_socket_flags(request) & KW_RECV_MULTISHOT;
}

/* ---- a request is submitted -------------------------------------------------------------------------- */

/* Of a table of pointers, as a number, which the verifier lets be calculated with. */
static __always_inline __u64 kw_pointer_at(__u64 table, __u64 index)
{
	__u64 pointer = 0;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), (const void *)(table + index * sizeof(pointer)));
	return pointer;
}

static __always_inline __u64 kw_fixed_file(const struct io_ring_ctx *ring, __u32 index)
{
	const struct io_file_table *table = &ring->file_table;

	if (bpf_core_field_exists(table->data)) {
		if (index >= table->data.nr)
			return 0;
		return KW_AS(struct io_rsrc_node, kw_pointer_at((__u64)table->data.nodes, index))->file_ptr;
	}
	return index < ring->nr_user_files ? kw_pointer_at((__u64)table->files, index) : 0;
}

/* The address of the file that @request names. It has no file before it is tried for the first time. */
static __always_inline __u64 kw_file_named(const struct io_kiocb *request)
{
	const struct fdtable *table;
	__u32 fd = request->cqe.fd;

	if (request->flags & KW_FIXED_FILE)
		return kw_fixed_file(request->ctx, fd) & ~KW_FILE_FLAGS;
	table = bpf_get_current_task_btf()->files->fdt;
	return fd < table->max_fds ? kw_pointer_at((__u64)table->fd, fd) : 0;
}

static __always_inline int kw_is_tcp_file(__u64 address)
{
	const struct file *file = KW_AS(struct file, address);

	return address && (file->f_inode->i_mode & S_IFMT) == S_IFSOCK &&
	       kw_is_tcp(KW_AS(struct socket, file->private_data)->sk);
}

/* Is the request of the latest of these notes waiting for the socket? */
static __always_inline int kw_is_crowded(const struct kw_uring_notes *notes, const struct kw_uring_key *key)
{
	__u32 latest = (notes->next - 1) & (KW_URING_NOTES - 1);
	const struct io_kiocb *request = KW_AS(struct io_kiocb, notes->notes[latest] & ~KW_URING_CROWDED);

	return !kw_has_always_copy() && kw_is_of(request, key->file, key->way) && kw_is_waiting(request);
}

static __always_inline void kw_note_request(const struct io_kiocb *trusted)
{
	const struct io_kiocb *request = KW_UNTRUSTED(trusted);
	struct kw_uring_notes first = {.next = 1};
	struct kw_uring_key key = {};
	struct kw_uring_notes *notes;
	__u8 opcode = request->opcode;

	if (!kw_knows_uring() || opcode >= KW_OP_MAX || !((KW_OPS_SENT | KW_OPS_RECEIVED) >> opcode & 1))
		return;
	key.way = KW_OPS_SENT >> opcode & 1 ? KW_SENT : KW_RECEIVED;
	key.file = kw_file_named(request);
	if (!kw_is_tcp_file(key.file))
		return;
	first.notes[0] = (__u64)request;
	notes = bpf_map_lookup_elem(&uring, &key);
	if (!notes) {
		bpf_map_update_elem(&uring, &key, &first, BPF_ANY);
		return;
	}
	notes->notes[__sync_fetch_and_add(&notes->next, 1) & (KW_URING_NOTES - 1)] =
		(__u64)request + (kw_is_crowded(notes, &key) ? KW_URING_CROWDED : 0);
}

/* ---- a socket has sent or received: which request did it? ---------------------------------------------- */

struct kw_uring_search {
	const struct kw_uring_notes *notes;
	__u64 file;
	__u64 found; /* notes */
	__u64 waiting;
	__u32 way;
};

static long kw_ask_note(__u32 before, struct kw_uring_search *search)
{
	__u32 index = search->notes->next - 1 - before;
	__u64 note = search->notes->notes[index & (KW_URING_NOTES - 1)];
	const struct io_kiocb *request = KW_AS(struct io_kiocb, note & ~KW_URING_CROWDED);

	if (!note || !kw_is_of(request, search->file, search->way) || kw_is_over(request))
		return 0;
	if (!kw_is_waiting(request))
		search->found = note;
	else if (!search->waiting && kw_is_multishot(request))
		search->waiting = note;
	return search->found != 0;
}

KW_LOOP(kw_ask_note, KW_URING_NOTES)

/* The address of the request that the current task carries out on @file; 0: none is known. */
static __always_inline __u64 kw_request_in_hand(__u64 file, __u32 way)
{
	struct kw_uring_search search = {.file = file, .way = way};
	struct task_struct *task = bpf_get_current_task_btf();
	struct kw_uring_key key = {.file = file, .way = way};
	__u64 worker = (__u64)task->worker_private, work;

	if (task->flags & PF_IO_WORKER && worker) {
		work = (__u64)KW_AS(struct io_worker, worker)->cur_work;
		work -= bpf_core_field_offset(struct io_kiocb, work);
		return kw_is_of(KW_AS(struct io_kiocb, work), file, way) ? work : 0;
	}
	search.notes = bpf_map_lookup_elem(&uring, &key);
	if (search.notes)
		kw_ask_note_loop(&search);
	if (search.found & KW_URING_CROWDED)
		return 0;
	return search.found ? search.found : search.waiting & ~KW_URING_CROWDED;
}

/* ---- its buffers --------------------------------------------------------------------------------------- */

/* The way back through iovecs, from where an iterator stands. */
struct kw_way_back {
	__u64 vector; /* kernel address of the iovec it stands at */
	__u64 offset; /* in it */
	__u64 left;   /* bytes to go back */
};

static long kw_step_back(__u32 index, struct kw_way_back *back)
{
	struct user_iovec iov = {};

	if (back->left <= back->offset)
		return 1;
	back->left -= back->offset;
	back->vector -= sizeof(iov);
	if (bpf_probe_read_kernel(&iov, sizeof(iov), (const void *)back->vector))
		return 1;
	back->offset = iov.length;
	return 0;
}

KW_LOOP(kw_step_back, KW_IOVECS)

/* The iovecs that an iterator goes through, from @back->left bytes before the place where it stands. */
static __always_inline int kw_take_vector(struct kw_cursor *cursor, struct kw_way_back *back)
{
	struct user_iovec iov;

	kw_step_back_loop(back);
	if (back->left > back->offset || bpf_probe_read_kernel(&iov, sizeof(iov), (const void *)back->vector))
		return -1;
	back->offset -= back->left;
	cursor->segment = iov.base + back->offset;
	cursor->segment_left = iov.length - back->offset;
	cursor->vector = back->vector + sizeof(iov);
	cursor->vector_left = KW_IOVECS; /* the call's size ends them sooner */
	cursor->form = KW_IOVECS_KERNEL;
	return 0;
}

/* The buffers that @iterator goes through. @passed: bytes of the call that it has gone past already. Returns -1 if they are not
 * known by addresses of the user's. */
static __always_inline int kw_take_iterator(struct kw_cursor *cursor, const struct iov_iter *iterator,
					    __u64 passed)
{
	struct kw_way_back back = {.left = passed};
	__u8 type = 0;

	bpf_core_read(&type, sizeof(type), &iterator->iter_type);
	bpf_core_read(&back.offset, sizeof(back.offset), &iterator->iov_offset);
	bpf_core_read(&back.vector, sizeof(back.vector), &iterator->ubuf);
	if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return kw_take_vector(cursor, &back);
	if (type != bpf_core_enum_value(enum iter_type, ITER_UBUF))
		return -1;
	cursor->segment = back.vector + back.offset - passed;
	cursor->segment_left = cursor->left + cursor->skip;
	return 0;
}

/* The copy that @request has of what it hands to the socket: sends and receives move its iterator, reads and writes move one of
 * their own. */
static __always_inline int kw_take_copy(struct kw_cursor *cursor, __u64 copy, int is_socket_op)
{
	const struct io_async_rw___6_9 *before = NULL;

	if (is_socket_op)
		return kw_take_iterator(cursor, &KW_AS(struct io_async_msghdr, copy)->msg.msg_iter,
					cursor->left + cursor->skip);
	if (kw_has_always_copy())
		return kw_take_iterator(cursor, &KW_AS(struct io_async_rw, copy)->iter, 0);
	before = (const void *)KW_AS(struct io_async_rw, copy);
	return kw_take_iterator(cursor, &before->s.iter, 0);
}

/* Until 6.9: the iovecs of a request that is carried out at once are those of its user, unless it takes a provided buffer. */
static __always_inline int kw_take_user_vector(struct kw_cursor *cursor, const struct io_kiocb *request,
					       int is_message)
{
	const struct io_rw *rw = KW_AS(struct io_rw, request);
	struct user_msghdr message = {};

	if (BPF_CORE_READ_BITFIELD_PROBED(request->ctx, compat) || request->flags & KW_BUFFER_SELECT)
		return -1;
	if (is_message && bpf_probe_read_user(&message, sizeof(message), KW_AS(struct io_sr_msg, request)->buf))
		return -1;
	cursor->vector = is_message ? message.iov : rw->addr;
	cursor->vector_left = is_message ? message.iov_count : rw->len;
	return 0;
}

static __always_inline int kw_take_request(struct kw_cursor *cursor, __u64 address)
{
	const struct io_kiocb *request = KW_AS(struct io_kiocb, address);
	__u64 op = KW_OP(request->opcode & (KW_OP_MAX - 1));
	__u64 copy = (__u64)request->async_data;
	int is_socket_op = (op & KW_OPS_SOCKET) != 0;

	if (copy && (kw_has_always_copy() || !(op & KW_OPS_BUFFER)) &&
	    kw_take_copy(cursor, copy, is_socket_op) == 0)
		return 0;
	if (op & KW_OPS_BUFFER) {
		cursor->segment = is_socket_op ? (__u64)KW_AS(struct io_sr_msg, address)->buf
					       : KW_AS(struct io_rw, address)->addr;
		cursor->segment_left = cursor->left + cursor->skip;
		return 0;
	}
	return copy || kw_has_always_copy() ? -1 : kw_take_user_vector(cursor, request, is_socket_op);
}

/* The address of the file of @sk, as a number. */
static __always_inline __u64 kw_file_of(const struct sock *sk)
{
	__u64 file = 0;

	bpf_core_read(&file, sizeof(file), &sk->sk_socket->file);
	return file;
}

/* Finds the buffers of the request of io_uring that has sent from or received to the socket of @file. Returns 0, or -1 if there is
 * none, or they cannot be found. */
static __always_inline int kw_locate_uring(struct kw_cursor *cursor, __u64 file, __u32 way)
{
	__u64 request;

	if (!kw_knows_uring())
		return -1;
	request = kw_request_in_hand(file, way);
	return request ? kw_take_request(cursor, request) : -1;
}

#endif
