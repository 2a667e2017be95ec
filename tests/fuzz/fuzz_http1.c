/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the HTTP/1.x machine: whatever the bytes are and wherever they are cut, it reads nothing beyond them,
 * moves on, tells events in an order that makes sense, and says the same of the same bytes; and so it does where plain
 * heads are read whole.
 *
 * An input is a byte of mode, four bytes that seed the cuts, and the rest: one stream, or a conversation. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/http1.h"
#include "tests/fuzz/check.h"

enum mode {
	MODE_RESPONSES = 1 << 0,    /* the one stream is the responses' */
	MODE_CONVERSATION = 1 << 1, /* calls in both directions, some of them blind */
	MODE_MIDWAY = 1 << 2,       /* the connection is older than the observer */
};

#define HEADER 5

/* An event, and the position in the stream at which it came. */
struct fact {
	uint64_t position;
	uint64_t body;
	uint64_t length;
	uint32_t event;
	uint32_t timeout;
	uint32_t max;
	uint16_t flags;
	uint16_t errors;
	uint16_t status;
	uint8_t direction;
	uint8_t method;
	uint8_t version;
	uint8_t framing;
	uint8_t protocol;
	uint8_t word[HTTP1_WORD];
};

/* How the bytes of a call are cut. */
enum cuts {
	CUTS_NONE,
	CUTS_EACH_BYTE,
	CUTS_RANDOM,
	CUTS_PLAIN, /* none, and a plain head with which a call begins is read whole */
};

struct run {
	struct http1_connection connection;
	enum cuts cuts;
	uint32_t random;
	uint64_t positions[2];
	bool open[2]; /* a message is begun and not ended */
	bool head[2]; /* and its head is complete */
	bool over;    /* it is not HTTP/1.x */
	struct fact *facts;
	size_t count, room;
};

static uint32_t next_random(struct run *run)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 17;
	run->random ^= run->random << 5;
	return run->random;
}

static void keep_fact(struct run *run, int direction, uint32_t event)
{
	const struct http1_stream *s = &run->connection.streams[direction];
	struct fact *fact = &run->facts[run->count++];

	CHECK(run->count <= run->room);
	memset(fact, 0, sizeof(*fact));
	fact->event = event;
	fact->direction = direction;
	fact->protocol = run->connection.protocol;
	if (event & (HTTP1_EVENT_NOT_HTTP | HTTP1_EVENT_PROXY))
		return; /* the position is left out, because cuts may change which byte decided */
	fact->position = run->positions[direction];
	if (event & HTTP1_EVENT_NAME)
		memcpy(fact->word, s->word, sizeof(fact->word));
	if (!(event & (HTTP1_EVENT_HEAD | HTTP1_EVENT_END | HTTP1_EVENT_LOST)))
		return;
	fact->body = s->body;
	fact->length = s->flags & HTTP1_FLAG_LENGTH ? s->length : 0;
	fact->timeout = s->flags & HTTP1_FLAG_TIMEOUT ? s->timeout : 0;
	fact->max = s->flags & HTTP1_FLAG_MAX ? s->max : 0;
	fact->flags = s->flags;
	fact->errors = s->errors;
	fact->status = s->status;
	fact->method = s->method;
	fact->version = s->version;
	fact->framing = s->framing;
}

static void check_head(const struct http1_stream *s, int direction)
{
	CHECK(s->framing < HTTP1_FRAMING_MAX && s->version <= 1 && s->method < HTTP1_METHOD_MAX);
	CHECK(!(s->errors & HTTP1_ERRORS_FATAL));
	CHECK(s->framing != HTTP1_FRAMING_LENGTH || s->length <= HTTP1_LENGTH_MAX);
	CHECK(!(s->flags & HTTP1_FLAG_TIMEOUT) || s->timeout <= HTTP1_PARAMETER_LIMIT);
	CHECK(!(s->flags & HTTP1_FLAG_MAX) || s->max <= HTTP1_PARAMETER_LIMIT);
	if (direction == HTTP1_RESPONSES)
		CHECK(s->status >= 100 && s->status <= 999);
	else
		CHECK(s->framing != HTTP1_FRAMING_CLOSE && s->framing != HTTP1_FRAMING_TUNNEL);
}

