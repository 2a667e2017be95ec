/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/connections.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

struct kw_guest {
	int fd;         /* the socket; libmicrohttpd owns it */
	bool answering; /* its request is complete, and libmicrohttpd is sending the answer */
	bool away;      /* removed from the list of connections */
	struct kw_web *
		web; /* a reference, because the TLS session uses it, and libmicrohttpd does not say when the session ends */
	struct kw_guest *prev, *next;
};

static void leave(struct kw_crowd *crowd, struct kw_guest *guest)
{
	if (guest->away)
		return;
	DL_DELETE(crowd->guests, guest);
	crowd->count--;
	guest->away = true;
}

/* Ends a connection: after shutdown(), libmicrohttpd reads the end of the stream and closes the socket. */
static void send_away(struct kw_crowd *crowd, struct kw_guest *guest)
{
	leave(crowd, guest);
	shutdown(guest->fd, SHUT_RDWR);
}

static void enter(struct kw_crowd *crowd, struct MHD_Connection *connection, void **ret_guest)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct kw_guest *guest = calloc(1, sizeof(*guest));

	*ret_guest = guest;
	if (!guest)
		return; /* no memory: the connection gets no certificate, so its TLS handshake fails */
	guest->web = kw_web_ref(crowd->web);
	kw_web_connection_begins(guest->web, connection);
	guest->away = !info;
	if (guest->away)
		return;
	guest->fd = info->connect_fd;
	DL_APPEND(crowd->guests, guest);
	if (++crowd->count > KW_CROWD)
		send_away(crowd, crowd->guests);
}

/* The TLS session has ended by now, so the reference to its settings can go. */
static void see_off(struct kw_crowd *crowd, struct kw_guest *guest)
{
	leave(crowd, guest);
	kw_web_unref(guest->web);
	free(guest);
}

void kw_crowd_notify(void *crowd, struct MHD_Connection *connection, void **guest,
		     enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		enter(crowd, connection, guest);
	} else if (*guest) {
		see_off(crowd, *guest);
		*guest = NULL;
	}
}

static struct kw_guest *guest_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct kw_guest *guest = info ? info->socket_context : NULL;

	return guest && !guest->away ? guest : NULL;
}

void kw_crowd_asks(struct kw_crowd *crowd, struct MHD_Connection *connection)
{
	struct kw_guest *guest = guest_of(connection);

	if (!guest)
		return;
	guest->answering = true;
	DL_DELETE(crowd->guests, guest);
	DL_APPEND(crowd->guests, guest);
}

/* libmicrohttpd stops reading after a short read, and epoll does not report again that the client has closed if the
 * FIN came together with those bytes. So such a connection must be ended from here. */
static void send_away_if_it_has_ended(struct kw_crowd *crowd, struct kw_guest *guest)
{
	char next;

	if (!guest->answering && recv(guest->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		send_away(crowd, guest);
}

void kw_crowd_answered(void *crowd, struct MHD_Connection *connection, void **request,
		       enum MHD_RequestTerminationCode code)
{
	struct kw_guest *guest = guest_of(connection);

	(void)request;
	(void)code;
	if (!guest)
		return;
	guest->answering = false;
	send_away_if_it_has_ended(crowd, guest);
}

void kw_crowd_sweep(struct kw_crowd *crowd)
{
	struct kw_guest *guest, *next;

	DL_FOREACH_SAFE(crowd->guests, guest, next)
	send_away_if_it_has_ended(crowd, guest);
}
