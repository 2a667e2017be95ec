/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics port, as the process that reads events sees it: another process that asks for finished texts.
 *
 * It is a process and not a thread, because strangers talk to it. Whatever they find in an HTTP or TLS library, that process
 * holds no BPF program or map, no capability, and no right to open anything; a thread would share all of these. It also
 * leaves this process with one thread, so giving up privileges, which is a matter of threads, needs no second look. And
 * nobody waits for anybody: texts go by boards (see link.h), and only when they are asked for. */
#ifndef KEEPWATCH_WEB_PORT_H
#define KEEPWATCH_WEB_PORT_H

#include <stddef.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "web/access.h"
#include "web/link.h"
#include "web/page_reply.h"

#define KW_PORT_INTERVAL (50 * KW_MS)

struct kw_port;

/* Writes the text of a form; the port frees it. Returns 0 or -errno. */
typedef int (*kw_port_write_fn)(void *context, enum kw_board form, char **ret_text, size_t *ret_length);

/* The port has taken over the rules that kw_port_set_web() gave it, or (@result below 0) has kept the old ones. */
typedef void (*kw_port_taken_fn)(void *context, int result);

struct kw_port_settings {
	const struct sockaddr_storage *address; /* to listen on */
	socklen_t length;
	const char *name;   /* name of the address, for messages */
	struct kw_web *web; /* stays the caller's */
	kw_page_frame_fn frame;
	kw_port_write_fn write;
	kw_port_taken_fn taken;
	void *context; /* of both callbacks */
};

/* Listens and starts the process, which has nothing of this one but what is open now, so call it early. @settings may go
 * after the call, except the context in it. Returns 0, or -errno after logging one line. */
int kw_port_open(const struct kw_port_settings *settings, struct kw_port **ret_port);

/* Ends the process, and returns when the address is free again. NULL is allowed. */
void kw_port_close(struct kw_port *port);
KW_DEFINE_CLEANUP(struct kw_port *, kw_port_close);

/* A descriptor that is readable when there is work: then call kw_port_run(). Call that each KW_PORT_INTERVAL too, because
 * a text that was asked for too soon is written later. Returns 0, or -errno, after logging one line, if the process has
 * ended. */
int kw_port_fd(const struct kw_port *port);
int kw_port_run(struct kw_port *port);

/* Hands over new rules for who may ask; kw_port_taken_fn follows. Returns -EBUSY and changes nothing if only one of the old
 * and new settings has TLS, because that needs a new start; or another -errno. No rules may be under way. */
int kw_port_set_web(struct kw_port *port, const struct kw_web *web);

/* The resources that its process took when it asked last. */
const struct kw_process *kw_port_process(const struct kw_port *port);

/* "http://127.0.0.1:9951/metrics", or https; valid as long as the port. */
const char *kw_port_url(const struct kw_port *port);

#endif
