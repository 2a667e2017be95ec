/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts.h"

#include <string.h>
#include <http_parser.h>

struct reader {
	const struct stream *stream;
	const char *method; /* of the request that the next response answers */
	struct facts *facts;
	bool open;
	bool over;
};

static struct fact *last(struct reader *reader)
{
	return &reader->facts->messages[reader->facts->count - 1];
}

static bool method_is(const struct reader *reader, const char *method)
{
	size_t length = strlen(method);

	return !strncmp(reader->method, method, length) &&
	       (!reader->method[length] || reader->method[length] == ',');
}

/* Returns what the library wants to know: 1 if there is no body, 2 if there is a tunnel. */
static int on_head(http_parser *parser)
{
	struct reader *reader = parser->data;

	if (reader->facts->count == FACTS_MESSAGES) {
		reader->over = true;
		return 0;
	}
	reader->facts->count++;
	reader->open = true;
	*last(reader) = (struct fact){.version = parser->http_minor ? 1 : 0, .status = parser->status_code};
	last(reader)->persistent = http_should_keep_alive(parser);
	if (!reader->stream->responses)
		return 0;
	last(reader)->status = parser->status_code;
	if (parser->status_code == 101 || (method_is(reader, "CONNECT") && parser->status_code / 100 == 2)) {
		reader->over = true;
		return 2;
	}
	return method_is(reader, "HEAD");
}

static int on_body(http_parser *parser, const char *at, size_t length)
{
	struct reader *reader = parser->data;

	(void)at;
	last(reader)->body += length;
	return 0;
}

static int on_end(http_parser *parser)
{
	struct reader *reader = parser->data;

	if (!reader->open)
		return 0;
	last(reader)->persistent = http_should_keep_alive(parser);
	last(reader)->complete = true;
	reader->open = false;
	return 0;
}

static void next_method(struct reader *reader)
{
	if (last(reader)->status / 100 == 1)
		return;
	reader->method += strcspn(reader->method, ",");
	reader->method += *reader->method == ',';
}

void facts_by_http_parser(const struct stream *stream, struct facts *ret_facts)
{
	static const http_parser_settings settings = {
		.on_headers_complete = on_head,
		.on_body = on_body,
		.on_message_complete = on_end,
	};
	struct reader reader = {.stream = stream, .method = stream->methods, .facts = ret_facts};
	http_parser parser = {};
	bool fresh = true;

	*ret_facts = (struct facts){};
	for (size_t at = 0; at < stream->length && !reader.over; at++) {
		size_t before = ret_facts->count;
		bool was_open = reader.open;

		if (fresh)
			http_parser_init(&parser, stream->responses ? HTTP_RESPONSE : HTTP_REQUEST);
		parser.data = &reader;
		fresh = false;
		/* One byte at a time: so the end of a message is the offset at which it is told. */
		http_parser_execute(&parser, &settings, (const char *)stream->bytes + at, 1);
		if (reader.over && ret_facts->count && last(&reader)->status) {
			last(&reader)->complete = true;
			last(&reader)->end = at + 1;
		} else if ((was_open || ret_facts->count > before) && !reader.open) {
			last(&reader)->end = at + 1;
			next_method(&reader);
			fresh = true; /* each message is judged by itself, whatever the one before announced */
		} else if (HTTP_PARSER_ERRNO(&parser) != HPE_OK) {
			ret_facts->refused = true;
			return;
		}
	}
	if (reader.open && stream->closed && !reader.over) {
		http_parser_execute(&parser, &settings, NULL, 0);
		if (!reader.open)
			last(&reader)->end = stream->length;
	}
}
