/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends and receives over a socket by io_uring, in every way in which a request can name its bytes and be carried out; a library
 * for rings.py. Each call has a ring of its own, and waits for all that it has submitted.
 *
 * Requests are filled in by hand, because the library of Debian 12 is older than some of them. A way that this kernel does not have
 * ends with -EINVAL. */
#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define OP_SEND_ZC 47
#define OP_SENDMSG_ZC 48
#define OP_READ_MULTISHOT 49
#define POLL_FIRST (1 << 0) /* in ioprio */
#define MULTISHOT (1 << 1)
#define FIXED_BUFFER (1 << 2)
#define BUNDLE (1 << 4)

#define ROOM (1 << 20) /* bytes at most */
#define PIECE 61       /* bytes of a provided buffer, and of a request of many */
#define PROVIDED 256   /* buffers; a power of two */
#define GROUP 7
#define MOST 32     /* requests at once: more of one socket and way are not followed */
#define VECTOR 1000 /* iovecs at most */

/* How a request is carried out: bits. */
enum how {
	FIXED_FILE = 1, /* it names its socket by an index */
	WORKER = 2,     /* in a thread of the kernel */
	POLLED = 4,     /* submitted by a thread of the kernel, which polls the ring */
	DEFERRED = 8,   /* completed only in a call of io_uring */
	POLLS = 16,     /* tried only once the socket is ready */
};

/* How it names its bytes. */
enum shape {
	BUFFER,
	MESSAGE,
	IOVECS,
	PROVIDES, /* the kernel takes a buffer of those that were provided */
	PROVIDES_MESSAGE,
	MANY, /* several requests at once, each with a buffer */
	CHAIN,
};

static const struct way {
	const char *name;
	uint8_t op;
	uint8_t shape;
	uint16_t flags; /* ioprio */
	int message_flags;
} ways[] = {
	{"send", IORING_OP_SEND, BUFFER, 0, 0},
	{"send-all", IORING_OP_SEND, BUFFER, 0, MSG_WAITALL},
	{"sendmsg", IORING_OP_SENDMSG, MESSAGE, 0, 0},
	{"sendmsg-all", IORING_OP_SENDMSG, MESSAGE, 0, MSG_WAITALL},
	{"write", IORING_OP_WRITE, BUFFER, 0, 0},
	{"writev", IORING_OP_WRITEV, IOVECS, 0, 0},
	{"write-fixed", IORING_OP_WRITE_FIXED, BUFFER, FIXED_BUFFER, 0},
	{"send-zc", OP_SEND_ZC, BUFFER, 0, 0},
	{"send-zc-fixed", OP_SEND_ZC, BUFFER, FIXED_BUFFER, 0},
	{"sendmsg-zc", OP_SENDMSG_ZC, MESSAGE, 0, 0},
	{"send-provided", IORING_OP_SEND, PROVIDES, 0, 0},
	{"send-bundle", IORING_OP_SEND, PROVIDES, BUNDLE, 0},
	{"send-many", IORING_OP_SEND, MANY, 0, 0},
	{"send-chain", IORING_OP_SEND, CHAIN, 0, 0},
	{"recv", IORING_OP_RECV, BUFFER, 0, 0},
	{"recv-all", IORING_OP_RECV, BUFFER, 0, MSG_WAITALL},
	{"recvmsg", IORING_OP_RECVMSG, MESSAGE, 0, 0},
	{"read", IORING_OP_READ, BUFFER, 0, 0},
	{"readv", IORING_OP_READV, IOVECS, 0, 0},
	{"read-fixed", IORING_OP_READ_FIXED, BUFFER, FIXED_BUFFER, 0},
	{"recv-provided", IORING_OP_RECV, PROVIDES, 0, 0},
	{"read-provided", IORING_OP_READ, PROVIDES, 0, 0},
	{"recvmsg-provided", IORING_OP_RECVMSG, PROVIDES_MESSAGE, 0, 0},
	{"recv-multishot", IORING_OP_RECV, PROVIDES, MULTISHOT, 0},
	{"recvmsg-multishot", IORING_OP_RECVMSG, PROVIDES_MESSAGE, MULTISHOT, 0},
	{"read-multishot", OP_READ_MULTISHOT, PROVIDES, 0, 0},
	{"recv-bundle", IORING_OP_RECV, PROVIDES, BUNDLE, 0},
	{"recv-bundle-multishot", IORING_OP_RECV, PROVIDES, BUNDLE | MULTISHOT, 0},
	{"recv-many", IORING_OP_RECV, MANY, 0, 0},
};

struct transfer {
	struct io_uring ring;
	const struct way *way;
	unsigned int how;
	int fd;
	char *bytes; /* of a send; or where a receive without provided buffers puts them */
	size_t size;
	struct iovec vector[VECTOR];
	struct msghdr message;
	struct io_uring_buf_ring *provided;
	size_t provided_size;
	unsigned int begun; /* requests that are not complete */
};

