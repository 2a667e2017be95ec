/* SPDX-License-Identifier: BSD-2-Clause */
/* The sentences of a verdict: what decided it (a lead for each reason), how the close came about (the act),
 * and whatever else a reader wants to see beside it. Numbers and fixed words, nothing from the traffic. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strerrorname_np() */
#endif
#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "include/probe.h"
#include "judge/evidence_http2.h"
#include "event/tls_names.h"
#include "judge/facts.h"
#include "judge/tls.h"

#define STALL (100 * KW_MS) /* silence from here on is more than a message in several parts */

struct error_name {
	char text[32];
};

static struct error_name error_name(int error)
{
	const char *name = strerrorname_np(error);
	struct error_name e;

	if (error && name)
		snprintf(e.text, sizeof(e.text), "%s", name);
	else
		snprintf(e.text, sizeof(e.text), "error %d", error);
	return e;
}

static bool is_client(const struct kw_writer *w)
{
	return w->facts->role == KW_ROLE_CLIENT;
}

/* The number of the oldest request that has no complete response, or else of the latest, from 1. */
static uint32_t request_number(const struct kw_writer *w)
{
	uint32_t begun = w->event->http.counts.requests_begun;
	uint32_t outstanding = w->facts->outstanding;

	return outstanding && outstanding <= begun ? begun - outstanding + 1 : begun;
}

/* --- The act ------------------------------------------------------------------------------------------- */

/* "server sent FIN 5.003 s after its last response"; without the time where the two were noticed in another
 * order than they happened. */
static void say_sent(struct kw_writer *w, int64_t after, const char *what)
{
	const char *who = kw_closer_name(w->verdict->closer);
	const char *how = w->verdict->manner == KW_MANNER_FIN ? "FIN" : "RST";

	if (after > 0)
		kw_say(w, "%s sent %s %s after %s", who, how, kw_signed_duration(after).text, what);
	else
		kw_say(w, "%s sent %s after %s", who, how, what);
}

static void say_act_when_idle(struct kw_writer *w)
{
	const struct kw_event_connection *event = w->event;
	bool server = w->verdict->closer == KW_CLOSER_SERVER;

	if (w->facts->silent)
		say_sent(w, w->facts->idle, "the last data");
	else if (w->facts->idle != KW_DURATION_UNKNOWN)
		say_sent(w, w->facts->idle, server ? "its last response" : "the last response");
	else if (!event->identity.preexisting && w->facts->closed > event->established)
		say_sent(w, w->facts->closed - event->established, "the connection was established");
	else
		kw_say(w, "%s sent %s", kw_closer_name(w->verdict->closer),
		       w->verdict->manner == KW_MANNER_FIN ? "FIN" : "RST");
}

/* The close ends the response's body, as this end saw, or as its other end did. */
static bool is_delimited(const struct kw_writer *w)
{
	return w->facts->delimited || w->verdict->reason == KW_REASON_CLOSE_DELIMITED;
}

/* In the middle of a message, or at the end of one that is delimited by the close. */
static void say_act_within(struct kw_writer *w, const char *message, uint32_t number)
{
	const char *who = kw_closer_name(w->verdict->closer);
	bool fin = w->verdict->manner == KW_MANNER_FIN, server = w->verdict->closer == KW_CLOSER_SERVER;

	if (w->verdict->phase == KW_PHASE_RESPONSE && is_delimited(w) && fin && server)
		kw_say(w, "server sent FIN, which ends %s %u", message, number);
	else
		kw_say(w, "%s sent %s before %s %u was complete", who, fin ? "FIN" : "RST", message, number);
}

