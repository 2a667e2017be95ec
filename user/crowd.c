/* SPDX-License-Identifier: BSD-2-Clause */
#include "crowd.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

struct kw_guest {
	int fd;    /* libmicrohttpd's */
	bool away; /* not in the list */
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
		return;
	guest->away = !info;
	if (guest->away)
		return;
	guest->fd = info->connect_fd;
	DL_APPEND(crowd->guests, guest);
	if (++crowd->count > KW_CROWD)
		send_away(crowd, crowd->guests);
}

void kw_crowd_notify(void *crowd, struct MHD_Connection *connection, void **guest,
		     enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		enter(crowd, connection, guest);
	} else if (*guest) {
		leave(crowd, *guest);
		free(*guest);
		*guest = NULL;
	}
}

void kw_crowd_asks(struct kw_crowd *crowd, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct kw_guest *guest = info ? info->socket_context : NULL;

	if (!guest || guest->away)
		return;
	DL_DELETE(crowd->guests, guest);
	DL_APPEND(crowd->guests, guest);
}
