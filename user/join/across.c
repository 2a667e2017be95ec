/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/across.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "join/pair_key.h"

/* Records of one connection may begin and end at other times, by the delay of the path and the error of the clocks, ns. */
#define MARGIN (int64_t) KW_S

struct key {
	uint64_t pair;
	uint64_t role; /* enum kw_role */
};

/* An end that waits for the other one. */
struct kw_across_held {
	struct key key;
	size_t host;
	struct kw_forwarded forwarded;
	char *cgroup;    /* owned; or NULL */
	uint64_t *event; /* the event's bytes; owned */
	UT_hash_handle hh;
};

/* An end on its way into a pair. */
struct end {
	struct kw_across_end out;
	struct kw_verdict verdict;
};

static void free_held(struct kw_across_held *held)
{
	if (!held)
		return;
	free(held->cgroup);
	free(held->event);
	free(held);
}

KW_DEFINE_CLEANUP(struct kw_across_held *, free_held);

static void forget(struct kw_across *across, struct kw_across_held *held)
{
	HASH_DEL(across->held, held);
	free_held(held);
}

/* ---- pairs ---- */

static struct kw_path_end path_end(const struct kw_across *across, const struct kw_across_end *end)
{
	if (!end->present)
		return (struct kw_path_end){0};
	return (struct kw_path_end){end->event.connection, end->verdict,
				    kw_survey_shift(across->survey, end->host)};
}

/* Judges an end anew by what the other one shows. Of FINs that crossed between two hosts, clocks do not say which was first. */
static void judge_again(const struct kw_across *across, struct end *end, const struct end *other)
{
	const struct kw_event_connection *event = end->out.event.connection;
	struct kw_far_end far = kw_far_end_of(&other->verdict);
	int64_t closed = (int64_t)far.closed + kw_survey_shift(across->survey, other->out.host) -
			 kw_survey_shift(across->survey, end->out.host);

	far.closed = closed > 0 ? (uint64_t)closed : 0;
	far.crossed &= end->out.host == other->out.host;
	kw_judge_both(event, &far, &end->verdict);
}

static void judge_both_again(const struct kw_across *across, struct end *client, struct end *server)
{
	struct end alone = *client;

	judge_again(across, client, server);
	judge_again(across, server, &alone);
}

static void judge(const struct kw_across *across, const struct end *client, const struct end *server,
		  struct kw_path *ret_path)
{
	const struct end *only = client->out.present ? client : server;
	struct kw_path_ends ends = {.client = path_end(across, &client->out),
				    .server = path_end(across, &server->out)};

	if (!client->out.present || !server->out.present)
		ends.expected = kw_survey_expects(across->survey, only->out.host, only->out.event.connection);
	kw_path_judge(&ends, ret_path);
}

static int hand_on(const struct kw_across *across, struct end *client, struct end *server)
{
	struct kw_across_pair pair;

	judge(across, client, server, &pair.path);
	if (pair.path.both && pair.path.reason == KW_PATH_NONE && client->out.verdict && server->out.verdict) {
		judge_both_again(across, client, server);
		judge(across, client, server, &pair.path);
	}
	pair.client = client->out;
	pair.server = server->out;
	return across->pair(across->context, &pair);
}

/* Hands on the two ends in any order; @other may have none. */
static int hand_on_any(const struct kw_across *across, struct end *end, struct end *other)
{
	bool server = end->out.event.connection->identity.role == KW_ROLE_SERVER;

	return server ? hand_on(across, other, end) : hand_on(across, end, other);
}

/* ---- ends that wait ---- */

/* The verdict points into the event, so it is made anew. The event was decoded before. */
static int revive(const struct kw_across_held *held, struct end *ret_end)
{
	struct kw_across_end *out = &ret_end->out;
	const struct kw_event_header *header = (const struct kw_event_header *)held->event;
	int r = kw_decode(held->event, header->size, &out->event);

	if (r < 0)
		return r;
	out->present = true;
	out->host = held->host;
	out->forwarded = &held->forwarded;
	out->cgroup = held->cgroup;
	if (out->event.connection->report == KW_REPORT_CLOSED) {
		kw_judge(out->event.connection, &ret_end->verdict);
		out->verdict = &ret_end->verdict;
	}
	return 0;
}