static void say_act(struct kw_writer *w)
{
	const struct kw_verdict *verdict = w->verdict;
	uint32_t number = request_number(w);
	char what[64];

	if (verdict->closer != KW_CLOSER_CLIENT && verdict->closer != KW_CLOSER_SERVER)
		return;
	switch (verdict->phase) {
	case KW_PHASE_CONNECTING:
		return;
	case KW_PHASE_REQUEST:
		say_act_within(w, "request", number);
		return;
	case KW_PHASE_RESPONSE:
		say_act_within(w, "response", number ? number : 1);
		return;
	case KW_PHASE_WAITING:
		if (w->facts->late)
			break;
		snprintf(what, sizeof(what), "the last byte of request %u",
			 w->event->http.counts.requests_begun);
		say_sent(w, verdict->waited, what);
		return;
	case KW_PHASE_TUNNEL:
	case KW_PHASE_OPAQUE:
	case KW_PHASE_UNKNOWN:
	case KW_PHASE_HANDSHAKE:
		kw_say(w, "%s sent %s", kw_closer_name(verdict->closer),
		       verdict->manner == KW_MANNER_FIN ? "FIN" : "RST");
		return;
	default:
		break;
	}
	say_act_when_idle(w);
}

/* --- The leads: what decided, where that is not the act itself ----------------------------------------- */

static struct kw_duration connecting_time(const struct kw_writer *w)
{
	uint64_t closed = w->facts->closed, opened = w->event->opened;

	return kw_signed_duration(opened && closed > opened ? (int64_t)(closed - opened) : 0);
}

static void lead_connect_refused(struct kw_writer *w)
{
	kw_say(w, "the connection attempt was refused after %s", connecting_time(w).text);
}

static void lead_connect_timeout(struct kw_writer *w)
{
	kw_say(w, "nothing answered the connection attempt (SYN) within %s", connecting_time(w).text);
}

static void lead_connect_unreachable(struct kw_writer *w)
{
	kw_say(w, "the network ended the connection attempt with %s (an ICMP error, or no route) after %s",
	       error_name(w->facts->error).text, connecting_time(w).text);
}

static void lead_connect_aborted(struct kw_writer *w)
{
	kw_say(w, "the client closed the socket %s after connect(), before the connection was established",
	       connecting_time(w).text);
}

static void lead_aborted_locally(struct kw_writer *w)
{
	kw_say(w, "another program destroyed the socket, as ss -K does (ECONNABORTED)");
}

static void lead_retransmit_timeout(struct kw_writer *w)
{
	uint32_t bytes = w->event->closing.outstanding;

	kw_say(w, "the kernel gave up with %s: %u byte%s sent and never acknowledged",
	       error_name(w->facts->error).text, bytes, bytes == 1 ? " was" : "s were");
}

static void lead_probe_timeout(struct kw_writer *w)
{
	uint32_t probes = w->event->closing.probes;

	kw_say(w,
	       "the kernel gave up with %s: %u keep-alive probe%s went unanswered, and no data was under way",
	       error_name(w->facts->error).text, probes, kw_plural(probes));
}

static void lead_network_error(struct kw_writer *w)
{
	kw_say(w, "the kernel ended the connection with %s", error_name(w->facts->error).text);
}

static void lead_unknown(struct kw_writer *w)
{
	const struct kw_http *http = &w->event->http;

	if (http->flags & KW_HTTP_UNSUPPORTED)
		kw_say(w,
		       "keepwatch cannot follow the way in which this connection moves its bytes (MPTCP, kTLS or sockmap)");
	if (w->event->identity.preexisting)
		kw_say(w, "the connection was open before keepwatch started");
	if (w->facts->role == KW_ROLE_UNKNOWN)
		kw_say(w, "keepwatch does not know which side is the client");
	if (http->flags & KW_HTTP_REQUESTS_LOST)
		kw_say(w, "keepwatch lost track of the requests: one may have been under way");
	if (http->flags & KW_HTTP_RESPONSES_LOST)
		kw_say(w, "keepwatch lost track of the responses: one may have been under way");
	if (w->event->http.protocol == HTTP1_PROTOCOL_TLS)
		kw_say(w, "the TLS records do not show whether a request was waiting for its response");
	if (w->facts->hidden)
		kw_say(w,
		       "bytes arrived that the program never read, and keepwatch sees only bytes that are read");
	if (w->verdict->closer == KW_CLOSER_UNKNOWN)
		kw_say(w, "keepwatch did not see which side closed first");
}

