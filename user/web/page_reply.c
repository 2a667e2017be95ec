/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/page_reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define NONCE 33 /* 32 hexadecimal digits and a NUL */

/* 128 random bits, in hexadecimal digits. */
static int make_nonce(char ret_nonce[NONCE])
{
	uint64_t bits[2];

	if (getrandom(bits, sizeof(bits), 0) != sizeof(bits))
		return -EIO;
	snprintf(ret_nonce, NONCE, "%016" PRIx64 "%016" PRIx64, bits[0], bits[1]);
	return 0;
}

/* Adds the headers that limit the page in a browser: it may only use its own style and script, and fetch itself. */
static void add_policy(struct MHD_Response *response, const char *nonce)
{
	char policy[256];

	snprintf(policy, sizeof(policy),
		 "default-src 'none'; style-src 'nonce-%s'; script-src 'nonce-%s'; connect-src 'self'; "
		 "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		 nonce, nonce);
	MHD_add_response_header(response, "Content-Security-Policy", policy);
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
}

/* Did the client use an IP address or localhost in the URL? A hostile web page could make its own host name resolve
 * to this address (DNS rebinding) and then read the status page; with an IP address it cannot. Only a loopback
 * address needs this check, because a server with --allow-remote may have host names of its own. */
static bool is_asked_directly(const struct kw_page_reply *reply, struct MHD_Connection *connection)
{
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	char name[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t length;

	if (!reply->loopback || !host)
		return true;
	length = host[0] == '[' ? strcspn(++host, "]") : strcspn(host, ":");
	if (length >= sizeof(name))
		return false;
	memcpy(name, host, length);
	name[length] = '\0';
	return strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &address) == 1 ||
	       inet_pton(AF_INET6, name, &address) == 1;
}

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned int status, const char *text)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* The page's script requests "/?part=main" to get only the part that changes. */
enum MHD_Result kw_page_reply(const struct kw_page_reply *reply, struct MHD_Connection *connection)
{
	const char *part = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "part");
	bool whole = !part || strcmp(part, "main") != 0;
	struct MHD_Response *response;
	char nonce[NONCE], *text;
	enum MHD_Result result;
	size_t length;

	if (!is_asked_directly(reply, connection))
		return send_text(connection, MHD_HTTP_FORBIDDEN,
				 "open this page by the host's IP address, or as localhost\n");
	if (make_nonce(nonce) < 0 || reply->page(reply->context, whole ? nonce : NULL, &text, &length) < 0)
		return send_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
	add_policy(response, nonce);
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}
