/* SPDX-License-Identifier: BSD-2-Clause */
/* From raw facts to those that the rules ask about: who closed and how (the act), how far both streams had
 * come at the closer then (the marks), and so where HTTP stood (the phase). */
#include <errno.h>
#include <string.h>

#include "event/http2_names.h"
#include "event/tls_names.h"
#include "judge/facts.h"
#include "judge/http2.h"
#include "judge/tls.h"

#define EVERYTHING UINT64_MAX /* a mark behind all that was ever sent */

static bool has_act(const struct kw_event_connection *event, enum kw_act act)
{
	return event->ending.acts & (1 << act);
}

static bool is_unreachable(int error)
{
	return error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN || error == ENONET;
}

static enum kw_closer closer_of_role(enum kw_role role, bool peer)
{
	switch (role) {
	case KW_ROLE_CLIENT:
		return peer ? KW_CLOSER_SERVER : KW_CLOSER_CLIENT;
	case KW_ROLE_SERVER:
		return peer ? KW_CLOSER_CLIENT : KW_CLOSER_SERVER;
	default:
		return KW_CLOSER_UNKNOWN;
	}
}

/* --- The act ------------------------------------------------------------------------------------------- */

/* A connect() that did not succeed. Only a client connects. ECONNREFUSED without a RST comes from a firewall's
 * ICMP error. A program may be told of such an error while the kernel still tries (the soft error), and close.
 * Closing a socket that is still connecting sends nothing; it is called a FIN, as the orderly local close that
 * it is. */
static void derive_connect_act(struct kw_facts *f)
{
	if (f->error == ECONNRESET || has_act(f->event, KW_ACT_PEER_RST)) {
		f->closer = KW_CLOSER_SERVER;
		f->manner = KW_MANNER_REFUSED;
	} else if (f->error != ECONNABORTED && (f->error || f->event->closing.soft_error)) {
		f->error = f->error ? f->error : f->event->closing.soft_error;
		f->closer = KW_CLOSER_NETWORK;
		f->manner = f->error == ETIMEDOUT ? KW_MANNER_TIMEOUT : KW_MANNER_UNREACHABLE;
	} else {
		f->closer = KW_CLOSER_CLIENT;
		f->manner = KW_MANNER_FIN;
		f->local = f->role == KW_ROLE_CLIENT;
	}
}

/* The kernel gave up. A timeout reports the last ICMP error, where there was one, instead of ETIMEDOUT: what
 * was a soft error until then has become the error. A program that was told of it may have reset the connection
 * itself: then nothing timed out; of its own accord the kernel sends a RST only when probes fail. */
static void derive_error_act(struct kw_facts *f)
{
	const struct kw_closing *closing = &f->event->closing;

	f->closer = KW_CLOSER_NETWORK;
	f->gave_up = f->error == ETIMEDOUT || (closing->error && closing->error == closing->soft_error &&
					       (closing->probes || !has_act(f->event, KW_ACT_LOCAL_RST)));
	if (f->gave_up)
		f->manner = KW_MANNER_TIMEOUT;
	else
		f->manner = is_unreachable(f->error) ? KW_MANNER_UNREACHABLE : KW_MANNER_UNKNOWN;
}

/* The first act, with two errors told apart from the network's. A socket destroyed from outside sends a RST. A reset
 * is never the network's: where no program saw the RST, either side may have sent it, so nobody is named. */
static enum kw_act first_act(const struct kw_facts *f)
{
	enum kw_act act = f->event->ending.act;

	if (act == KW_ACT_NONE && f->error)
		act = KW_ACT_ERROR;
	if (act != KW_ACT_ERROR)
		return act;
	if (f->error == ECONNABORTED)
		return KW_ACT_LOCAL_RST;
	if (f->error == ECONNRESET || f->error == EPIPE)
		return has_act(f->event, KW_ACT_PEER_RST) ? KW_ACT_PEER_RST : KW_ACT_NONE;
	return act;
}

