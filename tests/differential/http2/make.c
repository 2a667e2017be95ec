/* SPDX-License-Identifier: BSD-2-Clause */
/* A random conversation of two sessions of libnghttp2, which may send whatever they like: fields that HTTP/2 forbids, plain and
 * from the table, blocks of several frames, padding, trailers, interim responses, resets, pings, GOAWAY. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/http2/facts.h"

#define ROUNDS 400
#define STREAMS 200
#define FIELDS 12
#define LONG 20000

enum {
	CLIENT,
	SERVER
};

struct talk {
	nghttp2_session *sessions[2];
	int32_t waiting[STREAMS]; /* streams that the server has yet to answer */
	size_t count;
	const char *
		te; /* the only value of TE: once one that is allowed is in the table, another need not name the field */
};

static unsigned int pick(unsigned int n)
{
	return (unsigned int)random() % n;
}

static ssize_t on_padding(nghttp2_session *session, const nghttp2_frame *frame, size_t most, void *user)
{
	size_t padded = frame->hd.length + (pick(3) ? 0 : pick(60));

	(void)session, (void)user;
	return (ssize_t)(padded < most ? padded : most);
}

static ssize_t on_body(nghttp2_session *session, int32_t id, uint8_t *room, size_t n, uint32_t *flags,
		       nghttp2_data_source *source, void *user)
{
	static const nghttp2_nv trailers[] = {
		{(uint8_t *)"grpc-status", (uint8_t *)"0", 11, 1, NGHTTP2_NV_FLAG_NONE}};
	size_t size = pick(300);

	(void)source, (void)user;
	size = size < n ? size : n;
	memset(room, 'b', size);
	if (pick(3))
		return (ssize_t)size;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!pick(3)) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, id, trailers, 1);
	}
	return (ssize_t)size;
}

static int on_request(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct talk *talk = user;

	if (session == talk->sessions[SERVER] && frame->hd.type == NGHTTP2_HEADERS &&
	    frame->headers.cat == NGHTTP2_HCAT_REQUEST && talk->count < STREAMS)
		talk->waiting[talk->count++] = frame->hd.stream_id;
	return 0;
}

static void set(nghttp2_nv *field, const char *name, const char *value)
{
	*field = (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
			      pick(4) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX};
}

/* Fields of a block behind its first one. Returns how many fields it has. */
static size_t pick_fields(const struct talk *talk, nghttp2_nv *fields)
{
	static const char *const names[] = {
		"accept",      "user-agent",
		"te",          "x-a-name-that-is-long",
		"cookie",      "transfer-encodinh",
		"grpc-statut", "connection",
		"keep-alive",  "proxy-connection",
		"upgrade",     "transfer-encoding",
		"grpc-status", "te",
	};
	static const char *const values[] = {"trailers", "close", "x", "",
					     "a value of some length, with spaces"};
	static char text[LONG + 1];
	size_t n = 1 + pick(FIELDS - 1);

	memset(text, 'v', LONG);
	for (size_t i = 1; i < n; i++) {
		const char *name = names[pick(pick(6) ? 7 : 14)];

		set(&fields[i], name, strcmp(name, "te") == 0 ? talk->te : pick(40) ? values[pick(5)] : text);
	}
	return n;
}

static void ask(struct talk *talk)
{
	nghttp2_nv fields[FIELDS];
	nghttp2_data_provider body = {.read_callback = on_body};

	set(&fields[0], ":method", pick(2) ? "GET" : "DELETE");
	nghttp2_submit_request(talk->sessions[CLIENT], NULL, fields, pick_fields(talk, fields),
			       pick(3) ? NULL : &body, NULL);
}