static void lead_process_exit(struct kw_writer *w)
{
	if (w->event->ending.signal)
		kw_say(w, "the process that held the connection was killed by signal %u",
		       w->event->ending.signal);
	else
		kw_say(w, "the process that held the connection was exiting");
}

static const char *by(uint8_t side)
{
	return side == 1 + TLS_CLIENT ? "client" : "server";
}

static void lead_tls_handshake_failed(struct kw_writer *w)
{
	const struct kw_tls_facts *tls = w->facts->tls;
	const char *who = by(tls->alert_by);

	if (tls->alert_code != TLS_CODE_HIDDEN)
		kw_say(w, "%s ended the TLS handshake with alert %u (%s)", who, tls->alert_code,
		       kw_tls_alert_name(tls->alert_code));
	else if (tls->done)
		kw_say(w,
		       "server sent an encrypted alert right after the client's certificate: it refused that, or its "
		       "absence");
	else
		kw_say(w, "%s ended the TLS handshake with an alert that was encrypted", who);
}

static struct kw_duration since_latest(const struct kw_writer *w)
{
	return kw_signed_duration((int64_t)(w->facts->closed - w->facts->tls->latest));
}

static void lead_tls_handshake_timeout(struct kw_writer *w)
{
	const char *other = w->verdict->closer == KW_CLOSER_CLIENT ? "server" : "client";

	kw_say(w, "the TLS handshake was not done: nothing had come from the %s for %s", other,
	       since_latest(w).text);
}

static void lead_tls_handshake_abandoned(struct kw_writer *w)
{
	const struct kw_tls_facts *tls = w->facts->tls;

	kw_say(w, "the connection was closed before the TLS handshake was done, without an alert");
	if (tls->handshake <= TLS_HANDSHAKE_CLIENT_HELLO && w->verdict->closer == KW_CLOSER_SERVER)
		kw_say(w, "the server sent no TLS record: its port may not expect TLS");
}

static void lead_tunnel_ended(struct kw_writer *w)
{
	kw_say(w, "the connection had become a tunnel (CONNECT or an upgrade)");
}

static void lead_not_http(struct kw_writer *w)
{
	switch (w->event->http.protocol) {
	case HTTP1_PROTOCOL_TLS:
		kw_say(w,
		       "the connection carried TLS, or began as if it did, and its records could not be followed");
		break;
	case HTTP1_PROTOCOL_H2C:
		kw_say(w, "the connection carried HTTP/2");
		break;
	default:
		kw_say(w, "the connection carried something other than HTTP");
		break;
	}
}

static void lead_request_timeout(struct kw_writer *w)
{
	kw_say(w, "server sent status 408 (request timeout) before it had a complete request");
}

static void lead_unused(struct kw_writer *w)
{
	if (w->facts->tls)
		kw_say(w, "the TLS handshake was done, and then no data was sent");
	else
		kw_say(w, "no byte of a request or of a response was seen");
}

static void lead_early_response(struct kw_writer *w)
{
	uint32_t number = w->event->http.counts.requests_begun;

	kw_say(w, "response %u was complete before request %u was", number, number);
}

static void lead_pipeline_cut(struct kw_writer *w)
{
	uint32_t later = w->facts->outstanding;

	kw_say(w, "the last response announced the close while %u later request%s waiting for an answer", later,
	       later == 1 ? " was" : "s were");
}

static void lead_half_closed(struct kw_writer *w)
{
	kw_say(w, "client sent FIN first but went on reading, and got its complete response");
}

/* The server's act that a request met. */
static const char *server_end(const struct kw_writer *w)
{
	return kw_tls_is_ended(w->facts) ? "close_notify" : "FIN";
}

