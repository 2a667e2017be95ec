/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the calls that the kernel side makes for one plain message, a line for each of its ends:
 *
 *     calls [tracepoint|trampoline]
 *
 * calls of helpers; rounds of bpf_loop(), each of them a call; calls of functions that are not inlined; then which helpers, and
 * how often each. Some of these helpers a newer kernel replaces by instructions when it loads a program.
 *
 * A connection of this process with itself carries the messages: a request without a body and a response with a short one, on
 * a connection that is in use already. Meanwhile only the programs of sends and receives are attached, and only calls within
 * this process's system call count, so that nothing else on the host is in the numbers. Run as root. */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "include/event.h"
#include "observe/front_end.h"
#include "observe/tail_calls.h"
#include "calls.h"
#include "calls.skel.h"
#include "front_end_named.h"

#define HEAD_AND_BODY 2
#define ROOM 4096

/* The numbers that the kernel side uses. */
_Static_assert((int)KW_HELPER_LOOP == (int)BPF_FUNC_loop, "");
_Static_assert((int)KW_HELPER_TAIL_CALL == (int)BPF_FUNC_tail_call, "");

/* Of helpers, without "bpf_"; by number. */
static const char *const names[KW_HELPERS] = {
#define NAME(name) [BPF_FUNC_##name] = #name
	__BPF_FUNC_MAPPER(NAME)
#undef NAME
};

static int complain(const char *what, int error)
{
	fprintf(stderr, "calls: %s: %s\n", what, strerror(error));
	return -1;
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* ---- the programs ------------------------------------------------------------------------------------- */

/* Opens the programs, for connections of this process with @port. */
static struct calls_bpf *open_programs(in_port_t port, enum kw_front_end front_end)
{
	struct calls_bpf *skel = calls_bpf__open();
	struct kw_front_end_choice choice;
	char why[128];

	if (!skel) {
		complain("cannot read the programs", errno);
		return NULL;
	}
	skel->bss->kw_config.port_count = 1;
	skel->bss->kw_config.ports[0] = port;
	skel->bss->kw_config.pid = (__u32)getpid();
	kw_front_end_hold(skel->obj);
	if (kw_front_end_choose(skel->obj, front_end, &choice) == 0)
		return skel;
	kw_missing_hook_text(&choice.missing, why, sizeof(why));
	fprintf(stderr, "calls: cannot attach to %s: %s; run as root, see keepwatch check\n",
		choice.missing.hook, why);
	calls_bpf__destroy(skel);
	return NULL;
}

static int attach(struct calls_bpf *skel)
{
	int r = calls_bpf__load(skel);

	if (r < 0)
		return complain("the programs do not load", -r);
	r = kw_tail_calls_fill(skel->obj);
	if (r == 0)
		r = calls_bpf__attach(skel);
	return r < 0 ? complain("the programs do not attach", -r) : 0;
}

static int is_measured(const char *program)
{
	static const char *const measured[] = {"kw_send", "kw_receive", "kw_sendmsg", "kw_recvmsg"};

	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++)
		if (strcmp(program, measured[i]) == 0)
			return 1;
	return 0;
}

/* Takes off all other programs: a softirq, which may run them in the midst of any process, finds none then. */
static void detach_others(struct calls_bpf *skel)
{
	for (int i = 0; i < skel->skeleton->prog_cnt; i++) {
		struct bpf_prog_skeleton *program = &skel->skeleton->progs[i];

		if (is_measured(program->name))
			continue;
		bpf_link__destroy(*program->link);
		*program->link = NULL;
	}
}

/* ---- the connection ----------------------------------------------------------------------------------- */

struct connection {
	int listener, client, server;
	in_port_t port; /* of the server */
};

static int open_listener(struct connection *connection)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	connection->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->listener < 0 || bind(connection->listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(connection->listener, 1) < 0 ||
	    getsockname(connection->listener, (struct sockaddr *)&address, &size) < 0)
		return complain("cannot listen", errno);
	connection->port = ntohs(address.sin_port);
	return 0;
}

