/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/arithmetic.h"
#include "base/memory.h"
#include "base/sanitize.h"
#include "event/field_names.h"

#define NAMED(field) (1U << (KW_NAMES + (field))) /* in sets of fields, behind the names from the kernel side */

/* The servers' ends of the connections on which a process received something. A program that talks with itself sends nothing
 * on, so it counts only for connections with another server. */
struct seen {
	bool at_all;
	bool elsewhere; /* at other ends too */
	uint16_t port;  /* of the first one */
	uint8_t address[16];
};

/* A timeout that a process received in Keep-Alive fields, and the numbers of requests that came with it. */
struct timeout {
	uint32_t seconds;
	uint32_t least, most; /* of max; undefined without has_max */
	bool has_max;
	bool bare; /* it came without max too */
};

/* The fields that a process received, by the direction of flow where that matters. */
struct kw_audit_process {
	uint32_t pid;
	char comm[KW_COMM];
	struct seen proxy_connection[2]; /* by enum http1_direction */
	struct seen te, upgrade;         /* options of Connection, in requests */
	bool sends_lists;                /* it sent on what a Connection field listed */
	uint32_t agreed;                 /* a timeout that it both received and sent; 0: none so far */
	bool agreed_twice;               /* and another one too */
	size_t timeout_count;
	struct timeout timeouts[KW_AUDIT_TIMEOUTS];
	struct seen timeouts_seen[KW_AUDIT_TIMEOUTS];
	UT_hash_handle hh;
};

struct socket {
	uint64_t cookie;
	uint64_t generation; /* as wide as that, so that no byte of a key is undefined */
};

struct kw_audit_connection {
	struct socket socket;
	struct kw_identity identity;
	char names[KW_NAMES][HTTP1_WORD];
	uint32_t proven;        /* set of fields: sent on */
	uint32_t suspected;     /* sent; they are sent on if the process has received them */
	uint32_t told;          /* of the proven ones */
	struct timeout timeout; /* of its Keep-Alive fields; its least is the latest max */
	bool unnamed;           /* the latest of them was not listed by Connection */
	bool closed;            /* its last record has come */
	UT_hash_handle hh;
};

int kw_audit_open(struct kw_audit *audit)
{
	*audit = (struct kw_audit){
		.processes = kw_memory_of_ring(KW_AUDIT_PROCESSES, sizeof(*audit->processes)),
		.connections = kw_memory_of_ring(KW_AUDIT_CONNECTIONS, sizeof(*audit->connections)),
	};
	if (audit->processes && audit->connections)
		return 0;
	kw_audit_close(audit);
	return -ENOMEM;
}

void kw_audit_close(struct kw_audit *audit)
{
	HASH_CLEAR(hh, audit->process_table);
	HASH_CLEAR(hh, audit->connection_table);
	free(audit->processes);
	free(audit->connections);
	*audit = (struct kw_audit){0};
}

/* ---- taking ---- */

/* The process's entry; NULL if it has none. One whose name differs had the same pid before. */
static struct kw_audit_process *find_process(const struct kw_audit *audit, const struct kw_identity *identity)
{
	struct kw_audit_process *process;

	HASH_FIND(hh, audit->process_table, &identity->pid, sizeof(identity->pid), process);
	return process && strncmp(process->comm, identity->comm, KW_COMM) == 0 ? process : NULL;
}

/* The process's entry, which is made in the place of the oldest if need be. */
static struct kw_audit_process *add_process(struct kw_audit *audit, const struct kw_identity *identity)
{
	struct kw_audit_process *process = find_process(audit, identity), *same;

	if (process)
		return process;
	HASH_FIND(hh, audit->process_table, &identity->pid, sizeof(identity->pid), same);
	process = same ? same : &audit->processes[audit->process_count++ % KW_AUDIT_PROCESSES];
	/* One with a pid is in the table. NOLINTBEGIN(clang-analyzer-core.NullDereference) */
	if (process->pid)
		HASH_DEL(audit->process_table, process);
	/* NOLINTEND(clang-analyzer-core.NullDereference) */
	*process = (struct kw_audit_process){.pid = identity->pid};
	memcpy(process->comm, identity->comm, KW_COMM);
	HASH_ADD(hh, audit->process_table, pid, sizeof(process->pid), process);
	return process;
}

