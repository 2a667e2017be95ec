/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/tls.h"

#include "include/tls/records.h"

#define PATIENCE (500 * KW_MS) /* a closer that was silent for longer has waited */
#define TOGETHER (100 * KW_MS) /* the alert and the FIN of one close are not farther apart */

uint32_t kw_tls_spare_bytes(const struct kw_tls_facts *tls)
{
	return tls ? tls_alert_size(tls->version, tls->suite) : KW_EMPTY_LINES;
}

bool kw_tls_may_be_h2(const struct kw_tls_facts *tls)
{
	if (tls->chosen)
		return tls->chosen & TLS_ALPN_H2;
	return tls->version == TLS_1_3 && (tls->offered & TLS_ALPN_H2);
}

/* --- The closer ------------------------------------------------------------------------------------------ */

static enum kw_closer side(uint8_t by)
{
	return by == 1 + TLS_CLIENT ? KW_CLOSER_CLIENT : KW_CLOSER_SERVER;
}

static bool is_own(const struct kw_facts *f, enum kw_closer closer)
{
	return (f->role == KW_ROLE_CLIENT) == (closer == KW_CLOSER_CLIENT);
}

/* Had the first alert behind the handshake been sent, or arrived, before the first FIN or RST? */
static bool is_notified_before(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;
	uint64_t mark = is_own(f, side(f->tls->notified_by)) ? ending->tx_sent : ending->rx_arrived;

	return f->tls->notified && (ending->act == KW_ACT_NONE || f->tls->notified_at < mark);
}

/* As this side sent the first alert, bytes of the other side lay unread: was an alert what came of them? */
static bool is_alert_over_alert(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;
	bool client = f->role == KW_ROLE_CLIENT;
	bool open = http->flags & (client ? KW_HTTP_RESPONSE_OPEN : KW_HTTP_REQUEST_OPEN);
	uint64_t latest = client ? http->response_ended : http->request_ended;

	return f->tls->notifiers >> (client ? TLS_SERVER : TLS_CLIENT) & 1 && !open &&
	       latest <= f->tls->notified;
}

/* This side closed over an alert that it had not read, and nothing else. */
static bool is_notice_unread(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;
	uint64_t unread = ending->rx_arrived > ending->rx_read ? ending->rx_arrived - ending->rx_read : 0;

	return unread > TLS_HEADER && unread <= kw_tls_spare_bytes(f->tls);
}

/* The other side had ended the session, and this side had not read that. */
static bool is_unnoticed(const struct kw_facts *f)
{
	if (!f->tls->done)
		return false;
	if (!f->tls->notified)
		return f->local && is_notice_unread(f);
	return f->tls->notifiers & KW_TLS_OVER_UNREAD && (is_notice_unread(f) || is_alert_over_alert(f));
}

static void set_closer(struct kw_facts *f, enum kw_closer closer)
{
	if (f->closer != closer)
		f->manner = KW_MANNER_FIN;
	f->closer = closer;
	f->local = is_own(f, closer);
}

void kw_tls_derive_closer(struct kw_facts *f)
{
	enum kw_closer other = f->role == KW_ROLE_CLIENT ? KW_CLOSER_SERVER : KW_CLOSER_CLIENT;

	if (f->role == KW_ROLE_UNKNOWN || f->aborted || f->closer == KW_CLOSER_NETWORK)
		return;
	if (f->tls->alert_by) {
		set_closer(f, side(f->tls->alert_by));
	} else if (is_unnoticed(f)) {
		set_closer(f, other);
	} else if (is_notified_before(f)) {
		set_closer(f, side(f->tls->notified_by));
		if (f->tls->notified < f->closed)
			f->closed = f->tls->notified;
	}
}

/* --- Before or behind the end of the session ----------------------------------------------------------- */

/* The alert was before the first FIN or RST, so it was the closer's act. */
static bool is_ended_by(const struct kw_facts *f, enum kw_closer closer)
{
	return f->tls && f->tls->notified_by && f->closer == closer && side(f->tls->notified_by) == closer &&
	       f->tls->notified <= f->closed;
}

bool kw_tls_answers_in_vain(const struct kw_facts *f)
{
	return is_ended_by(f, KW_CLOSER_CLIENT) && f->event->http.counts.requests_begun &&
	       f->event->http.response_started > f->tls->notified;
}

/* The server ended the session while the latest request had no response, and none has begun. */
static bool is_asking_at_end(const struct kw_facts *f)
{
	const struct kw_http *http = &f->event->http;

	return is_ended_by(f, KW_CLOSER_SERVER) && http->counts.requests_begun > http->counts.responses_ended &&
	       !(http->flags & KW_HTTP_RESPONSE_OPEN);
}

bool kw_tls_asks_behind(const struct kw_facts *f)
{
	return is_asking_at_end(f) && f->event->http.request_started > f->tls->notified;
}

