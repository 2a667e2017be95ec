/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the first inputs of fuzz_recording and fuzz_events: make_events RECORDINGS EVENTS. One recording of four is compressed. Each
 * row of the judge's tests gives an input with both of its ends; the others hold each kind of event, and many connections of one service. */
#include <errno.h>

#include "recording/recorder.h"
#include "tests/fuzz/check.h"
#include "tests/unit/events.h"
#include "tests/unit/judge/http2_rows.h"
#include "tests/unit/judge/judge_rows_cut.h"
#include "tests/unit/judge/judge_rows_idle.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PATH 512
#define MANY 12

/* The files of one input: a recording, and its events behind each other. */
struct seed {
	struct kw_recording_writer *recording;
	FILE *events;
};

static const char *recordings, *raw;

static struct seed open_seed(const char *kind, size_t number)
{
	const struct kw_recording_header header = {
		.keepwatch = "1", .started = KW_S, .exchanges = true, .clock = {.offset = 1700000000 * S}};
	struct seed seed;
	char path[PATH];

	snprintf(path, sizeof(path), "%s/%s-%zu", raw, kind, number);
	seed.events = fopen(path, "we");
	snprintf(path, sizeof(path), "%s/%s-%zu", recordings, kind, number);
	unlink(path);
	CHECK(seed.events && kw_recording_create_set(
				     &(struct kw_recording_settings){.path = path, .compress = number % 4 == 3},
				     &seed.recording) == 0);
	CHECK(kw_recording_write_header(seed.recording, &header) == 0);
	return seed;
}

static void add(struct seed *seed, const void *event)
{
	const struct kw_event_header *header = event;

	CHECK(fwrite(event, header->size, 1, seed->events) == 1);
	CHECK(kw_recording_write(seed->recording, KW_FRAME_EVENT, event, header->size) == 0);
}

static void close_seed(struct seed *seed)
{
	CHECK(fclose(seed->events) == 0 && kw_recording_finish(seed->recording, true) == 0);
}

static void make_row(const struct row *row, size_t number)
{
	struct seed seed = open_seed("row", number);

	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		struct kw_event_connection event = story_event(&row->story, role);

		if (!row->at[role].seen)
			continue;
		event.header = (struct kw_event_header){KW_EVENT_CONNECTION, sizeof(event), 0, 1010 * KW_S};
		event_address(event.identity.local, "10.0.0.1");
		event_address(event.identity.remote, "fd00::1");
		add(&seed, &event);
	}
	close_seed(&seed);
}

static void make_http2_row(const struct http2_row *row, size_t number)
{
	struct seed seed = open_seed("http2", number);

	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		struct kw_event_http2 event = http2_story_event(&row->story, role);
		struct kw_event_tls_http2 within;
		struct kw_identity *identity = &event.history.connection.identity;

		event.history.connection.header.time = 1010 * KW_S;
		event_address(identity->local, "10.0.0.1");
		event_address(identity->remote, "fd00::1");
		if (!row->at[role].seen)
			continue;
		within = event_within_tls(&event);
		add(&seed, &event);
		add(&seed, &within);
	}
	close_seed(&seed);
}

static void add_totals(struct seed *seed, uint64_t time, uint64_t dropped)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time},
					 .unfinished = {1, 1}};

	totals.totals.dropped[KW_ROLE_SERVER].closed = dropped;
	totals.totals.dropped[KW_ROLE_SERVER].opened = dropped / 2;
	totals.totals.dropped_half_closed[KW_ROLE_SERVER] = dropped / 3;
	totals.totals.lost[KW_LOST_CLOSED] = dropped;
	add(seed, &totals);
}

/* One event of each kind, and each kind of frame. */
static void make_kinds(void)
{
	struct seed seed = open_seed("kinds", 0);
	struct kw_event_history history = event_history();
	struct kw_identity identity = history.connection.identity;
	struct kw_event_exchange exchange = {.header = {KW_EVENT_EXCHANGE, sizeof(exchange), 0, 7 * KW_S},
					     .identity = identity,
					     .started = 5 * KW_S,
					     .wait = KW_MS,
					     .duration = KW_S,
					     .number = 2,
					     .status = 204};
	struct kw_event_gateway gateway = {.header = {KW_EVENT_GATEWAY, sizeof(gateway), 0, 7 * KW_S},
					   .identity = identity,
					   .number = 1,
					   .status = 502};
	struct kw_event_late late = {
		.header = {KW_EVENT_LATE, sizeof(late), 0, 7 * KW_S}, .identity = identity, .closed = 6 * KW_S};
	struct kw_event_unseen unseen = event_unseen(4, 1, 900);
	const char name[] = "\7\0\0\0\0\0\0\0/system.slice/web.service";
	int64_t offset = 1700000001 * S;

	history.before.requests = 1;
	history.histograms[KW_HISTOGRAM_IDLE][20] = 2;
	strcpy(history.names[0].name, "keep-alive");
	history.names[0].count = 1;
	CHECK(kw_recording_write(seed.recording, KW_FRAME_NAME, name, sizeof(name)) == 0);
	CHECK(kw_recording_write(seed.recording, KW_FRAME_CLOCK, &offset, sizeof(offset)) == 0);
	add(&seed, &history);
	add(&seed, &exchange);
	add(&seed, &gateway);
	add(&seed, &late);
	add(&seed, &unseen);
	add_totals(&seed, 8 * KW_S, 6);
	add_totals(&seed, 20 * KW_S, 9);
	close_seed(&seed);
}

/* Connections of one service that are alike, so that they make a finding, a histogram and a plot. */
static void make_many(const struct row *row, enum kw_role role, size_t number)
{
	struct seed seed = open_seed("many", number);
	struct kw_event_connection event = story_event(&row->story, role);

	event.identity.role = (uint8_t)role;
	for (unsigned int i = 0; i < MANY; i++) {
		event.header =
			(struct kw_event_header){KW_EVENT_CONNECTION, sizeof(event), 0, (1010 + i) * KW_S};
		event.identity.cookie = i + 1;
		event.samples[KW_HISTOGRAM_IDLE] = event.samples[KW_HISTOGRAM_WAIT] = 1;
		event.sample[KW_HISTOGRAM_IDLE] = event.sample[KW_HISTOGRAM_WAIT] = i * KW_S / 2;
		event.http.counts.reused = 2;
		event.http.counts.requests = 3;
		add(&seed, &event);
	}
	add_totals(&seed, 1030 * KW_S, 0);
	close_seed(&seed);
}

static void make_rows(const struct row *rows, size_t count, size_t first)
{
	for (size_t i = 0; i < count; i++) {
		make_row(&rows[i], first + i);
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++)
			if (rows[i].at[role].seen && i % 5 == 0)
				make_many(&rows[i], role, (first + i) * KW_ROLE_MAX + role);
	}
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	recordings = argv[1];
	raw = argv[2];
	make_kinds();
	make_rows(rows_cut, COUNT(rows_cut), 0);
	make_rows(rows_idle, COUNT(rows_idle), COUNT(rows_cut));
	for (size_t i = 0; i < COUNT(http2_rows); i++)
		make_http2_row(&http2_rows[i], i);
	return 0;
}
