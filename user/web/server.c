/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/server.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "include/units.h"
#include "web/checks.h"
#include "web/config_parcel.h"
#include "web/door.h"
#include "web/negotiate.h"
#include "web/passwords.h"
#include "web/request.h"
#include "web/texts.h"
#include "web/usage.h"

#define CONNECTIONS (2 * KW_CLIENTS) /* includes connections that are being closed */
#define TIMEOUT_S 130                /* longer than usual scrape intervals, to avoid a keep-alive race */
#define MEMORY (16U << 10)           /* bytes per connection, for the head of a request */
#define TURN (5 * KW_MS)             /* after this time the door and the link get their turn */
#define CHECK_PAUSE (10 * KW_MS)     /* before the next look at whose password may be checked */
#define INTERVAL (250 * KW_MS)       /* between looks at timeouts */

struct server {
	const struct kw_server_settings *settings;
	struct MHD_Daemon *daemon;
	struct kw_loop loop;
	struct kw_web *web; /* for connections that begin from now on; a reference */
	struct kw_clients clients;
	struct kw_door door;
	struct kw_texts texts;
	struct kw_budget guesses;
	struct kw_usage usage;
	int more;                   /* readable while libmicrohttpd has not done all that it could */
	int checks;                 /* a timer that looks whether a password may be checked */
	struct kw_client *entering; /* on its way from the door to libmicrohttpd */
};

/* ---- answers ---- */

static enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned int status, const char *text,
				  const char *field, const char *value)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	if (field)
		MHD_add_response_header(response, field, value);
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static const char *said(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Answers with the text that is there. */
static enum MHD_Result reply_form(struct server *server, struct MHD_Connection *connection, enum kw_board form)
{
	struct kw_text *text = &server->texts.forms[form];
	struct MHD_Response *response = NULL;
	enum MHD_Result result;

	if (text->text && form == KW_BOARD_PAGE)
		response = kw_page_reply(server->settings->frame, text->text, connection);
	else if (text->text)
		response = kw_metrics_reply_answer(
			&text->reply, text->text, text->length, form == KW_BOARD_OPEN_METRICS,
			kw_negotiate_gzip(said(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING)));
	if (!response)
		return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n", NULL, NULL);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	if (form == KW_BOARD_PAGE)
		MHD_destroy_response(response);
	return result;
}

/* The client waits, and nobody waits with it. */
static enum MHD_Result await_form(struct server *server, struct kw_client *client, enum kw_board form)
{
	struct kw_process process;

	if (kw_texts_are_fresh(&server->texts, form))
		return reply_form(server, client->connection, form);
	kw_usage_read(&server->usage, server->clients.count, &process);
	if (kw_texts_want(&server->texts, form, &process) < 0)
		return MHD_NO;
	client->board = form;
	client->suspended = true;
	MHD_suspend_connection(client->connection);
	return MHD_YES;
}

static enum MHD_Result route(struct server *server, struct kw_client *client, const char *url)
{
	struct MHD_Connection *connection = client->connection;
	bool page = strcmp(url, "/") == 0, metrics = strcmp(url, "/metrics") == 0;

	if (strcmp(url, "/healthz") == 0)
		return reply_text(connection, MHD_HTTP_OK, "ok\n", NULL, NULL);
	if (!page && !metrics)
		return reply_text(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n", NULL, NULL);
	if (server->settings->loopback && !kw_request_is_direct(said(connection, MHD_HTTP_HEADER_HOST)))
		return reply_text(connection, MHD_HTTP_FORBIDDEN,
				  "ask by the host's IP address, or as localhost\n", NULL, NULL);
	if (page)
		return await_form(server, client, KW_BOARD_PAGE);
	return await_form(server, client,
			  kw_negotiate_open_metrics(said(connection, MHD_HTTP_HEADER_ACCEPT))
				  ? KW_BOARD_OPEN_METRICS
				  : KW_BOARD_TEXT);
}

/* ---- libmicrohttpd's callbacks ---- */

static struct kw_client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static enum MHD_Result on_head(struct server *server, struct kw_client *client)
{
	struct kw_refusal refusal = kw_request_check(client->connection);

	client->asked = true;
	kw_clients_touch(&server->clients, client);
	if (!refusal.status)
		return MHD_YES;
	return reply_text(client->connection, refusal.status, refusal.text, MHD_HTTP_HEADER_CONNECTION,
			  "close");
}

static void go_on(const struct server *server, struct kw_client *client)
{
	MHD_resume_connection(client->connection);
	eventfd_write(server->more, 1); /* libmicrohttpd does not wake itself up for that */
}

static void look_again(const struct server *server)
{
	struct itimerspec time = {.it_value = {.tv_nsec = CHECK_PAUSE}};

	timerfd_settime(server->checks, 0, &time, NULL);
}

/* Waits for the check of its password, in turn. Returns false if it may not even wait. */
static bool await_check(struct server *server, struct kw_client *client)
{
	struct kw_client *refused;

	kw_checks_wait(&server->clients, client, &refused);
	if (refused == client)
		return false;
	if (refused)
		go_on(server, refused);
	client->board = KW_BOARDS;
	client->suspended = true;
	MHD_suspend_connection(client->connection);
	look_again(server);
	return true;
}

/* True if the client may be answered. Otherwise *ret_result is what became of it. */
static bool lets_in(struct server *server, struct kw_client *client, enum MHD_Result *ret_result)
{
	bool never = client->check == KW_CHECK_NEVER;
	bool may = !never && kw_checks_may(&server->clients, &server->guesses, client);
	enum kw_web_answer answer =
		kw_web_ask(server->web, client->connection, may ? &server->guesses : NULL, &client->address);

	client->suspended = false;
	client->check = KW_CHECK_NONE;
	*ret_result = MHD_YES;
	if (answer == KW_WEB_WELCOME)
		return true;
	client->checks += answer == KW_WEB_WRONG;
	if (answer == KW_WEB_WRONG || never || !await_check(server, client))
		*ret_result = kw_web_refuse(client->connection, answer);
	return false;
}

/* It is called first with the head alone, then with the body, which is dropped, and again when a client goes on that was
 * suspended. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload_data,
				  size_t *upload_data_size, void **request)
{
	struct kw_client *client = client_of(connection);
	struct server *server = context;
	enum MHD_Result result;

	(void)version;
	(void)upload_data;
	if (!client)
		return MHD_NO;
	if (!*request) {
		*request = client;
		return on_head(server, client);
	}
	if (*upload_data_size) {
		*upload_data_size = 0;
		return MHD_YES;
	}
	client->answering = true;
	if (client->suspended && client->board != KW_BOARDS) {
		client->suspended = false;
		return reply_form(server, connection, client->board);
	}
	if (!lets_in(server, client, &result))
		return result;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n",
				  MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return route(server, client, url);
}

/* An MHD_RequestCompletedCallback. */
static void on_answered(void *context, struct MHD_Connection *connection, void **request,
			enum MHD_RequestTerminationCode code)
{
	struct kw_client *client = client_of(connection);
	struct server *server = context;

	(void)request;
	(void)code;
	if (!client)
		return;
	client->answering = client->suspended = false;
	client->check = KW_CHECK_NONE;
	kw_clients_end_if_ended(&server->clients, client);
}

/* An MHD_NotifyConnectionCallback. */
static void on_connection(void *context, struct MHD_Connection *connection, void **client,
			  enum MHD_ConnectionNotificationCode code)
{
	struct server *server = context;
	struct kw_client *entering = server->entering;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*client)
			kw_clients_remove(&server->clients, *client);
		*client = NULL;
		return;
	}
	*client = entering;
	server->entering = NULL;
	if (!entering)
		return;
	entering->connection = connection;
	entering->web = kw_web_ref(server->web);
	kw_web_connection_begins(server->web, connection);
	kw_handshakes_watch(&server->door.handshakes, entering);
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

/* ---- the loop ---- */

/* A kw_door_enter_fn. When libmicrohttpd refuses a connection, it has closed the socket. */
static void enter(void *context, struct kw_client *client)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	struct server *server = context;

	getpeername(client->fd, (struct sockaddr *)&address, &length);
	server->entering = client;
	MHD_add_connection(server->daemon, client->fd, (struct sockaddr *)&address, length);
	if (server->entering)
		kw_clients_remove(&server->clients, client);
	server->entering = NULL;
}

static bool can_go_on(const struct server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	return MHD_get_timeout(server->daemon, &timeout) == MHD_YES && timeout == 0;
}

/* A connection that can go on at once does not make libmicrohttpd's descriptor readable again. So this loops, and if its
 * turn is over before all is done, the event makes it come back after the others had theirs. */
static int on_daemon(void *context)
{
	uint64_t end = kw_clock_monotonic() + TURN;
	struct server *server = context;

	do
		MHD_run(server->daemon);
	while (can_go_on(server) && kw_clock_monotonic() < end);
	if (can_go_on(server))
		eventfd_write(server->more, 1);
	return 0;
}

/* A client that was ended at the door, while it was suspended, is closed by libmicrohttpd, which does not notice it by itself. */
static int on_door(void *context)
{
	struct server *server = context;

	kw_door_run(&server->door);
	return on_daemon(server);
}

