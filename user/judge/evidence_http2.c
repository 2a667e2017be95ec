/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/evidence_http2.h"

#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "event/http2_names.h"
#include "judge/http2.h"

static const char *were(uint32_t count)
{
	return count == 1 ? "was" : "were";
}

static enum http2_direction other_than(enum kw_closer closer)
{
	return closer == KW_CLOSER_CLIENT ? HTTP2_SERVER : HTTP2_CLIENT;
}

/* --- The GOAWAY ------------------------------------------------------------------------------------------ */

struct goaway {
	char text[96];
};

/* "NO_ERROR, last stream 9, max_age". */
static struct goaway goaway_of(const struct kw_http2_side *side, enum kw_closer by)
{
	const char *debug = kw_http2_debug_name(side->goaway_debug),
		   *code = kw_http2_code_name(side->goaway_code);
	bool known = side->goaway_debug != HTTP2_DEBUG_NONE && side->goaway_debug != HTTP2_DEBUG_OTHER;
	struct goaway goaway;
	char last[32] = "";

	if (by == KW_CLOSER_SERVER && side->goaway_id < HTTP2_ID_MAX)
		snprintf(last, sizeof(last), ", last stream %u", side->goaway_id);
	snprintf(goaway.text, sizeof(goaway.text), "%s%s%s%s", code ? code : "other", last, known ? ", " : "",
		 known && debug ? debug : "");
	return goaway;
}

static void say_goaway(struct kw_writer *w, const char *what)
{
	const struct kw_facts *f = w->facts;

	kw_say(w, "%s sent GOAWAY (%s)%s", kw_closer_name(f->goaway_by),
	       goaway_of(f->goaway, f->goaway_by).text, what);
}

/* How often the other side asked, and how soon again. */
static void say_pings(struct kw_writer *w)
{
	enum http2_direction direction = other_than(w->facts->goaway_by);
	const struct kw_http2_side *side = &w->facts->http2->sides[direction];

	if (!side->pings)
		return;
	if (side->ping_gap)
		kw_say(w, "the %s had sent %u PINGs, two of them within %s", kw_http2_side_name(direction),
		       side->pings, kw_signed_duration((int64_t)side->ping_gap).text);
	else
		kw_say(w, "the %s had sent %u PING%s", kw_http2_side_name(direction), side->pings,
		       kw_plural(side->pings));
}

/* --- The leads ------------------------------------------------------------------------------------------- */

static void lead_enhance_your_calm(struct kw_writer *w)
{
	say_goaway(w, ": it was sent more than it puts up with");
	say_pings(w);
}

static void lead_ping_timeout(struct kw_writer *w)
{
	kw_say(w, "a PING of the %s had no answer for %s, and nothing else came from the %s in that time",
	       kw_closer_name(w->verdict->closer),
	       kw_signed_duration((int64_t)kw_http2_ping_age(w->facts)).text,
	       kw_http2_side_name(other_than(w->verdict->closer)));
}

static void lead_goaway_error(struct kw_writer *w)
{
	say_goaway(w, "");
}

static void lead_preface_failed(struct kw_writer *w)
{
	kw_say(w,
	       "the client began with HTTP/2, and the server's first bytes are no SETTINGS frame: the port may expect "
	       "HTTP/1 or TLS");
}

static void lead_goaway_cut(struct kw_writer *w)
{
	const struct kw_facts *f = w->facts;
	const struct kw_http2_side *server = &f->http2->sides[HTTP2_SERVER];
	uint32_t promised = f->streams.open - f->streams.above;

	kw_say(w, "server sent GOAWAY (%s) %s before the close", goaway_of(server, KW_CLOSER_SERVER).text,
	       kw_signed_duration((int64_t)(f->closed - server->goaway)).text);
	if (promised)
		kw_say(w, "%u stream%s that it had promised to answer %s not finished", promised,
		       kw_plural(promised), were(promised));
	else
		kw_say(w, "it reset streams that it had promised to answer");
	if (f->streams.above)
		kw_say(w, "%u stream%s above that number, safe to send again", f->streams.above,
		       f->streams.above == 1 ? " was" : "s were");
}

static void say_above(struct kw_writer *w)
{
	uint32_t above = w->facts->streams.above;

	kw_say(w,
	       "%u stream%s above that number %s not answered: the server did nothing for %s, so %s safe to send again",
	       above, kw_plural(above), were(above), above == 1 ? "it" : "them",
	       above == 1 ? "it is" : "they are");
}

static void lead_stream_after_goaway(struct kw_writer *w)
{
	const struct kw_facts *f = w->facts;
	const struct kw_http2_side *server = &f->http2->sides[HTTP2_SERVER];
	int64_t after = (int64_t)(f->http2->begun - server->goaway);

	kw_say(w, "server sent GOAWAY (%s), and the latest stream began %s after %s it",
	       goaway_of(server, KW_CLOSER_SERVER).text, kw_signed_duration(after).text,
	       f->role == KW_ROLE_CLIENT ? "the client had read" : "the server had sent");
	say_above(w);
}

static void lead_goaway_refused(struct kw_writer *w)
{
	kw_say(w, "server sent GOAWAY (%s)",
	       goaway_of(&w->facts->http2->sides[HTTP2_SERVER], KW_CLOSER_SERVER).text);
	say_above(w);
}

