/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/connections.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

struct kw_web_client {
	int fd;         /* the socket; libmicrohttpd owns it */
	bool answering; /* its request is complete, and libmicrohttpd is sending the answer */
	bool unlisted;  /* removed from the list of connections */
	struct kw_web *
		web; /* a reference, because the TLS session uses it, and libmicrohttpd does not say when the session ends */
	struct kw_web_client *prev, *next;
};

static void unlist(struct kw_web_connections *connections, struct kw_web_client *client)
{
	if (client->unlisted)
		return;
	DL_DELETE(connections->clients, client);
	connections->count--;
	client->unlisted = true;
}

/* Ends a connection: after shutdown(), libmicrohttpd reads the end of the stream and closes the socket. */
static void end(struct kw_web_connections *connections, struct kw_web_client *client)
{
	unlist(connections, client);
	shutdown(client->fd, SHUT_RDWR);
}

static void add_client(struct kw_web_connections *connections, struct MHD_Connection *connection,
		       void **ret_client)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct kw_web_client *client = calloc(1, sizeof(*client));

	*ret_client = client;
	if (!client)
		return; /* no memory: the connection gets no certificate, so its TLS handshake fails */
	client->web = kw_web_ref(connections->web);
	kw_web_connection_begins(client->web, connection);
	client->unlisted = !info;
	if (client->unlisted)
		return;
	client->fd = info->connect_fd;
	DL_APPEND(connections->clients, client);
	if (++connections->count > KW_WEB_CONNECTIONS)
		end(connections, connections->clients);
}

/* The TLS session has ended by now, so the reference to its settings can go. */
static void remove_client(struct kw_web_connections *connections, struct kw_web_client *client)
{
	unlist(connections, client);
	kw_web_unref(client->web);
	free(client);
}

void kw_web_connections_notify(void *connections, struct MHD_Connection *connection, void **client,
			       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		add_client(connections, connection, client);
	} else if (*client) {
		remove_client(connections, *client);
		*client = NULL;
	}
}

static struct kw_web_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct kw_web_client *client = info ? info->socket_context : NULL;

	return client && !client->unlisted ? client : NULL;
}

void kw_web_connections_asked(struct kw_web_connections *connections, struct MHD_Connection *connection)
{
	struct kw_web_client *client = client_of(connection);

	if (!client)
		return;
	client->answering = true;
	DL_DELETE(connections->clients, client);
	DL_APPEND(connections->clients, client);
}

/* libmicrohttpd stops reading after a short read, and epoll does not report again that the client has closed if the
 * FIN came together with those bytes. So such a connection must be ended from here. */
static void end_if_it_has_ended(struct kw_web_connections *connections, struct kw_web_client *client)
{
	char next;

	if (!client->answering && recv(client->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		end(connections, client);
}

void kw_web_connections_answered(void *connections, struct MHD_Connection *connection, void **request,
				 enum MHD_RequestTerminationCode code)
{
	struct kw_web_client *client = client_of(connection);

	(void)request;
	(void)code;
	if (!client)
		return;
	client->answering = false;
	end_if_it_has_ended(connections, client);
}

void kw_web_connections_sweep(struct kw_web_connections *connections)
{
	struct kw_web_client *client, *next;

	DL_FOREACH_SAFE(connections->clients, client, next)
	end_if_it_has_ended(connections, client);
}
