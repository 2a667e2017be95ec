/* SPDX-License-Identifier: BSD-2-Clause */
#include "join/both_ends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "join/pair_key.h"

#define NOT_HELD UINT64_MAX

/* A closing record that waits for the other end's. */
struct kw_held_record {
	uint64_t key; /* of the pair */
	union {       /* the first part of it, if it was no longer */
		struct kw_event_history event;
		struct kw_event_tls tls;
		struct kw_event_http2 http2;
		struct kw_event_tls_http2 within;
	};
	bool waits; /* false: it has gone on */
};

/* The verdict of an end whose other end has not been seen yet. */
struct kw_kept_end {
	uint64_t key; /* of the pair; 0: empty */
	uint64_t time;
	uint64_t held; /* the number of its record, if that waits; else NOT_HELD */
	uint8_t role;  /* enum kw_role */
	struct kw_far_end end;
};

int kw_both_ends_open(struct kw_both_ends *both, struct kw_sink next)
{
	*both = (struct kw_both_ends){
		.next = next,
		.held = kw_memory_of_ring(KW_BOTH_ENDS_HELD, sizeof(*both->held)),
		.kept = kw_memory_of_ring(KW_BOTH_ENDS_KEPT, sizeof(*both->kept)),
	};
	if (both->held && both->kept)
		return 0;
	kw_both_ends_close(both);
	return kw_log_error(-ENOMEM, "out of memory");
}

void kw_both_ends_close(struct kw_both_ends *both)
{
	free(both->held);
	free(both->kept);
	*both = (struct kw_both_ends){0};
}

/* A sink that had enough, or failed, gets no more. */
static int hand_on(struct kw_both_ends *both, const struct kw_event *event, const struct kw_verdict *verdict)
{
	int r = both->next.event(both->next.context, event, verdict);

	both->over |= r != 0;
	return r;
}

/* ---- records that wait ---- */

static struct kw_held_record *record_of(struct kw_both_ends *both, uint64_t number)
{
	return &both->held[number % KW_BOTH_ENDS_HELD];
}

/* Hands a record that waited on. @far: the other end, or NULL. */
static int let_go(struct kw_both_ends *both, uint64_t number, const struct kw_far_end *far)
{
	struct kw_held_record *record = record_of(both, number);
	struct kw_verdict verdict;
	struct kw_event event;
	int r;

	if (!record->waits)
		return 0;
	record->waits = false;
	r = kw_decode(&record->event, record->event.connection.header.size, &event);
	if (r < 0)
		return r;
	kw_judge_both(event.connection, far, &verdict);
	return hand_on(both, &event, &verdict);
}

static int let_oldest_go(struct kw_both_ends *both)
{
	return let_go(both, both->passed++, NULL);
}

static bool is_due(struct kw_both_ends *both)
{
	const struct kw_held_record *oldest = record_of(both, both->passed);

	return !oldest->waits || oldest->event.connection.header.time + KW_BOTH_ENDS_WAIT <= both->now;
}

static int let_due_go(struct kw_both_ends *both)
{
	int r = 0;

	while (r == 0 && both->passed < both->held_count && is_due(both))
		r = let_oldest_go(both);
	return r;
}

/* Returns above 0 or below 0 if the sink, which took the oldest record, had enough or failed. */
static int hold(struct kw_both_ends *both, const struct kw_event_connection *connection, uint64_t key,
		uint64_t *ret_number)
{
	struct kw_held_record *record;
	int r = 0;

	if (both->held_count - both->passed == KW_BOTH_ENDS_HELD)
		r = let_oldest_go(both);
	else if (both->held_count == both->passed)
		both->held_count = both->passed =
			0; /* the first places are used again: fewer pages are touched */
	*ret_number = both->held_count++;
	record = record_of(both, *ret_number);
	record->key = key;
	memcpy(&record->event, connection, connection->header.size);
	record->waits = true;
	return r;
}

/* ---- the other end ---- */

static struct kw_kept_end *place_of(struct kw_both_ends *both, uint64_t key)
{
	return &both->kept[key >> 32 & (KW_BOTH_ENDS_KEPT - 1)];
}

