/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "join/pair_key.h"

/* Two clocks are compared with this error at most, ns: it stands between a recording's begin and a connection's. */
#define MARGIN (int64_t) KW_S

/* One end of a connection. */
struct kw_survey_end {
	uint64_t key;
	int64_t handshake; /* host's real time at which the client's last segment of the handshake reached the server: as the
			    * server saw it, or as the client must think, ns */
	uint16_t host;
	uint8_t role; /* enum kw_role */
	bool timed;   /* the handshake was seen */
};

/* An endpoint that a host has. A client's port says nothing, so it is 0 and the remote endpoint stands beside it. */
struct place {
	uint16_t host;
	uint16_t role; /* enum kw_role */
	uint16_t port, remote_port;
	uint8_t address[16], remote[16];
};

struct kw_survey_place {
	struct place place;
	UT_hash_handle hh;
};

/* Shared times fit 63 bits, and so do their differences: a recording may claim any clock. */
#define SHIFT_MOST ((3LL << 60) - 1)

static int64_t bounded(int64_t shift)
{
	if (shift > SHIFT_MOST)
		return SHIFT_MOST;
	return shift < -SHIFT_MOST ? -SHIFT_MOST : shift;
}

/* Wraps instead of overflowing, because bounded() mends the result. */
static int64_t difference(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

size_t kw_survey_add_host(struct kw_survey *survey, int64_t offset, uint64_t started)
{
	offset = bounded(offset);
	survey->hosts[survey->host_count] =
		(struct kw_survey_host){.offset = offset, .started = started, .ended = started};
	return survey->host_count++;
}

/* ---- ends ---- */

static int add_end(struct kw_survey *survey, const struct kw_survey_end *end)
{
	if (survey->end_count == survey->end_room) {
		size_t room = survey->end_room ? 2 * survey->end_room : 1024;
		void *ends = NULL;

		if (room > KW_SURVEY_ENDS) {
			survey->overflowed = true;
			return 0;
		}
		ends = realloc(survey->ends, room * sizeof(*survey->ends));
		if (!ends)
			return -ENOMEM;
		survey->ends = ends;
		survey->end_room = room;
	}
	survey->ends[survey->end_count++] = *end;
	return 0;
}

/* The client's last segment of the handshake leaves when the server's answer has come, and takes half a round trip. */
static int64_t handshake_of(const struct kw_event_connection *event)
{
	uint64_t half = 0;

	if (event->identity.role == KW_ROLE_CLIENT && event->established > event->opened)
		half = (event->established - event->opened) / 2;
	return (int64_t)(event->established + half);
}

static int take_end(struct kw_survey *survey, size_t host, const struct kw_event_connection *event)
{
	struct kw_survey_end end = {.key = kw_pair_key(event),
				    .handshake = handshake_of(event) + survey->hosts[host].offset,
				    .host = (uint16_t)host,
				    .role = event->identity.role,
				    .timed = event->identity.flow == KW_FLOW_BY_ROLE &&
					     !event->identity.preexisting};

	return end.key ? add_end(survey, &end) : 0;
}

/* ---- places ---- */

static struct place place_of(size_t host, const struct kw_identity *identity)
{
	struct place place;

	memset(&place, 0, sizeof(place));
	place.host = (uint16_t)host;
	place.role = identity->role;
	memcpy(place.address, identity->local, sizeof(place.address));
	if (identity->role == KW_ROLE_SERVER) {
		place.port = identity->local_port;
	} else {
		place.remote_port = identity->remote_port;
		memcpy(place.remote, identity->remote, sizeof(place.remote));
	}
	return place;
}

/* The place that the other end of this connection would have on another host. */
static struct place other_place(size_t host, const struct kw_identity *identity)
{
	struct kw_identity other = {.role = identity->role == KW_ROLE_CLIENT ? KW_ROLE_SERVER : KW_ROLE_CLIENT,
				    .local_port = identity->remote_port,
				    .remote_port = identity->local_port};

	memcpy(other.local, identity->remote, sizeof(other.local));
	memcpy(other.remote, identity->local, sizeof(other.remote));
	return place_of(host, &other);
}

static bool has_place(const struct kw_survey *survey, const struct place *place)
{
	struct kw_survey_place *found;

	HASH_FIND(hh, survey->places, place, sizeof(*place), found);
	return found != NULL;
}

static int take_place(struct kw_survey *survey, size_t host, const struct kw_identity *identity)
{
	struct place place = place_of(host, identity);
	struct kw_survey_place *entry;

	if (has_place(survey, &place) || HASH_COUNT(survey->places) >= KW_SURVEY_PLACES)
		return 0;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->place = place;
	HASH_ADD(hh, survey->places, place, sizeof(entry->place), entry);
	return 0;
}

/* ---- events ---- */

int kw_survey_take(struct kw_survey *survey, size_t host, const struct kw_event *event)
{
	struct kw_survey_host *at = &survey->hosts[host];
	int r;

	if (event->time > at->ended)
		at->ended = event->time;
	if (event->totals)
		at->lost = kw_totals_lost(&event->totals->totals);
	if (event->unseen)
		at->lost += event->unseen->openings + event->unseen->closes;
	if (!event->connection || event->connection->report == KW_REPORT_PROGRESS ||
	    !event->connection->established)
		return 0;
	r = take_end(survey, host, event->connection);
	return r < 0 ? r : take_place(survey, host, &event->connection->identity);
}

/* ---- clocks ---- */

/* How far the clock of @ahead is ahead of that of @behind, by one connection. @ahead is the higher number. */
struct sample {
	uint16_t behind, ahead;
	int64_t ns;
};

static int by_key(const void *a, const void *b)
{
	const struct kw_survey_end *x = a, *y = b;

	return x->key != y->key ? (x->key < y->key ? -1 : 1) : (int)x->role - (int)y->role;
}

static int by_hosts(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->behind != y->behind || x->ahead != y->ahead)
		return x->behind != y->behind ? (int)x->behind - (int)y->behind : (int)x->ahead - (int)y->ahead;
	return x->ns != y->ns ? (x->ns < y->ns ? -1 : 1) : 0;
}

