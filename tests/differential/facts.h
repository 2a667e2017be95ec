/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts that a parser finds in a stream, in one form for all parsers. */
#ifndef KEEPWATCH_TEST_FACTS_H
#define KEEPWATCH_TEST_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_MESSAGES 64

struct fact {
	unsigned int version; /* minor */
	unsigned int status;
	bool persistent; /* the connection may live on after it */
	bool complete;
	uint64_t body; /* bytes, without framing */
	size_t end;    /* offset behind its last byte, if complete */
};

struct facts {
	struct fact messages[FACTS_MESSAGES];
	size_t count;
	bool refused; /* behind these comes something that is no message to this parser */
};

struct stream {
	bool responses;
	bool closed;         /* it ends because the connection is closed */
	const char *methods; /* of the requests that the responses answer, separated by commas */
	const uint8_t *bytes;
	size_t length;
};

/* Reads @stream with the machine of include/http1.h, or with libhttp-parser. */
void facts_by_machine(const struct stream *stream, struct facts *ret_facts);
void facts_by_http_parser(const struct stream *stream, struct facts *ret_facts);

#endif
