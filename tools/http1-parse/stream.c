/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/http1-parse/stream.h"

#include <string.h>

void kw_parse_begin(struct kw_parse_stream *ret_stream, enum http1_direction direction, const char *methods,
		    FILE *output)
{
	*ret_stream = (struct kw_parse_stream){.direction = direction, .methods = methods, .output = output};
	http1_call(&ret_stream->connection, direction); /* all of the input counts as one send */
}

static void keep_name(struct kw_parse_stream *stream)
{
	const struct http1_stream *s = &stream->connection.streams[stream->direction];
	struct kw_parse_message *message = &stream->message;

	if (message->name_count < KW_PARSE_NAMES)
		memcpy(message->names[message->name_count++], s->word, HTTP1_WORD);
}

/* The start line is behind the stream once it waits for a field, a body, or the end of a status line. */
static bool is_past_start_line(__u8 state)
{
	return state == HTTP1_REASON || (state >= HTTP1_FIELD_START && state < HTTP1_PROXY1);
}

static void on_event(struct kw_parse_stream *stream, __u32 event)
{
	struct kw_parse_message *message = &stream->message;
	const struct http1_stream *s = &stream->connection.streams[stream->direction];

	if (event & HTTP1_EVENT_BEGIN)
		*message = (struct kw_parse_message){.open = true};
	if (event & HTTP1_EVENT_PROXY)
		message->open = false;
	if (event & HTTP1_EVENT_NAME)
		keep_name(stream);
	message->start_line |= is_past_start_line(s->state);
	if (event & HTTP1_EVENT_HEAD)
		message->head = true;
	if (event & HTTP1_EVENT_SURPLUS || (event & HTTP1_EVENT_LOST && !message->open))
		*message = (struct kw_parse_message){};
	if (event & (HTTP1_EVENT_END | HTTP1_EVENT_LOST | HTTP1_EVENT_SURPLUS)) {
		kw_parse_write(stream, event & HTTP1_EVENT_END);
		message->open = false;
	}
	if (event & HTTP1_EVENT_NOT_HTTP) {
		kw_parse_write_foreign(stream);
		stream->over = true;
	}
}

/* Passes @n bytes at @bytes through the machine; @stream hears of them only in its own direction. */
static void run(struct kw_parse_stream *stream, enum http1_direction direction, const __u8 *bytes, size_t n)
{
	struct http1_connection *c = &stream->connection;

	while (n && !stream->over) {
		size_t taken = http1_skippable(&c->streams[direction], n);
		__u32 event;

		if (taken)
			event = http1_skip(c, direction, taken);
		else
			taken = http1_step(c, direction, bytes, n < HTTP1_WINDOW ? n : HTTP1_WINDOW, &event);
		if (direction == stream->direction)
			on_event(stream, event);
		bytes += taken;
		n -= taken;
	}
	http1_call_end(c, direction);
}

/* Sends the next request for the responses to answer, so that the machine can pair them. */
static void send_request(struct kw_parse_stream *stream)
{
	static const char rest[] = " / HTTP/1.1\r\n\r\n";
	size_t length = strcspn(stream->methods, ",");

	http1_call(&stream->connection, HTTP1_REQUESTS);
	run(stream, HTTP1_REQUESTS, (const __u8 *)stream->methods, length);
	run(stream, HTTP1_REQUESTS, (const __u8 *)rest, sizeof(rest) - 1);
	stream->methods = stream->methods[length] ? stream->methods + length + 1 : NULL;
}

/* Sends requests until as many are outstanding as the machine can pair. */
static void send_requests(struct kw_parse_stream *stream)
{
	const struct http1_connection *c = &stream->connection;

	while (stream->methods && c->pushed - c->popped < HTTP1_QUEUE && !http1_is_connecting(c))
		send_request(stream);
}

void kw_parse_feed(struct kw_parse_stream *stream, const __u8 *bytes, size_t n)
{
	/* This many bytes hold fewer responses than this many requests: the queue, filled up before each piece,
	 * never runs dry within one. */
	for (size_t piece; n; bytes += piece, n -= piece) {
		send_requests(stream);
		piece = stream->methods && n > HTTP1_QUEUE ? HTTP1_QUEUE : n;
		if (stream->methods && http1_is_connecting(&stream->connection))
			piece = 1; /* so that the next request goes out right behind the response to CONNECT */
		run(stream, stream->direction, bytes, piece);
	}
}

void kw_parse_end(struct kw_parse_stream *stream, bool closed)
{
	const struct http1_stream *s = &stream->connection.streams[stream->direction];

	if (stream->message.open && !stream->over)
		kw_parse_write(stream, closed && http1_is_delimited(s));
	stream->message.open = false;
}