static void lead_stale_reuse(struct kw_writer *w)
{
	uint32_t number = request_number(w);

	if (w->verdict->late_by != KW_DURATION_UNKNOWN)
		kw_say(w, "request %u was sent %s after the server's %s had arrived", number,
		       kw_signed_duration(w->verdict->late_by).text, server_end(w));
	else if (w->verdict->far == KW_FAR_ARRIVAL)
		kw_say(w,
		       "the server had closed the idle connection before it read request %u: its own end, on this host "
		       "too, shows that",
		       number);
	else if (w->facts->late_inferred)
		kw_say(w,
		       "request %u and the server's close_notify crossed on the way: that came sooner than an answer could",
		       number);
	else if (w->facts->late)
		kw_say(w,
		       "request %u and the server's FIN crossed on the way: the FIN acknowledges no byte of the request",
		       number);
	else
		kw_say(w, "request %u was sent on a connection that had been idle for %s", number,
		       kw_signed_duration(w->facts->idle_before).text);
}

static void lead_half_close_refused(struct kw_writer *w)
{
	kw_say(w, "client sent FIN but went on reading; the server closed without sending a complete response");
}

static void lead_response_truncated(struct kw_writer *w)
{
	if (w->facts->unsealed)
		kw_say(w, "the last response gave no length, and the server closed without a close_notify: the "
			  "response may have been cut");
	if (!w->event->http.counts.requests_begun)
		kw_say(w, "no request was seen to which this response could belong");
}

static void lead_request_unacknowledged(struct kw_writer *w)
{
	uint32_t times = w->event->closing.retransmits;

	kw_say(w, "request %u was never acknowledged, although it was sent again %u time%s", request_number(w),
	       times, kw_plural(times));
}

static void lead_close_delimited(struct kw_writer *w)
{
	kw_say(w, "the last response gave no length, so the close marks its end");
}

static void lead_max_requests(struct kw_writer *w)
{
	uint32_t requests = w->event->http.counts.requests;

	kw_say(w, "the server had advertised Keep-Alive: max, which was used up after %u request%s", requests,
	       kw_plural(requests));
}

static void lead_announced_by_request(struct kw_writer *w)
{
	kw_say(w, "the last request carried Connection: close");
}

static void lead_http10_default(struct kw_writer *w)
{
	kw_say(w, "the last request was HTTP/1.0 without keep-alive");
}

static void lead_announced_by_response(struct kw_writer *w)
{
	const struct kw_http *http = &w->event->http;
	bool surplus =
		http->counts.responses_ended > http->counts.requests_begun; /* whose own fields say nothing */

	if (http->last_response_flags & HTTP1_FLAG_CLOSE ||
	    (surplus && http->announced_how == KW_ANNOUNCED_CLOSE))
		kw_say(w, "the last response carried Connection: close");
	else
		kw_say(w, "the last response was HTTP/1.0 without keep-alive");
}

/* Where there is none the act leads. */
static void (*const leads[KW_REASON_MAX])(struct kw_writer *w) = {
	[KW_REASON_CONNECT_REFUSED] = lead_connect_refused,
	[KW_REASON_CONNECT_TIMEOUT] = lead_connect_timeout,
	[KW_REASON_CONNECT_UNREACHABLE] = lead_connect_unreachable,
	[KW_REASON_CONNECT_ABORTED] = lead_connect_aborted,
	[KW_REASON_ABORTED_LOCALLY] = lead_aborted_locally,
	[KW_REASON_RETRANSMIT_TIMEOUT] = lead_retransmit_timeout,
	[KW_REASON_PROBE_TIMEOUT] = lead_probe_timeout,
	[KW_REASON_NETWORK_ERROR] = lead_network_error,
	[KW_REASON_UNKNOWN] = lead_unknown,
	[KW_REASON_PROCESS_EXIT] = lead_process_exit,
	[KW_REASON_TLS_HANDSHAKE_FAILED] = lead_tls_handshake_failed,
	[KW_REASON_TLS_HANDSHAKE_TIMEOUT] = lead_tls_handshake_timeout,
	[KW_REASON_TLS_HANDSHAKE_ABANDONED] = lead_tls_handshake_abandoned,
	[KW_REASON_TUNNEL_ENDED] = lead_tunnel_ended,
	[KW_REASON_NOT_HTTP] = lead_not_http,
	[KW_REASON_REQUEST_TIMEOUT] = lead_request_timeout,
	[KW_REASON_UNUSED] = lead_unused,
	[KW_REASON_EARLY_RESPONSE] = lead_early_response,
	[KW_REASON_PIPELINE_CUT] = lead_pipeline_cut,
	[KW_REASON_HALF_CLOSED] = lead_half_closed,
	[KW_REASON_STALE_REUSE] = lead_stale_reuse,
	[KW_REASON_RESPONSE_TRUNCATED] = lead_response_truncated,
	[KW_REASON_HALF_CLOSE_REFUSED] = lead_half_close_refused,
	[KW_REASON_REQUEST_UNACKNOWLEDGED] = lead_request_unacknowledged,
	[KW_REASON_CLOSE_DELIMITED] = lead_close_delimited,
	[KW_REASON_MAX_REQUESTS] = lead_max_requests,
	[KW_REASON_ANNOUNCED_BY_REQUEST] = lead_announced_by_request,
	[KW_REASON_HTTP10_DEFAULT] = lead_http10_default,
	[KW_REASON_ANNOUNCED_BY_RESPONSE] = lead_announced_by_response,
};

