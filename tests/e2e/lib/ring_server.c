/* SPDX-License-Identifier: BSD-2-Clause */
/* A server over one ring, for rings.py: many connections, whose requests of io_uring take each other's places in the kernel's
 * memory. */
#include <errno.h>
#include <liburing.h>
#include <stdint.h>
#include <stdlib.h>

#define PIECE 100 /* bytes of a receive, so that a message takes several */

struct connection {
	int fd;
	size_t got; /* bytes of the question */
	char bytes[PIECE];
};

struct server {
	struct io_uring ring;
	struct connection *connections;
	const char *answer;
	size_t answer_size, answer_head, question_size;
	unsigned int open;
};

static void receive(struct server *s, struct connection *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

	io_uring_prep_recv(sqe, c->fd, c->bytes, sizeof(c->bytes), 0);
	io_uring_sqe_set_data(sqe, c);
}

/* The head, the body, and the next receive, one after the other. */
static void answer(struct server *s, struct connection *c)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);

	io_uring_prep_send(sqe, c->fd, s->answer, s->answer_head, MSG_WAITALL);
	io_uring_sqe_set_data(sqe, NULL);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = io_uring_get_sqe(&s->ring);
	io_uring_prep_send(sqe, c->fd, s->answer + s->answer_head, s->answer_size - s->answer_head,
			   MSG_WAITALL);
	io_uring_sqe_set_data(sqe, NULL);
	sqe->flags |= IOSQE_IO_LINK;
	receive(s, c);
}

static void received(struct server *s, struct connection *c, int result)
{
	if (result <= 0) {
		s->open--;
		return;
	}
	c->got += result;
	if (c->got < s->question_size) {
		receive(s, c);
		return;
	}
	c->got -= s->question_size;
	answer(s, c);
}

/* Answers each @question_size bytes on each of @count sockets, until all have ended. Returns 0 or a negative error. */
int ring_serve(const int *fds, unsigned int count, size_t question_size, const char *bytes, size_t size,
	       size_t head)
{
	struct server s = {.answer = bytes,
			   .answer_size = size,
			   .answer_head = head,
			   .question_size = question_size,
			   .open = count};
	struct io_uring_cqe *cqe;
	int r = io_uring_queue_init(1024, &s.ring, 0);

	if (r < 0)
		return r;
	s.connections = calloc(count, sizeof(*s.connections));
	for (unsigned int i = 0; i < count; i++) {
		s.connections[i].fd = fds[i];
		receive(&s, &s.connections[i]);
	}
	while (s.open && r >= 0) {
		r = io_uring_submit_and_wait(&s.ring, 1);
		while (r >= 0 && io_uring_peek_cqe(&s.ring, &cqe) == 0) {
			struct connection *c = io_uring_cqe_get_data(cqe);

			if (c)
				received(&s, c, cqe->res);
			else if (cqe->res < 0)
				r = cqe->res;
			io_uring_cqe_seen(&s.ring, cqe);
		}
	}
	io_uring_queue_exit(&s.ring);
	free(s.connections);
	return r < 0 ? r : 0;
}
