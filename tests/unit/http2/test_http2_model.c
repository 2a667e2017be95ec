/* SPDX-License-Identifier: BSD-2-Clause */
/* Random connections, as a plain model counts them, which keeps all streams in an array, against the machine: shown in whole
 * calls, byte by byte, and cut at random. */
#include "http2_talk.h"

#define RUNS 3000
#define STREAMS 4000
#define CALLS 20000

/* ---- the model ----------------------------------------------------------------------------------- */

struct model_stream {
	bool begun, headed, finished;
	bool ended[2], reset[2]; /* by enum http2_direction */
};

struct model {
	struct model_stream streams[STREAMS + 1]; /* by number */
	__u32 latest, begun, open, answered, trailers_only, late, peak;
	__u32 resets[2][HTTP2_CODES];
	__u32 pings[2], pongs[2], goaways[2], goaway_id[2], fields[2];
	__u8 goaway_code[2], debug[2], graceful[2];
	__u32 status;
};

static __u32 model_open(const struct model *m, __u32 above, __u32 from, bool headed)
{
	__u32 n = 0;

	for (__u32 number = from; number <= m->latest; number++) {
		const struct model_stream *s = &m->streams[number];

		n += s->begun && !s->finished && number > above && (!headed || s->headed);
	}
	return n;
}

static void model_begin(struct model *m, __u32 number)
{
	m->streams[number].begun = true;
	m->latest = number;
	m->begun++;
	m->late += m->goaways[HTTP2_SERVER] > 0;
	if (++m->open > m->peak)
		m->peak = m->open;
}

static void model_end(struct model *m, enum http2_direction direction, __u32 number)
{
	struct model_stream *s = &m->streams[number];

	if (s->ended[direction] || s->reset[direction])
		return;
	s->ended[direction] = true;
	if (direction == HTTP2_CLIENT || s->finished)
		return;
	s->finished = true;
	m->open--;
	m->answered++;
}

static void model_reset(struct model *m, enum http2_direction direction, __u32 number, __u32 code)
{
	struct model_stream *s = &m->streams[number];

	s->reset[direction] = true;
	if (s->finished)
		return;
	s->finished = true;
	m->open--;
	m->resets[direction][code < 14 ? code : HTTP2_CODE_OTHER]++;
}

/* A head of a response; @last: with END_STREAM. */
static void model_head(struct model *m, __u32 number, __u32 status, bool last)
{
	struct model_stream *s = &m->streams[number];

	m->status = status;
	if (status && status < 200)
		return;
	if (!s->headed && last && !s->finished && !s->ended[HTTP2_SERVER] && !s->reset[HTTP2_SERVER] &&
	    m->fields[HTTP2_SERVER] & 1 << HTTP2_NAME_GRPC_STATUS)
		m->trailers_only++;
	s->headed = true;
}

static void model_goaway(struct model *m, enum http2_direction direction, __u32 id, __u32 code, __u8 debug)
{
	if (!m->goaways[direction]) {
		m->goaway_id[direction] = id;
		m->graceful[direction] = id == HTTP2_ID_MAX && !code;
	}
	if (id < m->goaway_id[direction])
		m->goaway_id[direction] = id;
	if (!m->goaway_code[direction])
		m->goaway_code[direction] = code < 14 ? code : HTTP2_CODE_OTHER;
	if (!m->debug[direction])
		m->debug[direction] = debug;
	m->goaways[direction]++;
}

/* ---- bytes --------------------------------------------------------------------------------------- */

/* A connection as it is sent: calls of both sides in their order. */
struct wire {
	__u8 *bytes;
	size_t length, room;
	struct {
		enum http2_direction direction;
		size_t end;
		__u32 status; /* of the server's latest head, behind this call */
	} calls[CALLS];
	size_t count;
};

static __u32 pick(__u32 n)
{
	return (__u32)random() % n;
}

