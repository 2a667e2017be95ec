/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge: one table of rules, tried from the top. The first that matches is the reason. */
#include <errno.h>
#include <string.h>

#include "judge/http2.h"
#include "judge/judge.h"
#include "judge/tls.h"

#define AT_ONCE ((int64_t)(100 * KW_MS))   /* "right after a response": up to 0.1 s */
#define TOLERANCE ((int64_t)(500 * KW_MS)) /* a timeout may be kept this much too early */
#define NEAR_PERCENT 90                    /* of its timeout, from where on a connection may be stale */

/* --- Common to several rules ------------------------------------------------------------------------- */

static bool by_client(const struct kw_facts *f)
{
	return f->closer == KW_CLOSER_CLIENT;
}

static bool by_server(const struct kw_facts *f)
{
	return f->closer == KW_CLOSER_SERVER;
}

/* Of an established connection: what failed before that has matched one of the first four rules. */
static bool by_network(const struct kw_facts *f)
{
	return f->closer == KW_CLOSER_NETWORK;
}

/* Idle; or a connection without a request on which the server had sent a response of its own accord. */
static bool is_idle(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_IDLE ||
	       (f->phase == KW_PHASE_UNUSED && f->answered && f->event->http.counts.responses_ended);
}

/* The rules about what HTTP/1 messages say of the connection. */
static bool is_idle_http1(const struct kw_facts *f)
{
	return is_idle(f) && !f->http2;
}

static bool is_idle_by_server(const struct kw_facts *f)
{
	return is_idle(f) && by_server(f);
}

static bool knows_idle(const struct kw_facts *f)
{
	return f->idle != KW_DURATION_UNKNOWN;
}

static bool is_at_once(const struct kw_facts *f)
{
	return knows_idle(f) && f->idle <= AT_ONCE;
}

static int64_t advertised(const struct kw_facts *f)
{
	return (int64_t)f->event->http.timeout * (int64_t)KW_S;
}

static bool ended_by_close(const struct kw_facts *f)
{
	return f->delimited && f->manner == KW_MANNER_FIN;
}

static bool http10_default(__u8 version, __u16 flags)
{
	return version == 0 && !(flags & HTTP1_FLAG_KEEP_ALIVE);
}

/* Behind a response that announced a close there may be one that nobody asked for, which takes nothing back. */
static bool announced_before_surplus(const struct kw_http *http)
{
	return http->announced_by == KW_ANNOUNCED_BY_SERVER && http->counts.requests_begun &&
	       http->counts.responses_ended > http->counts.requests_begun;
}

static bool response_announces(const struct kw_http *http)
{
	if (announced_before_surplus(http))
		return true;
	return http->counts.responses &&
	       ((http->last_response_flags & HTTP1_FLAG_CLOSE) ||
		http10_default(http->last_response_version, http->last_response_flags));
}

/* A request that was read after the server's FIN is not the one whose flags brought the close about. */
static bool knows_last_request(const struct kw_facts *f)
{
	return f->event->http.counts.requests && (!f->late_request || f->late_unread);
}

/* --- One function a rule, in the order of the table ---------------------------------------------------- */

static bool connect_refused(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_CONNECTING && f->manner == KW_MANNER_REFUSED;
}

static bool connect_timeout(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_CONNECTING && f->manner == KW_MANNER_TIMEOUT;
}

static bool connect_unreachable(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_CONNECTING && f->manner == KW_MANNER_UNREACHABLE;
}

static bool connect_aborted(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_CONNECTING;
}

static bool aborted_locally(const struct kw_facts *f)
{
	return f->aborted;
}

static bool retransmit_timeout(const struct kw_facts *f)
{
	return by_network(f) && f->gave_up && f->event->closing.outstanding;
}

static bool probe_timeout(const struct kw_facts *f)
{
	return by_network(f) && f->gave_up;
}

static bool network_error(const struct kw_facts *f)
{
	return by_network(f);
}

static bool unknown(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_UNKNOWN;
}

static bool enhance_your_calm(const struct kw_facts *f)
{
	return kw_http2_is_calmed(f);
}