/* Each end believes that its FIN was first. Where the other end's time is not known it was the client's by convention. */
static void derive_crossing(struct kw_facts *f)
{
	f->order_known = f->far && f->far->crossed;
	f->closer = KW_CLOSER_CLIENT;
	if (!f->order_known)
		return;
	f->closer = closer_of_role(f->role, f->far->closed < f->closed);
	if (f->far->closed < f->closed)
		f->closed = f->far->closed;
}

static void derive_act(struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	enum kw_act act = first_act(f);
	bool peer = act == KW_ACT_PEER_FIN || act == KW_ACT_PEER_RST;

	f->closed = event->ending.time ? event->ending.time : event->closing.time;
	if (!event->established) {
		derive_connect_act(f);
		return;
	}
	if (act == KW_ACT_NONE)
		return;
	if (act == KW_ACT_ERROR) {
		derive_error_act(f);
		return;
	}
	f->manner = act == KW_ACT_LOCAL_FIN || act == KW_ACT_PEER_FIN ? KW_MANNER_FIN : KW_MANNER_RST;
	f->closer = closer_of_role(f->role, peer);
	f->aborted = act == KW_ACT_LOCAL_RST && f->error == ECONNABORTED;
	if (event->ending.simultaneous && f->manner == KW_MANNER_FIN && f->role != KW_ROLE_UNKNOWN)
		derive_crossing(f);
	f->local = f->closer != KW_CLOSER_UNKNOWN && f->closer == closer_of_role(f->role, false);
}

/* --- The marks ----------------------------------------------------------------------------------------- */

/* On a connection older than the observer the peer may not even have acknowledged all that went before it: that
 * lies below the first position, and wraps. */
static uint64_t acknowledged(const struct kw_ending *ending)
{
	return ending->tx_acked <= ending->tx_sent ? ending->tx_acked : 0;
}

/* Bytes of the open request's body that had not been read, at the least; 0 if no body is open. */
static uint64_t owed_by_client(const struct kw_facts *f)
{
	return f->event->http.flags & KW_HTTP_REQUEST_OPEN ? f->event->bodies[HTTP1_REQUESTS].owed : 0;
}

static bool is_owed_exactly(const struct kw_facts *f)
{
	return f->event->bodies[HTTP1_REQUESTS].declared != KW_UNDECLARED;
}

/* The server closed with a request's head read and the whole rest of its body unread in the queue: it had the request. */
static bool is_rest_unread(const struct kw_facts *f)
{
	uint64_t owed = owed_by_client(f);

	return f->role == KW_ROLE_SERVER && f->local && owed && f->event->closing.unread >= owed;
}

/* How far the requests had come at the closer. A FIN tells in what it acknowledges; a RST tells nothing, so
 * all that had been sent is taken to have come. */
static uint64_t request_mark(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;

	if (f->closer != KW_CLOSER_SERVER)
		return EVERYTHING;
	if (f->local)
		return ending->rx_arrived;
	return f->manner == KW_MANNER_FIN ? acknowledged(ending) : EVERYTHING;
}

/* How far the responses had come at the closer; where the network failed, how far they had come at all. */
static uint64_t response_mark(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;

	if (kw_tls_answers_in_vain(f))
		return f->event->http.response_begin;
	if (f->closer == KW_CLOSER_CLIENT && f->local)
		return ending->rx_arrived;
	if (f->closer == KW_CLOSER_CLIENT && !ending->simultaneous)
		return f->manner == KW_MANNER_FIN ? acknowledged(ending) : ending->tx_sent;
	if (f->closer == KW_CLOSER_NETWORK && f->role == KW_ROLE_SERVER)
		return acknowledged(ending);
	return EVERYTHING;
}

/* --- Requests and responses at the act ----------------------------------------------------------------- */

/* Taints that were overcome: the streams are in step again, but some messages were not counted. */
#define UNCOUNTED                                                                                              \
	(1 << KW_TAINT_PREEXISTING | 1 << KW_TAINT_MALFORMED | 1 << KW_TAINT_BLIND | 1 << KW_TAINT_GAP |       \
	 1 << KW_TAINT_BUDGET)

/* Requests begun that have no complete final response in the end. Where messages were missed the difference of
 * the counts means nothing, and what still waits in the queue tells. */
