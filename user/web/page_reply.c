/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/page_reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"

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

static int make_text(kw_page_frame_fn frame, const char *main, const char *nonce, char **ret_text,
		     size_t *ret_length)
{
	if (nonce)
		return frame(main, nonce, ret_text, ret_length);
	*ret_text = strdup(main);
	*ret_length = strlen(main);
	return *ret_text ? 0 : -ENOMEM;
}

/* The page's script requests "/?part=main" to get only the part that changes. */
struct MHD_Response *kw_page_reply(kw_page_frame_fn frame, const char *main, struct MHD_Connection *connection)
{
	const char *part = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "part");
	bool whole = !part || strcmp(part, "main") != 0;
	struct MHD_Response *response;
	_cleanup_free_ char *text = NULL;
	char nonce[NONCE];
	size_t length;

	if (make_nonce(nonce) < 0 || make_text(frame, main, whole ? nonce : NULL, &text, &length) < 0)
		return NULL;
	response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	TAKE_PTR(text); /* it is the response's now */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
	add_policy(response, nonce);
	return response;
}