static void on_event(struct run *run, int direction, uint32_t event)
{
	const struct http1_stream *s = &run->connection.streams[direction];
	bool *open = &run->open[direction], *head = &run->head[direction];

	if (!event)
		return;
	keep_fact(run, direction, event);
	if (event & HTTP1_EVENT_BEGIN) {
		CHECK(!*open);
		*open = true;
		*head = false;
	}
	if (event & HTTP1_EVENT_PROXY) {
		CHECK(*open && !*head);
		*open = false;
	}
	if (event & HTTP1_EVENT_NAME)
		CHECK(*open && !*head && s->word[0]);
	if (event & HTTP1_EVENT_HEAD) {
		CHECK(*open && !*head);
		*head = true;
		check_head(s, direction);
	}
	if (event & HTTP1_EVENT_END) {
		CHECK(*open && *head);
		CHECK(s->framing != HTTP1_FRAMING_LENGTH || s->body == s->length);
		*open = false;
	}
	if (event & HTTP1_EVENT_SURPLUS) {
		CHECK(direction == HTTP1_RESPONSES && s->state == HTTP1_SURPLUS && !(*open && *head));
		*open = false;
	}
	if (event & HTTP1_EVENT_LOST) {
		CHECK(s->state == HTTP1_LOST);
		*open = false;
	}
	if (event & HTTP1_EVENT_NOT_HTTP) {
		CHECK(run->connection.protocol > HTTP1_PROTOCOL_HTTP1);
		run->over = true;
	}
}

static size_t piece_size(struct run *run, int direction, size_t n)
{
	size_t size = n < HTTP1_WINDOW ? n : HTTP1_WINDOW;

	/* Does not cut the beginning of a call, because the machine looks for the start of a message there. */
	if (run->cuts == CUTS_NONE || run->cuts == CUTS_PLAIN ||
	    run->connection.streams[direction].state == HTTP1_RESYNC)
		return size;
	return run->cuts == CUTS_EACH_BYTE ? 1 : 1 + next_random(run) % size;
}

/* Reads a plain head whole, as the kernel side does; the buffer behind the bytes holds old data. Returns how many
 * bytes it took. */
static size_t feed_head(struct run *run, int direction, const uint8_t *bytes, size_t n)
{
	static uint8_t buffer[HTTP1_HEAD + HTTP1_HEAD_SLACK];
	static const char before[] = "\r\nContent-Length: 5\r\nConnection: close\r\n\r\n HTTP/1.1 200\r\n";
	struct http1_head head = {0};
	struct run copy = *run;

	if (!http1_may_be_plain(&run->connection, direction))
		return 0;
	if (n > HTTP1_HEAD)
		n = HTTP1_HEAD;
	for (size_t i = n; i < sizeof(buffer); i++)
		buffer[i] = before[(i + run->random) % (sizeof(before) - 1)];
	memcpy(buffer, bytes, n);
	if (http1_plain_start(direction, buffer, &head))
		while (http1_plain_more(&head, buffer, n))
			;
	CHECK(head.size <= n && !memcmp(run, &copy, sizeof(copy)));
	if (head.size == HTTP1_PLAIN_NOT)
		return 0;
	on_event(run, direction, HTTP1_EVENT_BEGIN);
	run->positions[direction] += head.size;
	on_event(run, direction, http1_take_head(&run->connection, direction, &head));
	return head.size;
}

/* Feeds one call of @n bytes. Each step gets a buffer that ends where its bytes end, so that a read beyond them is
 * found. */
static void feed(struct run *run, int direction, const uint8_t *bytes, size_t n)
{
	static uint8_t *window;
	struct http1_connection *c = &run->connection;
	int stood_still = 0;

	if (!window)
		window = malloc(HTTP1_WINDOW);
	on_event(run, direction, http1_call(c, direction));
	if (run->cuts == CUTS_PLAIN && !run->over) {
		size_t taken = feed_head(run, direction, bytes, n);

		bytes += taken;
		n -= taken;
	}
	while (n && !run->over) {
		size_t size = piece_size(run, direction, n);
		size_t taken = http1_skippable(&c->streams[direction], size);
		uint32_t event;

		if (taken) {
			event = http1_skip(c, direction, taken);
		} else {
			memcpy(window + HTTP1_WINDOW - size, bytes, size);
			taken = http1_step(c, direction, window + HTTP1_WINDOW - size, size, &event);
			stood_still = taken ? 0 : stood_still + 1;
			CHECK(taken <= size && stood_still <= 2);
		}
		run->positions[direction] += taken;
		on_event(run, direction, event);
		bytes += taken;
		n -= taken;
	}
	http1_call_end(c, direction);
}

