/* SPDX-License-Identifier: BSD-2-Clause */
/* within_read SOCKET PIPE
 *
 * A receive of io_uring from an inherited socket that completes while the process sits in a read() of PIPE, whose buffer holds a
 * request that nobody ever sent. Writes what was received to standard output. */
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char decoy[] = "DELETE /decoy HTTP/1.0\r\nConnection: x-decoy\r\n\r\n";

static int fail(const char *what, int error)
{
	fprintf(stderr, "within_read: %s: %s\n", what, strerror(error));
	return 1;
}

static int receive(struct io_uring *ring, int fd, int pipe)
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

	if (argc != 3) {
		fputs("usage: within_read SOCKET PIPE\n", stderr);
		return 2;
	}
	r = io_uring_queue_init(8, &ring, 0);
	if (r < 0)
		return fail("no ring", -r);
	r = receive(&ring, atoi(argv[1]), atoi(argv[2]));
	io_uring_queue_exit(&ring);
	return r;
}
