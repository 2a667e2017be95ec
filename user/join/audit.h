/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields that were meant for one connection only, and that a program sent on to the next (RFC 9110 section 7.6.1): names that
 * a process received on some connections are compared with those that it sends on others, in the direction of flow. Single
 * requests are not linked. Pure: times are those of the events, so a replay joins as the live run did. */
#ifndef KEEPWATCH_AUDIT_H
#define KEEPWATCH_AUDIT_H

#include <stdbool.h>

#include "event/decode.h"

#define KW_AUDIT_PROCESSES 256    /* that are remembered: those that received such fields first, last */
#define KW_AUDIT_CONNECTIONS 1024 /* on which something was sent that is, or may turn out to be, sent on */
#define KW_AUDIT_TIMEOUTS 8       /* of servers behind a process */

/* Fields that are known without a name from the kernel side. */
enum kw_audit_field {
	KW_AUDIT_KEEP_ALIVE,
	KW_AUDIT_PROXY_CONNECTION,
	KW_AUDIT_TE,
	KW_AUDIT_UPGRADE,
	KW_AUDIT_FIELDS,
};

/* Fields that were sent on, on one connection: in requests if its process opened it, else in responses. */
struct kw_forwarded {
	struct kw_identity identity;
	uint64_t time;    /* of the event that proved it */
	bool first;       /* none was known before on this connection */
	bool after;       /* the connection's last record came before the one that proved it */
	uint32_t timeout; /* that a Keep-Alive field among them promises, seconds; 0: there is none */
	size_t count;
	char names[KW_NAMES + KW_AUDIT_FIELDS][HTTP1_WORD + 1]; /* safe to print, ended by NUL */
};

struct kw_audit_process;
struct kw_audit_connection;

struct kw_audit {
	struct kw_audit_process *processes, *process_table;         /* a ring, owned; and its entries by pid */
	struct kw_audit_connection *connections, *connection_table; /* the same, by socket */
	uint64_t process_count, connection_count;                   /* so far */
	uint64_t now;                                               /* time of the latest event */
	const struct kw_audit_connection
		*present; /* of the latest event; NULL: it says nothing of such a connection */
	size_t next, end; /* connections of the ring that may have news */
};

/* Returns 0 or -ENOMEM. */
int kw_audit_open(struct kw_audit *audit);
void kw_audit_close(struct kw_audit *audit);

/* Takes an event. After each call kw_audit_next() must be called until it returns false. */
void kw_audit_take(struct kw_audit *audit, const struct kw_event *event);

/* The next connection whose fields are now known to have been sent on, with those that were not known before; or false. */
bool kw_audit_next(struct kw_audit *audit, struct kw_forwarded *ret_forwarded);

/* All fields that are known to have been sent on, on the connection of this event, which was taken; count 0 if there is none. */
void kw_audit_of(const struct kw_audit *audit, const struct kw_event_connection *event,
		 struct kw_forwarded *ret_forwarded);

#endif