static int let_go(struct kw_across *across, struct kw_across_held *held)
{
	struct end end = {0}, none = {0};
	int r = revive(held, &end);

	if (r == 0)
		r = hand_on_any(across, &end, &none);
	forget(across, held);
	return r;
}

static int hold(struct kw_across *across, const struct key *key, const struct kw_across_end *end)
{
	_cleanup_(free_heldp) struct kw_across_held *held = calloc(1, sizeof(*held));
	const struct kw_event_connection *event = end->event.connection;
	size_t size = event->header.size;

	if (!held)
		return -ENOMEM;
	held->key = *key;
	held->host = end->host;
	if (end->forwarded)
		held->forwarded = *end->forwarded;
	held->event = malloc(size);
	held->cgroup = end->cgroup ? strdup(end->cgroup) : NULL;
	if (!held->event || (end->cgroup && !held->cgroup))
		return -ENOMEM;
	memcpy(held->event, event, size);
	HASH_ADD(hh, across->held, key, sizeof(held->key), held);
	held = NULL;
	return HASH_COUNT(across->held) > KW_ACROSS_HELD ? let_go(across, across->held) : 0;
}

static struct kw_across_held *find(struct kw_across *across, uint64_t pair, uint8_t role)
{
	struct kw_across_held *held;
	struct key key;

	memset(&key, 0, sizeof(key));
	key.pair = pair;
	key.role = role;
	HASH_FIND(hh, across->held, &key, sizeof(key), held);
	return held;
}

static uint8_t other_role(uint8_t role)
{
	return role == KW_ROLE_CLIENT ? KW_ROLE_SERVER : KW_ROLE_CLIENT;
}

/* Two connections may have the same endpoints, one after the other. */
static bool overlap(const struct kw_across *across, const struct kw_across_end *a,
		    const struct kw_across_end *b)
{
	const struct kw_event_connection *x = a->event.connection, *y = b->event.connection;
	int64_t x_shift = kw_survey_shift(across->survey, a->host),
		y_shift = kw_survey_shift(across->survey, b->host);

	return (int64_t)x->opened + x_shift <= (int64_t)y->header.time + y_shift + MARGIN &&
	       (int64_t)y->opened + y_shift <= (int64_t)x->header.time + x_shift + MARGIN;
}

/* ---- events ---- */

static int take_end(struct kw_across *across, uint64_t pair, struct end *end)
{
	uint8_t role = end->out.event.connection->identity.role;
	struct kw_across_held *held = pair ? find(across, pair, other_role(role)) : NULL;
	struct key key = {pair, role};
	struct end other = {0};
	int r = held ? revive(held, &other) : 0;

	if (r < 0)
		return r;
	if (held && overlap(across, &end->out, &other.out)) {
		r = hand_on_any(across, end, &other);
		forget(across, held);
		return r;
	}
	other = (struct end){0};
	if (!pair || !kw_survey_has_other(across->survey, pair, role))
		return hand_on_any(across, end, &other);
	held = find(across, pair, role);
	r = held ? let_go(across, held) : 0;
	return r == 0 ? hold(across, &key, &end->out) : r;
}

int kw_across_take(struct kw_across *across, size_t host, const struct kw_event *event,
		   const struct kw_verdict *verdict, const struct kw_forwarded *forwarded, const char *cgroup)
{
	const struct kw_event_connection *connection = event->connection;
	struct end end = {.out = {.present = true,
				  .host = host,
				  .event = *event,
				  .forwarded = forwarded,
				  .cgroup = cgroup}};

	if (!connection || (!verdict && connection->report != KW_REPORT_OPEN))
		return 0;
	if (verdict) {
		end.verdict = *verdict;
		end.out.verdict = &end.verdict;
	}
	return take_end(across, connection->established ? kw_pair_key(connection) : 0, &end);
}

int kw_across_end(struct kw_across *across)
{
	int r = 0;

	while (r == 0 && across->held)
		r = let_go(across, across->held);
	return r;
}

void kw_across_close(struct kw_across *across)
{
	while (across->held)
		forget(across, across->held);
}
