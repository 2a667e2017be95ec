/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/clients.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "include/units.h"

#define BEGINNING KW_S          /* so long after its first bytes a client does not count as idle */
#define SILENT_MOST (10 * KW_S) /* so long a client may send nothing */

struct kw_client *kw_clients_add(struct kw_clients *clients, int fd, const struct sockaddr_storage *address)
{
	struct kw_client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return NULL;
	}
	client->fd = fd;
	client->address = kw_source_address_of(address);
	client->since = kw_clock_monotonic();
	DL_APPEND(clients->list, client);
	clients->count++;
	return client;
}

static void unlist(struct kw_clients *clients, struct kw_client *client)
{
	if (client->unlisted)
		return;
	DL_DELETE(clients->list, client);
	clients->count--;
	client->unlisted = true;
}

/* After shutdown() libmicrohttpd reads the end of the stream and closes the socket, unless it is suspended. */
void kw_clients_end(struct kw_clients *clients, struct kw_client *client)
{
	unlist(clients, client);
	if (client->state == KW_CLIENT_SERVED) {
		shutdown(client->fd, SHUT_RDWR);
		if (client->suspended)
			MHD_resume_connection(client->connection);
		return;
	}
	close(client->fd);
	kw_clients_remove(clients, client);
}

void kw_clients_remove(struct kw_clients *clients, struct kw_client *client)
{
	unlist(clients, client);
	kw_web_unref(client->web);
	free(client);
}

void kw_clients_touch(struct kw_clients *clients, struct kw_client *client)
{
	client->since = kw_clock_monotonic();
	if (client->unlisted)
		return;
	DL_DELETE(clients->list, client);
	DL_APPEND(clients->list, client);
}

static bool is_idle(const struct kw_client *client, uint64_t now)
{
	switch (client->state) {
	case KW_CLIENT_SILENT:
		return true;
	case KW_CLIENT_IN_TURN:
		return false;
	case KW_CLIENT_SERVED:
		break;
	}
	return !client->answering && (client->asked || now > client->since + BEGINNING);
}

static unsigned int places_of(const struct kw_clients *clients, const struct kw_source_address *address)
{
	const struct kw_client *client;
	unsigned int places = 0;

	DL_FOREACH(clients->list, client)
	places += kw_source_address_equal(&client->address, address);
	return places;
}

bool kw_clients_evict(struct kw_clients *clients, bool idle_only)
{
	uint64_t now = kw_clock_monotonic();
	struct kw_client *client, *victim = NULL;
	unsigned int most = 0;

	/* An idle one weighs a half more than another of the same address, and of equals the earliest goes. */
	DL_FOREACH(clients->list, client)
	{
		bool idle = is_idle(client, now);
		unsigned int weight = 2 * places_of(clients, &client->address) + idle;

		if (weight > most && (idle || !idle_only)) {
			most = weight;
			victim = client;
		}
	}
	if (!victim)
		return false;
	kw_clients_end(clients, victim);
	return true;
}

/* libmicrohttpd stops reading after a short read, and epoll does not report again that the client has closed if the FIN
 * came together with those bytes. So such a connection must be ended from here. */
void kw_clients_end_if_ended(struct kw_clients *clients, struct kw_client *client)
{
	char next;

	if (client->state == KW_CLIENT_SERVED && !client->answering && !client->unlisted &&
	    recv(client->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		kw_clients_end(clients, client);
}

void kw_clients_sweep(struct kw_clients *clients)
{
	uint64_t now = kw_clock_monotonic();
	struct kw_client *client, *next;

	DL_FOREACH_SAFE(clients->list, client, next)
	{
		if (client->state == KW_CLIENT_SILENT && now > client->since + SILENT_MOST)
			kw_clients_end(clients, client);
		else
			kw_clients_end_if_ended(clients, client);
	}
}