static uint32_t count_left(const struct kw_event_connection *event)
{
	const struct kw_http *http = &event->http;
	uint32_t begun = http->counts.requests_begun, ended = http->counts.responses_ended;
	uint32_t queued = http->lost_safe + http->lost_idempotent + http->lost_other;
	bool open = (http->flags & KW_HTTP_REQUEST_OPEN) && !(http->flags & KW_HTTP_EARLY_RESPONSE);

	if (!(http->taints & UNCOUNTED))
		return begun > ended ? begun - ended : 0;
	return queued || !open ? queued : 1;
}

/* The latest response is a 408 to a request that never was complete. It has said all by its head, so that nobody misses
 * the rest of its body. */
static bool answers_none(const struct kw_http *http)
{
	return http->last_status == 408 && http->counts.responses > http->counts.requests_ended;
}

static void derive_responses(struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;
	uint64_t mark = response_mark(f);
	uint32_t ended = http->counts.responses_ended;
	bool open = http->flags & KW_HTTP_RESPONSE_OPEN;
	bool ended_later = ended && http->response_end > mark;

	f->outstanding = f->left + (ended_later && f->left < http->counts.requests_begun);
	f->response_open = (open || ended_later) && http->response_begin < mark;
	f->response_done = ended && !open && !ended_later;
	f->answered = http->response_started && (http->counts.requests_begun || http->response_begin < mark);
	f->delimited = (http->flags & KW_HTTP_DELIMITED) || http->last_response_framing == HTTP1_FRAMING_CLOSE;
	f->unsealed = f->delimited && f->response_open && !answers_none(http) && kw_tls_is_unsealed(f);
	f->delimited = f->delimited && !f->unsealed;
}

/* After the server had closed, the bytes behind the last complete request were read as nothing but a length: a lingering
 * close, which discards whatever still arrives. Of TLS as many bytes as an alert has are one; and a library discards what
 * comes when the server has ended the session. */
static bool is_discarded(const struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	const struct kw_http *http = &event->http;
	uint64_t read = event->ending.rx_read;

	if (http->flags & KW_HTTP_BEHIND_NOTICE)
		return !f->http2;
	if (f->tls)
		return (http->flags & KW_HTTP_DISCARDED) && !f->http2 && http->request_end <= read &&
		       http->rx_bytes > read + kw_tls_spare_bytes(f->tls);
	return (http->flags & KW_HTTP_REQUESTS_LOST) && !(http->taints & ~(1 << KW_TAINT_BLIND)) &&
	       http->request_end == read && http->rx_bytes > read;
}

/* Was a request among them? In clear text there may be no more than the empty lines that RFC 9112 section 2.2 allows behind one. */
static bool is_request_discarded(const struct kw_facts *f)
{
	uint64_t behind = f->event->http.rx_bytes - f->event->ending.rx_read;

	return f->discarded && (f->tls || behind > KW_EMPTY_LINES);
}

/* A RST alone does not say whether the server had the request, nor does the alert that ends a session: the server's own end
 * does. By the records of TLS a server knows no more than that something lay unread. */
static bool is_arrival_known(const struct kw_facts *f)
{
	if (f->role != KW_ROLE_CLIENT || f->closer != KW_CLOSER_SERVER || !f->far ||
	    f->far->closer != KW_CLOSER_SERVER)
		return false;
	return (f->tls && f->far->late_request) ||
	       (!f->by_records && f->manner == KW_MANNER_RST && f->far->certain);
}

/* A request that began beyond the mark was not with the server when it closed. It counts as late only if no
 * older one waits that was. */
