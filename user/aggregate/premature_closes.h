/* SPDX-License-Identifier: BSD-2-Clause */
/* The latest premature closes, kept whole so that their evidence can be written when somebody opens the page. A connection
 * with both ends on this host is kept once. A ring of fixed size, so memory is bounded and keeping one costs a copy. Pure. */
#ifndef KEEPWATCH_PREMATURE_H
#define KEEPWATCH_PREMATURE_H

#include "base/clock.h"
#include "event/container.h"
#include "event/decode.h"
#include "event/service.h"
#include "judge/kept.h"

#define KW_PREMATURE_KEPT 20

struct kw_premature_close {
	struct kw_service service;
	struct kw_kept_close kept; /* for a late request only the connection's identity is set */
	struct kw_container container;
	uint64_t time;    /* of the close, or the arrival of the late request; monotonic ns */
	bool late;        /* a request that reached the server after it had closed */
	uint64_t late_by; /* ns; since the close; late requests only */
};

/* Begins with all zeros, and must not move in memory once it holds something. */
struct kw_premature_closes {
	struct kw_premature_close list[KW_PREMATURE_KEPT];
	uint64_t count; /* number of premature closes and late requests so far */
};

/* Keeps this event if it is a premature close or a late request; ignores all others. @service is the connection's,
 * @cgroup the path of its owner's cgroup, or NULL. */
void kw_premature_note(struct kw_premature_closes *closes, const struct kw_event *event,
		       const struct kw_verdict *verdict, const struct kw_service *service, const char *cgroup);

/* Whether kw_premature_note() would keep it. */
bool kw_is_premature(const struct kw_event *event, const struct kw_verdict *verdict);

/* Fills in *ret_close, premature or not, which must not move in memory afterwards. @event: a late request, or a close with its
 * @verdict. @cgroup as above. */
void kw_premature_fill(const struct kw_event *event, const struct kw_verdict *verdict,
		       const struct kw_service *service, const char *cgroup,
		       struct kw_premature_close *ret_close);

/* Copies one to another place. */
void kw_premature_copy(const struct kw_premature_close *close, struct kw_premature_close *ret_copy);

/* The latest (@back 0), the one before it (1), and so on; NULL if there is none, or if the ring has dropped it. */
const struct kw_premature_close *kw_premature_latest(const struct kw_premature_closes *closes, uint32_t back);

#endif
