/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection as libnghttp2 reads it: one session reads what the client sent, as a server does, another one what the server
 * sent, as a client does. Each is told of the other side's settings and streams, because it would refuse answers to questions
 * that it has not asked. A session may stop reading before the end: behind GOAWAY, and where windows have grown by more than it
 * knows to have been used. Then it has "stopped". */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "tests/differential/http2/facts.h"

#define CALL 3
#define ENTRIES 16
#define WINDOW_MOST 0x7fffffff

enum {
	CLIENT,
	SERVER
};

static const char *const sides[] = {"client", "server"};

struct facts {
	nghttp2_session *sessions[2]; /* by the side that sent what they read */
	json_t *streams;              /* by id */
	json_t *counts[2];
	json_t *fields[2];
};

struct reader {
	struct facts *facts;
	int side;
};

static void count(struct facts *facts, int side, const char *name)
{
	json_object_set_new(facts->counts[side], name,
			    json_integer(json_integer_value(json_object_get(facts->counts[side], name)) + 1));
}

static json_t *stream_of(struct facts *facts, int32_t id)
{
	char key[16];
	json_t *stream;

	snprintf(key, sizeof(key), "%d", id);
	stream = json_object_get(facts->streams, key);
	if (!stream) {
		stream = json_object();
		json_object_set_new(facts->streams, key, stream);
	}
	return stream;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *header, void *user)
{
	struct reader *reader = user;
	char name[16];

	(void)session;
	snprintf(name, sizeof(name), "type %u", header->type);
	count(reader->facts, reader->side, name);
	return 0;
}

/* Opens the stream in the session that reads the answers. */
static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct reader *reader = user;
	nghttp2_session *other = reader->facts->sessions[SERVER];
	nghttp2_nv field = {(uint8_t *)":method", (uint8_t *)"GET", 7, 3, NGHTTP2_NV_FLAG_NONE};

	(void)session;
	if (reader->side != CLIENT || frame->hd.type != NGHTTP2_HEADERS ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	json_object_set_new(stream_of(reader->facts, frame->hd.stream_id), "begun", json_true());
	nghttp2_session_set_next_stream_id(other, frame->hd.stream_id);
	nghttp2_submit_request(other, NULL, &field, 1, NULL, NULL);
	facts_drain(other);
	return 0;
}

static bool is_forbidden(const char *name, const char *value)
{
	static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "upgrade",
					    "transfer-encoding"};

	if (strcmp(name, "te") == 0)
		return *value && strcmp(value, "trailers") != 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *user)
{
	struct reader *reader = user;

	(void)session, (void)name_length, (void)value_length, (void)flags;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->hd.stream_id % 2 == 0)
		return 0;
	if (is_forbidden((const char *)name, (const char *)value) ||
	    strcmp((const char *)name, "grpc-status") == 0)
		json_object_set_new(reader->facts->fields[reader->side], (const char *)name, json_true());
	if (reader->side == SERVER && strcmp((const char *)name, ":status") == 0)
		json_object_set_new(stream_of(reader->facts, frame->hd.stream_id), "status",
				    json_string((const char *)value));
	return 0;
}