/* --- Further sentences ------------------------------------------------------------------------- */

static const char *arrival(const struct kw_writer *w)
{
	if (w->verdict->manner == KW_MANNER_FIN)
		return "the server's FIN acknowledges the request: it had arrived";
	if (w->verdict->far == KW_FAR_ARRIVAL)
		return "the server had received the request: its own end, on this host too, shows that";
	return "a RST does not show whether the server had received the request";
}

/* Why a request without a response is called stale, or is not. */
static void say_waiting(struct kw_writer *w)
{
	enum kw_reason reason = w->verdict->reason;

	if (w->verdict->phase != KW_PHASE_WAITING || reason == KW_REASON_HALF_CLOSED)
		return;
	if (reason == KW_REASON_NO_RESPONSE && is_client(w))
		kw_say(w, "%s", arrival(w));
	if (w->event->http.interim)
		kw_say(w, "only an interim response (%u) was %s", w->event->http.interim,
		       is_client(w) ? "received" : "sent");
	else
		kw_say(w, "no response byte was %s", is_client(w) ? "received" : "sent");
}

struct thousands {
	char text[32];
};

/* "1,000". */
static struct thousands thousands(uint64_t number)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	struct thousands t;
	size_t at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			t.text[at++] = ',';
		t.text[at++] = digits[i];
	}
	t.text[at] = '\0';
	return t;
}

/* "379 of 1,000 bytes": how much of the message that the close cut had come. */
static bool write_part(const struct kw_writer *w, char *ret_text, size_t size)
{
	const struct kw_verdict *verdict = w->verdict;

	if (verdict->body_bytes == KW_BODY_UNKNOWN)
		return false;
	if (verdict->body_declared == KW_BODY_UNKNOWN)
		snprintf(ret_text, size, "%s byte%s of the body", thousands(verdict->body_bytes).text,
			 kw_plural(verdict->body_bytes));
	else
		snprintf(ret_text, size, "%s of %s bytes", thousands(verdict->body_bytes).text,
			 thousands(verdict->body_declared).text);
	return true;
}

/* How far a message came, and how long nothing came then: a timeout on the way, or a length that was not true. */
static void say_stalled(struct kw_writer *w)
{
	const struct kw_verdict *verdict = w->verdict;
	bool silent = verdict->stalled >= (int64_t)STALL;
	char part[96];

	if (verdict->premature == KW_PREMATURE_NO && !silent)
		return;
	if (write_part(w, part, sizeof(part)) && silent)
		kw_say(w, "%s, then %s of silence", part, kw_signed_duration(verdict->stalled).text);
	else if (verdict->body_bytes != KW_BODY_UNKNOWN)
		kw_say(w, "%s had come", part);
	else if (silent)
		kw_say(w, "%s of silence before the close", kw_signed_duration(verdict->stalled).text);
}

