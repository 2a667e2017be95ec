/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocols that the load speaks. */
#ifndef KEEPWATCH_BENCH_PROTOCOLS_H
#define KEEPWATCH_BENCH_PROTOCOLS_H

#include <stddef.h>
#include <string.h>

#define GREETING_MAX 4

struct text {
	const char *bytes;
	size_t length;
};

struct protocol {
	const char *name;
	struct text
		greeting[GREETING_MAX]; /* once connected, by client and server in turn; an empty one ends it */
	struct text request, response;
};

#define TEXT(string)                                                                                           \
	{                                                                                                      \
		string, sizeof(string) - 1                                                                     \
	}
#define BYTES(array)                                                                                           \
	{                                                                                                      \
		array, sizeof(array)                                                                           \
	}

/* A head of about 1 kB, with the fields and cookies that browsers send. */
#define BROWSER                                                                                                \
	"GET /products/overview HTTP/1.1\r\n"                                                                  \
	"Host: www.example.com\r\n"                                                                            \
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"               \
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"    \
	"Accept-Language: en-US,en;q=0.5\r\n"                                                                  \
	"Accept-Encoding: gzip, deflate, br, zstd\r\n"                                                         \
	"Referer: https://www.example.com/products/?category=garden&sort=price\r\n"                            \
	"Connection: keep-alive\r\n"                                                                           \
	"Cookie: session=8f14e45fceea167a5a36dedd4bea2543f7b1c0d9; _ga=GA1.2.1382940177.1719830021; "          \
	"_gid=GA1.2.96240413.1719830021; consent=v2:analytics=1:marketing=0:preferences=1; theme=dark; "       \
	"csrftoken=kZk3nQ7tYVx2mFh9sWc5uRb1gLp8dJa4eTo6iXyN0qMvHwBz; cart=%5B%7B%22id%22%3A4711%7D%5D; "       \
	"recent=4711.4712.1138.2187; experiment=checkout-b\r\n"                                                \
	"Upgrade-Insecure-Requests: 1\r\n"                                                                     \
	"Sec-Fetch-Dest: document\r\n"                                                                         \
	"Sec-Fetch-Mode: navigate\r\n"                                                                         \
	"Sec-Fetch-Site: same-origin\r\n"                                                                      \
	"Sec-Fetch-User: ?1\r\n"                                                                               \
	"Priority: u=0, i\r\n\r\n"

#define OK                                                                                                     \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\nok\n"

/* A handshake of TLS 1.2, as far as it can be seen without keys: the hellos are in clear, with random numbers and Finished
 * messages of nothing but zeros. The cipher suite is 0xc02c. */
#define ONE_SUITE [45] = 2, (char)0xc0, 0x2c, 1 /* and one way to compress: none */
static const char client_hello[52] = {0x16, 3, 1, 0, 47, 1, 0, 0, 43, 3, 3, ONE_SUITE};
static const char server_hello[47] = {0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, [44] = (char)0xc0, 0x2c};
static const char finished[51] = {0x14, 3, 3, 0, 1, 1, 0x16, 3, 3, 0, 40}; /* behind ChangeCipherSpec */

/* Records with data. */
static const char sealed_request[5 + 100] = {0x17, 3, 3, 0, 100};
static const char sealed_response[5 + 150] = {0x17, 3, 3, 0, (char)150};

/* HTTP/2: a stream is opened by the greetings, and carries a frame of data each way (RFC 9113 section 6.1). */
#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define HEADERS "\0\0\1\1\4\0\0\0\1"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
static const char data_request[9 + 100] = {0, 0, 100, [8] = 1};
static const char data_response[9 + 150] = {0, 0, (char)150, [8] = 1};

#define NOBODYS /* bytes by which a connection is taken for no protocol that is followed */                    \
	{                                                                                                      \
		TEXT("*1\r\n$4\r\nPING\r\n"), TEXT("+PONG\r\n")                                                \
	}

static const struct protocol protocols[] = {
	{.name = "http",
	 .request = TEXT("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n"),
	 .response = TEXT(OK)},
	{.name = "browser", .request = TEXT(BROWSER), .response = TEXT(OK)},
	{.name = "redis", .request = TEXT("*1\r\n$4\r\nPING\r\n"), .response = TEXT("+PONG\r\n")},
	{.name = "tls",
	 .greeting = {BYTES(client_hello), BYTES(server_hello), BYTES(finished), BYTES(finished)},
	 .request = BYTES(sealed_request),
	 .response = BYTES(sealed_response)},
	{.name = "nobodys_tls",
	 .greeting = NOBODYS,
	 .request = BYTES(sealed_request),
	 .response = BYTES(sealed_response)},
	{.name = "http2",
	 .greeting = {TEXT(PREFACE SETTINGS HEADERS "\x82"), TEXT(SETTINGS HEADERS "\x88")},
	 .request = BYTES(data_request),
	 .response = BYTES(data_response)},
	{.name = "nobodys_http2",
	 .greeting = NOBODYS,
	 .request = BYTES(data_request),
	 .response = BYTES(data_response)},
};

/* The protocol of this name, or NULL. */
static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(name, protocols[i].name) == 0)
			return &protocols[i];
	return NULL;
}

#endif
