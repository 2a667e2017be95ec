/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEVER INT64_MAX
#define BIT(act) (1U << (act))
#define PEER_ACTS (BIT(KW_ACT_PEER_FIN) | BIT(KW_ACT_PEER_RST))

static const char *const names[KW_PATH_MAX] = {
	[KW_PATH_NONE] = "none",
	[KW_PATH_RESET] = "reset_by_path",
	[KW_PATH_FIN] = "fin_by_path",
	[KW_PATH_DROPPED] = "dropped_by_path",
	[KW_PATH_ONE_END] = "seen_by_one_end",
};

const char *kw_path_reason_name(enum kw_path_reason reason)
{
	return (unsigned int)reason < KW_PATH_MAX ? names[reason] : "unknown";
}

enum kw_path_reason kw_path_reason_by_name(const char *name)
{
	for (enum kw_path_reason reason = KW_PATH_NONE + 1; reason < KW_PATH_MAX; reason++)
		if (strcmp(names[reason], name) == 0)
			return reason;
	return KW_PATH_MAX;
}

/* ---- one end ---- */

/* The two ends in the view of one of them. */
struct view {
	const struct kw_path_end *here;
	const struct kw_path_end *there;
	enum kw_role role; /* of here */
	int64_t error;     /* ns by which times of the two hosts may be apart */
	struct kw_path *path;
};

static bool did(const struct kw_path_end *end, uint32_t acts)
{
	return end->event->ending.acts & acts;
}

static int64_t shared(const struct kw_path_end *end, uint64_t time)
{
	return (int64_t)time + end->shift;
}

/* The first act that this end saw or did; NEVER if there was none. */
static int64_t first_act(const struct kw_path_end *end)
{
	return end->event->ending.act ? shared(end, end->event->ending.time) : NEVER;
}

/* The end was there at @time, and had neither done anything to end the connection nor learnt that it ended. */
static bool untouched_at(const struct kw_path_end *end, int64_t time)
{
	int64_t act = first_act(end);

	return act == NEVER ? shared(end, end->event->header.time) > time : act > time;
}

static const char *name_of(enum kw_role role)
{
	return role == KW_ROLE_CLIENT ? "client" : "server";
}

static enum kw_role other(enum kw_role role)
{
	return role == KW_ROLE_CLIENT ? KW_ROLE_SERVER : KW_ROLE_CLIENT;
}

/* Since the latest message of either side, as this end saw it. */
static int64_t quiet_until(const struct kw_path_end *end, uint64_t time)
{
	const struct kw_http *http = &end->event->http;
	uint64_t latest = end->event->established;

	if (http->request_ended <= time && http->request_ended > latest)
		latest = http->request_ended;
	if (http->response_ended <= time && http->response_ended > latest)
		latest = http->response_ended;
	return time >= latest ? (int64_t)(time - latest) : KW_DURATION_UNKNOWN;
}

/* ---- a RST ---- */

/* The RST was the first that this end knew of the end. If the other end, too, got a RST before it did anything, neither sent one. */
static bool reset_first(const struct view *v)
{
	const struct kw_path_end *there = v->there;

	if (there->event->ending.act == KW_ACT_PEER_RST)
		return !did(there, BIT(KW_ACT_LOCAL_RST));
	if (there->event->ending.act == KW_ACT_PEER_FIN)
		return false;
	return untouched_at(there, first_act(v->here) + v->error);
}

/* This end had closed already, and the answer to that was a RST, although the other end knew of nothing. */
static bool reset_after(const struct view *v)
{
	const struct kw_event_connection *event = v->here->event;

	return event->ending.act == KW_ACT_LOCAL_FIN && event->closing.time && !did(v->there, PEER_ACTS) &&
	       untouched_at(v->there, shared(v->here, event->closing.time) + v->error);
}

static bool is_reset(const struct view *v)
{
	if (!did(v->here, BIT(KW_ACT_PEER_RST)))
		return false;
	return v->here->event->ending.act == KW_ACT_PEER_RST ? reset_first(v) : reset_after(v);
}

/* ---- a FIN ---- */

static bool is_fin(const struct view *v)
{
	const struct kw_path_end *there = v->there;

	if (v->here->event->ending.act != KW_ACT_PEER_FIN)
		return false;
	if (there->event->ending.act == KW_ACT_PEER_FIN)
		return true;
	if (!did(there, BIT(KW_ACT_LOCAL_FIN)) && there->verdict)
		return true;
	return untouched_at(there, first_act(v->here) + v->error);
}

/* ---- segments that did not arrive ---- */

static uint64_t message_begin(const struct view *v)
{
	const struct kw_http *http = &v->here->event->http;

	return v->role == KW_ROLE_CLIENT ? http->request_begin : http->response_begin;
}

static uint64_t message_started(const struct view *v)
{
	const struct kw_http *http = &v->here->event->http;

	return v->role == KW_ROLE_CLIENT ? http->request_started : http->response_started;
}

