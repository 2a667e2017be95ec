/* SPDX-License-Identifier: BSD-2-Clause */
/* http1-parse: messages as JSON. Values that are unknown, because the message was cut, are null. */
#include <jansson.h>

#include "event/http1_names.h"
#include "tools/http1-parse/stream.h"

static const char *const framing_names[HTTP1_FRAMING_MAX] = {
	[HTTP1_FRAMING_NONE] = "none",   [HTTP1_FRAMING_LENGTH] = "length", [HTTP1_FRAMING_CHUNKED] = "chunked",
	[HTTP1_FRAMING_CLOSE] = "close", [HTTP1_FRAMING_TUNNEL] = "tunnel",
};

static const char *const foreign_names[HTTP1_PROTOCOL_MAX] = {
	[HTTP1_PROTOCOL_H2C] = "h2c",
	[HTTP1_PROTOCOL_TLS] = "tls",
	[HTTP1_PROTOCOL_OPAQUE] = "opaque",
};

static json_t *name_or_null(const char *name)
{
	return name ? json_string(name) : json_null();
}

static json_t *integer_if(bool known, __u64 value)
{
	return known ? json_integer(value) : json_null();
}

static const char *kind_name(const struct kw_parse_stream *stream)
{
	const struct http1_stream *s = &stream->connection.streams[stream->direction];

	if (stream->direction == HTTP1_REQUESTS)
		return "request";
	return s->status / 100 == 1 && s->status != 101 && stream->message.start_line ? "interim" : "response";
}

/* How the message announces that the connection closes after it, or NULL. */
static const char *announced_name(const struct http1_stream *s)
{
	if (s->flags & HTTP1_FLAG_CLOSE)
		return "directive";
	if (!s->version && !(s->flags & HTTP1_FLAG_KEEP_ALIVE))
		return "http10";
	return s->framing == HTTP1_FRAMING_CLOSE ? "close_delimited" : NULL;
}

static json_t *connection_object(const struct kw_parse_stream *stream)
{
	__u32 flags = stream->connection.streams[stream->direction].flags;
	json_t *names = json_array();

	for (size_t i = 0; i < stream->message.name_count; i++)
		json_array_append_new(names, json_string(stream->message.names[i]));
	return json_pack("{s:b, s:b, s:b, s:b, s:o}", "keep_alive", !!(flags & HTTP1_FLAG_KEEP_ALIVE), "close",
			 !!(flags & HTTP1_FLAG_CLOSE), "upgrade", !!(flags & HTTP1_FLAG_UPGRADE), "te",
			 !!(flags & HTTP1_FLAG_TE), "names", names);
}

static json_t *keep_alive_object(const struct http1_stream *s)
{
	return json_pack("{s:o, s:o}", "timeout", integer_if(s->flags & HTTP1_FLAG_TIMEOUT, s->timeout), "max",
			 integer_if(s->flags & HTTP1_FLAG_MAX, s->max));
}

static json_t *error_list(const struct http1_stream *s)
{
	json_t *errors = json_array();

	for (int error = 0; error < HTTP1_ERROR_MAX; error++)
		if (s->errors & 1 << error)
			json_array_append_new(errors, json_string(kw_http_error_name(error)));
	return errors;
}

static void write_line(const struct kw_parse_stream *stream, json_t *object)
{
	json_dumpf(object, stream->output, JSON_COMPACT);
	fputc('\n', stream->output);
	json_decref(object);
}

void kw_parse_write(const struct kw_parse_stream *stream, bool complete)
{
	const struct http1_stream *s = &stream->connection.streams[stream->direction];
	bool request = stream->direction == HTTP1_REQUESTS;
	bool started = stream->message.start_line;
	bool head = stream->message.head;
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(kind_name(stream)));
	json_object_set_new(object, "version", name_or_null(!started ? NULL : s->version ? "1.1" : "1.0"));
	json_object_set_new(object, "status", integer_if(started && !request, s->status));
	json_object_set_new(object, "method",
			    name_or_null(started && request ? kw_method_name(s->method) : NULL));
	json_object_set_new(object, "connection", connection_object(stream));
	json_object_set_new(object, "keep_alive", keep_alive_object(s));
	json_object_set_new(object, "persistent", head ? json_boolean(http1_is_persistent(s)) : json_null());
	json_object_set_new(object, "announced", name_or_null(head ? announced_name(s) : NULL));
	json_object_set_new(object, "framing", name_or_null(head ? framing_names[s->framing] : NULL));
	json_object_set_new(object, "body_bytes", json_integer(head ? s->body : 0));
	json_object_set_new(object, "complete", json_boolean(complete));
	json_object_set_new(object, "errors", error_list(s));
	write_line(stream, object);
}

void kw_parse_write_foreign(const struct kw_parse_stream *stream)
{
	write_line(stream, json_pack("{s:s, s:s}", "kind", "not_http1", "as",
				     foreign_names[stream->connection.protocol]));
}
