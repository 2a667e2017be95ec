/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "web/connections.h"
#include "web/metrics_reply.h"
#include "web/page_reply.h"

#define CONNECTIONS (2 * KW_WEB_CONNECTIONS) /* includes connections that are being closed */
#define TIMEOUT_S 130      /* longer than usual scrape intervals, to avoid a keep-alive race */
#define MEMORY (16U << 10) /* bytes per connection, for the head of a request */
#define TURN (5 * KW_MS)   /* after this time the event loop reads the ring buffer again */

struct kw_http_server {
	struct MHD_Daemon *daemon;
	int epoll;
	struct kw_metrics_reply scrape;
	struct kw_web_connections connections;
	struct kw_page_reply page;
	char url[KW_ENDPOINT_TEXT + 16];
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned int status, const char *type,
			     struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned int status, const char *type,
				  const char *text)
{
	return reply(connection, status, type,
		     MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT));
}

static const char *said(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static enum MHD_Result reply_metrics(struct kw_http_server *server, struct MHD_Connection *connection)
{
	struct MHD_Response *response =
		kw_metrics_reply_answer(&server->scrape, said(connection, MHD_HTTP_HEADER_ACCEPT),
					said(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));

	if (!response)
		return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", "out of memory\n");
	return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload_data,
			      size_t *upload_data_size, void **request)
{
	struct kw_http_server *server = context;
	enum MHD_Result refused;
	static int head_seen;

	(void)version;
	(void)upload_data;
	/* libmicrohttpd calls first with the head alone, then with the body, which is dropped. */
	if (!*request) {
		*request = &head_seen;
		return MHD_YES;
	}
	if (*upload_data_size) {
		*upload_data_size = 0;
		return MHD_YES;
	}
	kw_web_connections_asked(&server->connections, connection);
	if (!kw_web_lets_in(server->connections.web, connection, &refused))
		return refused;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "GET or HEAD\n");
	if (strcmp(url, "/metrics") == 0)
		return reply_metrics(server, connection);
	if (strcmp(url, "/healthz") == 0)
		return reply_text(connection, MHD_HTTP_OK, "text/plain", "ok\n");
	if (strcmp(url, "/") == 0)
		return kw_page_reply(&server->page, connection);
	return reply_text(connection, MHD_HTTP_NOT_FOUND, "text/plain", "see /metrics\n");
}

/* libmicrohttpd requires a callback for the certificate of the whole server. It is never used, because each
 * connection gets its own certificate (see kw_web_connection_begins). */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *issuers, int issuer_count,
			  const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
			  gnutls_pcert_st **ret_chain, unsigned int *ret_length, gnutls_privkey_t *ret_key)
{
	(void)session;
	(void)issuers;
	(void)issuer_count;
	(void)algorithms;
	(void)algorithm_count;
	(void)ret_chain;
	(void)ret_length;
	(void)ret_key;
	return -1;
}

static void log_server(void *context, const char *format, va_list args)
{
	char line[256];

	(void)context;
	vsnprintf(line, sizeof(line), format, args);
	kw_log(KW_LOG_DEBUG, "metrics server: %s", line);
}

static int listen_on(const struct sockaddr_storage *address, socklen_t length, const char *name)
{
	_cleanup_fd_ int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return kw_log_error(-errno, "cannot listen on %s: %s", name, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)address, length) < 0 || listen(fd, SOMAXCONN) < 0)
		return kw_log_error(-errno, "cannot listen on %s: %s; choose another address with --listen",
				    name, strerror(errno));
	return TAKE_FD(fd);
}

/* Reads the port back from the socket, because with port 0 the kernel chose it. */
static void fill_url(struct kw_http_server *server, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	const char *scheme = kw_web_has_tls(server->connections.web) ? "https" : "http";
	char host[INET6_ADDRSTRLEN] = "";

	getsockname(fd, (struct sockaddr *)&address, &length);
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;

		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(server->url, sizeof(server->url), "%s://%s:%u/metrics", scheme, host,
			 ntohs(v4->sin_port));
	} else {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;

		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		/* @address starts as zeros. NOLINTBEGIN(clang-analyzer-core.CallAndMessage) */
		snprintf(server->url, sizeof(server->url), "%s://[%s]:%u/metrics", scheme, host,
			 ntohs(v6->sin6_port));
		/* NOLINTEND(clang-analyzer-core.CallAndMessage) */
	}
}

static int start(struct kw_http_server *server, int *fd)
{
	const union MHD_DaemonInfo *info;
	bool tls = kw_web_has_tls(server->connections.web);
	struct MHD_OptionItem security[] = {
		{tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0, (void *)no_certificate},
		{MHD_OPTION_END, 0, NULL},
	};

	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, answer, server,
		MHD_OPTION_EXTERNAL_LOGGER, log_server, NULL, MHD_OPTION_LISTEN_SOCKET, *fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, kw_web_connections_notify, &server->connections,
		MHD_OPTION_NOTIFY_COMPLETED, kw_web_connections_answered, &server->connections,
		MHD_OPTION_ARRAY, security, MHD_OPTION_END);
	if (!server->daemon)
		return kw_log_error(-EIO, "cannot start the metrics server");
	TAKE_FD(*fd); /* it is the daemon's now */
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return kw_log_error(-EIO, "the metrics server cannot join the event loop");
	server->epoll = info->epoll_fd;
	return 0;
}

int kw_http_server_open(const struct kw_http_settings *settings, struct kw_http_server **ret_server)
{
	bool loopback = kw_endpoint_is_loopback(settings->address);
	_cleanup_(kw_http_server_closep) struct kw_http_server *server = NULL;
	_cleanup_fd_ int fd = listen_on(settings->address, settings->length, settings->name);
	int r;

	if (fd < 0)
		return fd;
	server = calloc(1, sizeof(*server));
	if (!server)
		return kw_log_error(-ENOMEM, "out of memory");
	server->scrape = (struct kw_metrics_reply){.metrics = settings->metrics, .context = settings->context};
	server->page = (struct kw_page_reply){settings->page, settings->context, loopback};
	server->connections.web = kw_web_ref(settings->web);
	fill_url(server, fd);
	r = start(server, &fd);
	if (r < 0)
		return r;
	*ret_server = TAKE_PTR(server);
	return 0;
}

int kw_http_server_set_web(struct kw_http_server *server, struct kw_web *web)
{
	if (kw_web_has_tls(web) != kw_web_has_tls(server->connections.web))
		return -EBUSY;
	kw_web_unref(server->connections.web);
	server->connections.web = kw_web_ref(web);
	return 0;
}

void kw_http_server_close(struct kw_http_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	kw_metrics_reply_close(&server->scrape);
	kw_web_unref(server->connections.web);
	free(server);
}

int kw_http_server_fd(const struct kw_http_server *server)
{
	return server->epoll;
}

void kw_http_server_run(struct kw_http_server *server)
{
	uint64_t end = kw_clock_monotonic() + TURN;
	MHD_UNSIGNED_LONG_LONG timeout;

	kw_web_connections_sweep(&server->connections);
	/* Loops, because a connection that can go on at once does not make the descriptor readable again. */
	do
		MHD_run(server->daemon);
	while (MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout == 0 &&
	       kw_clock_monotonic() < end);
}

const char *kw_http_server_url(const struct kw_http_server *server)
{
	return server->url;
}
