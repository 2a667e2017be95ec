/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS handshakes of a service, by their result and version, and the alerts that ended them. */
#ifndef KEEPWATCH_TLS_COUNTS_H
#define KEEPWATCH_TLS_COUNTS_H

#include <stdbool.h>

#include "judge/judge.h"

enum kw_tls_result {
	KW_TLS_RESULT_DONE,
	KW_TLS_RESULT_FAILED,    /* by an alert */
	KW_TLS_RESULT_TIMEOUT,   /* the closer had waited for the other side */
	KW_TLS_RESULT_ABANDONED, /* closed otherwise */
	KW_TLS_RESULT_MAX,
};

#define KW_TLS_VERSIONS 5 /* 1.0 to 1.3, and one that was not chosen or is not known */
#define KW_TLS_ALERTS 256 /* by code; TLS_CODE_HIDDEN is one that was encrypted */

struct kw_tls_counts {
	uint64_t handshakes[KW_TLS_RESULT_MAX][KW_TLS_VERSIONS];
	uint64_t alerts[2][KW_TLS_ALERTS]; /* by enum tls_direction of the sender */
};

/* "done", "failed", "timeout", "abandoned". */
const char *kw_tls_result_name(enum kw_tls_result result);

/* "1.3" and so on; "unknown" for the last one. */
const char *kw_tls_counted_version(unsigned int index);

/* Adds a connection that has closed; one without TLS, or whose records could not be followed, adds nothing. */
void kw_tls_counts_add(struct kw_tls_counts *counts, const struct kw_event_connection *event,
		       const struct kw_verdict *verdict);

/* Adds all of @from. */
void kw_tls_counts_merge(struct kw_tls_counts *to, const struct kw_tls_counts *from);

#define KW_TLS_ALERT_ROWS 8

struct kw_tls_alert_row {
	uint64_t count; /* 0: the row is free */
	uint8_t by;     /* 1 + enum tls_direction */
	uint8_t code;
};

/* The same over a span of time, and of bounded size: alerts that fit no row count in failed alone. */
struct kw_tls_alerts {
	uint64_t handshakes; /* of connections that closed */
	uint64_t failed;     /* by an alert */
	struct kw_tls_alert_row rows[KW_TLS_ALERT_ROWS];
};

void kw_tls_alerts_add(struct kw_tls_alerts *alerts, const struct kw_event_connection *event);
void kw_tls_alerts_merge(struct kw_tls_alerts *to, const struct kw_tls_alerts *from);

/* The alert that came most often; NULL: none came. */
const struct kw_tls_alert_row *kw_tls_alerts_commonest(const struct kw_tls_alerts *alerts);

/* The closes that ended a session, by enum tls_direction of the closer. */
struct kw_tls_ends {
	uint64_t closed[2];
	uint64_t unclean
		[2]; /* of these: without close_notify, so that a reader cannot tell the end from a cut */
};

/* Adds a connection that has closed by FIN after its handshake, if this end saw all that the closer sent. Returns whether it
 * was unclean. */
bool kw_tls_ends_add(struct kw_tls_ends *ends, const struct kw_event_connection *event,
		     const struct kw_verdict *verdict);
void kw_tls_ends_merge(struct kw_tls_ends *to, const struct kw_tls_ends *from);

#endif
