/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the metrics port: whatever a client sends, it gets a well-formed answer or none, the numbers only with the right
 * password, the page only under the host's own address; and the next client is served.
 *
 * An input is what one client sends; or, behind an '@', the value of its Host. */
#include <arpa/inet.h>
#include <crypt.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/address.h"
#include "tests/fuzz/check.h"
#include "web/listener.h"
#include "web/negotiate.h"
#include "web/server.h"

#define USER "user"
#define PASSWORD "right"
#define RIGHT "dXNlcjpyaWdodA==" /* both, in base64 */
#define DECIDES "dXNlcjpyaWdod"  /* its part before the last bits, which a decoder may leave unread */
#define NUMBERS "keepwatch_secret 42\n"
#define PAGE "<main>secret</main>"
#define ANSWER 65536
#define HOST '@'
#define QUIET 3       /* turns of the server after which no more comes */
#define PATIENCE 2000 /* turns for an answer that must come: each a millisecond or so */

static struct kw_loop *server;
static struct kw_link reader, port; /* the server's side of the link is the port's */
static struct sockaddr_storage address;
static socklen_t address_length = sizeof(address);

static int write_frame(const char *main, const char *nonce, char **ret_text, size_t *ret_length)
{
	(void)nonce;
	*ret_text = strdup(main);
	*ret_length = strlen(main);
	return *ret_text ? 0 : -ENOMEM;
}

/* The rules with one user, whose hash is as cheap as hashes may be. */
static struct kw_web *open_rules(void)
{
	char hash[CRYPT_GENSALT_OUTPUT_SIZE], file[256];
	struct kw_web *web;

	CHECK(crypt_gensalt_rn("$2b$", 4, "0123456789abcdef", 16, hash, sizeof(hash)));
	snprintf(file, sizeof(file), "basic_auth_users:\n  %s: %s\n", USER, crypt(PASSWORD, hash));
	CHECK(kw_web_open(fuzz_file((const uint8_t *)file, strlen(file)), &web) == 0);
	return web;
}

/* The server of the port in this process, so that it takes turns with its clients. */
static void open_server(void)
{
	static struct kw_server_settings settings = {.loopback = true, .link = &port, .frame = write_frame};

	CHECK(kw_endpoint_parse("127.0.0.1:0", &address, &address_length) == 0);
	settings.listener = kw_listener_open(&address, address_length, "127.0.0.1:0");
	CHECK(settings.listener >= 0 && kw_link_open(&reader, &port) == 0);
	address_length = sizeof(address);
	CHECK(getsockname(settings.listener, (struct sockaddr *)&address, &address_length) == 0);
	settings.web = open_rules();
	server = kw_server_open(&settings);
	CHECK(server);
}

/* Gives the server the texts that it asks for, as the reader of events would. */
static void answer_link(void)
{
	struct kw_link_message message;

	while (kw_link_receive(&reader, &message) > 0) {
		const char *text = message.board == KW_BOARD_PAGE ? PAGE : NUMBERS;

		message.length = strlen(text);
		message.result = kw_link_write(&reader, message.board, text, strlen(text));
		CHECK(message.result == 0 && kw_link_send(&reader, &message) == 0);
	}
}

/* A client's socket. Each has an address of its own, and gives its port back at once when it is closed, because thousands are
 * needed in a second. */
static int client_socket(void)
{
	static uint32_t clients;
	const struct linger at_once = {.l_onoff = 1};
	const int no_port = 1;
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(0x7f010000 | (clients++ & 0xffff))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
	CHECK(setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &no_port, sizeof(no_port)) == 0);
	CHECK(bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0);
	return fd;
}

/* The fuzzer's timer may interrupt it. */
static int connect_client(void)
{
	int fd = client_socket();

	while (connect(fd, (const struct sockaddr *)&address, address_length) < 0) {
		CHECK(errno == EINTR);
		close(fd);
		fd = client_socket();
	}
	return fd;
}

/* Sends a request and takes the answer. Some clients end their direction with the request, and wait for the server's end;
 * only some, because the kernel remembers such for a minute. */
static void talk(const void *request, size_t n, int patience, char ret_answer[ANSWER])
{
	bool ends = n % 64 == 0;
	int fd = connect_client(), quiet = 0;
	size_t got = 0;
	ssize_t r = -1;

	if (send(fd, request, n, MSG_NOSIGNAL) == (ssize_t)n && ends)
		shutdown(fd, SHUT_WR);
	do {
		CHECK(kw_loop_turn(server, quiet ? 1 : 0) == 0);
		answer_link();
		r = recv(fd, ret_answer + got, ANSWER - 1 - got, MSG_DONTWAIT);
		quiet = r > 0 ? 0 : quiet + 1;
		got += r > 0 ? (size_t)r : 0;
	} while (r > 0 || (r < 0 && errno == EAGAIN && (ends || quiet < (got ? QUIET : patience))));
	ret_answer[got] = '\0';
	close(fd);
}

static bool has(const char *text, size_t n, const char *part)
{
	return memmem(text, n, part, strlen(part));
}

/* Nothing for anybody who does not send the password. */
static void check_request(const char *request, size_t n)
{
	static char answer[ANSWER];

	talk(request, n, QUIET, answer);
	CHECK(!answer[0] || !strncmp(answer, "HTTP/1.", 7));
	if (strstr(answer, NUMBERS) || strstr(answer, PAGE))
		CHECK(has(request, n, DECIDES));
}

/* The page is only for those who know the host by an address, or as localhost. */
static void check_host(const char *value, size_t n)
{
	static char request[8192], answer[ANSWER];
	char host[256] = "";
	struct in6_addr unused;
	int length;

	if (n >= sizeof(host) || strcspn(value, "\r\n") < n || strlen(value) < n)
		return;
	length = snprintf(request, sizeof(request),
			  "GET / HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n\r\n", value, RIGHT);
	talk(request, (size_t)length, QUIET, answer);
	if (!strstr(answer, PAGE))
		return;
	value += strspn(value, " \t[");
	memcpy(host, value, strcspn(value, value[-1] == '[' ? "]" : ": \t"));
	CHECK(!host[0] || !strcasecmp(host, "localhost") || inet_pton(AF_INET, host, &unused) == 1 ||
	      inet_pton(AF_INET6, host, &unused) == 1);
}

static void check_next_client(void)
{
	static const char request[] =
		"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic " RIGHT "\r\n\r\n";
	static char answer[ANSWER];

	talk(request, sizeof(request) - 1, PATIENCE, answer);
	CHECK(strstr(answer, NUMBERS));
}

/* The fields that are read by functions of ours. */
static void negotiate(const char *value)
{
	bool open_metrics = kw_negotiate_open_metrics(value), gzip = kw_negotiate_gzip(value);

	CHECK(!open_metrics || strcasestr(value, "application/openmetrics-text"));
	CHECK(!gzip || strcasestr(value, "gzip") || strchr(value, '*'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static unsigned int count;
	char *value = strndup((const char *)data, n);

	CHECK(value);
	if (!server)
		open_server();
	if (count++ % 64 == 0)
		check_next_client();
	negotiate(value);
	if (n && data[0] == HOST)
		check_host(value + 1, n - 1);
	else
		check_request((const char *)data, n);
	free(value);
	return 0;
}