static void wire_put(struct wire *wire, const void *bytes, size_t n)
{
	if (wire->length + n > wire->room)
		assert_non_null(wire->bytes = realloc(wire->bytes, wire->room = 2 * wire->room + n));
	if (n)
		memcpy(wire->bytes + wire->length, bytes, n);
	wire->length += n;
}

static void wire_frame(struct wire *wire, __u8 type, __u8 flags, __u32 id, const void *payload, size_t n)
{
	__u8 header[HTTP2_HEADER_LENGTH];

	put_header(header, n, type, flags, id);
	wire_put(wire, header, sizeof(header));
	wire_put(wire, payload, n);
}

static void wire_call(struct wire *wire, const struct model *m, enum http2_direction direction)
{
	assert_true(wire->count < CALLS);
	wire->calls[wire->count].direction = direction;
	wire->calls[wire->count].status = m->status;
	wire->calls[wire->count++].end = wire->length;
}

/* ---- header blocks ------------------------------------------------------------------------------- */

static const char *const texts[] = {
	"x", "trailers", "text", "a longer value, which is of no concern to anybody at all", "200", "",
};

static enum literal pick_literal(void)
{
	static const enum literal all[] = {LITERAL_INDEXED, LITERAL_PLAIN, LITERAL_NEVER};

	return all[pick(3)];
}

/* A field, in one of the ways to write it. Returns the bit of its name, if that is known. */
static __u32 put_random_field(struct block *block)
{
	static const char *const names[] = {
		[HTTP2_NAME_OTHER] = "accept",
		[HTTP2_NAME_STATUS] = "x-request-id-that-is-rather-long",
		[HTTP2_NAME_GRPC_STATUS] = "grpc-status",
		[HTTP2_NAME_CONNECTION] = "connection",
		[HTTP2_NAME_KEEP_ALIVE] = "keep-alive",
		[HTTP2_NAME_PROXY_CONNECTION] = "proxy-connection",
		[HTTP2_NAME_UPGRADE] = "upgrade",
		[HTTP2_NAME_TE] = "te",
		[HTTP2_NAME_TRANSFER_ENCODING] = "transfer-encoding",
	};
	const char *value = texts[pick(sizeof(texts) / sizeof(*texts))];
	__u32 name = pick(40);

	if (name >= HTTP2_NAME_MAX) {
		if (name & 1)
			put_indexed(block, 15 + pick(40) + (name & 2 ? 100 : 0) + (name & 4 ? 5000 : 0));
		else
			put_value(block, pick_literal(), 15 + pick(40), value, pick(2));
		return 0;
	}
	put_field(block, pick_literal(), names[name], value, pick(2));
	if (name < HTTP2_NAME_GRPC_STATUS || (name == HTTP2_NAME_TE && (!*value || !strcmp(value, "trailers"))))
		return 0;
	return 1U << name;
}

/* A status. Returns it, or 0 if it is not written out. */
static __u32 put_random_status(struct block *block)
{
	static const char *const digits[] = {"100", "200", "103", "503", "302", "429"};
	static const __u16 indexed[] = {200, 204, 206, 304, 400, 404, 500};
	__u32 way = pick(4), index = pick(7);
	const char *status = digits[pick(6)];

	if (way == 0) {
		put_indexed(block, 8 + index);
		return indexed[index];
	}
	if (way == 1) {
		put_indexed(block, 62 + index);
		return 0;
	}
	if (way == 2)
		put_value(block, pick_literal(), 8 + index, status, pick(2));
	else
		put_field(block, pick_literal(), ":status", status, pick(2));
	return (__u32)atoi(status);
}

