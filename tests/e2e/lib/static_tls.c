/* SPDX-License-Identifier: BSD-2-Clause */
/* A client with OpenSSL linked into it. For each line on standard input it connects to 127.0.0.1 at the port that is its argument, makes
 * one request over TLS, reads until the server ends the session or has sent an empty line, closes, and prints its address. */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char request[] = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";

static int connect_to(const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((unsigned short)atoi(port)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, size) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		exit(1);
	printf("127.0.0.1:%d\n", ntohs(address.sin_port));
	return fd;
}

static void ask(SSL *session)
{
	char answer[4096] = "";
	int got, length = 0;

	if (SSL_connect(session) != 1 ||
	    SSL_write(session, request, sizeof(request) - 1) != (int)sizeof(request) - 1)
		exit(1);
	while (!strstr(answer, "\r\n\r\n") && length < (int)sizeof(answer) - 1 &&
	       (got = SSL_read(session, answer + length, (int)sizeof(answer) - 1 - length)) > 0)
		answer[length += got] = 0;
	if (!length)
		exit(1);
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	char line[64];

	while (argc == 2 && context && fgets(line, sizeof(line), stdin)) {
		SSL *session = SSL_new(context);
		int fd = connect_to(argv[1]);

		SSL_set_fd(session, fd);
		ask(session);
		SSL_free(session);
		close(fd);
		fflush(stdout);
	}
	SSL_CTX_free(context);
	return 0;
}