static void derive_requests(struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	const struct kw_http *http = &event->http;
	uint64_t mark = request_mark(f);
	bool open = http->flags & KW_HTTP_REQUEST_OPEN;
	bool older = f->outstanding > 1 && http->oldest_end && http->oldest_end <= mark;
	bool beyond = http->counts.requests_begun && http->request_begin >= mark;

	f->arrival_known = is_arrival_known(f);
	beyond |= f->arrival_known && f->far->late_request && f->outstanding;
	f->late_inferred = kw_tls_asks_too_late(f);
	beyond |= kw_tls_asks_behind(f) || f->late_inferred;
	f->request_open = !beyond && http->counts.requests_begun && (open || http->request_end > mark);
	if (f->request_open && f->outstanding && is_rest_unread(f))
		f->request_open = false;
	beyond = beyond && !older;
	if (beyond && !f->outstanding)
		f->outstanding = 1; /* what looked like its response cannot be one */
	if (beyond && f->role == KW_ROLE_CLIENT)
		f->late = http->request_begin >= event->ending.tx_sent || kw_tls_asks_behind(f)
				  ? KW_LATE_AFTER
				  : KW_LATE_CROSSED;
	if (f->closer != KW_CLOSER_SERVER || !f->local || f->request_open || f->response_open)
		return;
	f->discarded = !f->outstanding && is_discarded(f);
	f->late_unread = is_request_discarded(f) ||
			 (!f->outstanding && event->closing.unread > kw_tls_spare_bytes(f->tls));
	f->late_request = beyond || f->late_unread;
}

/* More than the alert of a client that had closed was read by a server of TLS as nothing but a length: there may be a request in it. */
static bool is_discarded_blindly(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;
	uint64_t known =
		http->request_end > f->event->ending.rx_read ? http->request_end : f->event->ending.rx_read;

	return (http->flags & KW_HTTP_DISCARDED) && f->closer == KW_CLOSER_CLIENT && f->tls && !f->http2 &&
	       http->rx_bytes > known + kw_tls_spare_bytes(f->tls);
}

/* Bytes that had come when the closer acted, and that nobody read to the end. Bytes that had arrived could still be
 * read after the socket had left the kernel's tables, so the count of bytes read has the last word. Bytes of a body whose
 * end lies behind them hide nothing, and neither do empty lines behind a request. */
static bool is_hidden(const struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	uint64_t arrived = event->ending.rx_arrived, read = event->http.rx_bytes;

	if (is_discarded_blindly(f))
		return true;
	if (!event->closing.unread || read >= arrived)
		return false;
	if (f->tls)
		return arrived - read > kw_tls_spare_bytes(f->tls);
	if (f->role != KW_ROLE_SERVER)
		return true;
	if (event->http.flags & KW_HTTP_REQUEST_OPEN)
		return is_owed_exactly(f) && arrived - read > owed_by_client(f);
	return arrived - read > KW_EMPTY_LINES;
}

/* Where a chunked body ends among bytes that nobody read is not certain, nor whether it does. */
static bool is_rest_doubtful(const struct kw_facts *f)
{
	return f->role == KW_ROLE_SERVER && (f->event->http.flags & KW_HTTP_REQUEST_OPEN) &&
	       !is_owed_exactly(f) && f->event->closing.unread >= owed_by_client(f) && f->event->closing.unread;
}

/* The client's FIN was only a half-close: in the end every response was complete and reached it. */
static bool is_taken(const struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	bool client = f->role == KW_ROLE_CLIENT;
	bool server_fin = has_act(event, client ? KW_ACT_PEER_FIN : KW_ACT_LOCAL_FIN);
	bool server_rst = has_act(event, client ? KW_ACT_PEER_RST : KW_ACT_LOCAL_RST);
	bool open = event->http.flags & KW_HTTP_RESPONSE_OPEN;

	if (f->closer != KW_CLOSER_CLIENT || f->manner != KW_MANNER_FIN)
		return false;
	if (f->left > 1 || (f->left == 1 && !(open && f->delimited && server_fin && !server_rst)))
		return false;
	if (client)
		return !f->hidden;
	return !has_act(event, KW_ACT_PEER_RST) && !has_act(event, KW_ACT_ERROR) && !event->closing.outstanding;
}

/* --- Older than the observer --------------------------------------------------------------------------- */

#define SETTLED                                                                                                \
	((int64_t)(100 * KW_MS)) /* a close that comes sooner may go with a response that was not seen */