/* How old the connection's last use was when the request that failed began. A lead may have said it. */
static void say_idle_before(struct kw_writer *w)
{
	enum kw_reason reason = w->verdict->reason;
	int64_t idle = w->verdict->idle_before;

	if (w->verdict->premature != KW_PREMATURE_YES || w->facts->outstanding != 1 || idle < 0)
		return;
	if (reason == KW_REASON_STALE_REUSE && !w->facts->late && w->verdict->late_by == KW_DURATION_UNKNOWN)
		return;
	if (w->event->http.counts.requests_begun == 1)
		kw_say(w, "request 1 began %s after the connection was established",
		       kw_signed_duration(idle).text);
	else
		kw_say(w, "the connection had been idle for %s before request %u",
		       kw_signed_duration(idle).text, request_number(w));
}

/* The server's promise, where it bears on the reason. */
static void say_advertised(struct kw_writer *w)
{
	const struct kw_http *http = &w->event->http;
	bool forwarded = http->errors & (1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED);

	if (w->verdict->reason <= KW_REASON_UNUSED)
		return;
	if (http->has_timeout && http->has_max)
		kw_say(w, "server advertised Keep-Alive: timeout=%u, max=%u", http->timeout, http->max);
	else if (http->has_timeout)
		kw_say(w, "server advertised Keep-Alive: timeout=%u", http->timeout);
	else if (http->has_max)
		kw_say(w, "server advertised Keep-Alive: max=%u", http->max);
	if (forwarded)
		kw_say(w,
		       "a Keep-Alive field is not listed in Connection: likely forwarded by an intermediary, such as a proxy");
}

/* Another sentence has said it of the only request that was lost: that it was cut, or got no response byte. */
static bool is_loss_told(const struct kw_writer *w)
{
	const struct kw_verdict *verdict = w->verdict;

	if (verdict->lost_requests != 1)
		return !verdict->lost_requests;
	if (verdict->phase == KW_PHASE_WAITING)
		return true;
	return (verdict->phase == KW_PHASE_REQUEST || verdict->phase == KW_PHASE_RESPONSE) &&
	       (verdict->closer == KW_CLOSER_CLIENT || verdict->closer == KW_CLOSER_SERVER);
}

static void say_lost(struct kw_writer *w)
{
	const struct kw_verdict *verdict = w->verdict;
	uint32_t unread = w->event->closing.unread;

	if (verdict->late_request && w->facts->discarded)
		kw_say(w, "another request reached the server after the server's %s and was discarded unread",
		       server_end(w));
	else if (verdict->late_request && w->facts->late_unread)
		kw_say(w, "a request came too late: the server closed with %u byte%s unread", unread,
		       kw_plural(unread));
	else if (verdict->late_request)
		kw_say(w, "another request arrived after the server's %s and was never answered",
		       server_end(w));
	else if (verdict->unread_data)
		kw_say(w, "the %s closed with %u byte%s unread", kw_closer_name(verdict->closer), unread,
		       kw_plural(unread));
	if (!is_loss_told(w))
		kw_say(w, "%u request%s no complete response", verdict->lost_requests,
		       verdict->lost_requests == 1 ? " got" : "s got");
}

/* Parts that peers may read in another way than keepwatch, and bytes that belong to no message. */
static void say_oddities(struct kw_writer *w)
{
	const struct kw_http *http = &w->event->http;

	if (http->surplus)
		kw_say(w, "the server sent %u byte%s that belong%s to no response", http->surplus,
		       kw_plural(http->surplus), http->surplus == 1 ? "s" : "");
	if (w->verdict->reason != KW_REASON_UNUSED &&
	    (http->errors & (1 << HTTP1_ERROR_NOT_A_RESPONSE) || http->flags & KW_HTTP_TLS_ANSWER))
		kw_say(w, "the server's answer is not HTTP%s",
		       http->flags & KW_HTTP_TLS_ANSWER ? "; it looks like TLS: the port may expect https"
							: "");
	if (http->errors & (1 << HTTP1_ERROR_REQUEST_LINE))
		kw_say(w,
		       "the client's first line is not an HTTP request line, but the server answered with HTTP/1");
	if (http->flags & KW_HTTP_TLS_REQUEST)
		kw_say(w, "the client began with TLS: the port expects plain http");
	if (http->last_response_flags & HTTP1_FLAG_DOUBTFUL && w->facts->delimited)
		kw_say(w,
		       "the response has both a Transfer-Encoding other than chunked and a Content-Length: peers "
		       "disagree on where it ends");
	else if ((http->last_request_flags | http->last_response_flags) & HTTP1_FLAG_DOUBTFUL)
		kw_say(w,
		       "a field with a malformed name resembles Keep-Alive or Upgrade: a lenient peer may obey it");
}