/* The other end's program took all that its host acknowledged: its window was open. */
static bool reader_kept_up(const struct view *v)
{
	return v->there->event->http.rx_bytes >= v->here->event->ending.tx_acked;
}

/* Nothing of this end's latest message arrived, although the other end was there for long enough. */
static bool is_message_lost(const struct view *v)
{
	const struct kw_event_connection *here = v->here->event;
	uint64_t arrived = v->there->event->http.rx_bytes, started = message_started(v);
	bool tried = !here->closing.time || here->closing.retransmits || here->closing.unrecovered;

	if (!here->ending.act || !started || !tried || !reader_kept_up(v))
		return false;
	if (here->ending.tx_sent <= arrived || message_begin(v) < arrived ||
	    v->there->event->ending.rx_arrived > arrived)
		return false;
	return untouched_at(v->there, shared(v->here, started) + v->error + (int64_t)KW_PATH_PATIENCE);
}

/* This end ended the connection by itself, and the other one never heard of it. */
static bool is_end_lost(const struct view *v)
{
	const struct kw_ending *ending = &v->here->event->ending;
	bool timed_out = ending->act == KW_ACT_ERROR && v->here->verdict &&
			 v->here->verdict->manner == KW_MANNER_TIMEOUT;

	if ((ending->act != KW_ACT_LOCAL_FIN && !timed_out) || did(v->here, PEER_ACTS) ||
	    did(v->there, PEER_ACTS) || !reader_kept_up(v))
		return false;
	return untouched_at(v->there, first_act(v->here) + v->error + (int64_t)KW_PATH_PATIENCE);
}

static bool is_dropped(const struct view *v)
{
	return is_message_lost(v) || is_end_lost(v);
}

/* ---- evidence ---- */

__attribute__((format(printf, 2, 3))) static void say(struct kw_path *path, const char *format, ...)
{
	struct kw_evidence *evidence = &path->evidence;
	va_list arguments;

	if (evidence->count == KW_EVIDENCE_SENTENCES)
		return;
	va_start(arguments, format);
	vsnprintf(evidence->sentences[evidence->count++], KW_EVIDENCE_LENGTH, format, arguments);
	va_end(arguments);
}

/* The longest idle time that the receiving end saw a request end: that request had come through. */
static void say_idle(const struct view *v)
{
	struct kw_path *path = v->path;

	if (path->idle_failed != KW_DURATION_UNKNOWN)
		say(path, "the connection had been idle for %s before",
		    kw_signed_duration(path->idle_failed).text);
	if (path->idle_worked > 0)
		say(path, "an idle time of %s had still worked on this connection",
		    kw_signed_duration(path->idle_worked).text);
}

static void say_there(const struct view *v)
{
	const struct kw_path_end *there = v->there;
	const char *name = name_of(other(v->role));

	if (!there->event->ending.act)
		say(v->path, "the %s's end stayed open", name);
	else if (first_act(there) > first_act(v->here))
		say(v->path, "the %s's end was untouched until %s later", name,
		    kw_signed_duration(first_act(there) - first_act(v->here)).text);
}

static void say_forged(const struct view *v, const char *segment)
{
	say(v->path, "the %s received a %s that the %s had not sent", name_of(v->role), segment,
	    name_of(other(v->role)));
	say_there(v);
	say_idle(v);
}

static void say_reset(const struct view *v)
{
	say_forged(v, "RST");
	if (v->there->event->ending.act == KW_ACT_PEER_RST)
		say(v->path, "both ends were reset, and neither of them sent the first RST");
}

static void say_fin(const struct view *v)
{
	say_forged(v, "FIN");
}

static void say_dropped(const struct view *v)
{
	const struct kw_event_connection *event = v->here->event;
	uint64_t arrived = v->there->event->http.rx_bytes;
	uint64_t missing = event->ending.tx_sent > arrived ? event->ending.tx_sent - arrived : 0;

	if (missing)
		say(v->path, "%llu bytes that the %s sent never reached the %s", (unsigned long long)missing,
		    name_of(v->role), name_of(other(v->role)));
	else
		say(v->path, "the %s ended the connection, and the %s never learnt of it", name_of(v->role),
		    name_of(other(v->role)));
	if (event->closing.retransmits)
		say(v->path, "the %s sent %u segments again", name_of(v->role), event->closing.retransmits);
	say_there(v);
	say_idle(v);
}

/* ---- the rules ---- */

/* How long there had been no data when the segment passed that failed. */
static int64_t idle_of(const struct view *v)
{
	const struct kw_event_connection *here = v->here->event;
	const struct kw_http *http = &here->http;
	bool unseen = http->counts.requests_begun > v->there->event->http.counts.requests_begun;

	if (v->role == KW_ROLE_CLIENT && unseen)
		return http->counts.requests_begun > 1 ? (int64_t)http->idle_before_last : KW_DURATION_UNKNOWN;
	if (v->role == KW_ROLE_SERVER && http->response_started > http->request_ended &&
	    http->counts.responses_ended < http->counts.requests_ended)
		return (int64_t)(http->response_started - http->request_ended);
	return quiet_until(v->here, here->ending.time);
}

