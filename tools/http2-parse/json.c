/* SPDX-License-Identifier: BSD-2-Clause */
/* http2-parse: frames, streams and the connection as JSON. Values that are not known are null. */
#include <jansson.h>

#include "event/http2_names.h"
#include "tools/http2-parse/follow.h"

static json_t *name_or_number(const char *name, unsigned int number)
{
	return name ? json_string(name) : json_integer(number);
}

static json_t *integer_if(bool known, __u32 value)
{
	return known ? json_integer(value) : json_null();
}

/* The names of the bits that are set in @bits. */
static json_t *names_of_bits(const char *(*name)(unsigned int number), unsigned int bits)
{
	json_t *list = json_array();

	for (unsigned int i = 0; bits >> i; i++)
		if (bits >> i & 1 && name(i))
			json_array_append_new(list, json_string(name(i)));
	return list;
}

static void write_line(const struct kw_http2_follow *follow, json_t *object)
{
	json_dumpf(object, follow->output, JSON_COMPACT);
	fputc('\n', follow->output);
	json_decref(object);
}

void kw_http2_write_frame(const struct kw_http2_follow *follow, enum http2_direction direction, bool complete)
{
	const struct http2_stream *s = &follow->connection.streams[direction];
	bool code = complete && s->type == HTTP2_TYPE_RST_STREAM;

	write_line(follow, json_pack("{s:s, s:s, s:o, s:i, s:I, s:I, s:o, s:b}", "kind", "frame", "by",
				     kw_http2_side_name(direction), "type",
				     name_or_number(kw_http2_type_name(s->type), s->type), "flags", s->flags,
				     "stream", (json_int_t)s->id, "length", (json_int_t)s->length, "code",
				     code ? json_string(kw_http2_code_name(s->code)) : json_null(), "complete",
				     complete));
}

void kw_http2_write_lost(const struct kw_http2_follow *follow, enum http2_direction direction)
{
	const struct http2_stream *s = &follow->connection.streams[direction];

	write_line(follow, json_pack("{s:s, s:s, s:o}", "kind", "lost", "by", kw_http2_side_name(direction),
				     "errors", names_of_bits(kw_http2_error_name, s->errors)));
}

void kw_http2_write_story(const struct kw_http2_follow *follow, const struct kw_http2_story *story)
{
	bool reset = story->reset_by >= 0;

	write_line(follow, json_pack("{s:s, s:I, s:b, s:o, s:b, s:b, s:s?, s:s?}", "kind", "stream", "stream",
				     (json_int_t)story->id, "head", story->head, "status",
				     integer_if(story->status, story->status), "ended_by_client",
				     story->ended[HTTP2_CLIENT], "ended_by_server", story->ended[HTTP2_SERVER],
				     "reset_by", reset ? kw_http2_side_name(story->reset_by) : NULL, "code",
				     reset ? kw_http2_code_name(story->code) : NULL));
}

static json_t *goaway_object(const struct http2_stream *s)
{
	if (!s->goaways)
		return json_null();
	return json_pack("{s:I, s:I, s:s, s:s, s:b}", "count", (json_int_t)s->goaways, "last_stream",
			 (json_int_t)s->goaway_id, "code", kw_http2_code_name(s->goaway_code), "debug",
			 kw_http2_debug_name(s->goaway_debug), "graceful", s->graceful);
}

/* Streams that this side has reset, by code. */
static json_t *resets_object(const struct http2_stream *s)
{
	json_t *object = json_object();

	for (unsigned int code = 0; code < HTTP2_CODES; code++)
		if (s->resets[code])
			json_object_set_new(object, kw_http2_code_name(code), json_integer(s->resets[code]));
	return object;
}

static json_t *side_object(const struct http2_stream *s)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:b}", "pings", (json_int_t)s->pings, "pongs",
			 (json_int_t)s->pongs, "max_concurrent", integer_if(s->limited, s->max_concurrent),
			 "goaway", goaway_object(s), "resets", resets_object(s), "fields",
			 names_of_bits(kw_http2_field_name, s->fields), "errors",
			 names_of_bits(kw_http2_error_name, s->errors), "lost", s->state == HTTP2_AT_LOST);
}

void kw_http2_write_connection(const struct kw_http2_follow *follow)
{
	const struct http2_stream *client = &follow->connection.streams[HTTP2_CLIENT];
	const struct http2_stream *server = &follow->connection.streams[HTTP2_SERVER];
	struct http2_open open;

	http2_count_open(&follow->connection, &open);
	write_line(follow, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o}",
				     "kind", "connection", "streams", (json_int_t)client->begun, "peak",
				     (json_int_t)client->peak, "answered", (json_int_t)server->answered,
				     "trailers_only", (json_int_t)server->trailers_only, "late",
				     (json_int_t)client->late, "open", (json_int_t)open.all, "open_with_head",
				     (json_int_t)open.headed, "open_above_goaway", (json_int_t)open.above,
				     "open_beyond_window", (json_int_t)open.beyond, "ahead", open.ahead,
				     "client", side_object(client), "server", side_object(server)));
}
