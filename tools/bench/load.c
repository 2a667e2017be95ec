/* SPDX-License-Identifier: BSD-2-Clause */
/* A load whose rate and whose connections are exact: it holds both ends of each of them.
 *
 *     load PROCESSES PROTOCOL
 *
 * Each process listens on a loopback address of its own, all on one port, which the first line on standard output
 * tells: {"port": N}. Both ends are blocking sockets in one process, so that an exchange is four calls in a row. Then
 * each line on standard input is a command to all processes, answered by one line: {"done": N, "seconds": S,
 * "server": C}, where C is the seconds of processor time that the servers' ends took. Only the last two count it,
 * because the reading of that clock costs as much as a small call.
 *
 *     open COUNT                    opens connections, or closes them, until there are COUNT
 *     exchanges SECONDS RATE        one request after the other, round robin over all connections; RATE a second, or
 *                                   as fast as it goes with 0; SECONDS 0 is one for each connection
 *     connections SECONDS RATE      opens, uses once and closes as many
 *     bytes SECONDS RATE            sends pieces of 32 KiB one way, round robin
 *     busy SECONDS RATE             as exchanges, but the server works for 100 us before it answers
 *     writes SECONDS RATE           downloads of 16 MiB, which the server writes in pieces of 4 KiB
 *
 * It ends when its input ends. Any failure ends it with status 1, because incomplete numbers would mislead. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "protocols.h"

#define PROCESSES_MAX 64
#define PIECE                                                                                                  \
	(32 * 1024) /* fits the window that a connection begins with, so that no write waits for its reader */
#define WORK 100e-6 /* seconds of processor time that a busy server takes for a request */
#define BODY (16 << 20) /* bytes of a download */
#define PART (64 << 10) /* of it, which the client reads once all of it is sent */
#define WRITE (4 << 10)
#define TRIES 100 /* for a port that is free on every address */

enum verb {
	VERB_OPEN,
	VERB_EXCHANGES,
	VERB_CONNECTIONS,
	VERB_BYTES,
	VERB_BUSY,
	VERB_WRITES,
	VERB_MAX,
};

static const char *const verbs[VERB_MAX] = {"open", "exchanges", "connections", "bytes", "busy", "writes"};

struct command {
	enum verb verb;
	double first;  /* connections, or seconds */
	double second; /* a second, of this process */
};

struct answer {
	unsigned long long done;
	double seconds;
	double server; /* seconds of processor time */
};

struct pair {
	int client, server;
};