/* How long no data had come from the server, by TCP's times, in ns and to a timer tick or two. */
static int64_t silence(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;
	uint32_t since = f->role == KW_ROLE_SERVER ? ending->since_sent : ending->since_received;

	return (int64_t)(since * KW_MS);
}

/* No byte was under way as the observer came, and none passed in either direction until the end. */
static bool is_still(const struct kw_event_connection *event)
{
	const struct kw_ending *ending = &event->ending;
	const struct kw_closing *closing = &event->closing;

	return event->http.protocol == HTTP1_PROTOCOL_NONE && !(event->http.flags & KW_HTTP_UNSUPPORTED) &&
	       !event->http.tx_bytes && !event->http.rx_bytes && !ending->tx_sent && !ending->rx_arrived &&
	       !closing->unread && !closing->outstanding;
}

/* Open before the observer, and not used since. If the server was the last to send data, and the client has it all, no request
 * was waiting; if the client was, one may have been. */
static bool is_silent(const struct kw_facts *f)
{
	enum kw_sender server = f->role == KW_ROLE_SERVER ? KW_SENDER_LOCAL : KW_SENDER_PEER;
	bool closed = f->closer == KW_CLOSER_CLIENT || f->closer == KW_CLOSER_SERVER;

	return f->event->identity.preexisting && closed && !f->aborted && f->event->ending.time &&
	       f->event->ending.last_sender == server && is_still(f->event) && silence(f) > SETTLED;
}

/* --- The phase ----------------------------------------------------------------------------------------- */

/* Nothing can be said of HTTP: the streams are out of step now, or nothing was understood of a connection
 * older than the observer, or which side is the client is not known. A taint that was overcome is none, and what
 * the server discarded after its close decides nothing. */
static bool is_unknown(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;

	if (f->role == KW_ROLE_UNKNOWN)
		return true;
	if (http->flags & (KW_HTTP_RESPONSES_LOST | KW_HTTP_UNSUPPORTED))
		return true;
	if ((http->flags & KW_HTTP_REQUESTS_LOST) && !f->discarded)
		return true;
	return f->event->identity.preexisting &&
	       (http->protocol == HTTP1_PROTOCOL_NONE || !http->counts.requests_begun);
}

static enum kw_phase phase_of_messages(const struct kw_facts *f)
{
	if (f->late)
		return KW_PHASE_WAITING;
	if (f->late_request)
		return KW_PHASE_IDLE;
	if (f->response_open)
		return KW_PHASE_RESPONSE;
	if (!f->outstanding)
		return f->event->http.counts.requests_begun ? KW_PHASE_IDLE : KW_PHASE_UNUSED;
	return f->outstanding == 1 && f->request_open ? KW_PHASE_REQUEST : KW_PHASE_WAITING;
}

/* The client reset it: whether what was on its way then had come before, the RST does not say. */
static bool is_reset_over_response(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;

	return f->role == KW_ROLE_SERVER && f->closer == KW_CLOSER_CLIENT && f->manner == KW_MANNER_RST &&
	       http->counts.responses_ended && http->response_end > acknowledged(&f->event->ending);
}

/* The phase may depend on bytes that lie unread. At the client they are of a response, which has begun but may not be
 * complete. At the server they are of a request. */
static enum kw_phase phase_of_hidden(struct kw_facts *f, enum kw_phase phase)
{
	bool quiet = phase == KW_PHASE_UNUSED || phase == KW_PHASE_IDLE;

	if (f->role == KW_ROLE_SERVER && f->closer == KW_CLOSER_CLIENT) {
		f->inferred |= phase == KW_PHASE_REQUEST;
		return quiet ? KW_PHASE_UNKNOWN : phase;
	}
	if (f->role != KW_ROLE_CLIENT || f->late || phase == KW_PHASE_IDLE)
		return phase;
	if (f->closer == KW_CLOSER_SERVER || phase == KW_PHASE_UNUSED)
		return KW_PHASE_UNKNOWN;
	if (f->closer == KW_CLOSER_CLIENT) {
		f->inferred = true;
		return KW_PHASE_RESPONSE;
	}
	return phase;
}