static void on_settings(struct reader *reader, const nghttp2_settings *settings)
{
	struct facts *facts = reader->facts;
	nghttp2_settings_entry entries[ENTRIES];
	size_t n = 0;

	if (settings->hd.flags & NGHTTP2_FLAG_ACK)
		return;
	for (size_t i = 0; i < settings->niv; i++) {
		if (settings->iv[i].settings_id == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
			json_object_set_new(facts->counts[reader->side], "max_concurrent",
					    json_integer(settings->iv[i].value));
		else if (n < ENTRIES)
			entries[n++] = settings->iv[i];
	}
	/* The other session has these settings, so that it awaits their acknowledgement. It has no limit of streams, because it
	 * does not learn of their ends. */
	nghttp2_submit_settings(facts->sessions[!reader->side], NGHTTP2_FLAG_NONE, entries, n);
	facts_drain(facts->sessions[!reader->side]);
}

static void on_goaway(struct reader *reader, const nghttp2_goaway *goaway)
{
	count(reader->facts, reader->side, "goaways");
	json_object_set_new(reader->facts->counts[reader->side], "last_stream",
			    json_integer(goaway->last_stream_id));
	json_object_set_new(reader->facts->counts[reader->side], "code", json_integer(goaway->error_code));
}

/* The first of a side counts. */
static void on_reset(struct reader *reader, const nghttp2_rst_stream *reset)
{
	json_t *stream = stream_of(reader->facts, reset->hd.stream_id);
	const char *name = reader->side == CLIENT ? "reset_by_client" : "reset_by_server";

	if (!json_object_get(stream, name))
		json_object_set_new(stream, name, json_integer(reset->error_code));
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct reader *reader = user;
	bool clients = frame->hd.stream_id % 2;

	facts_drain(session);
	if (frame->hd.type == NGHTTP2_SETTINGS)
		on_settings(reader, &frame->settings);
	else if (frame->hd.type == NGHTTP2_PING)
		count(reader->facts, reader->side, frame->hd.flags & NGHTTP2_FLAG_ACK ? "pongs" : "pings");
	else if (frame->hd.type == NGHTTP2_GOAWAY)
		on_goaway(reader, &frame->goaway);
	else if (frame->hd.type == NGHTTP2_RST_STREAM && clients)
		on_reset(reader, &frame->rst_stream);
	else if ((frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) && clients &&
		 frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		json_object_set_new(stream_of(reader->facts, frame->hd.stream_id),
				    reader->side == CLIENT ? "ended_by_client" : "ended_by_server",
				    json_true());
	return 0;
}

static int open_sessions(struct facts *facts, struct reader *readers)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int r;

	if (nghttp2_session_callbacks_new(&callbacks) || nghttp2_option_new(&option))
		return 1;
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_option_set_no_http_messaging(option, 1);
	nghttp2_option_set_peer_max_concurrent_streams(option, 1 << 30);
	r = nghttp2_session_server_new2(&facts->sessions[CLIENT], callbacks, &readers[CLIENT], option) ||
	    nghttp2_session_client_new2(&facts->sessions[SERVER], callbacks, &readers[SERVER], option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	for (int side = 0; !r && side < 2; side++) {
		nghttp2_session_set_local_window_size(facts->sessions[side], NGHTTP2_FLAG_NONE, 0, WINDOW_MOST);
		facts_drain(facts->sessions[side]);
	}
	return r;
}

static int read_calls(const struct facts *facts)
{
	static uint8_t bytes[65536];
	uint8_t call[CALL];

	while (fread(call, 1, sizeof(call), stdin) == sizeof(call)) {
		size_t n = fread(bytes, 1, (size_t)call[1] << 8 | call[2], stdin);
		ssize_t taken = nghttp2_session_mem_recv(facts->sessions[call[0] & 1], bytes, n);

		if (taken != (ssize_t)n) {
			fprintf(stderr, "http2_facts: %s: %s\n", sides[call[0] & 1],
				nghttp2_strerror((int)taken));
			return 1;
		}
		facts_drain(facts->sessions[call[0] & 1]);
	}
	return 0;
}

int facts_read(void)
{
	struct facts facts = {.streams = json_object()};
	struct reader readers[2] = {{&facts, CLIENT}, {&facts, SERVER}};
	json_t *all;
	int r;

	for (int side = 0; side < 2; side++) {
		facts.counts[side] = json_object();
		facts.fields[side] = json_object();
	}
	r = open_sessions(&facts, readers);
	if (!r)
		r = read_calls(&facts);
	for (int side = 0; !r && side < 2; side++)
		if (!nghttp2_session_want_read(facts.sessions[side]))
			json_object_set_new(facts.counts[side], "stopped", json_true());
	all = json_pack("{s:o, s:o, s:o, s:o, s:o}", "streams", facts.streams, "client", facts.counts[CLIENT],
			"server", facts.counts[SERVER], "client_fields", facts.fields[CLIENT], "server_fields",
			facts.fields[SERVER]);
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
	nghttp2_session_del(facts.sessions[CLIENT]);
	nghttp2_session_del(facts.sessions[SERVER]);
	return r;
}
