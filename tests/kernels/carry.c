/* SPDX-License-Identifier: BSD-2-Clause */
/* Every system call that can carry bytes over a socket. */
#include "peers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENTS 1000 /* the kernel takes 1024 */

static size_t smaller(size_t one, size_t other)
{
	return one < other ? one : other;
}

/* Cuts @size bytes into segments of @piece, with an empty one in front; the last takes what is left. */
static int cut(struct iovec *segments, char *data, size_t size, size_t piece)
{
	int count = 0;

	segments[count++] = (struct iovec){data, 0};
	while (size) {
		size_t length = piece && count < SEGMENTS - 1 ? smaller(piece, size) : size;

		segments[count++] = (struct iovec){data, length};
		data += length;
		size -= length;
	}
	return count;
}

static int temporary(const char *data, size_t size)
{
	int fd = (int)peers_checked(memfd_create("body", 0), "memfd_create");

	peers_checked(write(fd, data, size), "write");
	peers_checked(lseek(fd, 0, SEEK_SET), "lseek");
	return fd;
}

static ssize_t send_pages(int fd, char *data, size_t size)
{
	int file = temporary(data, size);
	ssize_t sent = sendfile(fd, file, NULL, size);

	close(file);
	return sent;
}

/* Through a pipe, in whichever direction. */
static ssize_t through_pipe(int fd, char *data, size_t size, int sending)
{
	int pipes[2];
	ssize_t moved;

	peers_checked(pipe(pipes), "pipe");
	if (sending) {
		peers_checked(write(pipes[1], data, smaller(size, 1 << 16)), "write");
		moved = splice(pipes[0], NULL, fd, NULL, smaller(size, 1 << 16), 0);
	} else {
		moved = splice(fd, NULL, pipes[1], NULL, smaller(size, 1 << 16), 0);
		if (moved > 0)
			moved = read(pipes[0], data, (size_t)moved);
	}
	close(pipes[0]);
	close(pipes[1]);
	return moved;
}

static ssize_t send_once(int fd, const char *call, char *data, size_t size, size_t piece)
{
	struct iovec segments[SEGMENTS + 1];
	struct msghdr message = {.msg_iov = segments};

	if (strcmp(call, "write") == 0)
		return write(fd, data, size);
	if (strcmp(call, "send") == 0)
		return send(fd, data, size, MSG_NOSIGNAL);
	if (strcmp(call, "sendfile") == 0)
		return send_pages(fd, data, size);
	if (strcmp(call, "splice") == 0)
		return through_pipe(fd, data, size, 1);
	message.msg_iovlen = (size_t)cut(segments, data, size, piece);
	if (strcmp(call, "writev") == 0)
		return writev(fd, segments, (int)message.msg_iovlen);
	if (strcmp(call, "sendmsg") == 0)
		return sendmsg(fd, &message, MSG_NOSIGNAL);
	errno = ENOSYS;
	return -1;
}

static ssize_t recv_once(int fd, const char *call, char *data, size_t size, size_t piece)
{
	struct iovec segments[SEGMENTS + 1];
	struct msghdr message = {.msg_iov = segments};

	if (strcmp(call, "read") == 0)
		return read(fd, data, size);
	if (strcmp(call, "recv") == 0)
		return recv(fd, data, size, 0);
	if (strcmp(call, "waitall") == 0)
		return recv(fd, data, size, MSG_WAITALL);
	if (strcmp(call, "truncate") == 0)
		return recv(fd, NULL, size, MSG_TRUNC);
	if (strcmp(call, "peek") == 0)
		return recv(fd, data, size, MSG_PEEK) < 0 ? -1 : recv(fd, data, size, 0);
	if (strcmp(call, "splice") == 0)
		return through_pipe(fd, data, size, 0);
	message.msg_iovlen = (size_t)cut(segments, data, size, piece);
	if (strcmp(call, "readv") == 0)
		return readv(fd, segments, (int)message.msg_iovlen);
	if (strcmp(call, "recvmsg") == 0)
		return recvmsg(fd, &message, 0);
	errno = ENOSYS;
	return -1;
}

static int takes_segments(const char *call)
{
	return strcmp(call, "writev") == 0 || strcmp(call, "sendmsg") == 0 || strcmp(call, "readv") == 0 ||
	       strcmp(call, "recvmsg") == 0;
}

static void carry(int fd, const char *call, size_t piece, char *data, size_t size,
		  ssize_t (*once)(int, const char *, char *, size_t, size_t))
{
	while (size) {
		size_t most = piece && !takes_segments(call) ? smaller(piece, size) : size;
		ssize_t done = peers_checked(once(fd, call, data, most, piece), call);

		if (!done) {
			errno = EPIPE;
			peers_fail(call);
		}
		data += done;
		size -= (size_t)done;
	}
}

void peers_send(int fd, const char *call, size_t piece, char *data, size_t size)
{
	carry(fd, call, piece, data, size, send_once);
}

void peers_receive(int fd, const char *call, size_t piece, char *data, size_t size)
{
	carry(fd, call, piece, data, size, recv_once);
}
