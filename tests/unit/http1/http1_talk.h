/* SPDX-License-Identifier: BSD-2-Clause */
/* A conversation, for tests of the HTTP/1.x machine: calls both ways, and what the machine says of them. */
#ifndef KEEPWATCH_TEST_HTTP1_TALK_H
#define KEEPWATCH_TEST_HTTP1_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "include/http1.h"

#define REQUEST "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEAD_REQUEST "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
#define CONNECT_REQUEST "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"
#define RESPONSE "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define RESPONSE_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
#define CHUNKED_HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* A connection and what its machine said so far, by direction. */
struct talk {
	struct http1_connection c;
	unsigned int begun[2], heads[2], ended[2], lost[2];
	size_t taken; /* bytes of the latest call that were taken before the machine was done */
};

static inline void count(struct talk *talk, enum http1_direction direction, __u32 event)
{
	talk->begun[direction] += !!(event & HTTP1_EVENT_BEGIN);
	talk->begun[direction] -= !!(event & HTTP1_EVENT_PROXY);
	talk->heads[direction] += !!(event & HTTP1_EVENT_HEAD);
	talk->ended[direction] += !!(event & HTTP1_EVENT_END);
	talk->lost[direction] += !!(event & HTTP1_EVENT_LOST);
}

/* One call that carries @n bytes. Returns all events. */
static inline __u32 carry(struct talk *talk, enum http1_direction direction, const void *bytes, size_t n)
{
	__u32 events = http1_call(&talk->c, direction), event;

	count(talk, direction, events);
	for (talk->taken = 0; talk->taken < n && !(events & HTTP1_EVENT_NOT_HTTP); events |= event) {
		size_t left = n - talk->taken;
		size_t taken = http1_skippable(&talk->c.streams[direction], left);

		if (taken)
			event = http1_skip(&talk->c, direction, taken);
		else
			taken = http1_step(&talk->c, direction, (const __u8 *)bytes + talk->taken,
					   left < HTTP1_WINDOW ? left : HTTP1_WINDOW, &event);
		talk->taken += taken;
		count(talk, direction, event);
	}
	http1_call_end(&talk->c, direction);
	return events;
}

static inline __u32 ask(struct talk *talk, const char *bytes)
{
	return carry(talk, HTTP1_REQUESTS, bytes, strlen(bytes));
}

static inline __u32 answer(struct talk *talk, const char *bytes)
{
	return carry(talk, HTTP1_RESPONSES, bytes, strlen(bytes));
}

static inline __u32 blind(struct talk *talk, enum http1_direction direction, __u64 n)
{
	__u32 events = http1_call(&talk->c, direction);

	events |= http1_blind(&talk->c, direction, n);
	count(talk, direction, events);
	return events;
}

static inline const struct http1_stream *response_of(const struct talk *talk)
{
	return &talk->c.streams[HTTP1_RESPONSES];
}

#endif
