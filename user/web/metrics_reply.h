/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers of /metrics, ready to be sent.
 *
 * An answer is written at one moment, in the thread that also adds events to the aggregate: it is consistent, and
 * nothing is locked. While it is written the ring buffer is not read, which the kernel side does not notice: the
 * ring has room for far longer. Writing takes time by the number of services, of which there is a ceiling, and none
 * by that of connections; and an answer is sent to whoever asks while it is fresh. So however many ask, at most ten
 * answers of each form are written in a second. */
#ifndef KEEPWATCH_METRICS_REPLY_H
#define KEEPWATCH_METRICS_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "include/units.h"

/* Makes the text for /metrics; the server frees it. 0 or -errno. */
typedef int (*kw_http_metrics_fn)(void *context, bool open_metrics, char **ret_text, size_t *ret_length);

#define KW_METRICS_REPLY_FRESH (100 * KW_MS)

struct kw_metrics_reply_answer {
	struct MHD_Response *response; /* a reference; NULL: none was written yet */
	uint64_t written;              /* monotonic ns */
};

/* Begins with all zeros but for the first two. */
struct kw_metrics_reply {
	kw_http_metrics_fn metrics;
	void *context;
	struct kw_metrics_reply_answer answers[2][2]; /* [OpenMetrics][gzip] */
};

/* The answer for a client that says this in Accept and Accept-Encoding; NULL is allowed. It stays the scrape's,
 * and lasts until the next call. NULL: out of memory. */
struct MHD_Response *kw_metrics_reply_answer(struct kw_metrics_reply *reply, const char *accept,
					     const char *accept_encoding);

void kw_metrics_reply_close(struct kw_metrics_reply *reply);

#endif
