/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/http2-parse/follow.h"

#include <stdlib.h>

void kw_http2_follow_begin(struct kw_http2_follow *ret_follow, bool upgraded, FILE *output)
{
	*ret_follow = (struct kw_http2_follow){.output = output};
	if (upgraded)
		http2_init_upgraded(&ret_follow->connection);
	else
		http2_init(&ret_follow->connection, 0);
}

/* The story of a stream, which begins if it is new. */
static struct kw_http2_story *story_of(struct kw_http2_follow *follow, __u32 id)
{
	struct kw_http2_story *story;

	HASH_FIND(hh, follow->stories, &id, sizeof(id), story);
	if (story)
		return story;
	story = calloc(1, sizeof(*story));
	if (!story)
		abort(); /* this is a tool for tests */
	story->id = id;
	story->reset_by = -1;
	HASH_ADD(hh, follow->stories, id, sizeof(story->id), story);
	return story;
}

static void on_stream(struct kw_http2_follow *follow, enum http2_direction direction, __u32 event)
{
	const struct http2_stream *s = &follow->connection.streams[direction];
	struct kw_http2_story *story = story_of(follow, s->id);

	if (event & HTTP2_EVENT_HEAD) {
		story->head = true;
		story->status = s->status;
	}
	if (event & HTTP2_EVENT_END)
		story->ended[direction] = true;
	if (event & HTTP2_EVENT_RESET) {
		story->reset_by = direction;
		story->code = s->code;
	}
}

static void on_event(struct kw_http2_follow *follow, enum http2_direction direction, __u32 event)
{
	const struct http2_stream *s = &follow->connection.streams[direction];

	if (event & (HTTP2_EVENT_BEGIN | HTTP2_EVENT_HEAD | HTTP2_EVENT_END | HTTP2_EVENT_RESET))
		on_stream(follow, direction, event);
	if (event & HTTP2_EVENT_FRAME)
		follow->frame[direction] = true;
	if (event & HTTP2_EVENT_LOST) {
		if (follow->frame[direction])
			kw_http2_write_frame(follow, direction, false);
		kw_http2_write_lost(follow, direction);
		follow->frame[direction] = false;
	} else if (follow->frame[direction] && s->state == HTTP2_AT_HEADER && !http2_is_due(s)) {
		kw_http2_write_frame(follow, direction, true);
		follow->frame[direction] = false;
	}
}

void kw_http2_follow_feed(struct kw_http2_follow *follow, enum http2_direction direction, const __u8 *bytes,
			  size_t n)
{
	struct http2_stream *s = &follow->connection.streams[direction];

	while (n || http2_is_due(s)) {
		size_t taken = http2_skippable(s, n);
		__u32 event = 0;

		if (taken)
			http2_skip(s, taken);
		else
			taken = http2_step(&follow->connection, direction, bytes,
					   n < HTTP2_WINDOW ? n : HTTP2_WINDOW, &event);
		on_event(follow, direction, event);
		bytes += taken;
		n -= taken;
	}
}

static int by_id(const struct kw_http2_story *a, const struct kw_http2_story *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

void kw_http2_follow_end(struct kw_http2_follow *follow)
{
	struct kw_http2_story *story, *next;

	for (int direction = 0; direction < 2; direction++)
		if (follow->frame[direction])
			kw_http2_write_frame(follow, direction, false);
	HASH_SORT(follow->stories, by_id);
	HASH_ITER (hh, follow->stories, story, next) {
		kw_http2_write_story(follow, story);
		HASH_DEL(follow->stories, story);
		free(story);
	}
	kw_http2_write_connection(follow);
}
