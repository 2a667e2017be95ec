/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/metrics_reply.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "web/gzip.h"
#include "web/negotiate.h"

#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPEN_METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static int write_text(struct kw_metrics_reply *reply, bool open_metrics, bool gzip, char **ret_text,
		      size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = reply->metrics(reply->context, open_metrics, &text, &length);

	if (r < 0)
		return r;
	if (gzip)
		return kw_gzip(text, length, ret_text, ret_length);
	*ret_text = TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

static struct MHD_Response *respond(struct kw_metrics_reply *reply, bool open_metrics, bool gzip)
{
	_cleanup_free_ char *text = NULL;
	struct MHD_Response *response;
	size_t length;

	if (write_text(reply, open_metrics, gzip, &text, &length) < 0)
		return NULL;
	response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	TAKE_PTR(text); /* it is the response's now */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				open_metrics ? OPEN_METRICS_TYPE : TEXT_TYPE);
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	if (gzip)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response;
}

static void drop(struct kw_metrics_reply_answer *answer)
{
	if (answer->response)
		MHD_destroy_response(answer->response);
	answer->response = NULL;
}

struct MHD_Response *kw_metrics_reply_answer(struct kw_metrics_reply *reply, const char *accept,
					     const char *accept_encoding)
{
	bool open_metrics = kw_negotiate_open_metrics(accept);
	bool gzip = kw_negotiate_gzip(accept_encoding);
	struct kw_metrics_reply_answer *answer = &reply->answers[open_metrics][gzip];
	uint64_t now = kw_clock_monotonic();

	if (answer->response && now < answer->written + KW_METRICS_REPLY_FRESH)
		return answer->response;
	drop(answer);
	answer->response = respond(reply, open_metrics, gzip);
	answer->written = now;
	return answer->response;
}

void kw_metrics_reply_close(struct kw_metrics_reply *reply)
{
	for (int open_metrics = 0; open_metrics < 2; open_metrics++)
		for (int gzip = 0; gzip < 2; gzip++)
			drop(&reply->answers[open_metrics][gzip]);
}
