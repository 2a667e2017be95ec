/* SPDX-License-Identifier: BSD-2-Clause */
/* Both ends of many connections, one after the other, played from a script: the client and the server of the kernel
 * tests. Linked statically, since a guest has no libraries of its own. One process acts for both ends, so the order of
 * acts is certain.
 *
 *   peers SCRIPT FOLDER      a line of the script is one act; "client" and "server" are the ENDs
 *
 *   pair NAME | pair6 NAME   a new connection over IPv4 or IPv6; prints NAME, the client's and the server's address
 *   refused NAME             a connect() that is refused; prints NAME, "-" and the address
 *   send END CALL PIECE HEX  the bytes by this system call: PIECE bytes a call, or a segment; 0: all at once
 *   recv END CALL PIECE N    waits until N bytes have arrived, then receives them in the same way
 *   close END | reset END    a FIN or a RST; the descriptor is gone
 *   half END                 a FIN of this direction alone
 *   ended END                reads the end of the stream, or the error that stands for it
 *   await END                waits for the peer's FIN or RST and reads nothing
 *   fork END                 a process of its own takes the end over
 *   exit END | kill END      that process exits, or is killed
 *   sleep MS
 *   observe                  writes the ports to FOLDER/ports, waits until there is FOLDER/observing */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "peers.h"

#define WAIT_MS 60000
#define LINE_MAX_BYTES (1 << 20)

struct end {
	int fd;
	pid_t holder; /* the process that holds it, if it is not this one */
	int order;    /* writing to it makes that process exit */
};

enum {
	CLIENT,
	SERVER
};

static struct end ends[2] = {{-1, 0, -1}, {-1, 0, -1}};
static int listeners[2];               /* IPv4, IPv6; on the same port */
static struct sockaddr_storage nobody; /* a port that nobody listens on */
static const char *folder;
static unsigned int line_number;

void peers_fail(const char *what)
{
	fprintf(stderr, "peers: line %u: %s: %s\n", line_number, what, strerror(errno));
	exit(1);
}

long peers_checked(long result, const char *what)
{
	if (result < 0)
		peers_fail(what);
	return result;
}

/* ---- addresses -------------------------------------------------------------------------------------- */

static socklen_t loopback(struct sockaddr_storage *address, int family, in_port_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	address->ss_family = (sa_family_t)family;
	v4->sin_port = port; /* at the same place in both */
	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*v4);
	}
	v6->sin6_addr = in6addr_loopback;
	return sizeof(*v6);
}

