/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics server: libmicrohttpd, driven by the one event loop, in turns with the ring buffer's consumer. It
 * answers GET and HEAD for /metrics (see metrics_reply.h), /healthz and /. Clients can use only a bounded amount of
 * memory and of the loop's time, however many connect and whatever they send: see connections.h. */
#ifndef KEEPWATCH_HTTP_SERVER_H
#define KEEPWATCH_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "include/histogram.h"
#include "web/page_reply.h"
#include "web/access.h"

#define KW_HTTP_SERVER_INTERVAL (250 * KW_MS)

struct kw_http_server;

/* Writes the text for /metrics; the server frees it. Returns 0 or -errno. */
typedef int (*kw_http_metrics_fn)(void *context, bool open_metrics, char **ret_text, size_t *ret_length);

struct kw_http_settings {
	const struct sockaddr_storage *address; /* to listen on */
	socklen_t length;
	const char *name;   /* name of the address, for messages */
	struct kw_web *web; /* the server takes a reference of its own */
	kw_http_metrics_fn metrics;
	kw_page_fn page;
	void *context; /* passed to both callbacks */
};

/* @settings may go after the call, except the context in it. Returns 0, or -errno after logging one line. */
int kw_http_server_open(const struct kw_http_settings *settings, struct kw_http_server **ret_server);

/* Replaces the users, and the certificate of new connections; takes a reference of its own. Returns -EBUSY and
 * changes nothing if only one of the old and new settings has TLS, because that needs a new server. */
int kw_http_server_set_web(struct kw_http_server *server, struct kw_web *web);

/* NULL is allowed. */
void kw_http_server_close(struct kw_http_server *server);

/* A descriptor that is readable when there is work: then call kw_http_server_run(). Call that each
 * KW_HTTP_SERVER_INTERVAL too, for timeouts, and for work that did not fit into one turn of a few milliseconds. */
int kw_http_server_fd(const struct kw_http_server *server);
void kw_http_server_run(struct kw_http_server *server);

/* "http://127.0.0.1:9951/metrics", or https; valid as long as the server. */
const char *kw_http_server_url(const struct kw_http_server *server);

#endif
