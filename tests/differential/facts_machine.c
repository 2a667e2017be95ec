/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts.h"

#include <string.h>

#include "include/http1.h"

struct reader {
	struct http1_connection c;
	enum http1_direction direction;
	const char *methods; /* not sent yet */
	struct facts *facts;
	size_t position;
	bool open; /* a message whose head is complete is the last of facts */
	bool over;
};

/* Updates the last message from the machine's present state. */
static void update(struct reader *reader, bool complete)
{
	const struct http1_stream *s = &reader->c.streams[reader->direction];

	reader->facts->messages[reader->facts->count - 1] = (struct fact){
		.version = s->version,
		.status = s->status,
		.persistent = http1_is_persistent(s) && s->framing != HTTP1_FRAMING_CLOSE,
		.complete = complete,
		.body = s->body,
		.end = complete ? reader->position : 0,
	};
}

static void on_event(struct reader *reader, __u32 event)
{
	if (event & HTTP1_EVENT_HEAD) {
		reader->over = reader->facts->count == FACTS_MESSAGES;
		if (reader->over)
			return;
		reader->facts->count++;
		reader->open = true;
	}
	if (event & HTTP1_EVENT_END) {
		update(reader, true);
		reader->open = false;
	}
	if (event & (HTTP1_EVENT_LOST | HTTP1_EVENT_NOT_HTTP | HTTP1_EVENT_SURPLUS)) {
		if (reader->open)
			update(reader, false);
		reader->open = false;
		reader->over = reader->facts->refused = true;
	}
	reader->over |= reader->c.tunnel;
}

static void run(struct reader *reader, enum http1_direction direction, const __u8 *bytes, size_t n)
{
	for (size_t at = 0; at < n && !reader->over;) {
		size_t taken = http1_skippable(&reader->c.streams[direction], n - at);
		__u32 event;

		if (taken)
			event = http1_skip(&reader->c, direction, taken);
		else
			taken = http1_step(&reader->c, direction, bytes + at,
					   n - at < HTTP1_WINDOW ? n - at : HTTP1_WINDOW, &event);
		at += taken;
		if (direction != reader->direction)
			continue;
		reader->position += taken;
		on_event(reader, event);
	}
}

/* As many requests are outstanding as can be paired. */
static void send_requests(struct reader *reader)
{
	static const char rest[] = " / HTTP/1.1\r\n\r\n";

	while (*reader->methods && reader->c.pushed - reader->c.popped < HTTP1_QUEUE &&
	       !http1_is_connecting(&reader->c)) {
		size_t length = strcspn(reader->methods, ",");

		http1_call(&reader->c, HTTP1_REQUESTS);

		run(reader, HTTP1_REQUESTS, (const __u8 *)reader->methods, length);
		run(reader, HTTP1_REQUESTS, (const __u8 *)rest, sizeof(rest) - 1);
		reader->methods += length + (reader->methods[length] == ',');
	}
}

void facts_by_machine(const struct stream *stream, struct facts *ret_facts)
{
	struct reader reader = {.methods = stream->methods, .facts = ret_facts};
	size_t piece;

	*ret_facts = (struct facts){};
	reader.direction = stream->responses ? HTTP1_RESPONSES : HTTP1_REQUESTS;
	for (size_t at = 0; at < stream->length && !reader.over; at += piece) {
		send_requests(&reader);
		piece = stream->length - at < HTTP1_QUEUE ? stream->length - at : HTTP1_QUEUE;
		if (*reader.methods && http1_is_connecting(&reader.c))
			piece = 1; /* the next request goes out right behind the response to CONNECT */
		run(&reader, reader.direction, stream->bytes + at, piece);
	}
	if (reader.open)
		update(&reader, stream->closed && http1_is_delimited(&reader.c.streams[reader.direction]));
}