/* A block as HEADERS with CONTINUATION, with or without padding and priority. */
static void wire_block(struct wire *wire, __u32 id, bool end, const struct block *block)
{
	static __u8 payload[TALK_MOST]; /* padding may be anything */
	__u8 flags = end ? END : 0, pad = pick(4) ? 0 : (__u8)pick(30);
	size_t at = 0, first = pick(3) ? block->length : pick((__u32)block->length + 1);

	if (pad || !pick(8)) {
		flags |= HTTP2_FLAG_PADDED;
		payload[at++] = pad;
	}
	if (!pick(4)) {
		flags |= HTTP2_FLAG_PRIORITY;
		at += 5;
	}
	memcpy(payload + at, block->bytes, first);
	if (first == block->length)
		flags |= WHOLE;
	wire_frame(wire, HTTP2_TYPE_HEADERS, flags, id, payload,
		   at + first + (flags & HTTP2_FLAG_PADDED ? pad : 0));
	while (!(flags & WHOLE)) {
		size_t n = pick((__u32)(block->length - first) + 1);

		flags = first + n == block->length ? WHOLE : 0;
		wire_frame(wire, HTTP2_TYPE_CONTINUATION, flags, id, block->bytes + first, n);
		first += n;
	}
}

/* ---- acts ---------------------------------------------------------------------------------------- */

/* A stream that may be spoken of: one of the latest, or an older one that is still open; 0 if there is none. */
static __u32 pick_stream(const struct model *m)
{
	for (int tries = 0; tries < 8; tries++) {
		__u32 near = pick(m->latest + 1),
		      number = pick(4) ? m->latest - pick(near < 20 ? near + 1 : 20) : near;
		const struct model_stream *s = &m->streams[number];

		if (number && s->begun && (!s->finished || number + 200 > m->latest))
			return number;
	}
	return 0;
}

static void act_begin(struct model *m, struct wire *wire)
{
	__u32 number = m->latest + 1 + (pick(6) ? 0 : pick(7));
	bool end = pick(3);
	static struct block block;

	if (number > STREAMS)
		return;
	block.length = 0;
	for (__u32 n = pick(6); n; n--)
		m->fields[HTTP2_CLIENT] |= put_random_field(&block);
	wire_block(wire, 2 * number - 1, end, &block);
	model_begin(m, number);
	if (end)
		model_end(m, HTTP2_CLIENT, number);
	wire_call(wire, m, HTTP2_CLIENT);
}

static void act_head(struct model *m, struct wire *wire)
{
	__u32 number = pick_stream(m), status;
	bool end = !pick(4);
	static struct block block;

	if (!number)
		return;
	block.length = 0;
	if (!pick(5))
		put_integer(&block, 0x20, 5, pick(5000));
	status = put_random_status(&block);
	end &= !status || status >= 200;
	for (__u32 n = pick(6); n; n--)
		m->fields[HTTP2_SERVER] |= put_random_field(&block);
	wire_block(wire, 2 * number - 1, end, &block);
	model_head(m, number, status, end);
	if (end)
		model_end(m, HTTP2_SERVER, number);
	wire_call(wire, m, HTTP2_SERVER);
}

static void act_data(struct model *m, struct wire *wire)
{
	static const __u8 zeros[300];
	enum http2_direction direction = pick(3) ? HTTP2_SERVER : HTTP2_CLIENT;
	__u32 number = pick_stream(m);
	bool end = pick(2);

	if (!number)
		return;
	wire_frame(wire, HTTP2_TYPE_DATA, end ? END : 0, 2 * number - 1, zeros,
		   pick(2) ? pick(40) : pick(sizeof(zeros)));
	if (end)
		model_end(m, direction, number);
	wire_call(wire, m, direction);
}

static void act_reset(struct model *m, struct wire *wire)
{
	enum http2_direction direction = pick(2);
	__u32 number = pick_stream(m), code = pick(3) ? 7 + pick(2) : pick(17);
	const __u8 bytes[] = {0, 0, 0, (__u8)code};

	if (!number)
		return;
	wire_frame(wire, HTTP2_TYPE_RST_STREAM, 0, 2 * number - 1, bytes, sizeof(bytes));
	model_reset(m, direction, number, code);
	wire_call(wire, m, direction);
}

