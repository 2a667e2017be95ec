/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers of /metrics, ready to be sent. One thread both adds events to the aggregate and writes answers, so an
 * answer is consistent without a lock. The ring buffer is not read meanwhile, but it has room for much longer than
 * that takes. The time depends on the number of services, which is limited, and not on the number of connections. An
 * answer is sent again while it is fresh, so however many clients ask, at most ten answers of each form are written
 * per second. */
#ifndef KEEPWATCH_METRICS_REPLY_H
#define KEEPWATCH_METRICS_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "include/units.h"

/* Writes the text for /metrics; the server frees it. Returns 0 or -errno. */
typedef int (*kw_http_metrics_fn)(void *context, bool open_metrics, char **ret_text, size_t *ret_length);

#define KW_METRICS_REPLY_FRESH (100 * KW_MS)

struct kw_metrics_reply_answer {
	struct MHD_Response *response; /* a reference; NULL: no answer was written yet */
	uint64_t written;              /* monotonic ns */
};

/* Must start with all zeros except the first two fields. */
struct kw_metrics_reply {
	kw_http_metrics_fn metrics;
	void *context;
	struct kw_metrics_reply_answer answers[2][2]; /* [OpenMetrics][gzip] */
};

/* The answer for a client with these values of Accept and Accept-Encoding (NULL: no such field). @scrape keeps
 * ownership; the answer is valid until the next call. Returns NULL if memory runs out. */
struct MHD_Response *kw_metrics_reply_answer(struct kw_metrics_reply *reply, const char *accept,
					     const char *accept_encoding);

void kw_metrics_reply_close(struct kw_metrics_reply *reply);

#endif
