/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/failure.h"

/* A malformed response is a failure too: the judge counts no request as lost then, but none was answered in full. */
bool kw_is_failure(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	const struct kw_counts *counts = &event->http.counts;

	if (event->identity.role != KW_ROLE_CLIENT || !event->identity.pid)
		return false;
	if (verdict->reason == KW_REASON_UNKNOWN)
		return counts->requests_begun > counts->responses_ended;
	return verdict->lost_requests || kw_reason_is_connect_failure(verdict->reason);
}

static bool gives_up(const struct kw_event_connection *event)
{
	return event->ending.act == KW_ACT_LOCAL_FIN || event->ending.act == KW_ACT_LOCAL_RST;
}

/* Whether a byte of the latest request's response has come. */
static bool has_response(const struct kw_event_connection *event, uint64_t began)
{
	return event->http.response_started && event->http.response_started >= began;
}

/* A process may give up by itself at any time, and for anything that it read of a response; before a response that breaks off, the
 * other side acts. Without a byte of a response the process has nothing to go by until it learns of the end, and an answer
 * that it gave before is not due to that. Of a connect() that failed it learns by ways that are not seen. */
static uint64_t known_since(const struct kw_event_connection *event, const struct kw_verdict *verdict,
			    uint64_t began, uint64_t learnt)
{
	if (kw_reason_is_connect_failure(verdict->reason))
		return gives_up(event) ? began : verdict->closed;
	if (!has_response(event, began))
		return gives_up(event) ? began : learnt;
	return gives_up(event) || verdict->reason == KW_REASON_UNKNOWN ? event->http.response_started
								       : verdict->closed;
}

static enum kw_failure_kind kind_of(const struct kw_event_connection *event, const struct kw_verdict *verdict,
				    uint64_t began)
{
	if (kw_reason_is_connect_failure(verdict->reason))
		return KW_FAILURE_CONNECT;
	return gives_up(event) && !has_response(event, began) ? KW_FAILURE_GIVEN_UP : KW_FAILURE_CUT;
}

static uint32_t request_bytes(const struct kw_http *http)
{
	return http->request_end > http->request_begin ? (uint32_t)(http->request_end - http->request_begin)
						       : 0;
}

void kw_failure_of_connection(const struct kw_event_connection *event, const struct kw_verdict *verdict,
			      struct kw_kept_close *ret_failure, struct kw_failure_key *ret_key)
{
	uint64_t learnt = event->notice.time ? event->notice.time : verdict->closed;
	bool connected = !kw_reason_is_connect_failure(verdict->reason);
	uint64_t began = connected ? event->http.request_started : event->opened;
	uint64_t known = known_since(event, verdict, began, learnt);

	kw_keep_close(event, verdict, ret_failure);
	*ret_key = (struct kw_failure_key){
		.began = began,
		.known = known < learnt ? known : learnt,
		.learnt = learnt,
		.last = event->notice.last > learnt ? event->notice.last : learnt,
		.failed = connected ? 0 : verdict->closed,
		.pid = event->identity.pid,
		.thread = event->notice.thread,
		.left = verdict->lost_requests ? verdict->lost_requests : 1,
		.request_bytes = connected ? request_bytes(&event->http) : 0,
		.kind = kind_of(event, verdict, began),
	};
}

void kw_failure_of_response(const struct kw_event_gateway *event, struct kw_kept_close *ret_failure,
			    struct kw_failure_key *ret_key)
{
	*ret_failure = (struct kw_kept_close){.connection.identity = event->identity};
	*ret_key = (struct kw_failure_key){
		.began = event->started,
		.known = event->header.time,
		.learnt = event->header.time,
		.last = event->header.time,
		.pid = event->identity.pid,
		.thread = event->thread,
		.left = 1,
		.request_bytes = event->request_bytes,
		.status = event->status,
	};
}
