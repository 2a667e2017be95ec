/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts.h"

#include <string.h>

#include "../../include/http1.h"

struct reader {
	struct http1_connection c;
	enum http1_direction direction;
	const char *methods; /* not sent yet */
	struct facts *facts;
	bool open; /* a message whose head is complete is the last of facts */
	bool over;
};

static void update(struct reader *reader, bool complete, size_t end)
{
	const struct http1_stream *s = &reader->c.streams[reader->direction];

	reader->facts->messages[reader->facts->count - 1] = (struct fact){
		.version = s->version,
		.status = s->status,
		.persistent = http1_is_persistent(s) && s->framing != HTTP1_FRAMING_CLOSE,
		.complete = complete,
		.body = s->body,
		.end = complete ? end : 0,
	};
}

static void on_event(struct reader *reader, __u32 event, size_t position)
{
	if (event & HTTP1_EVENT_HEAD) {
		reader->over = reader->facts->count == FACTS_MESSAGES;
		if (reader->over)
			return;
		reader->facts->count++;
		reader->open = true;
	}
	if (event & HTTP1_EVENT_END) {
		update(reader, true, position);
		reader->open = false;
	}
	if (event & (HTTP1_EVENT_LOST | HTTP1_EVENT_NOT_HTTP)) {
		if (reader->open)
			update(reader, false, 0);
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
		if (direction == reader->direction)
			on_event(reader, event, at);
	}
}

static void send_requests(struct reader *reader)
{
	static const char rest[] = " / HTTP/1.1\r\n\r\n";

	for (int i = 0; i < HTTP1_QUEUE && *reader->methods; i++) {
		size_t length = strcspn(reader->methods, ",");

		run(reader, HTTP1_REQUESTS, (const __u8 *)reader->methods, length);
		run(reader, HTTP1_REQUESTS, (const __u8 *)rest, sizeof(rest) - 1);
		reader->methods += length + (reader->methods[length] == ',');
	}
}

void facts_by_machine(const struct stream *stream, struct facts *ret_facts)
{
	struct reader reader = {.methods = stream->methods, .facts = ret_facts};

	*ret_facts = (struct facts){};
	reader.direction = stream->responses ? HTTP1_RESPONSES : HTTP1_REQUESTS;
	if (stream->responses)
		send_requests(&reader);
	run(&reader, reader.direction, stream->bytes, stream->length);
	if (reader.open)
		update(&reader, stream->closed && reader.c.streams[reader.direction].state == HTTP1_BODY_CLOSE,
		       stream->length);
}
