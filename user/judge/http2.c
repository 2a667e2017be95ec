/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/http2.h"

#include <stddef.h>

#include "include/http2/window.h"

#define PATIENCE (200 * KW_MS) /* a PING that is unanswered for longer is not on its way any more */
#define TICKS 20               /* ms: by so much TCP's own times may be off */
#define ONE_WAY (KW_S / 2)     /* a GOAWAY has arrived after this time, on any path that is not broken */
#define DEAD_AFTER 2           /* segments lost in a row, with nothing acknowledged in between */

/* --- The streams ----------------------------------------------------------------------------------------- */

/* As the machine keeps it, so that its questions can be asked. */
static struct http2_stream side_of(const struct kw_http2_side *side)
{
	struct http2_stream s = {
		.latest = side->latest,
		.begun = side->begun,
		.finished = side->finished,
		.goaways = side->goaways,
		.goaway_id = side->goaway_id,
	};

	for (unsigned int word = 0; word < HTTP2_WORDS; word++) {
		s.open[word] = side->open[word];
		s.closed[word] = side->closed[word];
		s.reset[word] = side->reset[word];
	}
	return s;
}

static struct http2_connection machine_of(const struct kw_http2_facts *http2)
{
	return (struct http2_connection){
		.streams = {side_of(&http2->sides[HTTP2_CLIENT]), side_of(&http2->sides[HTTP2_SERVER])}};
}

/* Is this stream, of the client's window, not finished? */
static bool is_open(const struct http2_connection *c, uint32_t number)
{
	const struct http2_stream *client = &c->streams[HTTP2_CLIENT];

	return http2_is_marked(client->open, number) && !http2_is_marked(client->reset, number) &&
	       !http2_is_finished(c, HTTP2_CLIENT, number);
}

/* Those that began behind the GOAWAY are the latest. Is one of them open, and above its last stream? */
static bool is_open_after(const struct http2_connection *c, uint32_t late)
{
	const struct http2_stream *client = &c->streams[HTTP2_CLIENT];
	uint32_t last = http2_number(c->streams[HTTP2_SERVER].goaway_id);

	for (uint32_t i = 0; i < HTTP2_STREAMS && late && client->latest - i > last; i++) {
		uint32_t number = client->latest - i;

		if (is_open(c, number))
			return true;
		late -= http2_is_marked(client->open, number);
	}
	return false;
}

/* Did the client reset this stream, of its window, before the server had ended it? */
static bool is_given_up(const struct http2_connection *c, uint32_t number)
{
	const struct http2_stream *client = &c->streams[HTTP2_CLIENT];

	return http2_is_marked(client->open, number) && http2_is_marked(client->reset, number) &&
	       !http2_is_finished(c, HTTP2_CLIENT, number);
}

static bool has_head(const struct http2_connection *c, uint32_t number)
{
	const struct http2_stream *server = &c->streams[HTTP2_SERVER];

	return http2_in_window(server, number) && http2_is_marked(server->open, number);
}