/* Why a connection on which keepwatch saw nothing is called idle. */
static void say_silent(struct kw_writer *w)
{
	if (w->facts->silent)
		kw_say(w,
		       "the connection was open before keepwatch started: by TCP's times the server was the last to "
		       "send data, and the client had all of it");
}

/* Whose library showed the HTTP. */
static const char *library_of(uint32_t flags)
{
	static const char *const names[KW_LIBRARIES] = {"OpenSSL", "OpenSSL", "GnuTLS", "Go's crypto/tls"};

	return names[KW_HTTP_LIBRARY(flags)];
}

/* On which ground a connection is judged whose bytes are encrypted, and who ended its session. */
static void say_records(struct kw_writer *w)
{
	const struct kw_tls_facts *tls = w->facts->tls;

	if (!tls || w->verdict->confidence == KW_CONFIDENCE_UNKNOWN || !tls->done || tls->alert_by)
		return;
	if (tls->notified_by && !strcmp(by(tls->notified_by), kw_closer_name(w->verdict->closer)))
		kw_say(w, "%s was the first to end the TLS session (close_notify)", by(tls->notified_by));
	if (w->facts->by_records)
		kw_say(w, "judged by direction and length of TLS records, not by HTTP");
	else
		kw_say(w, "the HTTP inside TLS was read where %s took it from the program and gave it",
		       library_of(w->event->http.flags));
}

static void say_transport(struct kw_writer *w)
{
	const struct kw_closing *closing = &w->event->closing;

	if (w->event->ending.simultaneous && w->verdict->far == KW_FAR_ORDER)
		kw_say(w, "both sides sent FIN at the same time; the %s's was first by the times of both ends",
		       kw_closer_name(w->verdict->closer));
	else if (w->event->ending.simultaneous)
		kw_say(w,
		       "both sides sent FIN at the same time; by convention the client counts as the closer");
	if (w->verdict->far == KW_FAR_CONFIRMS)
		kw_say(w, "the connection's other end, on this host too, confirms this");
	if (w->verdict->confidence == KW_CONFIDENCE_INFERRED && w->facts->hidden && !w->facts->tls)
		kw_say(w, "the verdict is inferred, because bytes had arrived that the program never read");
	if (closing->retransmits && w->verdict->reason != KW_REASON_REQUEST_UNACKNOWLEDGED)
		kw_say(w, "%u TCP segment%s retransmitted", closing->retransmits,
		       closing->retransmits == 1 ? " was" : "s were");
	if (w->event->http.app_error > 0)
		kw_say(w, "the program got %s from a send or receive",
		       error_name(w->event->http.app_error).text);
}

void kw_evidence_write(const struct kw_verdict *verdict, struct kw_evidence *ret_evidence)
{
	struct kw_writer w = {verdict->facts.event, verdict, &verdict->facts, ret_evidence};

	ret_evidence->count = 0;
	if (verdict->far == KW_FAR_DECIDES)
		kw_say(&w, "this end did not see why it closed: its other end, on this host too, did");
	else if ((unsigned int)verdict->reason < KW_REASON_MAX && leads[verdict->reason])
		leads[verdict->reason](&w);
	else
		kw_http2_say_lead(&w);
	if (verdict->facts.http2)
		kw_http2_say_act(&w);
	else
		say_act(&w);
	say_silent(&w);
	say_records(&w);
	if (verdict->facts.http2)
		kw_http2_say_more(&w);
	else
		say_waiting(&w);
	say_stalled(&w);
	say_idle_before(&w);
	say_lost(&w);
	say_oddities(&w);
	say_advertised(&w);
	say_transport(&w);
	if (!ret_evidence->count)
		kw_say(&w, "the connection ended");
}