/* By the records of TLS. The same questions decide as with HTTP, but their answers may leave more open. */
static enum kw_phase phase_of_records(struct kw_facts *f)
{
	enum kw_phase phase = phase_of_messages(f);

	return kw_tls_phase(f, f->hidden ? phase_of_hidden(f, phase) : phase);
}

/* The client had gone, as a health check does, before either side said anything: whatever a server says then, a greeting or an alert of
 * TLS, is no use of the connection. */
static bool is_said_to_nobody(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;

	return f->role == KW_ROLE_SERVER && f->closer == KW_CLOSER_CLIENT && !ending->rx_arrived &&
	       !ending->tx_sent && f->event->http.tx_bytes && !f->event->identity.preexisting;
}

static enum kw_phase derive_phase(struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;
	enum kw_phase phase;

	if (!f->event->established)
		return KW_PHASE_CONNECTING;
	if (f->http2)
		return kw_http2_phase(f);
	if (http->flags & KW_HTTP_TUNNEL)
		return KW_PHASE_TUNNEL;
	if (f->by_records && !(http->flags & KW_HTTP_UNSUPPORTED))
		return phase_of_records(f);
	if (http->protocol == HTTP1_PROTOCOL_TLS || http->protocol == HTTP1_PROTOCOL_H2C ||
	    http->protocol == HTTP1_PROTOCOL_OPAQUE)
		return is_said_to_nobody(f) ? KW_PHASE_UNUSED : KW_PHASE_OPAQUE;
	if (f->silent) {
		f->inferred = true;
		return KW_PHASE_IDLE;
	}
	if (is_unknown(f))
		return KW_PHASE_UNKNOWN;
	f->inferred = is_reset_over_response(f) || f->rest_inferred || f->unsealed || f->late_inferred;
	phase = phase_of_messages(f);
	return f->hidden ? phase_of_hidden(f, phase) : phase;
}

/* --- The sums ------------------------------------------------------------------------------------------ */

/* The close itself completes a body that is delimited by it, unless it came by a reset or a kill. */
static bool is_completed_by_close(const struct kw_facts *f)
{
	if (!(f->event->http.flags & KW_HTTP_RESPONSE_OPEN) || !f->delimited || f->manner != KW_MANNER_FIN)
		return false;
	return f->taken || (f->closer == KW_CLOSER_SERVER && !(f->local && f->event->ending.signal));
}

/* Where the phase is not known nothing is claimed to be lost. A server's response that went out after the
 * client had closed counts as complete only if the client took it. */
static uint32_t count_lost(const struct kw_facts *f)
{
	uint32_t lost;

	switch (f->phase) {
	case KW_PHASE_UNKNOWN:
	case KW_PHASE_CONNECTING:
	case KW_PHASE_TUNNEL:
	case KW_PHASE_OPAQUE:
	case KW_PHASE_HANDSHAKE:
		return 0;
	default:
		break;
	}
	if (f->http2)
		return kw_http2_lost(&f->streams);
	lost = f->taken || (f->role == KW_ROLE_CLIENT && !f->late) ? f->left : f->outstanding;
	if (lost && is_completed_by_close(f))
		lost--;
	return lost + f->late_unread;
}

/* From @from to @to in ns, never below 0: events may be noticed late. */
static int64_t span(uint64_t from, uint64_t to)
{
	if (!from || !to)
		return KW_DURATION_UNKNOWN;
	return to > from ? (int64_t)(to - from) : 0;
}

static void derive_times(struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	const struct kw_http *http = &event->http;
	uint64_t ended = http->response_ended;

	/* An exchange whose response came early ends with its request. */
	if (http->counts.responses_ended && (http->flags & KW_HTTP_EARLY_RESPONSE) && !f->request_open &&
	    !f->late_request && http->request_ended > ended)
		ended = http->request_ended;
	f->idle = f->answered ? span(ended, f->closed) : KW_DURATION_UNKNOWN;
	if (f->silent)
		f->idle = silence(f);
	if (f->http2)
		f->idle = kw_http2_idle(f);
	if (http->counts.requests_begun == 1)
		f->idle_before = span(event->established, http->first_request_started);
	else
		f->idle_before = http->idle_before_last ? (int64_t)http->idle_before_last : KW_DURATION_UNKNOWN;
}

