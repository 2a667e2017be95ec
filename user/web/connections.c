/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/connections.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

struct kw_guest {
	int fd;             /* libmicrohttpd's */
	bool answering;     /* its request is complete, the answer is under way */
	bool away;          /* not in the list */
	struct kw_web *web; /* a reference: its session, whose end is not told, uses what is in there */
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

/* libmicrohttpd reads the end of the stream, and closes. */
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
		return; /* without a certificate there is no handshake either */
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

/* By now its session is no more. */
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

/* libmicrohttpd takes a short read for all there was, and is not told a second time of an end that came along with
 * what it read. */
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
