/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/port.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "include/units.h"
#include "web/config_parcel.h"
#include "web/confine.h"
#include "web/listener.h"
#include "web/server.h"

/* Writing texts takes a fifth of the time at most, however often they are asked for. */
#define SHARE 5
#define END_MOST 2000 /* ms to wait for the process's end */

struct kw_port {
	struct kw_port_settings settings;
	struct kw_link link;
	bool tls;
	bool asked[KW_BOARD_FORMS];
	uint64_t next; /* monotonic ns; no text is written before */
	struct kw_process process;
	char url[KW_LISTENER_URL];
};

/* ---- the beginning ---- */

/* Whoever ends the daemon ends the process that reads events first; this one follows it. */
static void ignore_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

static int serve(const struct kw_port_settings *settings, const struct kw_link *link, int listener)
{
	struct kw_server_settings serving = {.listener = listener,
					     .loopback = kw_endpoint_is_loopback(settings->address),
					     .link = link,
					     .web = settings->web,
					     .frame = settings->frame};
	int keep[KW_BOARDS + 2] = {listener, link->fd}, r;
	struct kw_loop *loop;

	memcpy(keep + 2, link->boards, sizeof(link->boards));
	kw_confine_descriptors(keep, sizeof(keep) / sizeof(keep[0]));
	ignore_signals();
	loop = kw_server_open(&serving);
	if (!loop)
		return -1;
	kw_confine_take_precedence();
	r = kw_confine(listener);
	if (r == 0)
		r = kw_server_begin();
	return r < 0 ? r : kw_loop_run(loop);
}

static int await_start(const struct kw_link *link)
{
	struct kw_link_message message;
	int r;

	while ((r = kw_link_receive(link, &message)) == 0) {
		struct pollfd ready = {.fd = link->fd, .events = POLLIN};

		poll(&ready, 1, -1);
	}
	return r < 0 ? r : 0;
}

static int start(struct kw_port *port, int listener)
{
	struct kw_link of_port;
	int r = kw_link_open(&port->link, &of_port);
	pid_t pid;

	if (r < 0)
		return kw_log_error(r, "cannot start the metrics port: %s", strerror(-r));
	pid = fork();
	if (pid == 0)
		_exit(serve(&port->settings, &of_port, listener) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	r = pid < 0 ? -errno : 0;
	kw_link_close(&of_port);
	if (r < 0)
		return kw_log_error(r, "cannot start the process of the metrics port: %s", strerror(-r));
	r = await_start(&port->link);
	if (r < 0) /* it has said why */
		waitpid(pid, NULL, 0);
	return r;
}

int kw_port_open(const struct kw_port_settings *settings, struct kw_port **ret_port)
{
	_cleanup_fd_ int listener = kw_listener_open(settings->address, settings->length, settings->name);
	_cleanup_free_ struct kw_port *port = NULL;
	int r;

	if (listener < 0)
		return listener;
	port = calloc(1, sizeof(*port));
	if (!port)
		return kw_log_error(-ENOMEM, "out of memory");
	port->settings = *settings;
	port->tls = kw_web_has_tls(settings->web);
	kw_listener_url(listener, port->tls, port->url);
	r = start(port, listener);
	if (r < 0)
		return r;
	port->settings.address = NULL;
	port->settings.web = NULL;
	*ret_port = TAKE_PTR(port);
	return 0;
}

/* ---- while it runs ---- */

static void write_form(struct kw_port *port, enum kw_board form)
{
	struct kw_link_message message = {.board = form};
	uint64_t began = kw_clock_monotonic();
	_cleanup_free_ char *text = NULL;
	size_t length = 0;

	message.result = port->settings.write(port->settings.context, form, &text, &length);
	if (message.result == 0)
		message.result = kw_link_write(&port->link, form, text, length);
	message.length = length;
	kw_link_send(&port->link, &message); /* whether it has ended, the next receive says */
	port->asked[form] = false;
	port->next = kw_clock_monotonic() + (SHARE - 1) * (kw_clock_monotonic() - began);
}

static void take(struct kw_port *port, const struct kw_link_message *message)
{
	port->process = message->process;
	if (message->board == KW_BOARD_RULES)
		port->settings.taken(port->settings.context, message->result);
	else
		port->asked[message->board] = true;
}

int kw_port_run(struct kw_port *port)
{
	struct kw_link_message message;
	int r;

	while ((r = kw_link_receive(&port->link, &message)) > 0)
		take(port, &message);
	if (r < 0)
		return kw_log_error(r, "the process of the metrics port has ended");
	for (enum kw_board form = 0; form < KW_BOARD_FORMS; form++)
		if (port->asked[form] && kw_clock_monotonic() >= port->next)
			write_form(port, form);
	return 0;
}

int kw_port_set_web(struct kw_port *port, const struct kw_web *web)
{
	struct kw_link_message message = {.board = KW_BOARD_RULES};
	_cleanup_free_ char *bytes = NULL;
	size_t length;
	int r;

	if (kw_web_has_tls(web) != port->tls)
		return -EBUSY;
	r = kw_web_config_pack(kw_web_config_of(web), &bytes, &length);
	if (r < 0)
		return r;
	r = kw_link_write(&port->link, KW_BOARD_RULES, bytes, length);
	explicit_bzero(bytes, length);
	message.length = length;
	return r < 0 ? r : kw_link_send(&port->link, &message);
}

int kw_port_fd(const struct kw_port *port)
{
	return port->link.fd;
}

const struct kw_process *kw_port_process(const struct kw_port *port)
{
	return &port->process;
}

const char *kw_port_url(const struct kw_port *port)
{
	return port->url;
}

/* The other side sees the end of the link, and its own side ends with it. */
void kw_port_close(struct kw_port *port)
{
	struct kw_link_message message;

	if (!port)
		return;
	shutdown(port->link.fd, SHUT_WR);
	while (kw_link_receive(&port->link, &message) >= 0) {
		struct pollfd ready = {.fd = port->link.fd, .events = POLLIN};

		if (poll(&ready, 1, END_MOST) <= 0)
			break;
	}
	kw_link_close(&port->link);
	free(port);
}
