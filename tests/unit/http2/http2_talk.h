/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection that a test shows to the HTTP/2 machine, frame by frame, and header blocks under construction. */
#ifndef KEEPWATCH_TEST_HTTP2_TALK_H
#define KEEPWATCH_TEST_HTTP2_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/http2.h"

#define TALK_MOST 65536 /* bytes that are shown at once */

struct talk {
	struct http2_connection c;
	size_t cut;      /* bytes of each call; 0: no cuts */
	__u32 events[2]; /* by enum http2_direction: all of the latest show() */
	__u32 steps;     /* of all */
};

/* Sizes of calls that a rule is tried with. */
static const size_t talk_cuts[] = {0, 1, 2, 3, 7, 10};

/* Tries what follows with a new @talk for each of talk_cuts, behind the preface of both sides. */
#define EACH_CUT(talk)                                                                                         \
	for (size_t talk_i = 0; talk_i < sizeof(talk_cuts) / sizeof(*talk_cuts); talk_i++)                     \
		for (struct talk talk = talk_open(talk_cuts[talk_i]), *talk_once = &(talk); talk_once;         \
		     talk_once = NULL)

/* Room that ends where memory ends: to read on would be seen. */
static inline __u8 *talk_room_end(void)
{
	static __u8 *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	__u8 *room;

	if (end)
		return end;
	room = mmap(NULL, TALK_MOST + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(mprotect(room + TALK_MOST, page, PROT_NONE), 0);
	return end = room + TALK_MOST;
}

/* Shows one call. Nothing may be due behind it. */
static inline void talk_call(struct talk *talk, enum http2_direction direction, const __u8 *bytes, size_t n)
{
	struct http2_stream *s = &talk->c.streams[direction];
	__u8 *at = talk_room_end() - n;
	int idle = 0;

	assert_true(n <= TALK_MOST);
	memcpy(at, bytes, n);
	while (n || http2_is_due(s)) {
		size_t taken = http2_skippable(s, n);
		__u32 event = 0;

		if (taken)
			http2_skip(s, taken);
		else
			taken = http2_step(&talk->c, direction, at, n < HTTP2_WINDOW ? n : HTTP2_WINDOW,
					   &event);
		idle = taken ? 0 : idle + 1;
		assert_true(taken <= n && idle <= 4);
		talk->events[direction] |= event;
		talk->steps++;
		at += taken;
		n -= taken;
	}
}

static inline void show(struct talk *talk, enum http2_direction direction, const void *bytes, size_t n)
{
	const __u8 *at = bytes;

	talk->events[direction] = 0;
	while (n) {
		size_t size = talk->cut && talk->cut < n ? talk->cut : n;

		talk_call(talk, direction, at, size);
		at += size;
		n -= size;
	}
}

/* Writes a frame's header to the HTTP2_HEADER_LENGTH bytes at @ret_header. */
static inline void put_header(__u8 *ret_header, size_t length, __u8 type, __u8 flags, __u32 id)
{
	const __u8 header[] = {(__u8)(length >> 16), (__u8)(length >> 8), (__u8)length,    type,    flags,
			       (__u8)(id >> 24),     (__u8)(id >> 16),    (__u8)(id >> 8), (__u8)id};

	memcpy(ret_header, header, sizeof(header));
}

/* Shows a frame whose header names @length, and whose payload has @n bytes. Returns the events. */
static inline __u32 lying_frame(struct talk *talk, enum http2_direction direction, __u8 type, __u8 flags,
				__u32 id, const void *payload, size_t n, size_t length)
{
	static __u8 bytes[HTTP2_HEADER_LENGTH + TALK_MOST];

	put_header(bytes, length, type, flags, id);
	if (n)
		memcpy(bytes + HTTP2_HEADER_LENGTH, payload, n);
	show(talk, direction, bytes, HTTP2_HEADER_LENGTH + n);
	return talk->events[direction];
}

static inline __u32 frame(struct talk *talk, enum http2_direction direction, __u8 type, __u8 flags, __u32 id,
			  const void *payload, size_t n)
{
	return lying_frame(talk, direction, type, flags, id, payload, n, n);
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* A connection whose both sides have sent their prefaces. */
static inline struct talk talk_open(size_t cut)
{
	struct talk talk = {.cut = cut};

	http2_init(&talk.c, 0);
	show(&talk, HTTP2_CLIENT, PREFACE, HTTP2_PREFACE_LENGTH);
	frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0);
	frame(&talk, HTTP2_SERVER, HTTP2_TYPE_SETTINGS, 0, 0, NULL, 0);
	assert_int_equal(talk.events[HTTP2_SERVER], HTTP2_EVENT_FRAME | HTTP2_EVENT_SETTINGS);
	return talk;
}

#define END HTTP2_FLAG_END_STREAM
#define WHOLE HTTP2_FLAG_END_HEADERS

/* ---- header blocks ------------------------------------------------------------------------------- */

struct block {
	__u8 bytes[TALK_MOST];
	size_t length;
};

/* RFC 7541 appendix B: codes of the characters that the tests need, written out. */
static inline const char *huffman_code(char character)
{
	static const char *const codes[128] = {
		['0'] = "00000",   ['1'] = "00001",   ['2'] = "00010",   ['3'] = "011001",   ['4'] = "011010",
		['5'] = "011011",  ['6'] = "011100",  ['7'] = "011101",  ['8'] = "011110",   ['9'] = "011111",
		['-'] = "010110",  [':'] = "1011100", ['a'] = "00011",   ['b'] = "100011",   ['c'] = "00100",
		['d'] = "100100",  ['e'] = "00101",   ['f'] = "100101",  ['g'] = "100110",   ['h'] = "100111",
		['i'] = "00110",   ['j'] = "1110100", ['k'] = "1110101", ['l'] = "101000",   ['m'] = "101001",
		['n'] = "101010",  ['o'] = "00111",   ['p'] = "101011",  ['q'] = "1110110",  ['r'] = "101100",
		['s'] = "01000",   ['t'] = "01001",   ['u'] = "101101",  ['v'] = "1110111",  ['w'] = "1111000",
		['x'] = "1111001", ['y'] = "1111010", ['z'] = "1111011", [','] = "11111010", [' '] = "010100",
	};

	assert_non_null(codes[(unsigned char)character]);
	return codes[(unsigned char)character];
}

static inline void put_byte(struct block *block, unsigned int byte)
{
	assert_true(block->length < sizeof(block->bytes));
	block->bytes[block->length++] = (__u8)byte;
}

/* RFC 7541 section 5.1; @first has the bits before the prefix. */
static inline void put_integer(struct block *block, unsigned int first, unsigned int bits, unsigned int number)
{
	unsigned int most = (1U << bits) - 1;

	if (number < most) {
		put_byte(block, first | number);
		return;
	}
	put_byte(block, first | most);
	for (number -= most; number >= 128; number >>= 7)
		put_byte(block, 0x80 | (number & 0x7f));
	put_byte(block, number);
}

static inline void put_string(struct block *block, const char *text, bool huffman)
{
	static struct block coded;
	unsigned int bits = 0, byte = 0;

	coded.length = 0;
	for (const char *at = text; huffman && *at; at++)
		for (const char *bit = huffman_code(*at); *bit; bit++) {
			byte = byte << 1 | (*bit == '1');
			if (++bits % 8 == 0)
				put_byte(&coded, byte);
		}
	if (bits % 8)
		put_byte(&coded, byte << (8 - bits % 8) | (0xffU >> bits % 8));
	put_integer(block, huffman ? 0x80 : 0, 7,
		    huffman ? (unsigned int)coded.length : (unsigned int)strlen(text));
	for (size_t i = 0; i < (huffman ? coded.length : strlen(text)); i++)
		put_byte(block, huffman ? coded.bytes[i] : (unsigned char)text[i]);
}

/* Ways of writing a literal field (RFC 7541 section 6.2): first bits, and how many bits an index has. */
enum literal {
	LITERAL_INDEXED = 0x40,
	LITERAL_PLAIN = 0x00,
	LITERAL_NEVER = 0x10,
};

static inline unsigned int literal_bits(enum literal way)
{
	return way == LITERAL_INDEXED ? 6 : 4;
}

static inline void put_indexed(struct block *block, unsigned int index)
{
	put_integer(block, 0x80, 7, index);
}

static inline void put_value(struct block *block, enum literal way, unsigned int index, const char *value,
			     bool huffman)
{
	put_integer(block, way, literal_bits(way), index);
	put_string(block, value, huffman);
}

static inline void put_field(struct block *block, enum literal way, const char *name, const char *value,
			     bool huffman)
{
	put_byte(block, way);
	put_string(block, name, huffman);
	put_string(block, value, huffman);
}

/* Sends a block in one HEADERS frame. */
static inline __u32 headers(struct talk *talk, enum http2_direction direction, __u8 flags, __u32 id,
			    const struct block *block)
{
	return frame(talk, direction, HTTP2_TYPE_HEADERS, flags | WHOLE, id, block->bytes, block->length);
}

/* A request, whose block says nothing. */
static inline __u32 ask(struct talk *talk, __u32 id, __u8 flags)
{
	return frame(talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, flags | WHOLE, id, "\x82", 1);
}

/* The head of a response with status 200. */
static inline __u32 answer(struct talk *talk, __u32 id, __u8 flags)
{
	return frame(talk, HTTP2_SERVER, HTTP2_TYPE_HEADERS, flags | WHOLE, id, "\x88", 1);
}

static inline __u32 data(struct talk *talk, enum http2_direction direction, __u32 id, __u8 flags, size_t n)
{
	static const __u8 zeros[TALK_MOST];

	return frame(talk, direction, HTTP2_TYPE_DATA, flags, id, zeros, n);
}

static inline __u32 reset(struct talk *talk, enum http2_direction direction, __u32 id, __u32 code)
{
	const __u8 bytes[] = {(__u8)(code >> 24), (__u8)(code >> 16), (__u8)(code >> 8), (__u8)code};

	return frame(talk, direction, HTTP2_TYPE_RST_STREAM, 0, id, bytes, sizeof(bytes));
}

static inline __u32 goaway(struct talk *talk, enum http2_direction direction, __u32 id, __u32 code,
			   const char *text)
{
	__u8 bytes[8 + 100] = {(__u8)(id >> 24),   (__u8)(id >> 16),   (__u8)(id >> 8),   (__u8)id,
			       (__u8)(code >> 24), (__u8)(code >> 16), (__u8)(code >> 8), (__u8)code};

	snprintf((char *)bytes + 8, sizeof(bytes) - 8, "%s", text);
	return frame(talk, direction, HTTP2_TYPE_GOAWAY, 0, 0, bytes, 8 + strlen(text));
}

static inline struct http2_open open_streams(const struct talk *talk)
{
	struct http2_open open;

	http2_count_open(&talk->c, &open);
	return open;
}

static inline const struct http2_stream *side(const struct talk *talk, enum http2_direction direction)
{
	return &talk->c.streams[direction];
}

/* The faults of a side; 0 if there is none. */
static inline __u32 faults(const struct talk *talk, enum http2_direction direction)
{
	return talk->c.streams[direction].errors;
}

#endif