static void act_goaway(struct model *m, struct wire *wire)
{
	static const char *const debugs[] = {"", "too_many_pings", "max_age", "max_idle",
					     "other text that is long"};
	enum http2_direction direction = pick(4) ? HTTP2_SERVER : HTTP2_CLIENT;
	__u32 id = pick(2) ? HTTP2_ID_MAX : pick(2 * m->latest + 1) | 1, code = pick(2) ? 0 : pick(20);
	__u8 debug = (__u8)pick(5),
	     bytes[100] = {(__u8)(id >> 24), (__u8)(id >> 16), (__u8)(id >> 8), (__u8)id};

	bytes[7] = (__u8)code;
	memcpy(bytes + 8, debugs[debug], strlen(debugs[debug]));
	wire_frame(wire, HTTP2_TYPE_GOAWAY, 0, 0, bytes, 8 + strlen(debugs[debug]));
	model_goaway(m, direction, id, code, debug);
	wire_call(wire, m, direction);
}

static void act_ping(struct model *m, struct wire *wire)
{
	enum http2_direction direction = pick(2);
	bool pong = pick(2);

	wire_frame(wire, HTTP2_TYPE_PING, pong ? HTTP2_FLAG_ACK : 0, 0, "12345678", 8);
	m->pings[direction] += !pong;
	m->pongs[direction] += pong;
	wire_call(wire, m, direction);
}

/* Frames that change nothing. */
static void act_nothing(struct model *m, struct wire *wire)
{
	static const __u8 bytes[64];
	enum http2_direction direction = pick(2);
	__u32 id = pick(2 * STREAMS);

	if (pick(3) == 0)
		wire_frame(wire, HTTP2_TYPE_PRIORITY, 0, id + 1, bytes, 5);
	else if (pick(2))
		wire_frame(wire, HTTP2_TYPE_WINDOW_UPDATE, 0, id, bytes, 4);
	else if (pick(2))
		wire_frame(wire, HTTP2_TYPE_SETTINGS, 0, 0, bytes, 6 * pick(8));
	else if (pick(2) && direction == HTTP2_SERVER)
		wire_frame(wire, HTTP2_TYPE_PUSH_PROMISE, WHOLE, 1, "\0\0\0\2\x82", 5);
	else
		wire_frame(wire, (__u8)(HTTP2_TYPE_MAX + pick(200)), (__u8)pick(256), id, bytes,
			   pick(sizeof(bytes)));
	wire_call(wire, m, direction);
}

/* Makes a connection of some @acts. Where the client is @eager, it begins many streams before they are answered. */
static void make(struct model *m, struct wire *wire, __u32 acts, __u32 eager)
{
	wire_put(wire, PREFACE, HTTP2_PREFACE_LENGTH);
	wire_frame(wire, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0);
	wire_call(wire, m, HTTP2_CLIENT);
	wire_frame(wire, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0);
	wire_call(wire, m, HTTP2_SERVER);
	while (acts--) {
		__u32 act = pick(24 + eager);

		if (act >= 24 || act < 6)
			act_begin(m, wire);
		else if (act < 13)
			act_head(m, wire);
		else if (act < 18)
			act_data(m, wire);
		else if (act < 20)
			act_reset(m, wire);
		else if (act < 21)
			act_ping(m, wire);
		else if (act < 22 && !pick(10))
			act_goaway(m, wire);
		else
			act_nothing(m, wire);
	}
}

/* ---- the comparison ------------------------------------------------------------------------------ */

enum cutting {
	CUT_NOWHERE,
	CUT_EVERYWHERE,
	CUT_AT_RANDOM,
};

static void play(struct talk *talk, const struct wire *wire, enum cutting cutting)
{
	size_t at = 0;

	http2_init(&talk->c, 0);
	for (size_t i = 0; i < wire->count; i++) {
		enum http2_direction direction = wire->calls[i].direction;

		while (at < wire->calls[i].end) {
			size_t n = wire->calls[i].end - at;

			if (cutting == CUT_EVERYWHERE)
				n = 1;
			else if (cutting == CUT_AT_RANDOM && n > 1)
				n = 1 + pick((__u32)(n < 60 ? n : 60));
			talk_call(talk, direction, wire->bytes + at, n);
			at += n;
		}
		assert_int_equal(side(talk, HTTP2_SERVER)->status, wire->calls[i].status);
	}
}

