/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers of /metrics, ready to be sent: a finished text of one moment, plain and packed. */
#ifndef KEEPWATCH_METRICS_REPLY_H
#define KEEPWATCH_METRICS_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* Begins with all zeros. */
struct kw_metrics_reply {
	struct MHD_Response *answers[2]; /* [gzip], references; NULL: not made yet */
};

/* The answer with a copy of this text. @reply keeps ownership of it. Returns NULL if memory runs out. */
struct MHD_Response *kw_metrics_reply_answer(struct kw_metrics_reply *reply, const char *text, size_t length,
					     bool open_metrics, bool gzip);

/* Forgets the answers, because there is a new text. Those that are being sent stay until they are sent. */
void kw_metrics_reply_drop(struct kw_metrics_reply *reply);

#endif
