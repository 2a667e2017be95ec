/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection, in the form that the outputs get: its event, its verdict and its names. It owns nothing. */
#ifndef KEEPWATCH_RECORD_H
#define KEEPWATCH_RECORD_H

#include "event/decode.h"
#include "judge/evidence.h"
#include "event/http1_names.h"
#include "judge/judge.h"
#include "event/service.h"

struct kw_record {
	const struct kw_event *event;       /* a connection's */
	const struct kw_verdict *verdict;   /* NULL for a connection that is still open */
	const struct kw_evidence *evidence; /* NULL for a connection that is still open */
	const struct kw_service *service;
	const char *cgroup; /* path, or NULL */
	struct kw_clock clock;
};

#define KW_ID_TEXT 28

/* "1a2b-5f3": the socket's cookie and its generation, hexadecimal. */
void kw_record_id(const struct kw_identity *identity, char ret_id[KW_ID_TEXT]);

/* "http/1.1", "http/1.0", "h2c", "tls", "opaque" or "none". */
const char *kw_record_protocol(const struct kw_http *http);

/* "preexisting" and so on: the reason why something about a connection is not known. */
const char *kw_taint_name(enum kw_taint taint);

/* "closed" and so on: the kind of an event that was lost on the way to user space. */
const char *kw_lost_name(enum kw_lost lost);

/* "close", "http10", "delimited". */
const char *kw_announced_how_name(enum kw_announced_how how);

#endif
