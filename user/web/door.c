/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/door.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "include/units.h"

#define EVENTS 64
#define ACCEPTS 32               /* connections taken in one turn */
#define PAUSE (5 * KW_MS)        /* before the next try for a handshake's turn */
#define LONG_PAUSE (100 * KW_MS) /* before the next try for a descriptor */
#define WARNINGS (60 * KW_S)     /* between warnings of the same kind */
#define HELLO_MOST (17U << 10)   /* bytes: more than the largest TLS record */

static int watch(struct kw_door *door, int fd, uint32_t events, void *whose)
{
	struct epoll_event event = {.events = events, .data.ptr = whose};

	return epoll_ctl(door->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int listen_again(struct kw_door *door)
{
	return watch(door, door->listener, EPOLLIN, &door->listener);
}

int kw_door_open(struct kw_door *door, int listener, bool tls, struct kw_clients *clients)
{
	int r;

	door->listener = listener;
	door->tls = tls;
	door->clients = clients;
	kw_handshakes_open(&door->handshakes);
	door->epoll = epoll_create1(EPOLL_CLOEXEC);
	door->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (door->epoll < 0 || door->timer < 0)
		return -errno;
	r = watch(door, door->timer, EPOLLIN, &door->timer);
	return r < 0 ? r : listen_again(door);
}

static void come_back(struct kw_door *door, uint64_t after)
{
	struct itimerspec time = {.it_value = {.tv_nsec = (long)after}};

	timerfd_settime(door->timer, 0, &time, NULL);
}

/* ---- arrivals ---- */

/* The kernel looks for a descriptor before it looks for a connection, so that it may say that it has none although nobody waits
 * for one. */
static bool somebody_waits(const struct kw_door *door)
{
	struct pollfd listener = {.fd = door->listener, .events = POLLIN};

	return poll(&listener, 1, 0) > 0;
}

/* Without a free descriptor a connection stays in the kernel's queue, so the socket is not watched for a while: it would
 * report the same connection again and again. Meanwhile those that came last may say something, so that they do not count as
 * idle. */
static void out_of_descriptors(struct kw_door *door, int error)
{
	door->lacking = error;
	epoll_ctl(door->epoll, EPOLL_CTL_DEL, door->listener, NULL);
	come_back(door, PAUSE);
}

/* The descriptor of a client that libmicrohttpd has is free a little later. */
static void make_room(struct kw_door *door)
{
	uint64_t now = kw_clock_monotonic();
	bool freed = kw_clients_evict(door->clients, true) || kw_clients_evict(door->clients, false);

	if (now >= door->next_warning) {
		door->next_warning = now + WARNINGS;
		kw_log(KW_LOG_WARNING, "the metrics port is out of descriptors (%s: %s): %s",
		       door->lacking == EMFILE ? "EMFILE" : "ENFILE", strerror(door->lacking),
		       freed ? "it closes idle clients" : "it takes no connection for now");
	}
	door->lacking = 0;
	come_back(door, freed ? PAUSE : LONG_PAUSE);
}

static bool take_one(struct kw_door *door)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	struct kw_client *client;
	int fd = accept4(door->listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		if (somebody_waits(door))
			out_of_descriptors(door, errno);
		return false;
	}
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	if (door->clients->count >= KW_CLIENTS)
		kw_clients_evict(door->clients, false);
	client = kw_clients_add(door->clients, fd, &address);
	if (client && watch(door, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, client) < 0)
		kw_clients_end(door->clients, client);
	return true;
}

/* ---- entrance ---- */

static void let_in(struct kw_door *door, struct kw_client *client)
{
	client->state = KW_CLIENT_SERVED;
	kw_clients_touch(door->clients, client);
	door->enter(door->context, client);
}

/* Looks at the bytes that came, without reading them off. */
static void on_bytes(struct kw_door *door, struct kw_client *client, uint32_t events)
{
	static unsigned char bytes[HELLO_MOST];
	ssize_t length = recv(client->fd, bytes, door->tls ? sizeof(bytes) : 1, MSG_PEEK | MSG_DONTWAIT);
	bool ended = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	if (length < 0 && errno == EAGAIN && !ended)
		return;
	if (length <= 0) {
		kw_clients_end(door->clients, client);
		return;
	}
	if (door->tls && kw_handshakes_is_partial(bytes, (size_t)length)) {
		if (ended)
			kw_clients_end(door->clients, client);
		return;
	}
	epoll_ctl(door->epoll, EPOLL_CTL_DEL, client->fd, NULL);
	client->state = KW_CLIENT_IN_TURN;
	if (!door->tls || bytes[0] != 0x16)
		let_in(door, client);
}

static void take_turns(struct kw_door *door)
{
	const struct kw_client *waiting;
	struct kw_client *client;

	while ((client = kw_handshakes_next(&door->handshakes, door->clients)))
		let_in(door, client);
	for (waiting = door->clients->list; waiting; waiting = waiting->next)
		if (waiting->state == KW_CLIENT_IN_TURN) {
			come_back(door, PAUSE);
			return;
		}
}

/* Clients come before the listening socket, because a new connection may end one of them. */
void kw_door_run(struct kw_door *door)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(door->epoll, events, EVENTS, 0);
	bool arrivals = false, expired = false;
	uint64_t expirations;

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr == &door->listener)
			arrivals = true;
		else if (events[i].data.ptr != &door->timer)
			on_bytes(door, events[i].data.ptr, events[i].events);
		else
			expired = read(door->timer, &expirations, sizeof(expirations)) > 0;
	}
	if (expired && door->lacking)
		make_room(door);
	else if (expired)
		listen_again(door); /* fails if it is watched already */
	for (int i = 0; arrivals && i < ACCEPTS && take_one(door); i++)
		;
	take_turns(door);
}