static bool ping_timeout(const struct kw_facts *f)
{
	return kw_http2_is_ping_unanswered(f);
}

/* A client that is answered by another protocol says so by a GOAWAY: the answer is the cause. */
static bool goaway_error(const struct kw_facts *f)
{
	return kw_http2_is_fault(f) && !kw_http2_lacks_preface(f);
}

static bool process_exit(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;

	if (!f->local || f->phase == KW_PHASE_UNUSED)
		return false;
	if (ending->signal)
		return true;
	if (f->phase == KW_PHASE_RESPONSE && by_server(f) && ended_by_close(f))
		return false;
	return ending->exiting &&
	       (f->phase == KW_PHASE_REQUEST || f->phase == KW_PHASE_WAITING || f->phase == KW_PHASE_RESPONSE);
}

static bool tls_handshake_failed(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_HANDSHAKE && kw_tls_has_failed(f);
}

static bool tls_handshake_timeout(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_HANDSHAKE && kw_tls_has_waited(f);
}

static bool tls_handshake_abandoned(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_HANDSHAKE;
}

static bool preface_failed(const struct kw_facts *f)
{
	return kw_http2_lacks_preface(f);
}

static bool goaway_cut(const struct kw_facts *f)
{
	return kw_http2_is_cut(f);
}

static bool stream_after_goaway(const struct kw_facts *f)
{
	return kw_http2_began_after(f);
}

static bool goaway_refused(const struct kw_facts *f)
{
	return kw_http2_is_refused(f);
}

static bool tunnel_ended(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_TUNNEL;
}

static bool not_http(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_OPAQUE;
}

/* There are more responses than requests that were complete before the close: the 408 answers none. */
static bool request_timeout(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;
	bool late = f->late || (f->late_request && !f->late_unread);
	uint32_t before = http->counts.requests_ended;

	if (f->http2)
		return false;
	if (late && before && !(http->flags & KW_HTTP_REQUEST_OPEN))
		before--;
	return http->last_status == 408 && http->counts.responses > before;
}

/* Bytes that the server sends to a client that has closed without a request answer nothing, because the client may never
 * have seen them. */
static bool unused(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_UNUSED && !f->answered && !f->goaway;
}

static bool early_response(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_IDLE && f->request_open;
}

static bool pipeline_cut(const struct kw_facts *f)
{
	return (f->phase == KW_PHASE_WAITING || f->phase == KW_PHASE_REQUEST) && f->response_done &&
	       response_announces(&f->event->http);
}

static bool request_unacknowledged(const struct kw_facts *f)
{
	return (f->phase == KW_PHASE_REQUEST || f->phase == KW_PHASE_WAITING) && by_client(f) &&
	       f->unacknowledged;
}

static bool request_truncated(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_REQUEST;
}

static bool half_closed(const struct kw_facts *f)
{
	return (f->phase == KW_PHASE_WAITING || f->phase == KW_PHASE_RESPONSE) && f->taken;
}

/* The RST alone does not say whether the server had the request: how long the connection had been idle does. */
static bool stale_by_reset(const struct kw_facts *f)
{
	return f->manner == KW_MANNER_RST && !f->arrival_known && f->event->http.has_timeout &&
	       f->idle_before != KW_DURATION_UNKNOWN && f->idle_before >= advertised(f) / 100 * NEAR_PERCENT;
}

static bool stale_reuse(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_WAITING && by_server(f) && !f->local && (f->late || stale_by_reset(f));
}

static bool no_response(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_WAITING && by_server(f) && !f->refused;
}

static bool response_truncated(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_RESPONSE && by_server(f) && !ended_by_close(f) && !f->refused;
}

static bool half_close_refused(const struct kw_facts *f)
{
	return f->refused;
}

static bool client_gave_up(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_WAITING && by_client(f);
}

static bool client_left(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_RESPONSE && by_client(f);
}

/* No stream is open: the rules before this one have had the others. */
static bool goaway_idle(const struct kw_facts *f)
{
	return (f->phase == KW_PHASE_IDLE || f->phase == KW_PHASE_UNUSED) && kw_http2_is_said_when_idle(f);
}