/* The two ends stand beside each other, the client's first. */
static bool is_sample(const struct kw_survey_end *client, const struct kw_survey_end *server,
		      struct sample *ret)
{
	bool up = client->host < server->host;

	if (client->key != server->key || client->role != KW_ROLE_CLIENT || server->role != KW_ROLE_SERVER ||
	    client->host == server->host || !client->timed || !server->timed)
		return false;
	*ret = (struct sample){.behind = up ? client->host : server->host,
			       .ahead = up ? server->host : client->host,
			       .ns = up ? difference(server->handshake, client->handshake)
					: difference(client->handshake, server->handshake)};
	return true;
}

/* From one known clock to the other. Returns whether something became known. */
static bool reach(struct kw_survey *survey, const struct sample *median, size_t pairs)
{
	struct kw_skew *behind = &survey->hosts[median->behind].skew,
		       *ahead = &survey->hosts[median->ahead].skew;

	if (behind->known == ahead->known)
		return false;
	if (behind->known)
		*ahead = (struct kw_skew){true, difference(behind->ns, difference(0, median->ns)),
					  median->behind, pairs};
	else
		*behind = (struct kw_skew){true, difference(ahead->ns, median->ns), median->ahead, pairs};
	return true;
}

/* One round over all pairs of hosts; samples are sorted by them. */
static bool reach_further(struct kw_survey *survey, const struct sample *samples, size_t count)
{
	bool more = false;

	for (size_t begin = 0, end; begin < count; begin = end) {
		for (end = begin + 1; end < count && samples[end].behind == samples[begin].behind &&
				      samples[end].ahead == samples[begin].ahead;)
			end++;
		more |= reach(survey, &samples[begin + (end - begin) / 2], end - begin);
	}
	return more;
}

int kw_survey_settle(struct kw_survey *survey)
{
	_cleanup_free_ struct sample *samples = calloc(survey->end_count + 1, sizeof(*samples));
	size_t count = 0;

	if (!samples)
		return -ENOMEM;
	if (survey->end_count)
		qsort(survey->ends, survey->end_count, sizeof(*survey->ends), by_key);
	for (size_t i = 0; i + 1 < survey->end_count; i++)
		count += is_sample(&survey->ends[i], &survey->ends[i + 1], &samples[count]);
	qsort(samples, count, sizeof(*samples), by_hosts);
	survey->hosts[0].skew.known = true;
	while (reach_further(survey, samples, count))
		;
	return 0;
}

int64_t kw_survey_shift(const struct kw_survey *survey, size_t host)
{
	return bounded(difference(survey->hosts[host].offset, survey->hosts[host].skew.ns));
}

/* ---- answers ---- */

static size_t first_of(const struct kw_survey *survey, uint64_t key)
{
	size_t low = 0, high = survey->end_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (survey->ends[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool kw_survey_has_other(const struct kw_survey *survey, uint64_t key, uint8_t role)
{
	for (size_t i = first_of(survey, key); i < survey->end_count && survey->ends[i].key == key; i++)
		if (survey->ends[i].role != role)
			return true;
	return survey->overflowed;
}

static bool was_recorded(const struct kw_survey *survey, size_t host, int64_t from, int64_t to)
{
	const struct kw_survey_host *at = &survey->hosts[host];
	int64_t shift = kw_survey_shift(survey, host);

	return at->skew.known && !at->lost && (int64_t)at->started + shift + MARGIN <= from &&
	       (int64_t)at->ended + shift - MARGIN >= to;
}

bool kw_survey_expects(const struct kw_survey *survey, size_t host, const struct kw_event_connection *event)
{
	const struct kw_identity *identity = &event->identity;
	int64_t shift = kw_survey_shift(survey, host);
	int64_t from = (int64_t)event->opened + shift, to = (int64_t)event->header.time + shift;
	struct place own = other_place(host, identity);

	if (!event->established || identity->preexisting || identity->flow == KW_FLOW_UNKNOWN ||
	    survey->overflowed || !survey->hosts[host].skew.known || has_place(survey, &own))
		return false;
	for (size_t i = 0; i < survey->host_count; i++) {
		struct place place = other_place(i, identity);

		if (i != host && was_recorded(survey, i, from, to) && has_place(survey, &place))
			return true;
	}
	return false;
}

void kw_survey_close(struct kw_survey *survey)
{
	struct kw_survey_place *entry, *next;

	HASH_ITER (hh, survey->places, entry, next) {
		HASH_DEL(survey->places, entry);
		free(entry);
	}
	free(survey->ends);
	*survey = (struct kw_survey){0};
}