struct process {
	int listener;
	int commands, answers; /* pipes; the parent's ends once it is started */
	struct sockaddr_in address;
	const struct protocol *protocol;
	struct pair *pairs;
	size_t open, next; /* connections there are; the next whose turn it is */
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static double used(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* ---- one connection ----------------------------------------------------------------------------------- */

/* The client closes first, and the server has seen that before it does. */
static void close_pair(struct pair pair)
{
	char byte;

	close(pair.client);
	if (read(pair.server, &byte, 1) != 0)
		fail("the client has not closed");
	close(pair.server);
}

static void send_all(int to, struct text text)
{
	if (write(to, text.bytes, text.length) != (ssize_t)text.length)
		fail("cannot send");
}

static void receive_all(int from, size_t length)
{
	static char room[PIECE];
	size_t got = 0;

	while (got < length) {
		ssize_t more = read(from, room, sizeof(room));

		if (more <= 0)
			fail("cannot receive");
		got += (size_t)more;
	}
}

static void carry(int from, int to, struct text text)
{
	send_all(from, text);
	receive_all(to, text.length);
}

/* The client begins. */
static void greet(const struct process *process, struct pair pair)
{
	const struct text *texts = process->protocol->greeting;

	for (int i = 0; i < GREETING_MAX && texts[i].length; i++)
		carry(i % 2 ? pair.server : pair.client, i % 2 ? pair.client : pair.server, texts[i]);
}

static struct pair open_pair(const struct process *process)
{
	struct pair pair = {.client = socket(AF_INET, SOCK_STREAM, 0)};

	if (pair.client < 0 ||
	    connect(pair.client, (const struct sockaddr *)&process->address, sizeof(process->address)) < 0)
		fail("cannot connect");
	pair.server = accept(process->listener, NULL, NULL);
	if (pair.server < 0)
		fail("cannot accept");
	greet(process, pair);
	return pair;
}

static void exchange(const struct process *process, struct pair pair)
{
	const struct protocol *protocol = process->protocol;

	carry(pair.client, pair.server, protocol->request);
	carry(pair.server, pair.client, protocol->response);
}

/* Returns the processor time that the server's end took: for the request, for its work, and for the response. Its work
 * takes the same processor time in every run, so that nothing but the cost of the two calls varies. */
static double busy_exchange(const struct process *process, struct pair pair)
{
	const struct protocol *protocol = process->protocol;
	double began, worked, took;

	send_all(pair.client, protocol->request);
	began = used();
	receive_all(pair.server, protocol->request.length);
	worked = used() + WORK;
	while (used() < worked)
		;
	send_all(pair.server, protocol->response);
	took = used() - began;
	receive_all(pair.client, protocol->response.length);
	return took;
}

/* Returns the processor time that the server's sends of the body took. */
static double download(const struct process *process, struct pair pair)
{
	static const char bytes[WRITE];
	const struct text part = {bytes, WRITE};
	double took = 0;
	int room = 4 * PART; /* so that no send waits for the client */
	char head[64];

	setsockopt(pair.server, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY);
	carry(pair.client, pair.server, process->protocol->request);
	carry(pair.server, pair.client, (struct text){head, strlen(head)});
	for (size_t parts = 0; parts < BODY / PART; parts++) {
		double began = used();

		for (size_t sent = 0; sent < PART; sent += WRITE)
			send_all(pair.server, part);
		took += used() - began;
		receive_all(pair.client, PART);
	}
	return took;
}

/* ---- one process -------------------------------------------------------------------------------------- */

static void open_until(struct process *process, size_t count)
{
	if (count > process->open) {
		process->pairs = realloc(process->pairs, count * sizeof(*process->pairs));
		if (!process->pairs)
			fail("out of memory");
	}
	while (process->open < count)
		process->pairs[process->open++] = open_pair(process);
	while (process->open > count)
		close_pair(process->pairs[--process->open]);
	process->next = 0;
}

/* Returns the server's processor time, if the verb is one that counts it. */
static double step(struct process *process, enum verb verb)
{
	static const char piece[PIECE];
	struct pair pair;

	if (verb == VERB_CONNECTIONS) {
		pair = open_pair(process);
		exchange(process, pair);
		close_pair(pair);
		return 0;
	}
	pair = process->pairs[process->next];
	process->next = (process->next + 1) % process->open;
	if (verb == VERB_BUSY)
		return busy_exchange(process, pair);
	if (verb == VERB_WRITES)
		return download(process, pair);
	if (verb == VERB_BYTES)
		carry(pair.client, pair.server, (struct text){piece, sizeof(piece)});
	else
		exchange(process, pair);
	return 0;
}

/* A process that is ahead of its rate sleeps for at least a millisecond, because a wake-up per exchange would cost more than the exchange. */
static void wait_for_turn(double started, double rate, unsigned long long done)
{
	double ahead = started + (double)done / rate - now();
	struct timespec pause = {.tv_nsec = 1000000};

	if (ahead <= 0)
		return;
	if (ahead > 0.001)
		pause.tv_nsec = ahead < 1 ? (long)(ahead * 1e9) : 999999999;
	nanosleep(&pause, NULL);
}

static struct answer repeat(struct process *process, const struct command *command)
{
	struct answer answer = {0};
	double started = now(), end = started + command->first;

	if (command->verb != VERB_CONNECTIONS && !process->open)
		return answer;
	while (command->first > 0 ? now() < end : answer.done < process->open) {
		if (command->second > 0)
			wait_for_turn(started, command->second, answer.done);
		answer.server += step(process, command->verb);
		answer.done++;
	}
	answer.seconds = now() - started;
	return answer;
}

static _Noreturn void work(struct process *process, int commands, int answers)
{
	struct command command;

	while (read(commands, &command, sizeof(command)) == (ssize_t)sizeof(command)) {
		struct answer answer = {0};

		if (command.verb == VERB_OPEN)
			open_until(process, (size_t)command.first);
		else
			answer = repeat(process, &command);
		if (command.verb == VERB_OPEN)
			answer.done = process->open;
		if (write(answers, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
			fail("cannot answer");
	}
	exit(0);
}

/* ---- all of them -------------------------------------------------------------------------------------- */

static int listen_at(struct process *process, unsigned int number, in_port_t port)
{
	socklen_t length = sizeof(process->address);
	int yes = 1;

	process->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
	process->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
	process->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (process->listener < 0)
		fail("cannot make a socket");
	setsockopt(process->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(process->listener, (struct sockaddr *)&process->address, length) < 0 ||
	    listen(process->listener, 128) < 0 ||
	    getsockname(process->listener, (struct sockaddr *)&process->address, &length) < 0) {
		close(process->listener);
		return -errno;
	}
	return 0;
}

/* One port for all; a port that is taken on one of the addresses is given up. */
static void listen_all(struct process *processes, unsigned int count)
{
	for (unsigned int try = 0; try < TRIES; try++) {
		in_port_t port = 0;
		unsigned int i;

		for (i = 0; i < count && listen_at(&processes[i], i, port) == 0; i++)
			port = processes[i].address.sin_port;
		if (i == count)
			return;
		while (i > 0)
			close(processes[--i].listener);
	}
	fail("no port is free on all addresses");
}

static void start(struct process *processes, unsigned int number)
{
	struct process *process = &processes[number];
	int commands[2], answers[2];
	pid_t pid;

	if (pipe(commands) < 0 || pipe(answers) < 0)
		fail("cannot make pipes");
	pid = fork();
	if (pid < 0)
		fail("cannot fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(STDIN_FILENO);
		close(commands[1]);
		/* A pipe is at its end when nobody holds its other one. */
		for (unsigned int i = 0; i < number; i++)
			close(processes[i].commands);
		work(process, commands[0], answers[1]);
	}
	close(commands[0]);
	close(answers[1]);
	process->commands = commands[1];
	process->answers = answers[0];
}

static int read_command(const char *line, struct command *ret_command)
{
	struct command command = {0};
	char verb[32];

	if (sscanf(line, "%31s %lf %lf", verb, &command.first, &command.second) < 2)
		return -EINVAL;
	while (command.verb < VERB_MAX && strcmp(verb, verbs[command.verb]) != 0)
		command.verb++;
	if (command.verb == VERB_MAX || command.first < 0 || command.second < 0)
		return -EINVAL;
	*ret_command = command;
	return 0;
}

/* The first processes take what cannot be shared out evenly. */
static struct command share(const struct command *whole, unsigned int number, unsigned int count)
{
	unsigned long connections = (unsigned long)whole->first;
	unsigned long own = connections / count + (number < connections % count);
	struct command part = *whole;

	if (whole->verb == VERB_OPEN)
		part.first = (double)own;
	part.second = whole->second / count;
	return part;
}

static struct answer run(struct process *processes, unsigned int count, const struct command *command)
{
	struct answer sum = {0};

	for (unsigned int i = 0; i < count; i++) {
		struct command part = share(command, i, count);

		if (write(processes[i].commands, &part, sizeof(part)) != (ssize_t)sizeof(part))
			fail("a process has ended");
	}
	for (unsigned int i = 0; i < count; i++) {
		struct answer answer;

		if (read(processes[i].answers, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
			fail("a process has ended");
		sum.done += answer.done;
		sum.server += answer.server;
		if (answer.seconds > sum.seconds)
			sum.seconds = answer.seconds;
	}
	return sum;
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void obey(struct process *processes, unsigned int count)
{
	struct command command;
	struct answer answer;
	char line[128];

	printf("{\"port\": %u}\n", ntohs(processes[0].address.sin_port));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (read_command(line, &command) < 0)
			fail("a command that makes no sense");
		answer = run(processes, count, &command);
		printf("{\"done\": %llu, \"seconds\": %.6f, \"server\": %.6f}\n", answer.done, answer.seconds,
		       answer.server);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static struct process processes[PROCESSES_MAX];
	const struct protocol *protocol = argc == 3 ? find_protocol(argv[2]) : NULL;
	long wanted = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
	unsigned int count = (unsigned int)wanted;

	if (wanted < 1 || wanted > PROCESSES_MAX || !protocol) {
		fprintf(stderr, "usage: load PROCESSES PROTOCOL\n");
		return 2;
	}
	raise_limit();
	signal(SIGPIPE, SIG_IGN);
	listen_all(processes, count);
	for (unsigned int i = 0; i < count; i++) {
		processes[i].protocol = protocol;
		start(processes, i);
	}
	obey(processes, count);
	return 0;
}