/* An idle time counts as one that worked only if the request after it reached the server. */
static int64_t worked_of(const struct kw_path_ends *ends)
{
	uint64_t most = ends->server.event->http.idle_max;

	return most ? (int64_t)most : KW_DURATION_UNKNOWN;
}

struct rule {
	enum kw_path_reason reason;
	bool (*matches)(const struct view *v);
	void (*say)(const struct view *v);
};

static const struct rule rules[] = {
	{KW_PATH_RESET, is_reset, say_reset},
	{KW_PATH_FIN, is_fin, say_fin},
	{KW_PATH_DROPPED, is_dropped, say_dropped},
};

static void conclude(const struct kw_path_ends *ends, const struct view *v, const struct rule *rule)
{
	v->path->reason = rule->reason;
	v->path->victim = v->role;
	v->path->idle_failed = idle_of(v);
	v->path->idle_worked = worked_of(ends);
	rule->say(v);
}

static void try_rules(const struct kw_path_ends *ends, const struct view views[2])
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		for (size_t j = 0; j < 2; j++)
			if (rules[i].matches(&views[j])) {
				conclude(ends, &views[j], &rules[i]);
				return;
			}
}

/* ---- what is known without a rule ---- */

static bool same_endpoints(const struct kw_identity *client, const struct kw_identity *server)
{
	return client->local_port == server->remote_port && client->remote_port == server->local_port &&
	       memcmp(client->local, server->remote, sizeof(client->local)) == 0 &&
	       memcmp(client->remote, server->local, sizeof(client->local)) == 0;
}

static int64_t delay_of(const struct kw_event_connection *client)
{
	bool known = !client->identity.preexisting && client->established > client->opened;

	return known ? (int64_t)(client->established - client->opened) / 2 : KW_DURATION_UNKNOWN;
}

/* A connection that was open before its host was observed may have sent its FIN before. */
static bool is_seen_whole(const struct kw_path_end *end)
{
	return end->event->established && !end->event->identity.preexisting;
}

static bool is_closer(const struct kw_path_end *end, enum kw_closer side)
{
	return end->verdict->closer == side;
}

static bool saw_loss(const struct kw_path_end *end)
{
	return end->verdict->premature == KW_PREMATURE_YES;
}

/* The end that knows more: the one that is surer of its verdict; then the one that saw a request lost, because the other one may
 * never have met that request; then the one that closed; then the client. */
static enum kw_role speaker_of(const struct kw_path_ends *ends)
{
	const struct kw_path_end *client = &ends->client, *server = &ends->server;

	if (!server->event || !server->verdict)
		return client->event ? KW_ROLE_CLIENT : KW_ROLE_SERVER;
	if (!client->event || !client->verdict)
		return KW_ROLE_SERVER;
	if (client->verdict->confidence != server->verdict->confidence)
		return client->verdict->confidence > server->verdict->confidence ? KW_ROLE_CLIENT
										 : KW_ROLE_SERVER;
	if (saw_loss(client) != saw_loss(server))
		return saw_loss(client) ? KW_ROLE_CLIENT : KW_ROLE_SERVER;
	return is_closer(server, KW_CLOSER_SERVER) && !is_closer(client, KW_CLOSER_CLIENT) ? KW_ROLE_SERVER
											   : KW_ROLE_CLIENT;
}

static void judge_both(const struct kw_path_ends *ends, struct kw_path *path)
{
	const struct kw_path_end *client = &ends->client, *server = &ends->server;
	int64_t delay = delay_of(client->event);
	int64_t error = (int64_t)KW_PATH_CLOCK_ERROR + (delay > 0 ? 2 * delay : 0);
	const struct view views[2] = {{client, server, KW_ROLE_CLIENT, error, path},
				      {server, client, KW_ROLE_SERVER, error, path}};

	path->both = true;
	path->nat = !same_endpoints(&client->event->identity, &server->event->identity);
	path->delay = delay;
	path->agree = client->verdict && server->verdict &&
		      client->verdict->closer == server->verdict->closer &&
		      client->verdict->reason == server->verdict->reason;
	if (is_seen_whole(client) && is_seen_whole(server))
		try_rules(ends, views);
}

void kw_path_judge(const struct kw_path_ends *ends, struct kw_path *ret_path)
{
	*ret_path = (struct kw_path){.speaker = speaker_of(ends),
				     .delay = KW_DURATION_UNKNOWN,
				     .idle_failed = KW_DURATION_UNKNOWN,
				     .idle_worked = KW_DURATION_UNKNOWN};
	if (ends->client.event && ends->server.event) {
		judge_both(ends, ret_path);
	} else if (ends->expected) {
		ret_path->reason = KW_PATH_ONE_END;
		ret_path->victim = ret_path->speaker;
		say(ret_path, "the %s's host was recorded at that time and has no such connection",
		    name_of(other(ret_path->speaker)));
		say(ret_path, "something between the two hosts answered in its place");
	}
}
