/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's events change the connection: its counts, times, positions, and whether a close was announced. */
#ifndef KEEPWATCH_EXCHANGE_BPF_H
#define KEEPWATCH_EXCHANGE_BPF_H

#include "emit.bpf.h"
#include "names.bpf.h"

static __always_inline void kw_sample(struct kw_connection *c, enum kw_histogram histogram, __u64 ns)
{
	struct kw_samples *samples = &c->samples[histogram];
	__u32 bucket = kw_histogram_bucket(kw_histogram_bounds[histogram], ns);

	KW_OPAQUE(bucket);
	if (bucket >= KW_HISTOGRAM_BUCKETS)
		return;
	samples->buckets[bucket]++;
	samples->sum += ns;
	samples->count++;
}

/* The same, where calls are rare: verified once. */
KW_GLOBAL int kw_sample_once(struct kw_connection *c, __u32 histogram, __u64 ns)
{
	if (!c)
		return 0;
	kw_sample(c, histogram == KW_HISTOGRAM_WAIT ? KW_HISTOGRAM_WAIT : KW_HISTOGRAM_IDLE, ns);
	return 0;
}

static __always_inline void kw_announce(struct kw_connection *c, enum kw_announced_by by,
					enum kw_announced_how how, __u32 exchange)
{
	if (c->http.announced_by)
		return;
	c->http.announced_by = by;
	c->http.announced_how = how;
	c->announced_at = exchange;
}

/* Does this message alone announce that the connection closes after it? If so, how. RFC 9112 section 9.3. */
static __always_inline int kw_message_announces(const struct http1_stream *s, __u8 *ret_how)
{
	if (s->flags & HTTP1_FLAG_CLOSE)
		*ret_how = KW_ANNOUNCED_CLOSE;
	else if (!http1_is_persistent(s))
		*ret_how = KW_ANNOUNCED_HTTP10;
	else if (s->framing == HTTP1_FRAMING_CLOSE && !(s->flags & HTTP1_FLAG_DOUBTFUL))
		*ret_how = KW_ANNOUNCED_DELIMITED;
	else
		return 0;
	return 1;
}

/* Without branches, because each would double the paths through all that follows. */
static __always_inline void kw_count_directives(struct kw_directives *directives, __u32 flags)
{
	__u32 any = flags & (HTTP1_FLAG_KEEP_ALIVE | HTTP1_FLAG_CLOSE | HTTP1_FLAG_UPGRADE);

	directives->keep_alive += (flags & HTTP1_FLAG_KEEP_ALIVE) / HTTP1_FLAG_KEEP_ALIVE;
	directives->close += (flags & HTTP1_FLAG_CLOSE) / HTTP1_FLAG_CLOSE;
	directives->upgrade += (flags & HTTP1_FLAG_UPGRADE) / HTTP1_FLAG_UPGRADE;
	directives->none += (any - 1) >> 31; /* 1 if there are none */
}

/* Adds to the totals; @errors: 1 << enum http1_error. */
KW_GLOBAL int kw_count_kinds(__u32 errors)
{
	struct kw_totals *t = kw_totals();

	for (__u32 kind = 0; t && kind < HTTP1_ERROR_MAX; kind++)
		kw_count(&t->errors[kind], errors >> kind & 1);
	return 0;
}

static __always_inline void kw_count_errors(struct kw_side *side, __u32 errors)
{
	side->errors |= errors;
	if (errors)
		kw_count_kinds(errors);
}

/* ---- pipelines: what the latest request does not say about the ones before it ------------------------ */

/* Is the latest request complete? Else the request_ fields tell the beginning of one and the end of another. */
static __always_inline int kw_is_request_complete(const struct kw_http *http)
{
	return http->request_begin < http->request_end;
}

/* Must the latest request be kept, because another one begins before it is answered? */
static __always_inline int kw_must_keep(const struct kw_connection *c)
{
	return kw_is_request_complete(&c->http) && (__s32)(c->http1.pushed - c->http1.popped) > 0;
}