/* A path that lost the last segments this often in a row, with nothing acknowledged in between, is dead. */
#define DEAD_AFTER 2

/* In spite of retransmissions, to the end. Only the client's socket can tell: at the server nothing came. Of a request
 * that was not even sent whole, a part may have arrived before the path died. */
static bool is_unacknowledged(const struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	const struct kw_http *http = &event->http;
	const struct kw_closing *closing = &event->closing;
	uint64_t end = http->oldest_end ? http->oldest_end : http->request_end;
	uint64_t acked = acknowledged(&event->ending);

	if (f->http2)
		return kw_http2_is_path_dead(f);
	if (f->role != KW_ROLE_CLIENT || !closing->retransmits || !closing->outstanding)
		return false;
	if (f->phase == KW_PHASE_REQUEST)
		return acked <= http->request_begin || closing->unrecovered >= DEAD_AFTER;
	return acked < end;
}

/* The client shut its sending direction alone and went on reading, and the server closed without a complete response:
 * so the server closed, because of the half-close. A server cannot tell a half-close from a close. */
static void derive_refusal(struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;
	bool reset = has_act(f->event, KW_ACT_PEER_RST), ended = reset || has_act(f->event, KW_ACT_PEER_FIN);

	if (f->http2 || f->role != KW_ROLE_CLIENT || ending->act != KW_ACT_LOCAL_FIN || !ending->half_close ||
	    !ending->reading || !ended || f->taken || kw_tls_is_over(f))
		return;
	if (f->phase != KW_PHASE_WAITING && f->phase != KW_PHASE_RESPONSE)
		return;
	f->refused = true;
	f->response_open =
		f->event->http.flags & KW_HTTP_RESPONSE_OPEN; /* which may have begun since the FIN */
	f->phase = f->response_open ? KW_PHASE_RESPONSE : KW_PHASE_WAITING;
	f->closer = KW_CLOSER_SERVER;
	f->local = false;
	f->manner = reset ? KW_MANNER_RST : KW_MANNER_FIN;
	f->closed = f->event->peer_fin ? f->event->peer_fin : f->event->closing.time;
}

/* Of HTTP/1 and TLS. */
static void derive_messages(struct kw_facts *f)
{
	f->left = count_left(f->event) - kw_tls_is_answered_once(f);
	derive_responses(f);
	derive_requests(f);
	f->rest_inferred |= is_rest_doubtful(f);
	f->taken = is_taken(f);
	f->silent = is_silent(f);
}

static void derive_streams(struct kw_facts *f)
{
	kw_http2_derive(f);
	f->left = f->outstanding = f->streams.open;
}

void kw_facts_derive(const struct kw_event_connection *event, const struct kw_far_end *far,
		     struct kw_facts *ret_facts)
{
	struct kw_facts *f = ret_facts;

	memset(f, 0, sizeof(*f));
	f->event = event;
	f->far = far;
	f->role = event->identity.role < KW_ROLE_MAX ? event->identity.role : KW_ROLE_UNKNOWN;
	f->error = event->closing.error;
	if (!f->error && event->ending.act == KW_ACT_ERROR)
		f->error = event->closing.soft_error;
	f->tls = kw_tls_facts_of(event);
	if (f->tls && f->tls->lost)
		f->tls = NULL;
	f->by_records = f->tls && !(event->http.flags & KW_HTTP_PLAINTEXT);
	f->http2 = kw_http2_facts_of(event);
	derive_act(f);
	f->actor = f->closer;
	if (f->tls)
		kw_tls_derive_closer(f);
	f->hidden = is_hidden(f);
	if (f->http2)
		derive_streams(f);
	else
		derive_messages(f);
	f->phase = derive_phase(f);
	f->late_request = f->late_request && f->phase == KW_PHASE_IDLE;
	f->late_unread = f->late_unread && f->late_request;
	f->lost = count_lost(f);
	f->unacknowledged = is_unacknowledged(f);
	derive_refusal(f);
	derive_times(f);
}