static in_port_t port_of(int fd)
{
	struct sockaddr_in6 address = {0}; /* has its port where a sockaddr_in has it */
	socklen_t size = sizeof(address);

	peers_checked(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
	return address.sin6_port;
}

/* As keepwatch writes it. */
static void print_name(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	char text[INET6_ADDRSTRLEN];

	peers_checked(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
	if (address.ss_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address)->sin6_addr, text, sizeof(text));
	printf(address.ss_family == AF_INET ? " %s:%u" : " [%s]:%u", text, ntohs(port_of(fd)));
}

static int bound(int family, in_port_t port)
{
	int fd = (int)peers_checked(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	struct sockaddr_storage address;
	socklen_t size = loopback(&address, family, port);

	if (bind(fd, (struct sockaddr *)&address, size) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Both families get the same port, so there is one service. */
static void open_listeners(void)
{
	do {
		listeners[0] = (int)peers_checked(bound(AF_INET, 0), "bind");
		listeners[1] = bound(AF_INET6, port_of(listeners[0]));
		if (listeners[1] < 0 && errno != EADDRINUSE)
			peers_fail("bind to ::1");
		if (listeners[1] < 0)
			close(listeners[0]);
	} while (listeners[1] < 0);
	for (int i = 0; i < 2; i++)
		peers_checked(listen(listeners[i], 16), "listen");
	loopback(&nobody, AF_INET, port_of((int)peers_checked(bound(AF_INET, 0), "bind")));
}

/* ---- connections ------------------------------------------------------------------------------------ */

static void let_go(struct end *end)
{
	if (end->fd >= 0)
		close(end->fd);
	end->fd = -1;
}

static void nothing_is_open(void)
{
	for (int i = 0; i < 2; i++)
		if (ends[i].fd >= 0 || ends[i].holder) {
			errno = EBUSY;
			peers_fail("the last connection still has an end");
		}
}

static void open_pair(const char *name, int family)
{
	int listener = listeners[family == AF_INET6], one = 1;
	struct sockaddr_storage address;
	socklen_t size = loopback(&address, family, port_of(listener));

	nothing_is_open();
	ends[CLIENT].fd = (int)peers_checked(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	peers_checked(connect(ends[CLIENT].fd, (struct sockaddr *)&address, size), "connect");
	ends[SERVER].fd = (int)peers_checked(accept(listener, NULL, NULL), "accept");
	for (int i = 0; i < 2; i++)
		peers_checked(setsockopt(ends[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "nodelay");
	printf("%s", name);
	print_name(ends[CLIENT].fd);
	print_name(ends[SERVER].fd);
	putchar('\n');
}

static void be_refused(const char *name)
{
	int fd = (int)peers_checked(socket(AF_INET, SOCK_STREAM, 0), "socket");

	if (connect(fd, (struct sockaddr *)&nobody, sizeof(struct sockaddr_in)) == 0 || errno != ECONNREFUSED)
		peers_fail("connect was not refused");
	close(fd);
	printf("%s - 127.0.0.1:%u\n", name, ntohs(((struct sockaddr_in *)&nobody)->sin_port));
}

static void wait_for(int fd, short events)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	if (peers_checked(poll(&poll_fd, 1, WAIT_MS), "poll") == 0) {
		errno = ETIMEDOUT;
		peers_fail("waiting in vain");
	}
}

static void wait_for_bytes(int fd, int count)
{
	int there = 0;

	for (int waited = 0; waited < WAIT_MS; waited++) {
		peers_checked(ioctl(fd, FIONREAD, &there), "FIONREAD");
		if (there >= count)
			return;
		usleep(1000);
	}
	errno = ETIMEDOUT;
	peers_fail("waiting for bytes in vain");
}

/* ---- acts ------------------------------------------------------------------------------------------- */

static size_t unhex(char *text)
{
	size_t size = strlen(text) / 2;

	for (size_t i = 0; i < size; i++) {
		char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

		text[i] = (char)strtol(digits, NULL, 16);
	}
	return size;
}

static void hand_over(struct end *end)
{
	int order[2];
	char byte;

	peers_checked(pipe(order), "pipe");
	end->holder = (pid_t)peers_checked(fork(), "fork");
	if (!end->holder) {
		let_go(end == &ends[CLIENT] ? &ends[SERVER] : &ends[CLIENT]);
		close(order[1]);
		_exit(read(order[0], &byte, 1) != 1);
	}
	close(order[0]);
	end->order = order[1];
	let_go(end);
}

static void end_holder(struct end *end, int kill_it)
{
	if (kill_it)
		peers_checked(kill(end->holder, SIGKILL), "kill");
	else
		peers_checked(write(end->order, "", 1), "write");
	peers_checked(waitpid(end->holder, NULL, 0), "waitpid");
	close(end->order);
	end->holder = 0;
}

static void reset(struct end *end)
{
	struct linger linger = {1, 0};

	peers_checked(setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), "linger");
	let_go(end);
}

static void read_end(const struct end *end)
{
	char byte;

	wait_for(end->fd, POLLIN);
	if (read(end->fd, &byte, 1) > 0) {
		errno = EBADMSG;
		peers_fail("a byte instead of the end");
	}
}

static void observe(void)
{
	char part[512], path[512];
	FILE *file;

	snprintf(part, sizeof(part), "%s/ports.part", folder);
	snprintf(path, sizeof(path), "%s/ports", folder);
	file = fopen(part, "w");
	if (!file)
		peers_fail(part);
	fprintf(file, "%u,%u\n", ntohs(port_of(listeners[0])),
		ntohs(((struct sockaddr_in *)&nobody)->sin_port));
	fclose(file);
	peers_checked(rename(part, path), path);
	snprintf(path, sizeof(path), "%s/observing", folder);
	while (access(path, F_OK) < 0)
		usleep(20000);
}

static void act_on(struct end *end, const char *act)
{
	if (strcmp(act, "close") == 0)
		let_go(end);
	else if (strcmp(act, "reset") == 0)
		reset(end);
	else if (strcmp(act, "half") == 0)
		peers_checked(shutdown(end->fd, SHUT_WR), act);
	else if (strcmp(act, "ended") == 0)
		read_end(end);
	else if (strcmp(act, "await") == 0)
		wait_for(end->fd, POLLRDHUP);
	else if (strcmp(act, "fork") == 0)
		hand_over(end);
	else if (strcmp(act, "exit") == 0 || strcmp(act, "kill") == 0)
		end_holder(end, act[0] == 'k');
	else {
		errno = ENOSYS;
		peers_fail(act);
	}
}

static void move_bytes(struct end *end, const char *act, const char *call, size_t piece, char *rest)
{
	static char room[LINE_MAX_BYTES];

	if (strcmp(act, "send") == 0) {
		peers_send(end->fd, call, piece, rest, unhex(rest));
		return;
	}
	wait_for_bytes(end->fd, atoi(rest));
	peers_receive(end->fd, call, piece, room, (size_t)atoi(rest));
}

static void perform(char *line)
{
	char *words[6] = {NULL};
	int count = 0;
	struct end *end;

	for (char *at = strtok(line, " \n"); at && count < 5; at = strtok(NULL, " \n"))
		words[count++] = at;
	if (!count)
		return;
	if (strcmp(words[0], "observe") == 0) {
		observe();
		return;
	}
	if (strcmp(words[0], "sleep") == 0)
		usleep((useconds_t)atoi(words[1]) * 1000);
	else if (strcmp(words[0], "pair") == 0)
		open_pair(words[1], AF_INET);
	else if (strcmp(words[0], "pair6") == 0)
		open_pair(words[1], AF_INET6);
	else if (strcmp(words[0], "refused") == 0)
		be_refused(words[1]);
	else {
		end = &ends[strcmp(words[1], "server") == 0 ? SERVER : CLIENT];
		if (count == 5)
			move_bytes(end, words[0], words[2], strtoul(words[3], NULL, 10), words[4]);
		else
			act_on(end, words[0]);
	}
}

int main(int argc, char **argv)
{
	FILE *script = argc == 3 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t room = 0;

	if (!script) {
		fprintf(stderr, "usage: peers SCRIPT FOLDER\n");
		return 2;
	}
	folder = argv[2];
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_listeners();
	while (getline(&line, &room, script) >= 0) {
		line_number++;
		perform(line);
	}
	nothing_is_open();
	free(line);
	fclose(script);
	return 0;
}