/* Keeps the latest complete request where a later one will not overwrite it. */
static __always_inline void kw_keep_request(struct kw_connection *c, struct kw_pipeline *pipeline)
{
	struct kw_pending *pending =
		&pipeline->requests[(c->http.counts.requests_ended - 1) & (HTTP1_QUEUE - 1)];

	pending->started = c->http.request_started;
	pending->ended = c->http.request_ended;
	pending->idle_before = c->http.idle_before_last;
	pending->begin = c->http.request_begin;
	pending->end = c->http.request_end;
	c->pipelined = 1;
}

/* The same in the storage of @sk. */
static __always_inline void kw_keep_pending(struct kw_connection *c, struct sock *sk)
{
	struct kw_pipeline *pipeline = bpf_sk_storage_get(&pipelines, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (pipeline) {
		kw_keep_request(c, pipeline);
		return;
	}
	kw_count_lost(KW_LOST_STATE);
	kw_taint(&c->sides[HTTP1_REQUESTS], KW_TAINT_PIPELINE);
}

/* The complete request that the response in hand answers. Returns 0, or -1 if it is not known: not complete
 * yet, or not seen. */
static __always_inline int kw_pending_of(struct kw_connection *c, const struct kw_pipeline *pipeline,
					 __u32 number, struct kw_pending *ret_pending)
{
	__u32 ended = KW_ACQUIRE(c->http.counts.requests_ended);

	if (ended == number + 1 && kw_is_request_complete(&c->http)) {
		ret_pending->started = c->http.request_started;
		ret_pending->ended = c->http.request_ended;
		ret_pending->idle_before = c->http.idle_before_last;
		ret_pending->begin = c->http.request_begin;
		ret_pending->end = c->http.request_end;
		return 0;
	}
	if (!pipeline || (__s32)(ended - number) <= 0)
		return -1;
	*ret_pending = pipeline->requests[number & (HTTP1_QUEUE - 1)];
	return 0;
}

/* ---- requests ------------------------------------------------------------------------------------ */

/* The connection was idle and is used again. */
static __always_inline void kw_reuse(struct kw_connection *c, __u64 now)
{
	struct kw_http *http = &c->http;
	__u64 since = http->response_ended > http->request_ended ? http->response_ended : http->request_ended;
	__u64 idle = now > since ? now - since : 0;

	http->idle_before_last = idle;
	if (idle > http->idle_max)
		http->idle_max = idle;
	kw_sample(c, KW_HISTOGRAM_IDLE, idle);
	if (http->has_timeout && idle > http->timeout * KW_S)
		c->sides[HTTP1_REQUESTS].flags |= KW_HTTP_OVERRUN;
	if (http->has_max && (!http->max || ((c->sides[HTTP1_RESPONSES].flags & KW_HTTP_MAX_CONSTANT) &&
					     http->counts.requests_begun > http->max)))
		c->sides[HTTP1_REQUESTS].flags |= KW_HTTP_OVERRUN;
}

/* The same, where calls are rare. */
KW_GLOBAL int kw_reuse_once(struct kw_connection *c, __u64 now)
{
	if (c)
		kw_reuse(c, now);
	return 0;
}

/* A request begins: the one before must not be forgotten while it waits for its response. */
static __always_inline void kw_before_request(struct kw_connection *c, struct sock *sk)
{
	if (kw_must_keep(c))
		kw_keep_pending(c, sk);
}

static __always_inline void kw_request_begin(struct kw_connection *c, const struct kw_outcome *outcome)
{
	struct kw_http *http = &c->http;
	__u64 now = outcome->now;
	__u32 before = http->counts.requests_begun;

	http->counts.requests_begun = before + 1;
	if (before)
		http->counts.reused++;
	else
		http->first_request_started = now;
	http->idle_before_last = 0;
	if (before && http->counts.responses_ended >= before)
		kw_reuse(c, now);
	http->request_started = now;
	http->request_begin = outcome->position;
	c->sides[HTTP1_REQUESTS].open = 1;
}

static __always_inline void kw_request_head(struct kw_connection *c, const struct http1_stream *s)
{
	struct kw_http *http = &c->http;
	__u8 how;

	http->counts.requests++;
	if (s->version)
		http->http10_only = 0;
	else
		http->counts.requests_http10++;
	kw_count_directives(&http->counts.request, s->flags);
	if (s->flags & HTTP1_FLAG_PROXY_CONNECTION_FIELD)
		c->sides[HTTP1_REQUESTS].flags |= KW_HTTP_PROXY_CONNECTION;
	http->last_request_flags = s->flags;
	http->last_request_version = s->version;
	http->last_method = s->method;
	if (kw_message_announces(s, &how))
		kw_announce(c, KW_ANNOUNCED_BY_CLIENT, how, http->counts.requests);
}

static __always_inline void kw_request_end(struct kw_connection *c, const struct kw_outcome *outcome)
{
	c->http.request_ended = outcome->now;
	c->http.request_end = outcome->position;
	KW_PUBLISH(c->http.counts.requests_ended, c->http.counts.requests_ended + 1);
	c->sides[HTTP1_REQUESTS].open = 0;
}

/* The bytes that had begun were no message: a PROXY protocol header, or no HTTP at all. Nothing else came before. */
static __always_inline void kw_take_back(struct kw_connection *c, struct kw_side *side)
{
	struct kw_http *http = &c->http;

	side->open = 0;
	if (http->counts.requests || http->counts.responses)
		return;
	http->counts.requests_begun = 0;
	http->first_request_started = http->request_started = http->request_begin = 0;
	http->response_started = http->response_begin = 0;
}

/* ---- responses ----------------------------------------------------------------------------------- */

static __always_inline void kw_response_begin(struct kw_connection *c, const struct kw_outcome *outcome)
{
	c->http.response_started = outcome->now;
	c->http.response_begin = outcome->position;
	c->sides[HTTP1_RESPONSES].open = 1;
}

/* Does the advertised number of requests left count down, or is it told as a constant? */
static __always_inline void kw_follow_max(struct kw_connection *c, __u32 max)
{
	__u32 *flags = &c->sides[HTTP1_RESPONSES].flags;

	if (!c->http.has_max)
		*flags |= KW_HTTP_MAX_COUNTED_DOWN | KW_HTTP_MAX_CONSTANT;
	else if (max == c->http.max)
		*flags &= ~KW_HTTP_MAX_COUNTED_DOWN;
	else if (max + 1 == c->http.max)
		*flags &= ~KW_HTTP_MAX_CONSTANT;
	else
		*flags &= ~(KW_HTTP_MAX_COUNTED_DOWN | KW_HTTP_MAX_CONSTANT);
	c->http.has_max = 1;
	c->http.max = max;
	c->http.max_responses++;
}

static __always_inline void kw_response_fields(struct kw_connection *c, const struct http1_stream *s)
{
	struct kw_http *http = &c->http;

	kw_count_directives(&http->counts.response, s->flags);
	if (s->version)
		http->http10_only = 0;
	if (s->flags & HTTP1_FLAG_TIMEOUT) {
		http->timeout = s->timeout;
		http->has_timeout = 1;
	}
	if (s->flags & HTTP1_FLAG_MAX)
		kw_follow_max(c, s->max);
	if (s->flags & HTTP1_FLAG_PROXY_CONNECTION_FIELD)
		c->sides[HTTP1_RESPONSES].flags |= KW_HTTP_PROXY_CONNECTION_ANSWER;
	http->last_status = s->status;
	http->last_response_flags = s->flags;
	http->last_response_version = s->version;
	http->last_response_framing = s->framing;
}

/* When the request of exchange @number began, complete or not, and how many bytes it has; 0 if that is not known. */
static __always_inline void kw_describe_request(struct kw_connection *c, const struct kw_pipeline *pipeline,
						__u32 number, struct kw_event_gateway *event)
{
	struct kw_pending request = {};

	if (!kw_pending_of(c, pipeline, number - 1, &request)) {
		event->started = request.started;
		event->request_bytes = request.end - request.begin;
	} else if (c->http.counts.requests_begun == number) {
		event->started = c->http.request_started;
	}
}

/* The response of exchange @number, from 1, says that another server failed. */
KW_GLOBAL int kw_emit_gateway(struct kw_connection *c, const struct kw_pipeline *pipeline, __u32 number)
{
	struct kw_event_gateway *event;

	if (!c)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		kw_count_lost(KW_LOST_EXCHANGE);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->header.type = KW_EVENT_GATEWAY;
	event->header.size = sizeof(*event);
	event->header.time = bpf_ktime_get_ns();
	kw_identify(c, &event->identity);
	kw_describe_request(c, pipeline, number, event);
	event->number = number;
	event->thread = (__u32)bpf_get_current_pid_tgid();
	event->waker = (__u16)kw_waker();
	event->status = c->http1.streams[HTTP1_RESPONSES].status;
	bpf_ringbuf_submit(event, kw_wakeup());
	return 0;
}

/* Has a server sent, or a client received, a response that says so? */
static __always_inline int kw_is_gateway_error(const struct kw_connection *c, const struct http1_stream *s)
{
	return (__u32)s->status - KW_GATEWAY_STATUS < KW_GATEWAY_STATUSES && c->role != KW_ROLE_UNKNOWN;
}

static __always_inline void kw_response_head(struct kw_connection *c, const struct kw_pipeline *pipeline,
					     const struct http1_stream *s)
{
	struct kw_http *http = &c->http;
	__u32 class = http1_class(s) - 1;
	struct kw_pending request;
	__u8 how;

	if (s->flags & HTTP1_FLAG_INTERIM) {
		http->interim = s->status;
		return;
	}
	http->counts.responses++;
	if (class < 5)
		http->counts.codes[class]++;
	kw_response_fields(c, s);
	if (kw_message_announces(s, &how))
		kw_announce(c, KW_ANNOUNCED_BY_SERVER, how, http->counts.responses);
	if (s->framing == HTTP1_FRAMING_CLOSE && kw_is_gateway_error(c, s))
		kw_emit_gateway(c, pipeline, http->counts.responses);
	if (!kw_pending_of(c, pipeline, http->counts.responses - 1, &request))
		kw_sample(c, KW_HISTOGRAM_WAIT,
			  http->response_started > request.ended ? http->response_started - request.ended : 0);
}

/* One record for exchange @number, from 1; its response ended just now. @position is behind its last byte. */
KW_GLOBAL int kw_emit_exchange(struct kw_connection *c, const struct kw_pipeline *pipeline, __u32 number,
			       __u64 now, __u64 position)
{
	struct kw_pending request = {};
	struct kw_event_exchange *event;
	const struct http1_stream *s;

	if (!c)
		return 0;
	s = &c->http1.streams[HTTP1_RESPONSES];
	kw_pending_of(c, pipeline, number - 1, &request);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		kw_count_lost(KW_LOST_EXCHANGE);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->header.type = KW_EVENT_EXCHANGE;
	event->header.size = sizeof(*event);
	event->header.time = now;
	kw_identify(c, &event->identity);
	event->started = request.started;
	if (request.ended && c->http.response_started > request.ended)
		event->wait = c->http.response_started - request.ended;
	if (request.started)
		event->duration = now > request.started ? now - request.started : 0;
	event->idle_before = request.idle_before;
	event->request_bytes = request.end - request.begin;
	event->response_bytes = position - c->http.response_begin;
	event->number = number;
	event->status = s->status;
	event->version = s->version;
	event->method = s->method;
	if (c->http.announced_by && c->announced_at == number) {
		event->announced_by = c->http.announced_by;
		event->announced_how = c->http.announced_how;
	}
	bpf_ringbuf_submit(event, kw_wakeup());
	return 0;
}

static __always_inline void kw_response_end(struct kw_connection *c, const struct kw_pipeline *pipeline,
					    const struct http1_stream *s, const struct kw_outcome *outcome)
{
	struct kw_side *side = &c->sides[HTTP1_RESPONSES];
	struct kw_http *http = &c->http;

	side->open = 0;
	if (s->flags & HTTP1_FLAG_INTERIM)
		return;
	http->response_ended = outcome->now;
	http->response_end = outcome->position;
	http->counts.responses_ended++;
	http->interim = 0;
	side->flags &= ~KW_HTTP_EARLY_RESPONSE;
	if (c->sides[HTTP1_REQUESTS].open && http->counts.responses_ended >= http->counts.requests_begun)
		side->flags |= KW_HTTP_EARLY_RESPONSE;
	if (http->announced_by && http->counts.responses_ended > c->announced_at)
		side->flags |= KW_HTTP_CLOSE_IGNORED;
	if (kw_config.exchanges)
		kw_emit_exchange(c, pipeline, http->counts.responses_ended, outcome->now, outcome->position);
	if (s->framing != HTTP1_FRAMING_CLOSE && kw_is_gateway_error(c, s))
		kw_emit_gateway(c, pipeline, http->counts.responses_ended);
}

/* ---- blind spans --------------------------------------------------------------------------------- */

/* @n bytes cannot be read. Those of a body that goes on need not be: what counts is what should have been seen. */
KW_GLOBAL int kw_pass_unseen(struct kw_connection *c, __u32 direction, __u64 n)
{
	const struct http1_stream *s;
	__u64 harmless;

	if (!c)
		return 0;
	s = &c->http1.streams[direction & 1];
	harmless = http1_is_delimited(s) ? n : http1_harmless(s, n);
	if (harmless < n)
		__sync_fetch_and_add(&c->http.blind_bytes, n - harmless);
	return http1_blind(&c->http1, direction, n);
}

/* ---- all events ---------------------------------------------------------------------------------- */

#define KW_TLS_ALERT 21 /* RFC 8446 section 5.1, ContentType */
#define KW_TLS_HANDSHAKE 22

/* The framing is lost: what was in flight is not known any more. */
static __always_inline void kw_lost(struct kw_side *side, const struct http1_stream *s, enum kw_taint why)
{
	side->open = 0;
	if (s->errors & 1 << HTTP1_ERROR_NOT_A_RESPONSE &&
	    (s->parameter == KW_TLS_ALERT || s->parameter == KW_TLS_HANDSHAKE))
		side->flags |= KW_HTTP_TLS_ANSWER;
	kw_taint(side, s->errors & HTTP1_ERRORS_FATAL ? KW_TAINT_MALFORMED : why);
}

/* The faults of a message that were not counted yet. Its events say how far it has come, so that each counts once. */
static __always_inline __u32 kw_errors_of(const struct kw_side *side, const struct http1_stream *s, __u32 event)
{
	__u32 in_head = side->open && s->framing == HTTP1_FRAMING_NONE;
	__u32 errors = 0;

	if (event & HTTP1_EVENT_LOST)
		errors = in_head ? s->errors : s->errors & HTTP1_ERRORS_FATAL;
	if (event & HTTP1_EVENT_HEAD)
		errors |= s->errors & ~HTTP1_ERRORS_FATAL;
	if (event & HTTP1_EVENT_END)
		errors |= s->errors & 1 << HTTP1_ERROR_CHUNK_WORDS;
	if (event & HTTP1_EVENT_SURPLUS)
		errors |= 1 << HTTP1_ERROR_SURPLUS;
	return errors;
}

static __always_inline void kw_on_head(struct kw_connection *c, const struct kw_pipeline *pipeline,
				       const struct http1_stream *s, int responses)
{
	if (responses)
		kw_response_head(c, pipeline, s);
	else
		kw_request_head(c, s);
}

/* The end of a message, and the loss of its framing. */
static __always_inline void kw_on_end(struct kw_connection *c, const struct kw_pipeline *pipeline,
				      const struct kw_outcome *outcome)
{
	int responses = outcome->direction == HTTP1_RESPONSES;
	struct http1_stream *s = &c->http1.streams[responses];
	struct kw_side *side = &c->sides[responses];
	__u32 event = outcome->event;

	if (event & HTTP1_EVENT_END) {
		if (responses)
			kw_response_end(c, pipeline, s, outcome);
		else
			kw_request_end(c, outcome);
	}
	if (event & HTTP1_EVENT_LOST)
		kw_lost(side, s, event & HTTP1_EVENT_OVERFLOW ? KW_TAINT_PIPELINE : outcome->why);
}

static __always_inline void kw_on_errors(struct kw_connection *c, const struct kw_outcome *outcome)
{
	int responses = outcome->direction == HTTP1_RESPONSES;
	struct http1_stream *s = &c->http1.streams[responses];

	if (s->errors)
		kw_count_errors(&c->sides[responses], kw_errors_of(&c->sides[responses], s, outcome->event));
}

/* Keeps in storage of its own what needs that, before the rest is done with an event. Only this needs the socket. Returns the
 * connection's pipeline, or NULL. */
static __always_inline struct kw_pipeline *kw_before_event(struct kw_connection *c, struct sock *sk,
							   const struct kw_outcome *outcome)
{
	int responses = outcome->direction == HTTP1_RESPONSES;

	if (outcome->event & HTTP1_EVENT_BEGIN && !responses)
		kw_before_request(c, sk);
	if (outcome->event & HTTP1_EVENT_NAME)
		kw_on_name(c, sk, &c->http1.streams[responses], outcome->direction);
	if (outcome->event & HTTP1_EVENT_FIELD)
		kw_on_field(c, sk, &c->http1.streams[responses]);
	return kw_pipeline_of(c, sk);
}

/* Acts upon what the machine said of bytes that end at its position. */
static __always_inline void kw_on_event(struct kw_connection *c, const struct kw_pipeline *pipeline,
					const struct kw_outcome *outcome)
{
	int responses = outcome->direction == HTTP1_RESPONSES;
	struct http1_stream *s = &c->http1.streams[responses];
	struct kw_side *side = &c->sides[responses];
	__u32 event = outcome->event;

	kw_on_errors(c, outcome);
	if (event & HTTP1_EVENT_BEGIN) {
		if (responses)
			kw_response_begin(c, outcome);
		else
			kw_request_begin(c, outcome);
	}
	if (event & HTTP1_EVENT_HEAD)
		kw_on_head(c, pipeline, s, responses);
	kw_on_end(c, pipeline, outcome);
	if (event & HTTP1_EVENT_SURPLUS)
		side->open = 0;
	if (event & (HTTP1_EVENT_PROXY | HTTP1_EVENT_NOT_HTTP))
		kw_take_back(c, side);
	if (event & HTTP1_EVENT_NOT_HTTP && s->parameter == KW_TLS_ALERT)
		side->flags |= KW_HTTP_TLS_ANSWER;
}

/* The same, where calls are rare: verified once. */
KW_GLOBAL int kw_act_upon(struct kw_connection *c, const struct kw_pipeline *pipeline,
			  const struct kw_outcome *outcome)
{
	if (c && outcome)
		kw_on_event(c, pipeline, outcome);
	return 0;
}

#endif