/* An end that is kept for a connection that closed long ago is that of another one with the same endpoints. */
static struct kw_kept_end *find_other(struct kw_both_ends *both, uint64_t key, uint8_t role)
{
	struct kw_kept_end *kept = place_of(both, key);
	bool other = kept->key == key && kept->role != role && kept->time + 60 * KW_S > both->now;

	return other ? kept : NULL;
}

static bool still_waits(struct kw_both_ends *both, const struct kw_kept_end *kept)
{
	const struct kw_held_record *record = record_of(both, kept->held);

	return kept->key && kept->held != NOT_HELD && record->waits && record->key == kept->key;
}

static void keep(struct kw_both_ends *both, uint64_t key, uint8_t role, const struct kw_far_end *end,
		 uint64_t held)
{
	struct kw_kept_end *kept = place_of(both, key);

	if (held != NOT_HELD || !still_waits(both, kept))
		*kept = (struct kw_kept_end){
			.key = key, .time = both->now, .held = held, .role = role, .end = *end};
}

/* ---- one event ---- */

/* A server that sent a GOAWAY may have closed over streams that it never read. */
static bool may_lack_streams(const struct kw_verdict *verdict)
{
	return verdict->facts.goaway && verdict->facts.role == KW_ROLE_SERVER;
}

/* Whether the other end may know better. */
static bool may_change(const struct kw_event_connection *connection, const struct kw_verdict *verdict)
{
	return may_lack_streams(verdict) || verdict->confidence == KW_CONFIDENCE_INFERRED ||
	       (connection->ending.simultaneous && verdict->manner == KW_MANNER_FIN);
}

/* The other end came first. If its record waits, it goes on first too. */
static int meet(struct kw_both_ends *both, const struct kw_event *event, const struct kw_far_end *here,
		struct kw_kept_end *other)
{
	struct kw_far_end there = other->end;
	struct kw_verdict verdict;
	bool waits = still_waits(both, other);
	int r = 0;

	other->key = 0;
	if (waits)
		r = let_go(both, other->held, here);
	if (r != 0)
		return r;
	kw_judge_both(event->connection, &there, &verdict);
	return hand_on(both, event, &verdict);
}

static int on_closed(struct kw_both_ends *both, const struct kw_event *event, const struct kw_verdict *verdict)
{
	const struct kw_event_connection *connection = event->connection;
	uint64_t key = connection->established ? kw_pair_key(connection) : 0, number = NOT_HELD;
	struct kw_far_end here = kw_far_end_of(verdict);
	struct kw_kept_end *other;
	int r = 0;

	if (!key)
		return hand_on(both, event, verdict);
	other = find_other(both, key, connection->identity.role);
	if (other)
		return meet(both, event, &here, other);
	if (may_change(connection, verdict))
		r = hold(both, connection, key, &number);
	keep(both, key, connection->identity.role, &here, number);
	if (r != 0 || number != NOT_HELD)
		return r;
	return hand_on(both, event, verdict);
}

static bool is_of(const struct kw_held_record *record, const struct kw_identity *identity)
{
	return record->event.connection.identity.cookie == identity->cookie &&
	       record->event.connection.identity.generation == identity->generation;
}

/* A record goes on before the late request that amends it. */
static int let_amended_go(struct kw_both_ends *both, const struct kw_event_late *late)
{
	int r = 0;

	for (uint64_t number = both->passed; number < both->held_count && r == 0; number++)
		if (is_of(record_of(both, number), &late->identity))
			r = let_go(both, number, NULL);
	return r;
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_both_ends *both = context;
	int r;

	if (event->time > both->now)
		both->now = event->time;
	r = let_due_go(both);
	if (r == 0 && event->late)
		r = let_amended_go(both, event->late);
	if (r != 0)
		return r;
	return verdict ? on_closed(both, event, verdict) : hand_on(both, event, NULL);
}

struct kw_sink kw_both_ends_sink(struct kw_both_ends *both)
{
	return (struct kw_sink){.context = both, .event = on_event};
}

int kw_both_ends_end(struct kw_both_ends *both)
{
	int r = 0;

	while (r == 0 && !both->over && both->passed < both->held_count)
		r = let_oldest_go(both);
	return r < 0 ? r : 0;
}
