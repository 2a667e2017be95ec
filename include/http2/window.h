/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The streams that the client begins. Each side keeps a window of the latest HTTP2_STREAMS numbers, as a ring of bits, up to the
 * highest number that it has used itself: the two windows need not be the same, because a response may be seen before its
 * request, and because ids may be skipped. */
#ifndef KEEPWATCH_HTTP2_WINDOW_H
#define KEEPWATCH_HTTP2_WINDOW_H

#include "state.h"

KW_INLINE __u32 http2_number(__u32 id)
{
	return (id + 1) >> 1;
}

/* Is this a stream that the client begins? */
KW_INLINE int http2_is_clients(__u32 id)
{
	return id & 1;
}

KW_INLINE int http2_in_window(const struct http2_stream *s, __u32 number)
{
	return s->latest - number < HTTP2_STREAMS;
}

KW_INLINE int http2_is_marked(const __u64 *bits, __u32 number)
{
	return bits[number / 64 & (HTTP2_WORDS - 1)] >> (number & 63) & 1;
}

KW_INLINE void http2_mark(__u64 *bits, __u32 number)
{
	bits[number / 64 & (HTTP2_WORDS - 1)] |= 1ULL << (number & 63);
}

/* The lowest @n bits. */
KW_INLINE __u64 http2_ones(__u32 n)
{
	return n < 64 ? (1ULL << n) - 1 : ~0ULL;
}

/* The bits in word @word of a ring that belong to @count numbers from @from on. */
KW_INLINE __u64 http2_span(__u32 from, __u32 count, __u32 word)
{
	__u32 before = (64 * word - from) & (HTTP2_STREAMS - 1); /* numbers from @from to the word's first */
	__u32 wrap = HTTP2_STREAMS - before;                     /* the bit of @from, if it is in this word */
	__u64 bits = count > before ? http2_ones(count - before) : 0;

	if (wrap < 64)
		bits = (bits & http2_ones(wrap)) |
		       (http2_ones(count < 64 ? wrap + count : 64) & ~http2_ones(wrap));
	return bits;
}

/* Moves the window on to @number, which is above all others. A function of its own for the verifier, because many paths come here. */
KW_GLOBAL int http2_advance(struct http2_stream *s, __u32 number)
{
	__u32 from, count;

	if (!s)
		return 0;
	from = s->latest + 1;
	count = number - s->latest;
	for (__u32 word = 0; word < HTTP2_WORDS; word++) {
		__u64 keep = ~http2_span(from, count, word);

		s->open[word] &= keep;
		s->closed[word] &= keep;
		s->reset[word] &= keep;
	}
	s->latest = number;
	return 0;
}

/* Streams that are open. It may be less than 0 for a moment, while the end of a stream was seen and its beginning was not. */
KW_INLINE __s32 http2_unfinished(const struct http2_connection *c)
{
	return c->streams[HTTP2_CLIENT].begun - c->streams[HTTP2_CLIENT].finished -
	       c->streams[HTTP2_SERVER].finished;
}

/* The client sends HEADERS: a new stream, or trailers of one that it has begun. */
KW_INLINE __u32 http2_client_headers(struct http2_connection *c)
{
	struct http2_stream *s = &c->streams[HTTP2_CLIENT];
	__u32 number = http2_number(s->id);
	__s32 open;

	if (!http2_is_clients(s->id) || (http2_in_window(s, number) && !http2_is_marked(s->open, number))) {
		s->errors |= 1 << HTTP2_ERROR_BACK;
		return 0;
	}
	if (number <= s->latest)
		return 0;
	http2_advance(s, number);
	http2_mark(s->open, number);
	s->begun++;
	if (c->streams[HTTP2_SERVER].goaways && !s->unaware)
		s->late++;
	open = http2_unfinished(c);
	if (open > (__s32)s->peak)
		s->peak = open;
	return HTTP2_EVENT_BEGIN;
}

/* Is @number a stream that this side may speak of? The server may be seen to do so before the client began it; on a connection
 * that is followed from within, the client will have begun that one before. */
KW_INLINE int http2_is_begun(const struct http2_connection *c, enum http2_direction direction, __u32 number)
{
	const struct http2_stream *client = &c->streams[HTTP2_CLIENT];

	if (number > client->latest)
		return direction == HTTP2_SERVER && !client->midway;
	return !http2_in_window(client, number) || http2_is_marked(client->open, number);
}

/* Has the server ended @number, or the client reset it? @direction is the side that has not, so far as its own window shows.
 * A stream that has left the other side's window is taken for open. */