static void answer(struct talk *talk)
{
	static const char *const statuses[] = {"200", "204", "404", "500", "503", "302", "418", "999"};
	nghttp2_session *session = talk->sessions[SERVER];
	nghttp2_data_provider body = {.read_callback = on_body};
	nghttp2_nv fields[FIELDS];
	int32_t id;
	size_t i;

	if (!talk->count)
		return;
	i = pick((unsigned int)talk->count);
	id = talk->waiting[i];
	talk->waiting[i] = talk->waiting[--talk->count];
	if (!pick(6)) {
		set(&fields[0], ":status", "103");
		nghttp2_submit_headers(session, NGHTTP2_FLAG_NONE, id, NULL, fields, 1, NULL);
	}
	set(&fields[0], ":status", statuses[pick(8)]);
	if (pick(8))
		nghttp2_submit_response(session, id, fields, pick_fields(talk, fields), pick(3) ? &body : NULL);
	else
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, pick(2) ? 7 : pick(14));
}

static void act(struct talk *talk)
{
	unsigned int what = pick(40), side = pick(2);

	if (what < 14)
		ask(talk);
	else if (what < 30)
		answer(talk);
	else if (what < 33)
		nghttp2_submit_ping(talk->sessions[side], NGHTTP2_FLAG_NONE, NULL);
	else if (what < 35 && talk->count)
		nghttp2_submit_rst_stream(talk->sessions[CLIENT], NGHTTP2_FLAG_NONE,
					  talk->waiting[pick((unsigned int)talk->count)],
					  pick(2) ? 8 : pick(14));
}

/* Prints what a side has to send, and shows it to the other one, until both are silent: so nothing crosses
 * on its way. */
static int exchange(struct talk *talk)
{
	const uint8_t *bytes;
	ssize_t n;

	for (int side = 0, silent = 0; silent < 2; side = !side) {
		silent++;
		while ((n = nghttp2_session_mem_send(talk->sessions[side], &bytes)) > 0) {
			putchar(side);
			putchar((int)(n >> 8));
			putchar((int)(n & 0xff));
			fwrite(bytes, 1, (size_t)n, stdout);
			if (nghttp2_session_mem_recv(talk->sessions[!side], bytes, (size_t)n) != n)
				return 1;
			silent = 0;
		}
		if (n < 0)
			return 1;
	}
	return 0;
}

static int open_talk(struct talk *talk)
{
	static const nghttp2_settings_entry limit = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS};
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int r;

	if (nghttp2_session_callbacks_new(&callbacks) || nghttp2_option_new(&option))
		return 1;
	nghttp2_session_callbacks_set_select_padding_callback(callbacks, on_padding);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_request);
	nghttp2_option_set_no_http_messaging(option, 1);
	nghttp2_option_set_max_send_header_block_length(option, FIELDS * LONG);
	r = nghttp2_session_client_new2(&talk->sessions[CLIENT], callbacks, talk, option) ||
	    nghttp2_session_server_new2(&talk->sessions[SERVER], callbacks, talk, option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	if (r)
		return r;
	nghttp2_submit_settings(talk->sessions[CLIENT], NGHTTP2_FLAG_NONE, NULL, 0);
	nghttp2_submit_settings(talk->sessions[SERVER], NGHTTP2_FLAG_NONE, &limit, pick(2));
	return exchange(talk);
}

static int leave(struct talk *talk, int side)
{
	nghttp2_session *session = talk->sessions[side];

	nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session),
			      pick(2) ? 0 : pick(14), NULL, 0);
	return exchange(talk);
}

int facts_make(unsigned int seed)
{
	struct talk talk = {.te = seed & 1 ? "trailers" : "close"};
	int r;

	srandom(seed);
	r = open_talk(&talk);
	for (int round = 0; !r && round < ROUNDS; round++) {
		act(&talk);
		r = exchange(&talk);
	}
	if (!r && pick(2)) /* the last thing, because sessions read no more behind it */
		r = leave(&talk, (int)pick(2));
	nghttp2_session_del(talk.sessions[CLIENT]);
	nghttp2_session_del(talk.sessions[SERVER]);
	return r;
}
