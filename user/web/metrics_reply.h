/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers of /metrics, ready to be sent. One thread both adds events to the aggregate and writes answers, so an
 * answer is consistent without a lock. The ring buffer is not read meanwhile, but it has room for much longer than
 * that takes. The time depends on the number of services, which is limited, and not on the number of connections. An
 * answer is sent again while it is fresh, so however many clients ask, at most ten answers of each form are written
 * per second. */
#ifndef KEEPWATCH_SCRAPE_H
#define KEEPWATCH_SCRAPE_H

#include <microhttpd.h>

#include "web/server.h"

#define KW_SCRAPE_FRESH (100 * KW_MS)

struct kw_scrape_answer {
	struct MHD_Response *response; /* a reference; NULL: no answer was written yet */
	uint64_t written;              /* monotonic ns */
};

/* Must start with all zeros except the first two fields. */
struct kw_scrape {
	kw_http_metrics_fn metrics;
	void *context;
	struct kw_scrape_answer answers[2][2]; /* [OpenMetrics][gzip] */
};

/* The answer for a client with these values of Accept and Accept-Encoding (NULL: no such field). @scrape keeps
 * ownership; the answer is valid until the next call. Returns NULL if memory runs out. */
struct MHD_Response *kw_scrape_answer(struct kw_scrape *scrape, const char *accept,
				      const char *accept_encoding);

void kw_scrape_close(struct kw_scrape *scrape);

#endif
