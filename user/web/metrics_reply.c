/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/metrics_reply.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "web/gzip.h"

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPEN_METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static struct MHD_Response *respond(const char *text, size_t length, bool open_metrics, bool gzip)
{
	_cleanup_free_ char *packed = NULL;
	struct MHD_Response *response;

	if (!gzip)
		response = MHD_create_response_from_buffer(length, (void *)text, MHD_RESPMEM_MUST_COPY);
	else if (kw_gzip(text, length, &packed, &length) < 0)
		return NULL;
	else
		response = MHD_create_response_from_buffer(length, packed, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	TAKE_PTR(packed); /* it is the response's now */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				open_metrics ? OPEN_METRICS_TYPE : TEXT_TYPE);
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (gzip)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response;
}

struct MHD_Response *kw_metrics_reply_answer(struct kw_metrics_reply *reply, const char *text, size_t length,
					     bool open_metrics, bool gzip)
{
	if (!reply->answers[gzip])
		reply->answers[gzip] = respond(text, length, open_metrics, gzip);
	return reply->answers[gzip];
}

void kw_metrics_reply_drop(struct kw_metrics_reply *reply)
{
	for (int gzip = 0; gzip < 2; gzip++) {
		if (reply->answers[gzip])
			MHD_destroy_response(reply->answers[gzip]);
		reply->answers[gzip] = NULL;
	}
}