static uint32_t less(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

static uint32_t count_cut(const struct kw_http2_side *server)
{
	uint32_t cut = 0;

	for (unsigned int code = 0; code < HTTP2_CODES; code++)
		if (code != HTTP2_CODE_REFUSED_STREAM)
			cut += server->resets[code];
	return cut;
}

void kw_http2_count(const struct kw_http2_facts *http2, struct kw_streams *ret_streams)
{
	const struct kw_http2_side *client = &http2->sides[HTTP2_CLIENT];
	const struct kw_http2_side *server = &http2->sides[HTTP2_SERVER];
	struct http2_connection c = machine_of(http2);
	struct http2_open open;

	http2_count_open(&c, &open);
	*ret_streams = (struct kw_streams){
		.open = open.all,
		.above = open.above,
		.headed = open.headed,
		.unheaded = less(open.all - open.beyond, open.above + open.headed),
		.refused = server->resets[HTTP2_CODE_REFUSED_STREAM],
		.cancelled = client->resets[HTTP2_CODE_CANCEL],
		.cut = count_cut(server),
		.unanswered = {[HTTP2_CLIENT] = less(client->pings, server->pongs),
			       [HTTP2_SERVER] = less(server->pings, client->pongs)},
		.after = open.above && is_open_after(&c, client->late),
		.newest = is_open(&c, client->latest),
	};
}

uint32_t kw_http2_retryable(const struct kw_streams *streams)
{
	return streams->above + streams->refused;
}

uint32_t kw_http2_lost(const struct kw_streams *streams)
{
	return streams->open - streams->above + streams->cut;
}

/* --- The GOAWAY ------------------------------------------------------------------------------------------ */

static bool is_fault(const struct kw_http2_side *side, uint32_t open)
{
	switch (side->goaway_code) {
	case HTTP2_CODE_NO_ERROR:
	case HTTP2_CODE_CANCEL:
		return false;
	case HTTP2_CODE_INTERNAL_ERROR:
		return open; /* gRPC says so too when it has been idle */
	default:
		return true;
	}
}

/* Does the GOAWAY of @a say more of the end than that of @b? */
static bool says_more(const struct kw_http2_side *a, const struct kw_http2_side *b, uint32_t open)
{
	if (is_fault(a, open) != is_fault(b, open))
		return is_fault(a, open);
	return a->goaway < b->goaway;
}

static const struct kw_http2_side *choose(const struct kw_http2_facts *http2, const bool usable[2],
					  uint32_t open, enum http2_direction *ret_direction)
{
	const struct kw_http2_side *sides = http2->sides;
	enum http2_direction direction = usable[HTTP2_SERVER] ? HTTP2_SERVER : HTTP2_CLIENT;

	if (!usable[HTTP2_CLIENT] && !usable[HTTP2_SERVER])
		return NULL;
	if (usable[HTTP2_CLIENT] && says_more(&sides[HTTP2_CLIENT], &sides[direction], open))
		direction = HTTP2_CLIENT;
	*ret_direction = direction;
	return &sides[direction];
}

const struct kw_http2_side *kw_http2_goaway(const struct kw_http2_facts *http2,
					    const struct kw_streams *streams,
					    enum http2_direction *ret_direction)
{
	const bool usable[2] = {http2->sides[HTTP2_CLIENT].goaways, http2->sides[HTTP2_SERVER].goaways};

	return choose(http2, usable, streams->open, ret_direction);
}

static enum kw_closer closer_of(enum http2_direction direction)
{
	return direction == HTTP2_CLIENT ? KW_CLOSER_CLIENT : KW_CLOSER_SERVER;
}

/* A GOAWAY behind the first FIN or RST, which the other side sent, says only that it has seen that. All that the side which sent
 * the FIN said was before it, although this end may read it later. */
static bool is_before_act(const struct kw_facts *f, enum http2_direction direction)
{
	const struct kw_http2_side *side = &f->http2->sides[direction];

	return side->goaways && (f->actor == closer_of(direction) || side->goaway <= f->closed);
}

/* --- The closer ------------------------------------------------------------------------------------------ */

static uint32_t promised(const struct kw_facts *f)
{
	return f->streams.open - f->streams.above;
}

static void derive_closer(struct kw_facts *f)
{
	enum kw_closer own = f->role == KW_ROLE_CLIENT ? KW_CLOSER_CLIENT : KW_CLOSER_SERVER;

	if (!f->goaway || (promised(f) && !kw_http2_is_fault(f)))
		return;
	f->closer = f->streams.above && !kw_http2_is_fault(f) ? KW_CLOSER_SERVER : f->goaway_by;
	f->local = f->closer == own;
}

/* The client closed before it had the server's GOAWAY: that refused nothing. */
static void ignore_goaway(struct kw_streams *streams)
{
	streams->unheaded += streams->above;
	streams->above = 0;
	streams->after = false;
}

/* Some clients reset the streams above the GOAWAY's last one, as Go's does: the server did nothing for them all the same. */
static void take_back_turned(struct kw_facts *f)
{
	struct http2_connection c = machine_of(f->http2);
	uint32_t latest = c.streams[HTTP2_CLIENT].latest, turned = 0;
	uint32_t last = http2_number(c.streams[HTTP2_SERVER].goaway_id);

	for (uint32_t i = 0; i < HTTP2_STREAMS && latest - i > last && i < latest; i++)
		turned += is_given_up(&c, latest - i);
	f->streams.open += turned;
	f->streams.above += turned;
	f->streams.cancelled = less(f->streams.cancelled, turned);
}

/* A client whose PING has no answer may reset its streams and then close: they were open when it gave up. */
static void take_back_given_up(struct kw_facts *f)
{
	struct http2_connection c = machine_of(f->http2);
	uint32_t latest = c.streams[HTTP2_CLIENT].latest, count = 0;

	if (f->closer != KW_CLOSER_CLIENT || !kw_http2_is_ping_unanswered(f) ||
	    f->http2->latest + KW_HTTP2_QUICKLY < f->closed)
		return;
	for (uint32_t i = 0; i < HTTP2_STREAMS && i < latest && count < f->http2->given_up; i++) {
		bool is = is_given_up(&c, latest - i);

		count += is;
		f->streams.headed += is && has_head(&c, latest - i);
		f->streams.unheaded += is && !has_head(&c, latest - i);
	}
	f->streams.open += count;
	f->streams.cancelled = less(f->streams.cancelled, count);
}

void kw_http2_derive(struct kw_facts *f)
{
	bool usable[2] = {is_before_act(f, HTTP2_CLIENT), is_before_act(f, HTTP2_SERVER)};
	enum http2_direction direction = HTTP2_CLIENT;

	kw_http2_count(f->http2, &f->streams);
	if (usable[HTTP2_SERVER])
		take_back_turned(f);
	else
		ignore_goaway(&f->streams);
	if (f->role == KW_ROLE_UNKNOWN || f->aborted || f->closer == KW_CLOSER_NETWORK)
		return;
	f->goaway = choose(f->http2, usable, f->streams.open, &direction);
	f->goaway_by = f->goaway ? closer_of(direction) : KW_CLOSER_UNKNOWN;
	derive_closer(f);
	take_back_given_up(f);
}

/* --- The phase ------------------------------------------------------------------------------------------- */

static bool is_lost(const struct kw_facts *f)
{
	return f->http2->sides[HTTP2_CLIENT].lost || f->http2->sides[HTTP2_SERVER].lost;
}

/* Had the closer, which is the other side, not seen all that this side sent? Then it may have known of other streams. */
static bool is_crossed(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;

	return ending->act == KW_ACT_PEER_FIN && ending->tx_acked < ending->tx_sent;
}

/* Whether the client had read the GOAWAY when it began a stream, the server's end does not show; but it had arrived long before. */
static bool is_after_doubtful(const struct kw_facts *f)
{
	return f->role == KW_ROLE_SERVER && f->streams.after;
}

/* The client's end may have begun more behind a FIN that it sent without a close. */
static bool is_half_closed(const struct kw_facts *f)
{
	return f->actor == KW_CLOSER_CLIENT && f->streams.open && f->event->ending.half_close;
}

/* The server cut streams short as it closed, so that none was open any more. */
static bool is_cut_short(const struct kw_facts *f)
{
	uint64_t cut = f->http2->cut, goaway = f->http2->sides[HTTP2_SERVER].goaway;

	if (!f->streams.cut || f->closer != KW_CLOSER_SERVER || !cut)
		return false;
	if (cut + KW_HTTP2_QUICKLY >= f->closed)
		return true;
	return goaway && cut + KW_HTTP2_QUICKLY >= goaway && goaway + KW_HTTP2_QUICKLY >= cut;
}

/* The only stream that is open began when the server's FIN had been sent, or had arrived, and nothing had announced that: it met the
 * close. */
static bool is_late(const struct kw_facts *f)
{
	return f->closer == KW_CLOSER_SERVER && f->actor == KW_CLOSER_SERVER && !f->goaway &&
	       f->streams.open == 1 && f->streams.newest && f->http2->begun > f->closed &&
	       f->manner == KW_MANNER_FIN;
}

static bool has_reset_headed(const struct kw_http2_side *server)
{
	uint64_t headed = 0;

	for (unsigned int word = 0; word < HTTP2_WORDS; word++)
		headed |= server->reset[word] & server->open[word];
	return headed;
}

static enum kw_phase phase_of_streams(const struct kw_facts *f)
{
	if (f->streams.open)
		return f->streams.unheaded || f->streams.open == f->streams.above ? KW_PHASE_WAITING
										  : KW_PHASE_RESPONSE;
	if (is_cut_short(f))
		return has_reset_headed(&f->http2->sides[HTTP2_SERVER]) ? KW_PHASE_RESPONSE : KW_PHASE_WAITING;
	return f->http2->sides[HTTP2_CLIENT].begun ? KW_PHASE_IDLE : KW_PHASE_UNUSED;
}

/* Followed from within, each side is joined by itself. As long as no response was seen, those to the streams that look open may have
 * passed before the server's side was. */
static bool is_one_sided(const struct kw_facts *f)
{
	return f->http2->flags & KW_HTTP2_MIDWAY && f->streams.open && !f->http2->sides[HTTP2_SERVER].begun &&
	       !(f->goaway && is_fault(f->goaway, 0));
}

/* Can nothing be said of the streams? A side that could not be followed may have begun or ended any; a GOAWAY that says that
 * something is wrong is enough all the same. */
static bool is_unknown(const struct kw_facts *f)
{
	bool midway = f->http2->flags & KW_HTTP2_MIDWAY;

	if (f->role == KW_ROLE_UNKNOWN || f->event->http.flags & KW_HTTP_UNSUPPORTED || is_one_sided(f))
		return true;
	if (kw_http2_lacks_preface(f) || kw_http2_is_fault(f))
		return false;
	if (is_lost(f) || (midway && !f->http2->sides[HTTP2_CLIENT].begun && !f->goaway))
		return true;
	return f->hidden && f->role == KW_ROLE_CLIENT && f->actor == KW_CLOSER_SERVER && promised(f);
}

enum kw_phase kw_http2_phase(struct kw_facts *f)
{
	if (is_unknown(f))
		return KW_PHASE_UNKNOWN;
	f->inferred = f->hidden || is_crossed(f) || is_after_doubtful(f) || is_half_closed(f) ||
		      f->http2->flags & KW_HTTP2_MIDWAY || (is_lost(f) && !kw_http2_lacks_preface(f));
	if (!is_late(f))
		return phase_of_streams(f);
	if (f->role == KW_ROLE_CLIENT)
		f->late = KW_LATE_AFTER;
	else
		f->late_request = true;
	return f->late ? KW_PHASE_WAITING : KW_PHASE_IDLE;
}

int64_t kw_http2_idle(const struct kw_facts *f)
{
	uint64_t from = f->http2->latest, to = f->closed;

	if (f->goaway && f->goaway->goaway >= from && f->goaway->goaway < to)
		to = f->goaway->goaway;
	if (!from || !to)
		return KW_DURATION_UNKNOWN;
	return to > from ? (int64_t)(to - from) : 0;
}

bool kw_http2_is_path_dead(const struct kw_facts *f)
{
	const struct kw_closing *closing = &f->event->closing;

	return f->http2 && f->role == KW_ROLE_CLIENT && f->streams.open && closing->outstanding &&
	       closing->unrecovered >= DEAD_AFTER;
}

/* --- Questions of the rules ------------------------------------------------------------------------------ */

bool kw_http2_is_calmed(const struct kw_facts *f)
{
	return f->goaway && f->goaway->goaway_code == HTTP2_CODE_ENHANCE_YOUR_CALM;
}

bool kw_http2_is_fault(const struct kw_facts *f)
{
	return f->goaway && is_fault(f->goaway, f->streams.open);
}

bool kw_http2_lacks_preface(const struct kw_facts *f)
{
	return f->http2 && f->http2->sides[HTTP2_SERVER].errors & 1 << HTTP2_ERROR_PREFACE;
}

uint64_t kw_http2_ping_age(const struct kw_facts *f)
{
	enum http2_direction direction = f->closer == KW_CLOSER_CLIENT ? HTTP2_CLIENT : HTTP2_SERVER;
	uint64_t ping = f->http2 ? f->http2->sides[direction].ping : 0;

	if (f->closer != KW_CLOSER_CLIENT && f->closer != KW_CLOSER_SERVER)
		return 0;
	return ping && f->closed > ping ? f->closed - ping : 0;
}

/* Nothing had come from the other side since the PING, by TCP's times. */
bool kw_http2_is_ping_unanswered(const struct kw_facts *f)
{
	const struct kw_ending *ending = &f->event->ending;
	uint64_t age = kw_http2_ping_age(f);
	uint64_t silent = f->local ? ending->since_received : ending->since_sent;

	return age > PATIENCE && (silent + TICKS) * KW_MS >= age;
}

bool kw_http2_is_cut(const struct kw_facts *f)
{
	if (!f->http2 || f->closer != KW_CLOSER_SERVER || !is_before_act(f, HTTP2_SERVER))
		return false;
	return promised(f) || is_cut_short(f);
}

bool kw_http2_is_refused(const struct kw_facts *f)
{
	return f->http2 && f->streams.above && !promised(f);
}

bool kw_http2_began_after(const struct kw_facts *f)
{
	bool long_after = f->http2 && f->http2->begun > f->http2->sides[HTTP2_SERVER].goaway + ONE_WAY;

	return kw_http2_is_refused(f) && f->streams.after && (f->role == KW_ROLE_CLIENT || long_after);
}

bool kw_http2_is_said_when_idle(const struct kw_facts *f)
{
	return f->goaway && (!f->http2->sides[HTTP2_CLIENT].begun ||
			     f->goaway->goaway >= f->http2->latest + KW_HTTP2_QUICKLY);
}