static int is_provided(const struct transfer *t)
{
	return t->way->shape == PROVIDES || t->way->shape == PROVIDES_MESSAGE;
}

/* ---- the ring and its buffers -------------------------------------------------------------------------- */

static char *provided_buffer(const struct transfer *t, unsigned int number)
{
	return t->bytes + (size_t)(number % PROVIDED) * PIECE;
}

static void provide(struct transfer *t, unsigned int number, size_t size)
{
	io_uring_buf_ring_add(t->provided, provided_buffer(t, number), size, number % PROVIDED,
			      io_uring_buf_ring_mask(PROVIDED), 0);
	io_uring_buf_ring_advance(t->provided, 1);
}

static int open_provided(struct transfer *t)
{
	struct io_uring_buf_reg reg = {.ring_entries = PROVIDED, .bgid = GROUP};

	t->provided_size = PROVIDED * sizeof(struct io_uring_buf);
	t->provided = mmap(NULL, t->provided_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->provided == MAP_FAILED)
		return -errno;
	reg.ring_addr = (uintptr_t)t->provided;
	io_uring_buf_ring_init(t->provided);
	return io_uring_register_buf_ring(&t->ring, &reg, 0);
}

static int open_ring(struct transfer *t)
{
	unsigned int flags = (t->how & POLLED ? IORING_SETUP_SQPOLL : 0) |
			     (t->how & DEFERRED ? 1U << 12 | 1U << 13 : 0); /* single issuer, deferred */
	struct iovec all = {t->bytes, ROOM};
	int r = io_uring_queue_init(256, &t->ring, flags);

	if (r == 0 && t->how & FIXED_FILE)
		r = io_uring_register_files(&t->ring, &t->fd, 1);
	if (r == 0 && t->way->flags & FIXED_BUFFER)
		r = io_uring_register_buffers(&t->ring, &all, 1);
	if (r == 0 && is_provided(t))
		r = open_provided(t);
	return r;
}

/* ---- requests -------------------------------------------------------------------------------------------- */

/* Cuts @size bytes into segments of 0, 1, .. bytes; the last one holds the rest. */
static unsigned int cut(struct transfer *t, char *bytes, size_t size)
{
	unsigned int count = 0;

	for (size_t piece = 0; size && count < VECTOR; piece = (piece + 1) % 12, count++) {
		size_t length = piece < size && count < VECTOR - 1 ? piece : size;

		t->vector[count] = (struct iovec){bytes, length};
		bytes += length;
		size -= length;
	}
	t->message = (struct msghdr){.msg_iov = t->vector, .msg_iovlen = count};
	return count;
}

/* Fills in a request of the transfer's way for @size bytes at @bytes, if it has no provided buffer. */
static struct io_uring_sqe *prepare(struct transfer *t, char *bytes, size_t size)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&t->ring);
	const struct way *way = t->way;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = way->op;
	sqe->fd = t->how & FIXED_FILE ? 0 : t->fd;
	sqe->flags = (t->how & FIXED_FILE ? IOSQE_FIXED_FILE : 0) | (t->how & WORKER ? IOSQE_ASYNC : 0);
	if (way->op != IORING_OP_WRITE_FIXED && way->op != IORING_OP_READ_FIXED)
		sqe->ioprio = way->flags | (t->how & POLLS ? POLL_FIRST : 0);
	sqe->msg_flags = way->message_flags;
	if (way->shape == MESSAGE || way->shape == IOVECS) {
		sqe->len = cut(t, bytes, size);
		sqe->addr = (uintptr_t)(way->shape == MESSAGE ? (void *)&t->message : (void *)t->vector);
		sqe->len = way->shape == MESSAGE ? 1 : sqe->len;
	} else if (is_provided(t)) {
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = GROUP;
		t->message = (struct msghdr){0};
		sqe->addr = way->shape == PROVIDES_MESSAGE ? (uintptr_t)&t->message : 0;
	} else {
		sqe->addr = (uintptr_t)bytes;
		sqe->len = size;
	}
	t->begun++;
	return sqe;
}

static int next_result(struct transfer *t, struct io_uring_cqe *ret_cqe)
{
	struct io_uring_cqe *cqe;
	int r = io_uring_wait_cqe(&t->ring, &cqe);

	if (r < 0)
		return r;
	*ret_cqe = *cqe;
	io_uring_cqe_seen(&t->ring, cqe);
	t->begun -= !(cqe->flags & IORING_CQE_F_MORE);
	return ret_cqe->res;
}

/* ---- the beginning and the end --------------------------------------------------------------------------- */

/* Ends what still waits, so that it takes no later bytes. */
static void cancel_all(struct transfer *t)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&t->ring);
	struct io_uring_cqe cqe;

	io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY);
	t->begun++;
	if (io_uring_submit(&t->ring) < 0)
		return;
	while (t->begun)
		next_result(t, &cqe);
}

