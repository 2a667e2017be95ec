/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

static int open_boards(struct kw_link *reader, struct kw_link *port)
{
	for (int i = 0; i < KW_BOARDS; i++)
		reader->boards[i] = port->boards[i] = -1;
	for (int i = 0; i < KW_BOARDS; i++) {
		reader->boards[i] = memfd_create("keepwatch", MFD_CLOEXEC);
		port->boards[i] = reader->boards[i] < 0 ? -1 : dup(reader->boards[i]);
		if (port->boards[i] < 0)
			return -errno;
	}
	return 0;
}

int kw_link_open(struct kw_link *ret_reader, struct kw_link *ret_port)
{
	struct kw_link reader = {.fd = -1}, port = {.fd = -1};
	int ends[2] = {-1, -1};
	int r = open_boards(&reader, &port);

	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		r = -errno;
	reader.fd = ends[0];
	port.fd = ends[1];
	if (r < 0) {
		kw_link_close(&reader);
		kw_link_close(&port);
		return r;
	}
	*ret_reader = reader;
	*ret_port = port;
	return 0;
}

int kw_link_send(const struct kw_link *link, const struct kw_link_message *message)
{
	return send(link->fd, message, sizeof(*message), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int kw_link_receive(const struct kw_link *link, struct kw_link_message *ret_message)
{
	struct kw_link_message message;
	ssize_t length = recv(link->fd, &message, sizeof(message), 0);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (length == 0)
		return -EPIPE;
	if (length != sizeof(message) || (unsigned int)message.board >= KW_BOARDS)
		return -EBADMSG;
	*ret_message = message;
	return 1;
}

int kw_link_write(const struct kw_link *link, enum kw_board board, const char *text, size_t length)
{
	int fd = link->boards[board];

	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while (length) {
		ssize_t written = write(fd, text, length);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			text += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

int kw_link_take(const struct kw_link *link, enum kw_board board, size_t length, char **ret_text)
{
	_cleanup_free_ char *text = malloc(length + 1);
	size_t done = 0;

	if (!text)
		return -ENOMEM;
	while (done < length) {
		ssize_t got = pread(link->boards[board], text + done, length - done, (off_t)done);

		if (got == 0 || (got < 0 && errno != EINTR))
			return -EIO;
		done += got > 0 ? (size_t)got : 0;
	}
	text[length] = '\0';
	if (ftruncate(link->boards[board], 0) < 0)
		return -errno;
	*ret_text = TAKE_PTR(text);
	return 0;
}

void kw_link_close(struct kw_link *link)
{
	for (int i = 0; i < KW_BOARDS; i++)
		if (link->boards[i] >= 0)
			close(link->boards[i]);
	if (link->fd >= 0)
		close(link->fd);
	*link = (struct kw_link){.fd = -1, .boards = {-1, -1, -1, -1}};
}
