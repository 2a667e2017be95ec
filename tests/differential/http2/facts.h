/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/2 connections through libnghttp2: read, and made up. Both are lists of calls, as http2-parse reads them. */
#ifndef KEEPWATCH_HTTP2_FACTS_H
#define KEEPWATCH_HTTP2_FACTS_H

#include <nghttp2/nghttp2.h>

/* Reads a list of calls from standard input and prints one JSON object with what libnghttp2 found in it. Returns 0, or 1 if it
 * refuses the bytes. */
int facts_read(void);

/* Prints a list of calls: a random conversation of two sessions of libnghttp2. Returns 0, or 1 if that fails. */
int facts_make(unsigned int seed);

/* Sends all that @session has to send into nothing. */
static inline void facts_drain(nghttp2_session *session)
{
	const uint8_t *bytes;

	while (nghttp2_session_mem_send(session, &bytes) > 0)
		;
}

#endif