void transfer_close(struct transfer *t)
{
	if (t->begun)
		cancel_all(t);
	if (t->ring.ring_fd > 0)
		io_uring_queue_exit(&t->ring);
	if (t->provided)
		munmap(t->provided, t->provided_size);
	munmap(t->bytes, ROOM);
	free(t);
}

/* Over the socket @fd. Returns NULL with errno set if there is none of this name here. */
struct transfer *transfer_open(int fd, const char *name, unsigned int how)
{
	struct transfer *t = calloc(1, sizeof(*t));
	int r;

	t->fd = fd;
	t->how = how;
	t->bytes = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(ways[i].name, name))
			t->way = &ways[i];
	r = t->way ? open_ring(t) : -ENOENT;
	if (r == 0)
		return t;
	transfer_close(t);
	errno = -r;
	return NULL;
}

/* ---- sends ------------------------------------------------------------------------------------------------ */

/* Submits requests for the bytes from @from on: one, or as many as there are pieces. */
static int submit_sends(struct transfer *t, size_t from)
{
	int is_many = t->way->shape == MANY || t->way->shape == CHAIN;
	size_t step = is_many ? PIECE : t->size;
	unsigned int count = 0;

	for (; from < t->size && count < MOST; from += step, count++) {
		size_t size = t->size - from < step ? t->size - from : step;
		struct io_uring_sqe *sqe = prepare(t, t->bytes + from, size);

		if (t->way->shape == CHAIN && from + step < t->size)
			sqe->flags |= IOSQE_IO_LINK;
	}
	return io_uring_submit(&t->ring);
}

/* Sends all @size bytes, and returns how many that were, or a negative error. */
long transfer_send(struct transfer *t, const char *bytes, size_t size)
{
	struct io_uring_cqe cqe;
	size_t sent = 0;

	if (size > (is_provided(t) ? PROVIDED * PIECE : ROOM))
		return -E2BIG;
	memcpy(t->bytes, bytes, size);
	t->size = size;
	for (size_t at = 0; is_provided(t) && at < size; at += PIECE)
		provide(t, at / PIECE, size - at < PIECE ? size - at : PIECE);
	while (sent < size || t->begun) {
		int r = t->begun ? 0 : submit_sends(t, sent);

		if (r >= 0)
			r = next_result(t, &cqe);
		if (r < 0)
			return r;
		if (!(cqe.flags & IORING_CQE_F_NOTIF))
			sent += r;
	}
	return sent;
}

/* ---- receives ---------------------------------------------------------------------------------------------- */

/* Does a request wait for bytes? A multishot request waits until it is cancelled. */
int transfer_waits(const struct transfer *t)
{
	return t->begun != 0;
}

/* Submits what is to receive the next bytes, which may come later, unless something waits already. */
int transfer_await(struct transfer *t, size_t size)
{
	unsigned int count = t->begun ? 0 : t->way->shape == MANY ? 4 : 1;

	if (is_provided(t) && !t->size) {
		for (unsigned int i = 0; i < PROVIDED; i++)
			provide(t, i, PIECE);
		t->size = PROVIDED * PIECE;
	}
	for (unsigned int i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = prepare(t, t->bytes + i * 4096UL, count > 1 ? PIECE : size);

		sqe->user_data = i;
	}
	return io_uring_submit(&t->ring);
}

/* Copies what a result brought to @to. Returns how many bytes. */
static size_t take(struct transfer *t, const struct io_uring_cqe *cqe, char *to)
{
	unsigned int number = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	size_t head = 0, taken = 0;

	if (!is_provided(t)) {
		memcpy(to, t->bytes + cqe->user_data * 4096UL, cqe->res);
		return cqe->res;
	}
	if (t->way->shape == PROVIDES_MESSAGE && t->way->flags & MULTISHOT)
		head = sizeof(struct io_uring_recvmsg_out);
	for (size_t left = cqe->res; left; number++) {
		size_t size = left < PIECE ? left : PIECE;

		memcpy(to + taken, provided_buffer(t, number) + head, size - head);
		taken += size - head;
		left -= size;
		provide(t, number, PIECE);
	}
	return taken;
}

/* Receives @size bytes, or up to the end of the stream, to @to, which has room for ROOM. Returns how many that were, or a negative
 * error. Something may wait already. */
long transfer_receive(struct transfer *t, char *to, size_t size)
{
	struct io_uring_cqe cqe;
	size_t got = 0;

	while (got < size) {
		int r = transfer_await(t, size - got);

		if (r >= 0)
			r = next_result(t, &cqe);
		if (r < 0 && r != -ENOBUFS)
			return r;
		if (r == 0)
			break;
		if (r > 0)
			got += take(t, &cqe, to + got);
	}
	return got;
}