static bool goaway_drained(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_IDLE && f->goaway;
}

static bool close_delimited(const struct kw_facts *f)
{
	return !f->http2 && (f->phase == KW_PHASE_RESPONSE || is_idle(f)) && ended_by_close(f);
}

/* A single max both counts down and is constant, so far as was seen. */
static bool max_requests(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;
	bool last_has_max = http->last_response_flags & HTTP1_FLAG_MAX;

	if (!is_idle_by_server(f) || !is_at_once(f) || !http->has_max)
		return false;
	if (http->max == 0 || (http->max == 1 && !last_has_max && (http->flags & KW_HTTP_MAX_COUNTED_DOWN)))
		return true;
	return (http->flags & KW_HTTP_MAX_CONSTANT) && http->max == http->counts.requests &&
	       !f->event->identity.preexisting;
}

static bool announced_by_request(const struct kw_facts *f)
{
	return is_idle_http1(f) && knows_last_request(f) &&
	       (f->event->http.last_request_flags & HTTP1_FLAG_CLOSE);
}

static bool http10_by_default(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;

	return is_idle_http1(f) && knows_last_request(f) &&
	       http10_default(http->last_request_version, http->last_request_flags);
}

static bool announced_by_response(const struct kw_facts *f)
{
	return is_idle_http1(f) && response_announces(&f->event->http);
}

/* A server that had ended the TLS session resets if it closes over the client's alert. */
static bool idle_reset(const struct kw_facts *f)
{
	return is_idle_by_server(f) && f->manner == KW_MANNER_RST && !kw_tls_is_ended(f);
}

static bool closed_before_timeout(const struct kw_facts *f)
{
	return is_idle_by_server(f) && f->event->http.has_timeout && knows_idle(f) && f->idle > AT_ONCE &&
	       f->idle < advertised(f) - TOLERANCE;
}

static bool server_idle_timeout(const struct kw_facts *f)
{
	return is_idle_by_server(f) && f->event->http.has_timeout && knows_idle(f) &&
	       f->idle >= advertised(f) - TOLERANCE;
}

/* Whether a response within TLS announced the close cannot be seen in its records, and in HTTP/2 none can. */
static bool unannounced_close(const struct kw_facts *f)
{
	return is_idle_by_server(f) && is_at_once(f) && !f->by_records && !f->http2;
}

static bool client_closed_idle(const struct kw_facts *f)
{
	return is_idle(f) && by_client(f);
}

/* --- The table ----------------------------------------------------------------------------------------- */

enum policy {
	NO,
	YES,
	IF_LOST,    /* requests were lost */
	IF_OPEN,    /* streams were open */
	IF_LATE,    /* there was a late request */
	IF_CUT_OFF, /* the server's RST, sent over unread data, destroyed the response */
	NULL_VALUE,
};

static const char *const policy_texts[] = {
	[NO] = "never",
	[YES] = "always",
	[IF_LOST] = "if requests were lost",
	[IF_OPEN] = "if streams were open",
	[IF_LATE] = "only if a late request came",
	[IF_CUT_OFF] = "only if the server's RST, sent over unread data, destroyed the response",
	[NULL_VALUE] = "not known",
};

