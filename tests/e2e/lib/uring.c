/* SPDX-License-Identifier: BSD-2-Clause */
/* uring send|receive SOCKET plain|async|polled
 * uring within-read SOCKET PIPE
 *
 * Moves bytes over an inherited socket by io_uring: sends what is on standard input, or writes to standard
 * output what arrives up to the other side's end. Plain requests are tried in io_uring_enter(), asynchronous
 * ones in a worker thread, polled ones in the thread that polls the ring. The last form has a receive complete
 * while the process sits in a read() of PIPE, whose buffer holds a request that nobody ever sent. */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char decoy[] = "DELETE /decoy HTTP/1.0\r\nConnection: x-decoy\r\n\r\n";

static int fail(const char *what, int error)
{
	fprintf(stderr, "uring: %s: %s\n", what, strerror(error));
	return 1;
}

/* Submits what was prepared and waits for its result. */
static int complete(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int result = io_uring_submit(ring);

	if (result >= 0)
		result = io_uring_wait_cqe(ring, &cqe);
	if (result < 0)
		return result;
	result = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return result;
}

static int move(struct io_uring *ring, int fd, char *bytes, size_t size, int sending, unsigned int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (sending)
		io_uring_prep_send(sqe, fd, bytes, size, 0);
	else
		io_uring_prep_recv(sqe, fd, bytes, size, 0);
	io_uring_sqe_set_flags(sqe, flags);
	return complete(ring);
}

static int send_all(struct io_uring *ring, int fd, unsigned int flags)
{
	char bytes[4096];
	ssize_t got;

	while ((got = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0) {
		for (ssize_t at = 0; at < got;) {
			int sent = move(ring, fd, bytes + at, got - at, 1, flags);

			if (sent <= 0)
				return fail("send", -sent);
			at += sent;
		}
	}
	return 0;
}

static int receive_all(struct io_uring *ring, int fd, unsigned int flags)
{
	char bytes[4096];
	int got;

	while ((got = move(ring, fd, bytes, sizeof(bytes), 0, flags)) > 0)
		if (write(STDOUT_FILENO, bytes, got) != got)
			return fail("write", errno);
	return got ? fail("receive", -got) : 0;
}

static int receive_within_read(struct io_uring *ring, int fd, int pipe)
{
	char bytes[4096], other[4096];
	struct io_uring_cqe *cqe;

	strcpy(other, decoy);
	io_uring_prep_recv(io_uring_get_sqe(ring), fd, bytes, sizeof(bytes), 0);
	if (io_uring_submit(ring) != 1 || write(STDOUT_FILENO, "armed\n", 6) != 6)
		return fail("submit", errno);
	if (read(pipe, other, sizeof(other)) < 0)
		return fail("read", errno);
	if (io_uring_peek_cqe(ring, &cqe))
		return fail("the receive did not complete within the read", EAGAIN);
	return cqe->res > 0 && write(STDOUT_FILENO, bytes, cqe->res) == cqe->res ? 0
										 : fail("receive", -cqe->res);
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	int r;

	if (argc != 4) {
		fputs("usage: uring send|receive SOCKET plain|async|polled\n       uring within-read SOCKET PIPE\n",
		      stderr);
		return 2;
	}
	r = io_uring_queue_init(8, &ring, strcmp(argv[3], "polled") ? 0 : IORING_SETUP_SQPOLL);
	if (r < 0)
		return fail("no ring", -r);
	unsigned int flags = strcmp(argv[3], "async") ? 0 : IOSQE_ASYNC;

	if (!strcmp(argv[1], "send"))
		r = send_all(&ring, atoi(argv[2]), flags);
	else if (!strcmp(argv[1], "receive"))
		r = receive_all(&ring, atoi(argv[2]), flags);
	else
		r = receive_within_read(&ring, atoi(argv[2]), atoi(argv[3]));
	io_uring_queue_exit(&ring);
	return r;
}