/* Without Nagle's algorithm a send leaves at once, so that it takes the same calls each time. */
static int open_connection(struct connection *connection)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(connection->port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;

	connection->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->client < 0 ||
	    connect(connection->client, (struct sockaddr *)&address, sizeof(address)) < 0)
		return complain("cannot connect", errno);
	connection->server = accept4(connection->listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection->server < 0 ||
	    setsockopt(connection->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(connection->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return complain("cannot accept", errno);
	return 0;
}

/* ---- the messages ------------------------------------------------------------------------------------- */

static const struct message {
	const char *name;
	const char *parts[HEAD_AND_BODY];
} request = {"a request",
	     {"GET /index.html HTTP/1.1\r\n"
	      "Host: localhost\r\n"
	      "User-Agent: calls/1\r\n"
	      "Accept: */*\r\n\r\n",
	      ""}},
  response = {"a response",
	      {"HTTP/1.1 200 OK\r\n"
	       "Server: calls\r\n"
	       "Content-Type: text/plain\r\n"
	       "Content-Length: 6\r\n"
	       "Connection: keep-alive\r\n\r\n",
	       "hello\n"}};

struct carrier {
	const char *name;
	ssize_t (*send)(int end, const struct message *message);
	ssize_t (*receive)(int end, char *room);
};

static ssize_t send_buffer(int end, const struct message *message)
{
	char buffer[ROOM];
	int size = snprintf(buffer, sizeof(buffer), "%s%s", message->parts[0], message->parts[1]);

	return send(end, buffer, (size_t)size, 0);
}

static ssize_t receive_buffer(int end, char *room)
{
	return recv(end, room, ROOM, 0);
}

static ssize_t send_vector(int end, const struct message *message)
{
	struct iovec vector[HEAD_AND_BODY];

	for (int i = 0; i < HEAD_AND_BODY; i++)
		vector[i] = (struct iovec){(void *)message->parts[i], strlen(message->parts[i])};
	return writev(end, vector, HEAD_AND_BODY);
}

static ssize_t receive_vector(int end, char *room)
{
	struct iovec vector = {room, ROOM};

	return readv(end, &vector, 1);
}

static const struct carrier carriers[] = {
	{"in one buffer", send_buffer, receive_buffer},
	{"in a vector", send_vector, receive_vector},
};

/* ---- the counts --------------------------------------------------------------------------------------- */

static void begin_counting(struct calls_bpf *skel)
{
	skel->bss->kw_calls = (struct kw_calls){.pid = (__u32)getpid()};
}

static struct kw_calls end_counting(struct calls_bpf *skel)
{
	skel->bss->kw_calls.pid = 0;
	return skel->bss->kw_calls;
}

static void print_heading(void)
{
	printf("%-36s %7s %9s %9s  %s\n", "path of a plain message", "helpers", "callbacks", "functions",
	       "which");
}

static void print_helpers(const struct kw_calls *calls)
{
	const char *separator = "";

	for (int i = 0; i < KW_HELPERS; i++) {
		if (!calls->helpers[i])
			continue;
		printf("%sbpf_%s %llu", separator, names[i] ? names[i] : "unnamed", calls->helpers[i]);
		separator = ", ";
	}
	printf("\n");
}

/* The functions that were called are those that were entered, without callbacks, the program itself, and one more program for
 * each tail call. */
static int print_row(const char *act, const struct message *message, const struct carrier *carrier,
		     const struct kw_calls *calls)
{
	__u64 programs = 1 + calls->helpers[KW_HELPER_TAIL_CALL];
	__u64 helpers = 0;
	char path[64];

	if (!calls->entries) {
		fprintf(stderr, "calls: no program saw this process %s %s\n", act, message->name);
		return -1;
	}
	for (int i = 0; i < KW_HELPERS; i++)
		helpers += calls->helpers[i];
	snprintf(path, sizeof(path), "%s, %s %s", act, message->name, carrier->name);
	printf("%-36s %7llu %9llu %9llu  ", path, helpers, calls->callbacks,
	       calls->entries - programs - calls->callbacks);
	print_helpers(calls);
	return 0;
}

/* One message from one end to the other, and if @is_counted the two rows for it. */
static int carry(struct calls_bpf *skel, int from, int to, const struct message *message,
		 const struct carrier *carrier, int is_counted)
{
	ssize_t size = (ssize_t)(strlen(message->parts[0]) + strlen(message->parts[1]));
	struct kw_calls sent, received;
	char room[ROOM];

	begin_counting(skel);
	if (carrier->send(from, message) != size)
		return complain("cannot send", errno);
	sent = end_counting(skel);
	begin_counting(skel);
	if (carrier->receive(to, room) != size)
		return complain("cannot receive", errno);
	received = end_counting(skel);
	if (!is_counted)
		return 0;
	if (print_row("send", message, carrier, &sent) < 0)
		return -1;
	return print_row("receive", message, carrier, &received);
}

static int exchange(struct calls_bpf *skel, const struct connection *connection, const struct carrier *carrier,
		    int is_counted)
{
	int r = carry(skel, connection->client, connection->server, &request, carrier, is_counted);

	return r < 0 ? r : carry(skel, connection->server, connection->client, &response, carrier, is_counted);
}

/* The first exchange is not counted, because the connection's owner is looked up in it. */
static int measure(struct calls_bpf *skel, struct connection *connection)
{
	if (attach(skel) < 0 || open_connection(connection) < 0 ||
	    exchange(skel, connection, &carriers[0], 0) < 0)
		return -1;
	detach_others(skel);
	print_heading();
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++)
		if (exchange(skel, connection, &carriers[i], 1) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	enum kw_front_end front_end = front_end_named(argc > 1 ? argv[1] : NULL);
	struct connection connection = {0};
	struct calls_bpf *skel;
	int r;

	if (front_end == KW_FRONT_END_MAX) {
		fprintf(stderr, "usage: calls [tracepoint|trampoline]\n");
		return 2;
	}
	libbpf_set_print(print_nothing);
	if (open_listener(&connection) < 0)
		return 1;
	skel = open_programs(connection.port, front_end);
	if (!skel)
		return 1;
	r = measure(skel, &connection);
	calls_bpf__destroy(skel);
	return r < 0 ? 1 : 0;
}