/* The server's FIN came with its alert, and acknowledges the request: the request was there before both. */
static bool is_acknowledged(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;

	return ending->act == KW_ACT_PEER_FIN && ending->time < f->tls->notified + TOGETHER &&
	       ending->tx_acked <= ending->tx_sent && ending->tx_acked > f->event->http.request_begin;
}

bool kw_tls_asks_too_late(const struct kw_facts *f)
{
	uint64_t round_trip = f->event->closing.srtt_us * KW_US;

	return f->role == KW_ROLE_CLIENT && is_asking_at_end(f) && !kw_tls_asks_behind(f) &&
	       !is_acknowledged(f) && f->tls->notified < f->event->http.request_ended + round_trip / 2;
}

bool kw_tls_is_ended(const struct kw_facts *f)
{
	return is_ended_by(f, f->closer);
}

/* --- The phase ------------------------------------------------------------------------------------------- */

/* Which act ended the connection, and which side the session: where they differ, TCP's positions are not those of the closer. */
static bool is_closed_by_other(const struct kw_facts *f)
{
	enum kw_act act = f->event->ending.act;
	bool by_peer = act == KW_ACT_PEER_FIN || act == KW_ACT_PEER_RST;

	return act != KW_ACT_NONE && by_peer == f->local;
}

/* A record that is not complete hides more than it shows; and behind an alert of its size other bytes hide too. */
static bool is_cut(const struct kw_facts *f)
{
	const struct kw_event_connection *event = f->event;
	uint64_t arrived = event->ending.rx_arrived, read = event->http.rx_bytes;

	if (event->bodies[HTTP1_REQUESTS].owed || event->bodies[HTTP1_RESPONSES].owed)
		return true;
	return f->local && arrived > read && arrived - read > kw_tls_spare_bytes(f->tls) && !f->late_request;
}

/* The client was waiting when it read the server's alert, behind which no response comes, and then closed. */
static bool is_left_waiting(const struct kw_facts *f)
{
	return f->role == KW_ROLE_CLIENT && is_ended_by(f, KW_CLOSER_SERVER);
}

/* Do the records leave open whether a request was waiting? */
static bool is_ambiguous(const struct kw_facts *f, enum kw_phase phase)
{
	if (phase == KW_PHASE_REQUEST || f->request_open)
		return true;
	if (phase == KW_PHASE_RESPONSE)
		return f->closer != KW_CLOSER_CLIENT;
	if (phase != KW_PHASE_WAITING && !f->late_request)
		return false;
	if (is_closed_by_other(f) && !is_ended_by(f, KW_CLOSER_CLIENT) && !kw_tls_asks_behind(f) &&
	    !f->late_inferred && !is_left_waiting(f))
		return true;
	return kw_tls_may_be_h2(f->tls) || (f->tls->doubts & (TLS_DOUBT_TICKET | TLS_DOUBT_UPLOAD));
}

enum kw_phase kw_tls_phase(struct kw_facts *f, enum kw_phase by_messages)
{
	const struct kw_tls_facts *tls = f->tls;

	if (!tls->done || tls->alert_by) {
		f->inferred = true;
		return (tls->doubts & TLS_DOUBT_FINISHED) ? KW_PHASE_UNKNOWN : KW_PHASE_HANDSHAKE;
	}
	if ((tls->doubts & (TLS_DOUBT_EARLY_DATA | TLS_DOUBT_FINISHED)) || is_cut(f) ||
	    is_ambiguous(f, by_messages))
		return KW_PHASE_UNKNOWN;
	f->inferred = true;
	return by_messages;
}

bool kw_tls_is_answered_once(const struct kw_facts *f)
{
	return f->by_records && f->event->http.counts.requests_begun == 1 &&
	       f->tls->doubts & TLS_DOUBT_TICKET && f->tls->doubts & TLS_DOUBT_UNWANTED;
}

bool kw_tls_is_over(const struct kw_facts *f)
{
	return f->tls && f->tls->notifiers & 1 << TLS_CLIENT;
}

/* The client may have left the alert unread. */
bool kw_tls_is_unsealed(const struct kw_facts *f)
{
	return f->tls && f->tls->done && !f->by_records && !(f->tls->notifiers & 1 << TLS_SERVER) &&
	       !(f->role == KW_ROLE_CLIENT && f->hidden) && f->closer == KW_CLOSER_SERVER &&
	       f->manner == KW_MANNER_FIN;
}

/* --- The handshake --------------------------------------------------------------------------------------- */

bool kw_tls_has_failed(const struct kw_facts *f)
{
	return f->tls && f->tls->alert_by;
}

bool kw_tls_has_waited(const struct kw_facts *f)
{
	bool own_last = f->tls && side(f->tls->latest_by) == f->closer && !f->tls->latest_open;
	bool other_open = f->tls && side(f->tls->latest_by) != f->closer && f->tls->latest_open;

	return (own_last || other_open) && f->closed > f->tls->latest + PATIENCE;
}