static const struct rule {
	const char *name;
	bool (*matches)(const struct kw_facts *f);
	enum policy premature;
} rules[KW_REASON_MAX] = {
	[KW_REASON_CONNECT_REFUSED] = {"connect_refused", connect_refused, NO},
	[KW_REASON_CONNECT_TIMEOUT] = {"connect_timeout", connect_timeout, NO},
	[KW_REASON_CONNECT_UNREACHABLE] = {"connect_unreachable", connect_unreachable, NO},
	[KW_REASON_CONNECT_ABORTED] = {"connect_aborted", connect_aborted, NO},
	[KW_REASON_ABORTED_LOCALLY] = {"aborted_locally", aborted_locally, IF_LOST},
	[KW_REASON_RETRANSMIT_TIMEOUT] = {"retransmit_timeout", retransmit_timeout, IF_LOST},
	[KW_REASON_PROBE_TIMEOUT] = {"probe_timeout", probe_timeout, IF_LOST},
	[KW_REASON_NETWORK_ERROR] = {"network_error", network_error, IF_LOST},
	[KW_REASON_UNKNOWN] = {"unknown", unknown, NULL_VALUE},
	[KW_REASON_ENHANCE_YOUR_CALM] = {"enhance_your_calm", enhance_your_calm, IF_OPEN},
	[KW_REASON_PING_TIMEOUT] = {"ping_timeout", ping_timeout, IF_OPEN},
	[KW_REASON_GOAWAY_ERROR] = {"goaway_error", goaway_error, IF_OPEN},
	[KW_REASON_PROCESS_EXIT] = {"process_exit", process_exit, IF_LOST},
	[KW_REASON_TLS_HANDSHAKE_FAILED] = {"tls_handshake_failed", tls_handshake_failed, NO},
	[KW_REASON_TLS_HANDSHAKE_TIMEOUT] = {"tls_handshake_timeout", tls_handshake_timeout, NO},
	[KW_REASON_TLS_HANDSHAKE_ABANDONED] = {"tls_handshake_abandoned", tls_handshake_abandoned, NO},
	[KW_REASON_PREFACE_FAILED] = {"preface_failed", preface_failed, YES},
	[KW_REASON_GOAWAY_CUT] = {"goaway_cut", goaway_cut, YES},
	[KW_REASON_STREAM_AFTER_GOAWAY] = {"stream_after_goaway", stream_after_goaway, YES},
	[KW_REASON_GOAWAY_REFUSED] = {"goaway_refused", goaway_refused, YES},
	[KW_REASON_TUNNEL_ENDED] = {"tunnel_ended", tunnel_ended, NO},
	[KW_REASON_NOT_HTTP] = {"not_http", not_http, NO},
	[KW_REASON_REQUEST_TIMEOUT] = {"request_timeout", request_timeout, NO},
	[KW_REASON_UNUSED] = {"unused", unused, NO},
	[KW_REASON_EARLY_RESPONSE] = {"early_response", early_response, IF_CUT_OFF},
	[KW_REASON_PIPELINE_CUT] = {"pipeline_cut", pipeline_cut, YES},
	[KW_REASON_REQUEST_UNACKNOWLEDGED] = {"request_unacknowledged", request_unacknowledged, YES},
	[KW_REASON_REQUEST_TRUNCATED] = {"request_truncated", request_truncated, YES},
	[KW_REASON_HALF_CLOSED] = {"half_closed", half_closed, NO},
	[KW_REASON_STALE_REUSE] = {"stale_reuse", stale_reuse, YES},
	[KW_REASON_NO_RESPONSE] = {"no_response", no_response, YES},
	[KW_REASON_RESPONSE_TRUNCATED] = {"response_truncated", response_truncated, IF_LOST},
	[KW_REASON_HALF_CLOSE_REFUSED] = {"half_close_refused", half_close_refused, YES},
	[KW_REASON_CLIENT_GAVE_UP] = {"client_gave_up", client_gave_up, YES},
	[KW_REASON_CLIENT_LEFT] = {"client_left", client_left, NO},
	[KW_REASON_GOAWAY_IDLE] = {"goaway_idle", goaway_idle, NO},
	[KW_REASON_GOAWAY_DRAINED] = {"goaway_drained", goaway_drained, NO},
	[KW_REASON_CLOSE_DELIMITED] = {"close_delimited", close_delimited, NO},
	[KW_REASON_MAX_REQUESTS] = {"max_requests", max_requests, IF_LATE},
	[KW_REASON_ANNOUNCED_BY_REQUEST] = {"announced_by_request", announced_by_request, IF_LATE},
	[KW_REASON_HTTP10_DEFAULT] = {"http10_default", http10_by_default, IF_LATE},
	[KW_REASON_ANNOUNCED_BY_RESPONSE] = {"announced_by_response", announced_by_response, IF_LATE},
	[KW_REASON_IDLE_RESET] = {"idle_reset", idle_reset, IF_LATE},
	[KW_REASON_CLOSED_BEFORE_TIMEOUT] = {"closed_before_timeout", closed_before_timeout, IF_LATE},
	[KW_REASON_SERVER_IDLE_TIMEOUT] = {"server_idle_timeout", server_idle_timeout, IF_LATE},
	[KW_REASON_UNANNOUNCED_CLOSE] = {"unannounced_close", unannounced_close, IF_LATE},
	[KW_REASON_SERVER_CLOSED_IDLE] = {"server_closed_idle", is_idle_by_server, IF_LATE},
	[KW_REASON_CLIENT_CLOSED_IDLE] = {"client_closed_idle", client_closed_idle, IF_LATE},
};