static void feed_blind(struct run *run, int direction, uint64_t n)
{
	on_event(run, direction, http1_call(&run->connection, direction));
	run->positions[direction] += n;
	on_event(run, direction, http1_blind(&run->connection, direction, n));
}

/* Calls: a byte each that says direction, blindness and length; then the bytes, if they are seen. */
static void converse(struct run *run, const uint8_t *data, size_t n)
{
	for (size_t at = 0; at < n && !run->over;) {
		uint8_t what = data[at++];
		int direction = what >> 7;
		size_t size = (what & 63) * 4 + 1;

		if (what & 64) {
			feed_blind(run, direction, (what & 63) > 40 ? 1ULL << (what & 63) : size);
			continue;
		}
		if (size > n - at)
			size = n - at;
		feed(run, direction, data + at, size);
		at += size;
	}
}

static void run_once(struct run *run, enum cuts cuts, const uint8_t *data, size_t n)
{
	struct http1_connection *c = &run->connection;
	uint8_t mode = data[0];
	uint32_t seed;

	memcpy(&seed, data + 1, sizeof(seed));
	*run = (struct run){.cuts = cuts, .random = seed | 1, .room = 4 * n + 16};
	run->facts = malloc(run->room * sizeof(*run->facts));
	if (mode & MODE_MIDWAY)
		http1_init_midway(c);
	if (mode & MODE_CONVERSATION) {
		converse(run, data + HEADER, n - HEADER);
		return;
	}
	if (mode & MODE_RESPONSES) {
		c->pushed = seed % (HTTP1_QUEUE + 2);
		for (uint32_t i = 0; i < HTTP1_QUEUE; i++)
			c->methods[i] = (seed >> i) % HTTP1_METHOD_MAX;
	}
	feed(run, mode & MODE_RESPONSES, data + HEADER, n - HEADER);
}

/* Clears what the machine has left behind of a head and will not look at again. */
static void forget(struct http1_stream *s)
{
	int idle = s->state == HTTP1_START || (s->state >= HTTP1_BODY && s->state <= HTTP1_SURPLUS) ||
		   s->state == HTTP1_TUNNEL || s->state == HTTP1_LOST || s->state == HTTP1_RESYNC;

	if (idle)
		s->phase = 0;
	if (idle && s->state != HTTP1_START)
		s->number = 0;
	if (s->field != HTTP1_FIELD_KEEP_ALIVE)
		s->parameter = 0;
	if (idle)
		s->word_length = 0;
	if (s->state == HTTP1_START && s->number == 4) {
		s->words[0] = (uint32_t)s->words[0]; /* two empty lines, or the beginning of another protocol */
		memset(s->words + 1, 0, sizeof(s->word) - sizeof(s->words[0]));
	} else if (!s->word_length) {
		memset(s->word, 0, sizeof(s->word));
	}
}

static void check_same(const struct run *whole, const struct run *cut)
{
	CHECK(whole->count == cut->count);
	for (size_t i = 0; i < whole->count; i++)
		CHECK(!memcmp(&whole->facts[i], &cut->facts[i], sizeof(*whole->facts)));
	CHECK(whole->over == cut->over);
	if (!whole->over)
		CHECK(!memcmp(&whole->connection, &cut->connection, sizeof(whole->connection)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct run whole, cut;

	if (n < HEADER)
		return 0;
	run_once(&whole, CUTS_NONE, data, n);
	for (enum cuts cuts = CUTS_EACH_BYTE; cuts <= CUTS_PLAIN; cuts++) {
		run_once(&cut, cuts, data, n);
		for (int i = 0; cuts == CUTS_PLAIN && i < 2; i++) {
			forget(&whole.connection.streams[i]);
			forget(&cut.connection.streams[i]);
		}
		check_same(&whole, &cut);
		free(cut.facts);
	}
	free(whole.facts);
	return 0;
}