static void compare_sides(const struct talk *talk, const struct model *m)
{
	for (int direction = 0; direction < 2; direction++) {
		const struct http2_stream *s = side(talk, direction);

		assert_int_not_equal(s->state, HTTP2_AT_LOST);
		assert_memory_equal(s->resets, m->resets[direction], sizeof(s->resets));
		assert_int_equal(s->pings, m->pings[direction]);
		assert_int_equal(s->pongs, m->pongs[direction]);
		assert_int_equal(s->goaways, m->goaways[direction]);
		assert_int_equal(s->goaway_id, m->goaway_id[direction]);
		assert_int_equal(s->goaway_code, m->goaway_code[direction]);
		assert_int_equal(s->goaway_debug, m->debug[direction]);
		assert_int_equal(s->graceful, m->graceful[direction]);
		assert_int_equal(s->fields, m->fields[direction]);
		assert_int_equal(s->errors & ~(1 << HTTP2_ERROR_CLOSED | 1 << HTTP2_ERROR_GOAWAY), 0);
	}
}

static void compare(const struct talk *talk, const struct model *m)
{
	__u32 first = m->latest < HTTP2_STREAMS ? 1 : m->latest - HTTP2_STREAMS + 1;
	__u32 last = m->goaways[HTTP2_SERVER] ? (m->goaway_id[HTTP2_SERVER] + 1) / 2 : STREAMS;
	struct http2_open open = open_streams(talk);

	compare_sides(talk, m);
	assert_int_equal(side(talk, HTTP2_CLIENT)->begun, m->begun);
	assert_int_equal(side(talk, HTTP2_CLIENT)->late, m->late);
	assert_int_equal(side(talk, HTTP2_CLIENT)->peak, m->peak);
	assert_int_equal(side(talk, HTTP2_SERVER)->answered, m->answered);
	assert_int_equal(open.all, model_open(m, 0, 1, false));
	assert_int_equal(open.beyond, open.all - model_open(m, 0, first, false));
	assert_int_equal(open.headed, model_open(m, 0, first, true));
	assert_int_equal(open.above, model_open(m, last, first, false));
	assert_false(open.ahead);
	if (!open.beyond && m->latest <= HTTP2_STREAMS)
		assert_int_equal(side(talk, HTTP2_SERVER)->trailers_only, m->trailers_only);
}

static void run(unsigned int seed)
{
	static struct model m;
	static struct wire wire;
	struct talk whole = {.cut = 0}, bytes = whole, random_cuts = whole;
	bool large = seed % 16 == 0;

	srandom(seed);
	memset(&m, 0, sizeof(m));
	wire.length = wire.count = 0;
	make(&m, &wire, large ? 4000 : 100 + pick(300), large ? 4 + pick(60) : pick(4) * 3);
	play(&whole, &wire, CUT_NOWHERE);
	compare(&whole, &m);
	play(&bytes, &wire, CUT_EVERYWHERE);
	play(&random_cuts, &wire, CUT_AT_RANDOM);
	assert_memory_equal(&bytes.c, &whole.c, sizeof(whole.c));
	assert_memory_equal(&random_cuts.c, &whole.c, sizeof(whole.c));
}

static void test_random_connections_are_counted_as_a_plain_model_does(void **state)
{
	const char *seed = getenv("SEED");

	(void)state;
	if (seed)
		run((unsigned int)atoi(seed));
	for (unsigned int i = 0; !seed && i < RUNS; i++) {
		print_message("%s", i % 500 ? "" : ".");
		run(i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_connections_are_counted_as_a_plain_model_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