/* Nothing matches only where nobody was seen to close: that is unknown too. */
static enum kw_reason find_reason(const struct kw_facts *f)
{
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
		if (rules[reason].matches(f))
			return reason;
	return KW_REASON_UNKNOWN;
}

/* Of an HTTP/2 connection, whose lost requests may have been cut long before its end. */
static bool is_cut_off(const struct kw_facts *f)
{
	return f->phase == KW_PHASE_WAITING || f->phase == KW_PHASE_RESPONSE;
}

static enum kw_premature premature_of(const struct kw_facts *f, enum kw_reason reason)
{
	bool yes = false;

	switch (rules[reason].premature) {
	case NO:
		break;
	case YES:
		yes = true;
		break;
	case IF_LOST:
		if (f->phase == KW_PHASE_UNKNOWN)
			return KW_PREMATURE_UNKNOWN;
		yes = f->http2 ? is_cut_off(f) : f->lost;
		break;
	case IF_OPEN:
		yes = f->streams.open;
		break;
	case IF_LATE:
		yes = f->late_request;
		break;
	case IF_CUT_OFF:
		yes = f->local && by_server(f) && f->manner == KW_MANNER_RST && f->event->closing.unread;
		break;
	case NULL_VALUE:
		return KW_PREMATURE_UNKNOWN;
	}
	return yes ? KW_PREMATURE_YES : KW_PREMATURE_NO;
}

/* To a server the FIN of a client that goes on reading looks like that of one that is gone, unless it draws a RST. */
static bool may_be_half_close(const struct kw_facts *f, enum kw_reason reason)
{
	return (reason == KW_REASON_CLIENT_GAVE_UP || reason == KW_REASON_CLIENT_LEFT) && !f->local &&
	       f->manner == KW_MANNER_FIN && !f->event->ending.simultaneous &&
	       !(f->event->ending.acts & (1 << KW_ACT_PEER_RST));
}

/* Peers disagree on what one of the latest messages says of the connection, or on where it ends. */
static bool is_doubtful(const struct kw_facts *f)
{
	return (f->event->http.last_request_flags | f->event->http.last_response_flags) & HTTP1_FLAG_DOUBTFUL;
}

static enum kw_confidence confidence_of(const struct kw_facts *f, enum kw_reason reason)
{
	if (reason == KW_REASON_UNKNOWN)
		return KW_CONFIDENCE_UNKNOWN;
	if (reason < KW_REASON_UNKNOWN)
		return KW_CONFIDENCE_CERTAIN; /* an error speaks for itself */
	if (f->inferred || is_doubtful(f))
		return KW_CONFIDENCE_INFERRED;
	if (may_be_half_close(f, reason))
		return KW_CONFIDENCE_INFERRED;
	if ((reason == KW_REASON_STALE_REUSE || reason == KW_REASON_NO_RESPONSE) &&
	    f->manner == KW_MANNER_RST && !f->local && !f->arrival_known)
		return KW_CONFIDENCE_INFERRED;
	return KW_CONFIDENCE_CERTAIN;
}

/* From the request's last byte to the close. Where the request came too late there was no waiting; where it was
 * read when the close had been noticed already, it is not known how long. */
static int64_t waited_of(const struct kw_facts *f)
{
	uint64_t ended = f->event->http.request_ended;

	if (f->http2) /* known of one stream, if no other began behind it */
		ended = f->streams.open == 1 && f->streams.newest ? f->http2->begun : 0;
	if (f->phase != KW_PHASE_WAITING || f->late || !ended || f->closed < ended)
		return KW_DURATION_UNKNOWN;
	return (int64_t)(f->closed - ended);
}

