/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the HTTP/2 machine: whatever the bytes are and wherever calls cut them, it reads nothing beyond them, moves on, keeps its
 * numbers within their bounds, and says the same of the same bytes.
 *
 * An input is a list of calls: a byte whose lowest bit is the direction, two bytes with a length, and so many bytes. Its first
 * byte has in its second bit whether the connection was upgraded, and in its third one whether the prefaces are left out. */
#include <string.h>

#include "check.h"
#include "include/http2.h"

#define CALL 3
#define PIECE_MOST 65536
#define UPGRADED 2
#define NO_PREFACE 4

struct run {
	struct http2_connection c;
	size_t cut; /* bytes of a piece; 0: whole calls */
	uint64_t position[2];
	uint64_t said; /* a hash of all events, with their places */
};

static void say(struct run *run, unsigned int direction, uint32_t event)
{
	const struct http2_stream *s = &run->c.streams[direction];
	const uint64_t facts[] = {event,     direction, run->position[direction], s->type, s->length, s->id,
				  s->status, s->code};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		run->said = (run->said ^ facts[i]) * 0x9e3779b97f4a7c15ULL;
}

static void check(const struct run *run, unsigned int direction)
{
	const struct http2_stream *s = &run->c.streams[direction];

	CHECK(s->left <= s->length && s->length <= HTTP2_LENGTH_MAX && s->headed <= HTTP2_HEADER_LENGTH);
	CHECK(s->state <= HTTP2_AT_LOST && s->due <= HTTP2_DUE_END && s->walk <= HTTP2_WALK_OVER);
	CHECK(s->got + s->need <= HTTP2_TEXT && s->name < HTTP2_NAME_MAX && s->status < 1000);
	CHECK(s->state != HTTP2_AT_BLOCK || s->block <= s->left);
	CHECK(s->goaway_debug < HTTP2_DEBUG_MAX && s->goaway_code < HTTP2_CODES &&
	      s->errors < 1 << HTTP2_ERROR_MAX);
	CHECK(s->state != HTTP2_AT_LOST || !(s->words[0] | s->words[1] | s->words[2]));
}

static void check_open(const struct http2_connection *c)
{
	const struct http2_stream *client = &c->streams[HTTP2_CLIENT];
	struct http2_open open;

	http2_count_open(c, &open);
	CHECK(open.all <= client->begun || open.all <= HTTP2_STREAMS);
	CHECK(open.beyond <= open.all && open.headed <= open.all && open.above <= open.all);
	CHECK(client->peak <= client->begun && client->late <= client->begun);
	CHECK(c->streams[HTTP2_SERVER].answered <= c->streams[HTTP2_SERVER].finished);
}

/* Shows a piece, which ends where its memory ends. */
static void show(struct run *run, unsigned int direction, const uint8_t *bytes, size_t n)
{
	struct http2_stream *s = &run->c.streams[direction];
	static uint8_t *room;
	size_t at = 0, idle = 0;
	const uint8_t *copy;

	if (!room)
		CHECK(room = malloc(PIECE_MOST));
	copy = memcpy(room + PIECE_MOST - n, bytes, n);
	while (at < n || http2_is_due(s)) {
		uint64_t taken = http2_skippable(s, n - at);
		uint32_t event = 0;
		size_t look = n - at < HTTP2_WINDOW ? n - at : HTTP2_WINDOW;

		if (taken)
			http2_skip(s, taken);
		else
			taken = http2_step(&run->c, direction, copy + at, (uint32_t)look, &event);
		idle = taken ? 0 : idle + 1;
		CHECK(taken <= n - at && idle <= 4);
		at += taken;
		run->position[direction] += taken;
		if (event)
			say(run, direction, event);
		check(run, direction);
	}
}

static void begin(struct run *run, uint8_t mode)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

	if (mode & UPGRADED)
		http2_init_upgraded(&run->c);
	else
		http2_init(&run->c, 0);
	if (!(mode & NO_PREFACE))
		return;
	show(run, HTTP2_CLIENT, (const uint8_t *)preface, sizeof(preface) - 1);
	show(run, HTTP2_SERVER, (const uint8_t *)preface + HTTP2_PREFACE_LENGTH, HTTP2_HEADER_LENGTH);
}

static void play(struct run *run, const uint8_t *data, size_t size)
{
	begin(run, size ? data[0] : 0);
	while (size >= CALL) {
		unsigned int direction = data[0] & 1;
		size_t n = (size_t)data[1] << 8 | data[2];

		if (n > size - CALL)
			n = size - CALL;
		for (size_t at = 0, piece; at < n; at += piece) {
			piece = run->cut && run->cut < n - at ? run->cut : n - at;
			show(run, direction, data + CALL + at, piece);
		}
		data += CALL + n;
		size -= CALL + n;
	}
	check_open(&run->c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const size_t cuts[] = {1, 2, 7};
	struct run whole = {.cut = 0};

	play(&whole, data, n);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct run cut = {.cut = cuts[i]};

		play(&cut, data, n);
		CHECK(cut.said == whole.said);
		CHECK(memcmp(&cut.c, &whole.c, sizeof(cut.c)) == 0);
	}
	return 0;
}
