/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the records of a TLS connection as the TLS machine reads them, one JSON object a line, then the connection:
 *
 *     build/tls-records < FILE
 *
 * FILE is a list of calls: a byte with the direction (0: the client sends, 1: the server), two bytes with a length, the higher
 * first, and so many bytes. tests/fuzz/seeds/tls has some. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "event/tls_names.h"
#include "include/tls.h"

#define CALL_MOST 65536

static const char *const sides[] = {"client", "server"};
static const char *const meanings[] = {
	[TLS_MEANS_HANDSHAKE] = "handshake",
	[TLS_MEANS_DATA] = "data",
	[TLS_MEANS_ALERT] = "alert",
	[TLS_MEANS_TICKET] = "ticket",
};

static void print(json_t *object)
{
	if (!object || json_dumpf(object, stdout, JSON_COMPACT) < 0)
		exit(1);
	putchar('\n');
	json_decref(object);
}

static void on_event(const struct tls_connection *c, unsigned int direction, __u32 event)
{
	const struct tls_stream *s = &c->streams[direction];

	if (event & TLS_EVENT_RECORD)
		print(json_pack("{s:s, s:i, s:i, s:s, s:b}", "by", sides[direction], "type", s->type, "length",
				s->length, "means", meanings[s->meaning], "done",
				c->handshake == TLS_HANDSHAKE_DONE));
	if (event & TLS_EVENT_LOST)
		print(json_pack("{s:s, s:b}", "by", sides[direction], "lost", 1));
}

static void feed(struct tls_connection *c, unsigned int direction, const __u8 *bytes, size_t n)
{
	while (n) {
		size_t taken = tls_skippable(&c->streams[direction], n);
		__u32 event = 0;

		if (taken)
			tls_skip(c, direction, taken);
		else
			taken = tls_step(c, direction, bytes, n < TLS_WINDOW ? (__u32)n : TLS_WINDOW, &event);
		on_event(c, direction, event);
		bytes += taken;
		n -= taken;
	}
}

static void print_connection(const struct tls_connection *c)
{
	const char *version = kw_tls_version_name(c->version);

	print(json_pack("{s:s?, s:i, s:i, s:i, s:s?, s:s?}", "version", version, "suite", c->suite, "offered",
			c->offered, "doubts", c->doubts, "alert_by",
			c->alert_by ? sides[c->alert_by - 1] : NULL, "alert",
			c->alert_by ? kw_tls_alert_name(c->alert_code) : NULL));
}

int main(void)
{
	static __u8 bytes[CALL_MOST];
	struct tls_connection c = {};
	__u8 call[3];

	while (fread(call, 1, sizeof(call), stdin) == sizeof(call))
		feed(&c, call[0] & 1, bytes, fread(bytes, 1, (size_t)call[1] << 8 | call[2], stdin));
	print_connection(&c);
	return 0;
}