static int64_t late_by_of(const struct kw_facts *f)
{
	uint64_t started = f->event->http.request_started;

	if (f->late != KW_LATE_AFTER || !started || !f->closed)
		return KW_DURATION_UNKNOWN;
	return started > f->closed ? (int64_t)(started - f->closed) : 0;
}

/* A half-closed socket may still be read when it has left the kernel's tables: only a RST of its own says that
 * it was closed over what lay unread. */
static bool had_unread_data(const struct kw_facts *f)
{
	return f->local && f->event->closing.unread && (f->event->ending.acts & (1 << KW_ACT_LOCAL_RST));
}

/* From the last segment with data, of either side, to the close. */
static int64_t stalled_of(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;
	uint32_t since =
		ending->since_sent < ending->since_received ? ending->since_sent : ending->since_received;

	if (!ending->time || (f->phase != KW_PHASE_RESPONSE && f->phase != KW_PHASE_TUNNEL))
		return KW_DURATION_UNKNOWN;
	return (int64_t)(since * KW_MS);
}

/* The body that the close cut: that of the request in phase request, that of the response in phase response. */
static void take_body(const struct kw_facts *f, struct kw_verdict *verdict)
{
	enum http1_direction direction = f->phase == KW_PHASE_REQUEST ? HTTP1_REQUESTS : HTTP1_RESPONSES;
	const struct kw_body *body = &f->event->bodies[direction];

	if ((f->phase != KW_PHASE_REQUEST && f->phase != KW_PHASE_RESPONSE) || f->http2)
		return;
	verdict->body_bytes = body->bytes;
	verdict->body_declared = body->declared;
}

static struct kw_verdict conclude(const struct kw_facts *f, enum kw_reason reason)
{
	return (struct kw_verdict){
		.facts = *f,
		.closer = f->closer,
		.manner = f->manner,
		.phase = f->phase,
		.reason = reason,
		.confidence = confidence_of(f, reason),
		.premature = premature_of(f, reason),
		.lost_requests = f->lost,
		.closed = f->closed,
		.idle_at_close = f->phase == KW_PHASE_IDLE ? f->idle : KW_DURATION_UNKNOWN,
		.waited = waited_of(f),
		.idle_before = f->idle_before,
		.stalled = stalled_of(f),
		.body_bytes = KW_BODY_UNKNOWN,
		.body_declared = KW_BODY_UNKNOWN,
		.late_by = reason == KW_REASON_STALE_REUSE ? late_by_of(f) : KW_DURATION_UNKNOWN,
		.late_request = f->late_request,
		.unread_data = had_unread_data(f),
	};
}

/* --- Both ends on one host ----------------------------------------------------------------------------- */

static enum kw_far_part part_of(const struct kw_facts *f, enum kw_phase phase)
{
	if (f->arrival_known && phase == KW_PHASE_WAITING)
		return KW_FAR_ARRIVAL;
	return f->order_known ? KW_FAR_ORDER : KW_FAR_NONE;
}

/* Both ends may count the same streams and name another reason: only one knows when the client read the GOAWAY. */
static bool is_same(const struct kw_verdict *verdict, const struct kw_far_end *far)
{
	if (verdict->facts.http2 && verdict->reason != far->reason)
		return false;
	return verdict->closer == far->closer && verdict->phase == far->phase &&
	       verdict->lost_requests == far->lost_requests;
}

/* A request that met an idle server's close is late at the server's end and waits at the client's. A server that has not
 * seen where its own streams stood cannot be said to have closed while idle. */