static int on_more(void *context)
{
	const struct server *server = context;
	eventfd_t count;

	eventfd_read(server->more, &count);
	return on_daemon(context);
}

static int on_interval(void *context)
{
	struct server *server = context;

	kw_clients_sweep(&server->clients);
	return on_door(server);
}

static void resume(struct server *server, enum kw_board form)
{
	struct kw_client *client;

	DL_FOREACH(server->clients.list, client)
	if (client->suspended && client->board == form)
		go_on(server, client);
}

static int on_checks(void *context)
{
	struct server *server = context;
	struct kw_client *client;
	uint64_t expirations;

	if (read(server->checks, &expirations, sizeof(expirations)) < 0)
		return 0;
	client = kw_checks_next(&server->clients, &server->guesses);
	if (client) {
		client->check = KW_CHECK_TURN;
		go_on(server, client);
	}
	if (kw_checks_are_waited_for(&server->clients))
		look_again(server);
	return 0;
}

/* Connections that began under the old rules keep their certificate until they end. */
static int take_rules(struct server *server, size_t length)
{
	_cleanup_(kw_web_config_free) struct kw_web_config config = {0};
	_cleanup_(kw_web_unrefp) struct kw_web *web = NULL;
	_cleanup_free_ char *bytes = NULL;
	int r = kw_link_take(server->settings->link, KW_BOARD_RULES, length, &bytes);

	if (r < 0)
		return r;
	r = kw_web_config_unpack(bytes, length, &config);
	explicit_bzero(bytes, length);
	if (r == 0)
		r = kw_web_open_config(&config, server->web, &web);
	if (r < 0)
		return r;
	kw_web_unref(server->web);
	server->web = TAKE_PTR(web);
	return 0;
}

static int say_taken(const struct server *server, int result)
{
	struct kw_link_message message = {.board = KW_BOARD_RULES, .result = result};

	kw_usage_read(&server->usage, server->clients.count, &message.process);
	return kw_link_send(server->settings->link, &message);
}

static int on_link(void *context)
{
	struct server *server = context;
	struct kw_link_message message;
	int r;

	while ((r = kw_link_receive(server->settings->link, &message)) > 0) {
		if (message.board == KW_BOARD_RULES) {
			say_taken(server, take_rules(server, message.length));
		} else {
			kw_texts_take(&server->texts, &message);
			resume(server, message.board);
		}
	}
	if (r < 0)
		kw_loop_stop(&server->loop);
	return 0;
}

static int start_daemon(struct server *server)
{
	bool tls = kw_web_has_tls(server->web);
	struct MHD_OptionItem security[] = {
		{tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0, (void *)no_certificate},
		{MHD_OPTION_END, 0, NULL},
	};

	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
			(tls ? MHD_USE_TLS : 0),
		0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, log_server, NULL,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_answered,
		server, MHD_OPTION_ARRAY, security, MHD_OPTION_END);
	return server->daemon ? 0 : -EIO;
}

static int open_all(struct server *server)
{
	const union MHD_DaemonInfo *info;
	int r = start_daemon(server);

	server->more = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->checks = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r == 0)
		r = server->more < 0 || server->checks < 0 ? -errno : kw_loop_open(&server->loop);
	if (r == 0)
		r = kw_door_open(&server->door, server->settings->listener, kw_web_has_tls(server->web),
				 &server->clients);
	if (r < 0)
		return r;
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	r = info ? kw_loop_add(&server->loop, info->epoll_fd, on_daemon, server) : -EIO;
	if (r == 0)
		r = kw_loop_add(&server->loop, server->more, on_more, server);
	if (r == 0)
		r = kw_loop_add(&server->loop, server->checks, on_checks, server);
	if (r == 0)
		r = kw_loop_add(&server->loop, server->door.epoll, on_door, server);
	if (r == 0)
		r = kw_loop_add(&server->loop, server->settings->link->fd, on_link, server);
	if (r == 0)
		r = kw_loop_add_timer(&server->loop, INTERVAL, on_interval, server);
	return r;
}

static struct server the_server;

struct kw_loop *kw_server_open(const struct kw_server_settings *settings)
{
	struct server *server = &the_server;
	int r;

	*server = (struct server){.settings = settings,
				  .web = kw_web_ref(settings->web),
				  .door = {.enter = enter, .context = server},
				  .texts = {.link = settings->link},
				  .guesses = KW_GUESSES};
	r = open_all(server);
	if (r < 0) {
		kw_log_error(r, "cannot start the metrics server: %s", strerror(-r));
		return NULL;
	}
	kw_usage_open(&server->usage);
	return &server->loop;
}

int kw_server_begin(void)
{
	return say_taken(&the_server, 0);
}
