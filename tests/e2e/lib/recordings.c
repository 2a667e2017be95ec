/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes recordings whose every byte is known: recordings KIND FILE.
 *
 *   scene     a server that closes idle connections, a proxy that uses them too late, and its 502
 *   played    the same in a recording that begins late, as the following do
 *   hostile   processes whose names would obey no terminal, and one in another script
 *   many      10,000 services */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "recording/recording.h"
#include "tests/unit/events.h"
#include "tests/unit/judge/judge_row.h"

#define LATE (ESTABLISHED + 9 * KW_S) /* all but the end is over, so that a second suffices to play it */
#define MANY 10000

static struct kw_recording_writer *writer;
static uint64_t cookie = 0x100;

static void check(int result)
{
	if (result >= 0)
		return;
	fprintf(stderr, "recordings: %s\n", strerror(-result));
	exit(1);
}

static void add(const void *event)
{
	const struct kw_event_header *header = event;

	check(kw_recording_write(writer, KW_FRAME_EVENT, event, header->size));
}

static void add_totals(uint64_t time)
{
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};

	add(&totals);
}

static void later(__u64 *time, uint64_t by)
{
	*time += *time ? by : 0;
}

/* The story of a connection that began @after ns later. */
static struct kw_event_connection make_event(const struct story *story, enum kw_role role, uint64_t after,
					     const char *comm)
{
	struct kw_event_connection event = story_event(story, role);
	struct kw_http *http = &event.http;
	__u64 *times[] = {&event.opened,           &event.established,     &event.ending.time,
			  &event.closing.time,     &http->request_started, &http->request_ended,
			  &http->response_started, &http->response_ended,  &http->first_request_started};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		later(times[i], after);
	event.header = (struct kw_event_header){KW_EVENT_CONNECTION, sizeof(event), 0, event.closing.time};
	event.identity.cookie = cookie++;
	event.identity.netns = 4026531840;
	event.identity.pid = 812;
	event.notice =
		(struct kw_notice){.time = event.closing.time, .last = event.closing.time, .thread = 812};
	http->counts.reused = http->counts.requests_begun - 1;
	http->idle_max = event.sample[KW_HISTOGRAM_IDLE] = 2500 * KW_MS;
	event.samples[KW_HISTOGRAM_IDLE] = 1;
	memcpy(event.identity.comm, comm, strnlen(comm, KW_COMM - 1));
	return event;
}

static void put_ends(struct kw_event_connection *event, const char *local, uint16_t local_port,
		     const char *remote, uint16_t remote_port)
{
	event_address(event->identity.local, local);
	event_address(event->identity.remote, remote);
	event->identity.local_port = local_port;
	event->identity.remote_port = remote_port;
}

static const struct story idle_story = {.answered = 3, BY(SERVER, FIN), .idle = 5003 * MS, .timeout = 5};
static const struct story race_story = {
	.answered = 2, .pending = AFTER, BY(SERVER, FIN), .idle = 4 * S, .wait = 127 * US, .timeout = 4};

static void add_server(uint64_t after, const char *comm, uint16_t port)
{
	struct kw_event_connection event = make_event(&idle_story, KW_ROLE_SERVER, after, comm);

	put_ends(&event, "10.0.0.5", port, "10.0.0.9", (uint16_t)(50000 + cookie % 10000));
	add(&event);
}

/* A request that the proxy lost, and the 502 with which it answered one of its own clients. */
static void add_race(uint64_t after)
{
	struct kw_event_connection event = make_event(&race_story, KW_ROLE_CLIENT, after, "haproxy");
	struct kw_event_gateway gateway = {
		.header = {KW_EVENT_GATEWAY, sizeof(gateway), 0, event.closing.time + KW_MS},
		.started = event.http.request_started - KW_MS,
		.number = 1,
		.thread = 812,
		.status = 502,
		.request_bytes = REQUEST_BYTES};

	put_ends(&event, "10.0.0.5", (uint16_t)(40000 + cookie % 10000), "10.0.0.7", 3000);
	add(&event);
	gateway.identity = event.identity;
	gateway.identity.role = KW_ROLE_SERVER;
	gateway.identity.cookie = cookie++;
	gateway.identity.local_port = 80;
	add(&gateway);
}

/* Two connections that are still open; a request is under way on one. */
static void add_open(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct kw_event_connection event = make_event(&idle_story, KW_ROLE_SERVER, 2 * KW_S, "nginx");

		put_ends(&event, "10.0.0.5", 8080, "10.0.0.9", (uint16_t)(60000 + i));
		event.report = KW_REPORT_PROGRESS;
		event.ending = (struct kw_ending){0};
		event.closing = (struct kw_closing){0};
		event.http.counts.requests_begun += i;
		add(&event);
	}
}

static void make_scene(void)
{
	add_open();
	for (uint64_t i = 0; i < 8; i++)
		add_server(i * KW_S / 8, "nginx", 8080);
	for (uint64_t i = 0; i < 2; i++)
		add_server(i * KW_S / 8, "haproxy", 80);
	for (uint64_t i = 0; i < 3; i++)
		add_race(KW_S + i * KW_S / 8);
	add_totals(ESTABLISHED + 8 * KW_S);
	add_totals(ESTABLISHED + 10 * KW_S);
}

static void make_hostile(void)
{
	/* Begins with the mark that makes a terminal show what follows from right to left. */
	static const char reordered[] = {(char)0xe2, (char)0x80, (char)0xae, 'g', 'n', 'p',
					 '.',        'e',        'x',        'e', 0};
	static const char *const names[] = {"\033[2J\033]0;own\a",      "a\nb\tc\rd", "\xff\xfe\x80", reordered,
					    "\xe6\x97\xa5\xe6\x9c\xac", "\23331m",    "%s%n%s"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (uint64_t k = 0; k < 3; k++)
			add_server(k * KW_MS, names[i], (uint16_t)(8000 + i));
	add_totals(ESTABLISHED + 10 * KW_S);
}

static void make_many(void)
{
	for (unsigned int i = 0; i < MANY; i++)
		add_server(i * KW_US, "service", (uint16_t)(1 + i));
	add_totals(ESTABLISHED + 10 * KW_S);
}

static const struct {
	const char *name;
	void (*make)(void);
} kinds[] = {{"scene", make_scene}, {"played", make_scene}, {"hostile", make_hostile}, {"many", make_many}};

int main(int argc, char **argv)
{
	struct kw_recording_header header = {
		.keepwatch = "1", .host = "web1", .started = LATE, .clock = {.offset = 1700000000 * S}};

	if (argc == 3 && strcmp(argv[1], "scene") == 0)
		header.started = ESTABLISHED - 2 * KW_S;
	for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		check(kw_recording_create(argv[2], &writer));
		check(kw_recording_write_header(writer, &header));
		kinds[i].make();
		check(kw_recording_finish(writer, true));
		return 0;
	}
	fprintf(stderr, "usage: recordings scene|played|hostile|many FILE\n");
	return 2;
}