static void adopt(struct kw_verdict *verdict, const struct kw_far_end *far)
{
	if (far->reason == KW_REASON_STALE_REUSE)
		return;
	verdict->far = KW_FAR_DECIDES;
	verdict->confidence = KW_CONFIDENCE_CERTAIN;
	verdict->closer = far->closer;
	verdict->manner = far->manner;
	verdict->phase = far->late_request ? KW_PHASE_WAITING : far->phase;
	verdict->reason = far->late_request ? KW_REASON_STALE_REUSE : far->reason;
	verdict->premature = far->premature;
	verdict->lost_requests = far->lost_requests;
	verdict->closed = far->closed;
	verdict->idle_at_close = verdict->waited = verdict->stalled = KW_DURATION_UNKNOWN;
	verdict->body_bytes = verdict->body_declared = KW_BODY_UNKNOWN;
}

/* A RST came, and the server's end shows that it had closed before it read any of the streams that are open. */
static bool has_met_close(const struct kw_verdict *verdict, const struct kw_far_end *far)
{
	return verdict->facts.http2 && verdict->reason == KW_REASON_NO_RESPONSE &&
	       far->closer == KW_CLOSER_SERVER && far->phase == KW_PHASE_IDLE;
}

/* Streams that the server never read, because it had closed, are known to the client's end alone. */
static bool has_more_streams(const struct kw_verdict *verdict, const struct kw_far_end *far)
{
	const struct kw_facts *f = &verdict->facts;

	return f->http2 && f->role == KW_ROLE_SERVER && far->above > f->streams.above;
}

/* The end that knows more decides for both. An end that did not see its own bytes stays unknown, because what it counted
 * is short of them; one that could not follow them knows nothing that this one lacks. */
static void settle(struct kw_verdict *verdict, const struct kw_far_end *far)
{
	if (!far->certain || far->phase == KW_PHASE_OPAQUE ||
	    (verdict->confidence != KW_CONFIDENCE_INFERRED && !has_more_streams(verdict, far)))
		return;
	if (has_met_close(verdict, far)) {
		verdict->reason = KW_REASON_STALE_REUSE;
		verdict->confidence = KW_CONFIDENCE_CERTAIN;
		verdict->far = KW_FAR_ARRIVAL;
		return;
	}
	if (!is_same(verdict, far)) {
		adopt(verdict, far);
		return;
	}
	verdict->confidence = KW_CONFIDENCE_CERTAIN;
	verdict->far = KW_FAR_CONFIRMS;
}

void kw_judge_both(const struct kw_event_connection *event, const struct kw_far_end *far,
		   struct kw_verdict *ret_verdict)
{
	struct kw_facts f;

	kw_facts_derive(event, far, &f);
	*ret_verdict = conclude(&f, find_reason(&f));
	take_body(&f, ret_verdict);
	ret_verdict->far = part_of(&f, f.phase);
	if (far)
		settle(ret_verdict, far);
	ret_verdict->facts.far = NULL;
}

void kw_judge(const struct kw_event_connection *event, struct kw_verdict *ret_verdict)
{
	kw_judge_both(event, NULL, ret_verdict);
}

struct kw_far_end kw_far_end_of(const struct kw_verdict *verdict)
{
	return (struct kw_far_end){
		.closed = verdict->closed,
		.lost_requests = verdict->lost_requests,
		.closer = verdict->closer,
		.manner = verdict->manner,
		.phase = verdict->phase,
		.reason = verdict->reason,
		.premature = verdict->premature,
		.certain = verdict->confidence == KW_CONFIDENCE_CERTAIN,
		.late_request = verdict->late_request,
		.crossed = verdict->facts.event->ending.simultaneous,
		.above = verdict->facts.streams.above,
	};
}

const char *kw_reason_name(enum kw_reason reason)
{
	return (unsigned int)reason < KW_REASON_MAX ? rules[reason].name : "unknown";
}

const char *kw_reason_premature(enum kw_reason reason)
{
	return policy_texts[(unsigned int)reason < KW_REASON_MAX ? rules[reason].premature : NULL_VALUE];
}

enum kw_reason kw_reason_by_name(const char *name)
{
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
		if (!strcmp(rules[reason].name, name))
			return reason;
	return KW_REASON_MAX;
}

bool kw_reason_is_connect_failure(enum kw_reason reason)
{
	return (unsigned int)reason <= KW_REASON_CONNECT_ABORTED;
}