static void lead_goaway_idle(struct kw_writer *w)
{
	const struct kw_facts *f = w->facts;
	char after[96] = "";

	if (f->http2->latest && f->goaway->goaway > f->http2->latest)
		snprintf(after, sizeof(after), " %s after the last event of a stream",
			 kw_signed_duration((int64_t)(f->goaway->goaway - f->http2->latest)).text);
	else if (!f->http2->sides[HTTP2_CLIENT].begun)
		snprintf(after, sizeof(after), ", and no stream had begun");
	say_goaway(w, after);
}

static void lead_goaway_drained(struct kw_writer *w)
{
	uint32_t begun = w->facts->http2->sides[HTTP2_CLIENT].begun;

	say_goaway(w, " while the connection was in use");
	kw_say(w, "no stream was open at the close: %u had begun", begun);
}

static void (*const leads[KW_REASON_MAX])(struct kw_writer *w) = {
	[KW_REASON_ENHANCE_YOUR_CALM] = lead_enhance_your_calm,
	[KW_REASON_PING_TIMEOUT] = lead_ping_timeout,
	[KW_REASON_GOAWAY_ERROR] = lead_goaway_error,
	[KW_REASON_PREFACE_FAILED] = lead_preface_failed,
	[KW_REASON_GOAWAY_CUT] = lead_goaway_cut,
	[KW_REASON_STREAM_AFTER_GOAWAY] = lead_stream_after_goaway,
	[KW_REASON_GOAWAY_REFUSED] = lead_goaway_refused,
	[KW_REASON_GOAWAY_IDLE] = lead_goaway_idle,
	[KW_REASON_GOAWAY_DRAINED] = lead_goaway_drained,
};

void kw_http2_say_lead(struct kw_writer *w)
{
	if ((unsigned int)w->verdict->reason < KW_REASON_MAX && leads[w->verdict->reason])
		leads[w->verdict->reason](w);
}

/* --- The act --------------------------------------------------------------------------------------------- */

static void say_open(struct kw_writer *w, const char *who, const char *how)
{
	const struct kw_streams *streams = &w->facts->streams;

	if (streams->headed && streams->unheaded)
		kw_say(w, "%s sent %s with %u streams open; the responses to %u of them had begun", who, how,
		       streams->open, streams->headed);
	else
		kw_say(w, "%s sent %s with %u stream%s open; %s had begun", who, how, streams->open,
		       kw_plural(streams->open), streams->headed ? "each response" : "no response");
}

void kw_http2_say_act(struct kw_writer *w)
{
	const struct kw_facts *f = w->facts;
	const char *who = kw_closer_name(f->actor), *how = w->verdict->manner == KW_MANNER_FIN ? "FIN" : "RST";
	int64_t since = (int64_t)(f->closed - (f->goaway ? f->goaway->goaway : f->http2->latest));

	if (f->actor != KW_CLOSER_CLIENT && f->actor != KW_CLOSER_SERVER)
		return;
	if (f->streams.open)
		say_open(w, who, how);
	else if (f->goaway)
		kw_say(w, "%s sent %s %s after the GOAWAY", who, how, kw_signed_duration(since).text);
	else if (f->http2->latest)
		kw_say(w, "%s sent %s %s after the last event of a stream", who, how,
		       kw_signed_duration(since).text);
	else
		kw_say(w, "%s sent %s, and no stream had begun", who, how);
}

/* --- More ------------------------------------------------------------------------------------------------ */

/* The code by which the server reset most streams, of those that were cut. */
static const char *commonest_cut(const struct kw_http2_side *server)
{
	unsigned int commonest = HTTP2_CODE_NO_ERROR;

	for (unsigned int code = 0; code < HTTP2_CODES; code++)
		if (code != HTTP2_CODE_REFUSED_STREAM && server->resets[code] > server->resets[commonest])
			commonest = code;
	return kw_http2_code_name(commonest) ? kw_http2_code_name(commonest) : "other";
}

static void say_resets(struct kw_writer *w)
{
	const struct kw_streams *streams = &w->facts->streams;

	if (streams->cut)
		kw_say(w, "the server reset %u stream%s before the response was complete (%s)", streams->cut,
		       kw_plural(streams->cut), commonest_cut(&w->facts->http2->sides[HTTP2_SERVER]));
	if (streams->refused)
		kw_say(w, "the server refused %u stream%s (REFUSED_STREAM), safe to send again",
		       streams->refused, kw_plural(streams->refused));
}

static void say_forbidden(struct kw_writer *w, enum http2_direction direction)
{
	unsigned int fields = w->facts->http2->sides[direction].fields & HTTP2_FORBIDDEN;
	char list[96] = "";

	for (unsigned int field = 0; field < HTTP2_NAME_MAX; field++)
		if (fields >> field & 1 && kw_http2_field_name(field))
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", list[0] ? ", " : "",
				 kw_http2_field_name(field));
	if (list[0])
		kw_say(w, "the %s sent fields that HTTP/2 forbids: %s", kw_http2_side_name(direction), list);
}

static void say_doubts(struct kw_writer *w)
{
	const struct kw_http2_facts *http2 = w->facts->http2;

	if (http2->flags & KW_HTTP2_MIDWAY)
		kw_say(w, "streams that began before keepwatch followed the connection are not counted");
	for (enum http2_direction direction = HTTP2_CLIENT; direction <= HTTP2_SERVER; direction++)
		if (http2->sides[direction].lost && !kw_http2_lacks_preface(w->facts))
			kw_say(w, "keepwatch could not follow the %s's frames to the end",
			       kw_http2_side_name(direction));
}

void kw_http2_say_more(struct kw_writer *w)
{
	say_doubts(w);
	say_resets(w);
	say_forbidden(w, HTTP2_CLIENT);
	say_forbidden(w, HTTP2_SERVER);
}