static struct kw_audit_connection *find_connection(const struct kw_audit *audit,
						   const struct kw_identity *identity)
{
	struct socket socket = {identity->cookie, identity->generation};
	struct kw_audit_connection *connection;

	/* All of the key is set. NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	HASH_FIND(hh, audit->connection_table, &socket, sizeof(socket), connection);
	return connection;
}

static struct kw_audit_connection *add_connection(struct kw_audit *audit, const struct kw_identity *identity)
{
	struct kw_audit_connection *connection = find_connection(audit, identity);

	if (connection)
		return connection;
	connection = &audit->connections[audit->connection_count++ % KW_AUDIT_CONNECTIONS];
	if (connection->socket.cookie)
		HASH_DEL(audit->connection_table, connection);
	*connection = (struct kw_audit_connection){.socket = {identity->cookie, identity->generation},
						   .identity = *identity};
	HASH_ADD(hh, audit->connection_table, socket, sizeof(connection->socket), connection);
	return connection;
}

/* The Keep-Alive fields of the responses on a connection, put together. @ret_timeout->least is the latest max. Returns whether
 * there are any with a timeout. */
static bool timeout_of(const struct kw_http *http, struct timeout *ret_timeout)
{
	bool counted_down = http->flags & KW_HTTP_MAX_COUNTED_DOWN && http->max_responses;

	if (!http->has_timeout)
		return false;
	*ret_timeout = (struct timeout){
		.seconds = http->timeout,
		.least = http->max,
		.most = http->max + (counted_down ? http->max_responses - 1 : 0),
		.has_max = http->has_max,
		.bare = !http->has_max,
	};
	return true;
}

static bool learn(bool *known, bool seen)
{
	bool news = seen && !*known;

	*known |= seen;
	return news;
}

static const uint8_t *server_address(const struct kw_identity *identity)
{
	return identity->role == KW_ROLE_CLIENT ? identity->remote : identity->local;
}

static uint16_t server_port(const struct kw_identity *identity)
{
	return identity->role == KW_ROLE_CLIENT ? identity->remote_port : identity->local_port;
}

static bool is_there(const struct seen *seen, const struct kw_identity *identity)
{
	return seen->port == server_port(identity) &&
	       memcmp(seen->address, server_address(identity), sizeof(seen->address)) == 0;
}

/* It was received on this connection. Returns whether that is new. */
static bool see(struct seen *seen, const struct kw_identity *identity)
{
	if (seen->at_all)
		return learn(&seen->elsewhere, !is_there(seen, identity));
	seen->at_all = true;
	seen->port = server_port(identity);
	memcpy(seen->address, server_address(identity), sizeof(seen->address));
	return true;
}

/* Whether it was received on a connection with another server than this one's. */
static bool is_seen_elsewhere(const struct seen *seen, const struct kw_identity *identity)
{
	return seen->elsewhere || (seen->at_all && !is_there(seen, identity));
}

/* Widens @to, which has the same seconds. Returns whether that changed it. */
static bool widen(struct timeout *to, const struct timeout *by)
{
	struct timeout before = *to;

	if (by->has_max) {
		to->least = to->has_max && to->least < by->least ? to->least : by->least;
		to->most = to->has_max && to->most > by->most ? to->most : by->most;
		to->has_max = true;
	}
	to->bare |= by->bare;
	return before.least != to->least || before.most != to->most || before.has_max != to->has_max ||
	       before.bare != to->bare;
}

/* The process received these Keep-Alive fields on this connection. Returns whether that is new. */
static bool see_timeout(struct kw_audit_process *process, const struct timeout *timeout,
			const struct kw_identity *identity)
{
	size_t at = 0;
	bool news;

	while (at < process->timeout_count && process->timeouts[at].seconds != timeout->seconds)
		at++;
	if (at == KW_AUDIT_TIMEOUTS)
		return false;
	if (at == process->timeout_count) {
		process->timeouts[at] = *timeout;
		process->timeout_count++;
	}
	news = see(&process->timeouts_seen[at], identity);
	return widen(&process->timeouts[at], timeout) || news;
}

/* Notes what the process received on a connection. Returns whether that is new. */
static bool take_received(struct kw_audit *audit, const struct kw_event_connection *event)
{
	const struct kw_identity *identity = &event->identity;
	const struct kw_http *http = &event->http;
	bool client = identity->role == KW_ROLE_CLIENT, te, upgrade, proxy, news = false;
	struct kw_audit_process *process;
	struct timeout timeout = {0};

	proxy = http->flags & (client ? KW_HTTP_PROXY_CONNECTION_ANSWER : KW_HTTP_PROXY_CONNECTION);
	te = !client && http->last_request_flags & HTTP1_FLAG_TE;
	upgrade = !client && http->counts.request.upgrade;
	if (client)
		timeout_of(http, &timeout);
	if (!proxy && !te && !upgrade && !timeout.seconds)
		return false;
	process = add_process(audit, identity);
	if (proxy)
		news |= see(&process->proxy_connection[client ? HTTP1_RESPONSES : HTTP1_REQUESTS], identity);
	if (te)
		news |= see(&process->te, identity);
	if (upgrade)
		news |= see(&process->upgrade, identity);
	if (timeout.seconds)
		news |= see_timeout(process, &timeout, identity);
	return news;
}

/* Fields that programs which send on a message write anew, whatever they received: that they are there proves nothing. */
static bool is_written_anew(const char name[HTTP1_WORD])
{
	static const char *const names[] = {
		"accept",           "accept-encoding",
		"cdn-loop",         "date",
		"max-forwards",     "origin",
		"pragma",           "range",
		"traceparent",      "tracestate",
		"user-agent",       "x-forwarded-host",
		"x-forwarded-port", "x-forwarded-server",
		"x-real-ip",        "x-request-id",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(name, names[i], HTTP1_WORD) == 0)
			return true;
	return kw_field_is_end_to_end(kw_field_of(name));
}

/* The names that the kernel side compared with those that the process had received. */
static uint32_t proven_names(const struct kw_event_history *history, bool *ret_lists)
{
	uint32_t set = 0;

	for (int i = 0; history && i < KW_NAMES && history->names[i].name[0]; i++) {
		uint32_t kinds = history->name_kinds >> (i * KW_NAME_KINDS);

		*ret_lists |= kinds & KW_NAME_PASSED_ON;
		if (kinds & KW_NAME_PASSED_ON ||
		    (kinds & KW_NAME_AS_FIELD && !is_written_anew(history->names[i].name)))
			set |= 1U << i;
	}
	return set;
}

/* The other fields that were sent, which are sent on if the process has received them. */
static uint32_t suspected(const struct kw_event_connection *event)
{
	const struct kw_http *http = &event->http;
	uint32_t set = 0;

	if (event->identity.role == KW_ROLE_SERVER) {
		set |= http->has_timeout ? NAMED(KW_AUDIT_KEEP_ALIVE) : 0;
		set |= http->flags & KW_HTTP_PROXY_CONNECTION_ANSWER ? NAMED(KW_AUDIT_PROXY_CONNECTION) : 0;
		return set;
	}
	set |= http->flags & KW_HTTP_PROXY_CONNECTION ? NAMED(KW_AUDIT_PROXY_CONNECTION) : 0;
	set |= http->last_request_flags & HTTP1_FLAG_TE ? NAMED(KW_AUDIT_TE) : 0;
	if (http->counts.request.upgrade && !(http->flags & KW_HTTP_TUNNEL))
		set |= NAMED(KW_AUDIT_UPGRADE);
	return set;
}

/* Notes what the process sent on a connection. Returns its entry; NULL if it needs none. */
static struct kw_audit_connection *take_sent(struct kw_audit *audit, const struct kw_event *event,
					     bool *ret_lists)
{
	const struct kw_event_connection *from = event->connection;
	uint32_t proven = proven_names(event->history, ret_lists), maybe = suspected(from);
	struct kw_audit_connection *connection = find_connection(audit, &from->identity);

	if (!proven && !maybe && !connection)
		return NULL;
	connection = add_connection(audit, &from->identity);
	for (int i = 0; event->history && i < KW_NAMES; i++)
		memcpy(connection->names[i], event->history->names[i].name, HTTP1_WORD);
	connection->proven |= proven;
	connection->suspected |= maybe;
	timeout_of(&from->http, &connection->timeout);
	connection->unnamed = from->http.last_response_flags & HTTP1_FLAG_TIMEOUT &&
			      !(from->http.last_response_flags & HTTP1_FLAG_KEEP_ALIVE);
	connection->closed = from->report == KW_REPORT_CLOSED;
	return connection;
}

/* Notes whether a timeout that the process sent is one of those that it received. Returns whether two different ones are, for the
 * first time: no program writes that of its own accord. */
static bool compare_timeouts(struct kw_audit *audit, const struct kw_event_connection *event)
{
	struct kw_audit_process *process = find_process(audit, &event->identity);
	uint32_t seconds = event->http.timeout;
	bool both = false;

	if (!process || event->identity.role != KW_ROLE_SERVER || !event->http.has_timeout)
		return false;
	for (size_t i = 0; i < process->timeout_count; i++)
		both |= process->timeouts[i].seconds == seconds &&
			is_seen_elsewhere(&process->timeouts_seen[i], &event->identity);
	if (!both)
		return false;
	if (!process->agreed)
		process->agreed = seconds;
	return learn(&process->agreed_twice, process->agreed != seconds);
}

void kw_audit_take(struct kw_audit *audit, const struct kw_event *event)
{
	const struct kw_event_connection *from = event->connection;
	struct kw_audit_connection *connection;
	bool lists = false, news;

	audit->present = NULL;
	audit->next = audit->end = 0;
	audit->now = kw_greatest(audit->now, event->time);
	if (!from || !from->identity.pid || from->identity.role == KW_ROLE_UNKNOWN ||
	    from->http.protocol != HTTP1_PROTOCOL_HTTP1)
		return;
	news = take_received(audit, from);
	connection = take_sent(audit, event, &lists);
	if (lists)
		news |= learn(&add_process(audit, &from->identity)->sends_lists, true);
	news |= compare_timeouts(audit, from);
	audit->present = connection;
	if (connection) {
		audit->next = (size_t)(connection - audit->connections);
		audit->end = audit->next + 1;
	}
	if (news) {
		audit->next = 0;
		audit->end = KW_AUDIT_CONNECTIONS;
	}
}

/* ---- deciding ---- */

static bool is_received(const struct kw_audit_process *process, const struct kw_audit_connection *connection)
{
	const struct timeout *sent = &connection->timeout;

	for (size_t i = 0; i < process->timeout_count; i++) {
		const struct timeout *received = &process->timeouts[i];

		if (received->seconds != sent->seconds ||
		    !is_seen_elsewhere(&process->timeouts_seen[i], &connection->identity))
			continue;
		if (!sent->has_max)
			return received->bare;
		return received->has_max && sent->least >= received->least && sent->least <= received->most;
	}
	return false;
}

/* Many programs write a Keep-Alive field of their own, and often with the timeout that the server behind them has: then
 * Connection lists it. So equal values alone prove nothing. */
static bool is_keep_alive_sent_on(const struct kw_audit_process *process,
				  const struct kw_audit_connection *connection)
{
	return is_received(process, connection) &&
	       (connection->unnamed || process->sends_lists || process->agreed_twice);
}

/* The set of fields that are known to have been sent on. Programs write the options te and upgrade themselves, unless they send
 * on what Connection lists. */
static uint32_t prove(const struct kw_audit *audit, const struct kw_audit_connection *connection)
{
	const struct kw_identity *identity = &connection->identity;
	const struct kw_audit_process *process = find_process(audit, identity);
	bool client = identity->role == KW_ROLE_CLIENT;
	uint32_t set = 0;

	if (!process)
		return connection->proven;
	if (is_seen_elsewhere(&process->proxy_connection[client ? HTTP1_REQUESTS : HTTP1_RESPONSES], identity))
		set |= NAMED(KW_AUDIT_PROXY_CONNECTION);
	if (process->sends_lists && is_seen_elsewhere(&process->te, identity))
		set |= NAMED(KW_AUDIT_TE);
	if (process->sends_lists && is_seen_elsewhere(&process->upgrade, identity))
		set |= NAMED(KW_AUDIT_UPGRADE);
	if (!client && is_keep_alive_sent_on(process, connection))
		set |= NAMED(KW_AUDIT_KEEP_ALIVE);
	return connection->proven | (set & connection->suspected);
}

/* ---- handing over ---- */

static void list(struct kw_forwarded *forwarded, const struct kw_audit_connection *connection, uint32_t set)
{
	static const char *const names[KW_AUDIT_FIELDS] = {"keep-alive", "proxy-connection", "te", "upgrade"};

	for (int i = 0; i < KW_NAMES + KW_AUDIT_FIELDS; i++) {
		const char *name = i < KW_NAMES ? connection->names[i] : names[i - KW_NAMES];

		if (set & 1U << i)
			kw_sanitize(name, HTTP1_WORD, forwarded->names[forwarded->count++], HTTP1_WORD + 1);
	}
	if (set & NAMED(KW_AUDIT_KEEP_ALIVE))
		forwarded->timeout = connection->timeout.seconds;
}

bool kw_audit_next(struct kw_audit *audit, struct kw_forwarded *ret_forwarded)
{
	while (audit->next < audit->end) {
		struct kw_audit_connection *connection = &audit->connections[audit->next++];
		uint32_t news;

		if (!connection->socket.cookie)
			continue;
		connection->proven = prove(audit, connection);
		news = connection->proven & ~connection->told;
		if (!news)
			continue;
		*ret_forwarded = (struct kw_forwarded){
			.identity = connection->identity,
			.time = audit->now,
			.first = !connection->told,
			.after = connection->closed && connection != audit->present,
		};
		list(ret_forwarded, connection, news);
		connection->told |= news;
		return true;
	}
	return false;
}

void kw_audit_of(const struct kw_audit *audit, const struct kw_event_connection *event,
		 struct kw_forwarded *ret_forwarded)
{
	const struct kw_audit_connection *connection = find_connection(audit, &event->identity);

	*ret_forwarded = (struct kw_forwarded){.identity = event->identity, .time = audit->now};
	if (connection)
		list(ret_forwarded, connection, prove(audit, connection));
}