KW_INLINE int http2_is_finished(const struct http2_connection *c, enum http2_direction direction, __u32 number)
{
	const struct http2_stream *client = &c->streams[HTTP2_CLIENT];
	const struct http2_stream *server = &c->streams[HTTP2_SERVER];

	if (direction == HTTP2_SERVER)
		return http2_in_window(client, number) && http2_is_marked(client->reset, number);
	return http2_in_window(server, number) && http2_is_marked(server->closed, number);
}

/* This side ends the stream in hand, by END_STREAM. */
KW_INLINE __u32 http2_end_stream(struct http2_connection *c, enum http2_direction direction)
{
	struct http2_stream *s = &c->streams[direction & 1];
	__u32 number = http2_number(s->id);

	if (!http2_is_begun(c, direction, number)) {
		s->errors |= 1 << HTTP2_ERROR_IDLE;
		return 0;
	}
	if (number > s->latest)
		http2_advance(s, number);
	if (http2_in_window(s, number)) {
		if (http2_is_marked(s->closed, number)) {
			s->errors |= 1 << HTTP2_ERROR_CLOSED;
			return 0;
		}
		http2_mark(s->closed, number);
	}
	if (direction == HTTP2_SERVER && !http2_is_finished(c, direction, number)) {
		s->finished++;
		s->answered++;
	}
	return HTTP2_EVENT_END;
}

/* This side resets the stream in hand. A stream that the server has ended is finished: resetting it stops no more than the rest
 * of a request that nobody wants. */
KW_INLINE __u32 http2_reset_stream(struct http2_connection *c, enum http2_direction direction)
{
	struct http2_stream *s = &c->streams[direction & 1];
	__u32 number = http2_number(s->id);
	int finished = http2_is_finished(c, direction, number);

	if (!http2_is_begun(c, direction, number)) {
		s->errors |= 1 << HTTP2_ERROR_IDLE;
		return 0;
	}
	if (number > s->latest)
		http2_advance(s, number);
	if (http2_in_window(s, number)) {
		finished |= http2_is_marked(direction == HTTP2_SERVER ? s->closed : s->reset, number);
		http2_mark(s->closed, number);
		http2_mark(s->reset, number);
	}
	if (finished)
		return 0;
	s->finished++;
	s->resets[s->code & (HTTP2_CODES - 1)]++;
	return HTTP2_EVENT_RESET;
}

/* The server's HEADERS frame is complete, with all that belongs to it. A response may have several heads; the last one is
 * final. Trailers end the stream and have no status. */
KW_INLINE __u32 http2_server_head(struct http2_connection *c)
{
	struct http2_stream *s = &c->streams[HTTP2_SERVER];
	int last = s->blocks & HTTP2_BLOCK_END_STREAM, first = 0;
	__u32 number = http2_number(s->id);

	if (!http2_is_begun(c, HTTP2_SERVER, number))
		return 0;
	if (s->status && s->status < 200)
		return 0;
	if (number > s->latest)
		http2_advance(s, number);
	if (http2_in_window(s, number)) {
		first = !http2_is_marked(s->open, number) && !http2_is_marked(s->closed, number);
		http2_mark(s->open, number);
	}
	if (first) {
		s->begun++;
		if (last && s->fields & 1 << HTTP2_NAME_GRPC_STATUS &&
		    !http2_is_finished(c, HTTP2_SERVER, number))
			s->trailers_only++;
	}
	return first || !last || s->status ? HTTP2_EVENT_HEAD : 0;
}

/* Counts the streams that are open now. */
KW_INLINE void http2_count_open(const struct http2_connection *c, struct http2_open *ret_open)
{
	const struct http2_stream *client = &c->streams[HTTP2_CLIENT];
	const struct http2_stream *server = &c->streams[HTTP2_SERVER];
	__u32 last = http2_number(server->goaway_id), in_window = 0, headed = 0, above = 0;
	int ahead = (__s32)(server->latest - client->latest) > 0;
	__u32 from = ahead ? client->latest : server->latest;
	__u32 apart = ahead ? server->latest - client->latest : client->latest - server->latest;
	__u32 refused = server->goaways && last < client->latest ? client->latest - last : 0;
	__s32 all = http2_unfinished(c);

	for (__u32 word = 0; word < HTTP2_WORDS; word++) {
		__u64 differ = http2_span(from + 1, apart, word); /* bits that are of different numbers */
		__u64 ended = ahead ? server->closed[word] | differ : server->closed[word] & ~differ;
		__u64 open = client->open[word] & ~client->reset[word] & ~ended;

		in_window += __builtin_popcountll(open);
		headed += __builtin_popcountll(open & server->open[word] & ~differ);
		above += __builtin_popcountll(open & http2_span(last + 1, refused, word));
	}
	ret_open->all = all < (__s32)in_window ? in_window : (__u32)all;
	ret_open->beyond = ret_open->all - in_window;
	ret_open->ahead = ahead;
	ret_open->headed = headed;
	ret_open->above = above;
}

#endif
