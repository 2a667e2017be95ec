/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The HTTP/1.x machine: it follows the framing of both streams of a connection (RFC 9112) and keeps of
 * each message only what decides how the connection lives on: version, status or class of method, framing,
 * and the fields Connection, Keep-Alive, Content-Length, Transfer-Encoding, Upgrade, Proxy-Connection.
 *
 * It is pure: no system call, no BPF helper, no allocation. The same lines run in the kernel and on the
 * host. Whoever drives it owns the bytes and calls, for one direction at a time,
 *
 *     http1_call()    before the first byte of a send or receive;
 *     http1_skip()    for bytes that http1_skippable() says need no look (bodies: mere arithmetic);
 *     http1_step()    for the others, at most HTTP1_WINDOW at a time;
 *     http1_blind()   for bytes that passed but cannot be read;
 *
 * and acts on the HTTP1_EVENT_ bits that each of them returns. Bytes may be cut anywhere: what the machine
 * says does not depend on where. The two directions may run at once on two processors: each writes its own
 * stream; the queue of request classes between them has one writer and one reader. */
#ifndef KEEPWATCH_HTTP1_H
#define KEEPWATCH_HTTP1_H

#include "types.h"

#define HTTP1_WINDOW 64 /* most bytes that one step looks at */
#define HTTP1_WORD 32   /* longest name or token kept; longer ones are cut */
#define HTTP1_QUEUE 16  /* requests that may wait for their responses; a power of two */
#define HTTP1_LOOKS 32  /* calls of an unknown connection looked at before it is taken for opaque */
#define HTTP1_DECIDE 32 /* bytes of a new connection by which it must look like HTTP, or is opaque */
#define HTTP1_PROXY 107 /* longest PROXY protocol header, version 1 */

enum http1_direction {
	HTTP1_REQUESTS,
	HTTP1_RESPONSES,
};

enum http1_protocol {
	HTTP1_PROTOCOL_NONE,   /* no byte yet, or not enough to tell */
	HTTP1_PROTOCOL_HTTP1,  /* a start line was understood */
	HTTP1_PROTOCOL_H2C,    /* the HTTP/2 preface (RFC 9113 section 3.4) */
	HTTP1_PROTOCOL_TLS,    /* a TLS record of type handshake */
	HTTP1_PROTOCOL_OPAQUE, /* anything else */
	HTTP1_PROTOCOL_MAX,
};

/* What a method promises when its request is sent again (RFC 9110 section 9.2). */
enum http1_method {
	HTTP1_METHOD_OTHER,
	HTTP1_METHOD_SAFE,       /* GET, OPTIONS, TRACE */
	HTTP1_METHOD_IDEMPOTENT, /* PUT, DELETE */
	HTTP1_METHOD_HEAD,       /* safe too; its response has no body */
	HTTP1_METHOD_CONNECT,    /* a 2xx turns the connection into a tunnel */
	HTTP1_METHOD_MAX,
};

enum http1_framing {
	HTTP1_FRAMING_NONE,
	HTTP1_FRAMING_LENGTH,
	HTTP1_FRAMING_CHUNKED,
	HTTP1_FRAMING_CLOSE, /* a response that ends with the connection */
	HTTP1_FRAMING_TUNNEL,
	HTTP1_FRAMING_MAX,
};

/* What was wrong with a message. Up to HTTP1_ERROR_FATAL the framing is lost with it: the stream waits for
 * a call that begins as a message does. */
enum http1_error {
	HTTP1_ERROR_START_LINE,         /* not a request line or status line of HTTP/1.x */
	HTTP1_ERROR_FIELD_NAME,         /* a byte in a name that no token may hold */
	HTTP1_ERROR_SPACE_BEFORE_COLON, /* RFC 9112 section 5.1 */
	HTTP1_ERROR_NO_COLON,
	HTTP1_ERROR_FOLD,              /* a folded line with nothing to continue */
	HTTP1_ERROR_CONTENT_LENGTH,    /* differing, signed, empty, or no number below 2^63 */
	HTTP1_ERROR_TRANSFER_ENCODING, /* a request whose last coding is not chunked */
	HTTP1_ERROR_CHUNK,             /* a chunk's size or end */
	HTTP1_ERROR_FATAL = HTTP1_ERROR_CHUNK,
	HTTP1_ERROR_AMBIGUOUS_LENGTH,   /* Transfer-Encoding and Content-Length */
	HTTP1_ERROR_CODING_IN_HTTP10,   /* Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1) */
	HTTP1_ERROR_KEEP_ALIVE_VALUE,   /* timeout or max is no number, or above 2^31-1 */
	HTTP1_ERROR_KEEP_ALIVE_UNNAMED, /* a Keep-Alive field that Connection does not name */
	HTTP1_ERROR_MAX,
};

#define HTTP1_ERRORS_FATAL ((2 << HTTP1_ERROR_FATAL) - 1)

/* What one call of the machine brought about; bits, several may come at once. */
enum http1_event {
	HTTP1_EVENT_BEGIN = 1 << 0,    /* the next byte is the first of a message (empty lines are none) */
	HTTP1_EVENT_HEAD = 1 << 1,     /* the head is complete: the stream's message fields hold */
	HTTP1_EVENT_END = 1 << 2,      /* the message is complete: its fields hold until the next BEGIN */
	HTTP1_EVENT_NAME = 1 << 3,     /* Connection named a hop-by-hop field: it is in word */
	HTTP1_EVENT_NOT_HTTP = 1 << 4, /* protocol was decided, and is not HTTP/1.x */
	HTTP1_EVENT_LOST = 1 << 5,     /* the framing is lost; waits for the next message start */
	HTTP1_EVENT_PROXY = 1 << 6, /* a PROXY protocol header, version 1: takes BEGIN back, it is no message */
};

/* What the fields of a message said; bits of http1_stream.flags. */
enum http1_flag {
	HTTP1_FLAG_CLOSE = 1 << 0,      /* Connection: close */
	HTTP1_FLAG_KEEP_ALIVE = 1 << 1, /* Connection: keep-alive */
	HTTP1_FLAG_UPGRADE = 1 << 2,    /* Connection: upgrade */
	HTTP1_FLAG_TE = 1 << 3,         /* Connection: te */
	HTTP1_FLAG_KEEP_ALIVE_FIELD = 1 << 4,
	HTTP1_FLAG_UPGRADE_FIELD = 1 << 5,
	HTTP1_FLAG_PROXY_CONNECTION_FIELD = 1 << 6,
	HTTP1_FLAG_TIMEOUT = 1 << 7, /* Keep-Alive: timeout= */
	HTTP1_FLAG_MAX = 1 << 8,     /* Keep-Alive: max= */
	HTTP1_FLAG_LENGTH = 1 << 9,  /* Content-Length, well formed so far */
	HTTP1_FLAG_BAD_LENGTH = 1 << 10,
	HTTP1_FLAG_CODING = 1 << 11,   /* Transfer-Encoding */
	HTTP1_FLAG_CHUNKED = 1 << 12,  /* its last coding so far is chunked */
	HTTP1_FLAG_INTERIM = 1 << 13,  /* a 1xx response other than 101 */
	HTTP1_FLAG_UNPAIRED = 1 << 14, /* a response whose request had not been seen when its head ended */
};

/* What a stream waits for, and where it goes from there. */
enum http1_state {
	HTTP1_START,       /* a message's first byte (skips empty lines) -> METHOD, VERSION, PROXY2, FOREIGN */
	HTTP1_FOREIGN,     /* the bytes that tell TLS and an HTTP/2 server; HTTP is over */
	HTTP1_METHOD,      /* SP after a method -> TARGET; "PROXY" -> PROXY1 */
	HTTP1_TARGET,      /* SP after a target -> VERSION; an odd first target -> ODD_TARGET */
	HTTP1_ODD_TARGET,  /* the colon of a scheme -> TARGET; SP -> VERSION */
	HTTP1_VERSION,     /* the eighth byte of HTTP/1.x -> LINE_END or STATUS */
	HTTP1_LINE_END,    /* the LF of a request line -> FIELD_START */
	HTTP1_STATUS,      /* SP and three digits -> REASON */
	HTTP1_REASON,      /* the LF of a status line -> FIELD_START */
	HTTP1_FIELD_START, /* the first byte of a line -> NAME, a value again (folded), HEAD_LF, or the body */
	HTTP1_NAME,        /* the colon after a name that may matter -> one of the values */
	HTTP1_OTHER_NAME,  /* the colon after a name that cannot matter -> VALUE */
	HTTP1_BAD_NAME,    /* colon or LF, which tell what is wrong with the line -> LOST */
	HTTP1_VALUE,       /* LF, the value is skipped -> FIELD_START */
	HTTP1_LIST,        /* LF; members of Connection, Transfer-Encoding -> FIELD_START */
	HTTP1_PARAMETERS,  /* LF; parameters of Keep-Alive -> FIELD_START */
	HTTP1_LENGTH,      /* LF; digits of Content-Length -> FIELD_START */
	HTTP1_HEAD_LF,     /* the LF of the empty line -> the body, or START */
	HTTP1_BODY,        /* remain bytes -> START */
	HTTP1_BODY_CLOSE,  /* the connection's end */
	HTTP1_CHUNK_SIZE,  /* LF; hexadecimal digits -> CHUNK_EXTENSION, CHUNK_DATA, TRAILER_START */
	HTTP1_CHUNK_EXTENSION, /* LF -> CHUNK_DATA or TRAILER_START */
	HTTP1_CHUNK_DATA,      /* remain bytes -> CHUNK_END */
	HTTP1_CHUNK_END,       /* the LF after a chunk -> CHUNK_SIZE */
	HTTP1_TRAILER_START,   /* the first byte of a trailer line -> TRAILER; empty line -> START */
	HTTP1_TRAILER,         /* LF -> TRAILER_START */
	HTTP1_TUNNEL,          /* nothing any more */
	HTTP1_PROXY1,          /* the LF of a PROXY protocol header, version 1 -> START; no such -> TARGET */
	HTTP1_PROXY2,          /* the rest of version 2's signature and its 4 fixed bytes -> PROXY2_ADDRESSES */
	HTTP1_PROXY2_ADDRESSES, /* remain bytes -> START */
	HTTP1_LOST,             /* the next call (http1_call) -> RESYNC */
	HTTP1_RESYNC,           /* bytes that begin as a message does -> METHOD, VERSION; others -> LOST */
};

/* One direction. Fields marked (message) describe the latest message whose head is complete. */
struct http1_stream {
	union {
		__u8 word[HTTP1_WORD]; /* the method, name or token being read, zero-padded */
		__u64 words[HTTP1_WORD / 8];
	};
	__u64 remain;     /* bytes left of a body, a chunk, a PROXY header */
	__u64 number;     /* the number being read; before a target: bytes since the stream last stood still */
	__u64 length;     /* (message) Content-Length */
	__u64 body;       /* (message) body bytes so far, without chunk framing */
	__u32 timeout;    /* (message) Keep-Alive: timeout, in seconds; if FLAG_TIMEOUT */
	__u32 max;        /* (message) Keep-Alive: max, in requests; if FLAG_MAX */
	__u32 mark;       /* responses: requests seen when the framing was lost */
	__u16 flags;      /* (message) enum http1_flag */
	__u16 errors;     /* (message) bits, 1 << enum http1_error */
	__u16 status;     /* (message) responses only */
	__u8 state;       /* enum http1_state */
	__u8 field;       /* enum http1_field: the field whose value is still open to folding */
	__u8 phase;       /* where within a state that reads several bytes */
	__u8 parameter;   /* enum http1_parameter, and whether a quote is open */
	__u8 word_length; /* bytes in word; HTTP1_WORD + 1 for more */
	__u8 method;      /* (message) enum http1_method; of a response, that of its request */
	__u8 version;     /* (message) the minor version, 0 or 1 */
	__u8 framing;     /* (message) enum http1_framing */
};

struct http1_connection {
	struct http1_stream streams[2]; /* by enum http1_direction */
	__u8 methods[HTTP1_QUEUE];      /* enum http1_method of the requests, by their number modulo the size */
	__u32 pushed;                   /* requests whose head is complete; written by the requests' side */
	__u32 popped;                   /* final responses complete; written by the responses' side */
	__u8 protocol;                  /* enum http1_protocol */
	__u8 tunnel;                    /* both streams are a tunnel from here on */
	__u8 proxied;                   /* PROXY protocol headers seen */
	__u8 looks;                     /* calls looked at in vain while the protocol is unknown */
};

_Static_assert(sizeof(struct http1_connection) < 512, "the state of a connection stays small");

enum http1_field {
	HTTP1_FIELD_NONE,
	HTTP1_FIELD_OTHER,
	HTTP1_FIELD_CONNECTION,
	HTTP1_FIELD_TRANSFER_ENCODING,
	HTTP1_FIELD_KEEP_ALIVE,
	HTTP1_FIELD_CONTENT_LENGTH,
};

enum http1_parameter {
	HTTP1_PARAMETER_OTHER,
	HTTP1_PARAMETER_TIMEOUT,
	HTTP1_PARAMETER_MAX,
	HTTP1_PARAMETER_QUOTED = 1 << 6,  /* added to these within a quoted string */
	HTTP1_PARAMETER_ESCAPED = 1 << 7, /* and behind a backslash in it */
};

/* Where within a Keep-Alive parameter or a Content-Length. */
enum http1_phase {
	HTTP1_PHASE_NAME,     /* in a parameter's name */
	HTTP1_PHASE_NAME_END, /* in the white space behind it */
	HTTP1_PHASE_VALUE,    /* before the first digit */
	HTTP1_PHASE_DIGITS,
	HTTP1_PHASE_AFTER, /* behind the last digit */
	HTTP1_PHASE_BAD,   /* in a value that is no number */
};

/* Where within a request's target. */
enum http1_target {
	HTTP1_TARGET_EMPTY,
	HTTP1_TARGET_STAR, /* nothing but an asterisk so far */
	HTTP1_TARGET_MORE,
};

/* Where within a chunk's size. */
enum http1_size {
	HTTP1_SIZE_EMPTY,
	HTTP1_SIZE_DIGITS,
	HTTP1_SIZE_SPACE,
	HTTP1_SIZE_CR,
};

#define HTTP1_LENGTH_MAX ((1ULL << 63) - 1)
#define HTTP1_PARAMETER_LIMIT ((1ULL << 31) - 1)

/* ---- bytes and words ---------------------------------------------------------------------------- */

#define HTTP1_ONES 0x0101010101010101ULL
#define HTTP1_HIGHS 0x8080808080808080ULL

/* "abcdefgh" as the word that a load of these eight bytes gives. */
#define HTTP1_WORD8(a, b, c, d, e, f, g, h)                                                                    \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |               \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)

/* RFC 9110 section 5.6.2: tchar, one bit a byte value. The fifth word is there because clang puts a table of
 * just 32 bytes into a section of mergeable constants, of which the object's type information knows nothing. */
static const __u64 http1_token_bits[5] = {0x03ff6cfa00000000ULL, 0x57ffffffc7fffffeULL};

KW_INLINE int http1_is_token(__u8 byte)
{
	return http1_token_bits[byte >> 6] >> (byte & 63) & 1;
}

KW_INLINE int http1_is_space(__u8 byte)
{
	return byte == ' ' || byte == '\t';
}

KW_INLINE int http1_is_digit(__u8 byte)
{
	return byte >= '0' && byte <= '9';
}

KW_INLINE __u8 http1_lower(__u8 byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* The high bit of each byte of @word that is zero, exact up to and including the first such byte. */
KW_INLINE __u64 http1_zero_bytes(__u64 word)
{
	return (word - HTTP1_ONES) & ~word & HTTP1_HIGHS;
}

/* How many bytes there are up to and including the first marked one; @marks is not zero. */
KW_INLINE __u32 http1_first_marked(__u64 marks)
{
	return (((marks & -marks) - 1) & HTTP1_ONES) * HTTP1_ONES >> 56;
}

/* How many of @n bytes there are up to and including the first @a or @b; n + 1 if there is none. */
KW_INLINE __u32 http1_find(const __u8 *p, __u32 n, __u8 a, __u8 b)
{
	__u32 i = 0;

	for (; i + 8 <= HTTP1_WINDOW && i + 8 <= n; i += 8) {
		__u64 word = kw_load64(p + i);
		__u64 marks = http1_zero_bytes(word ^ a * HTTP1_ONES) | http1_zero_bytes(word ^ b * HTTP1_ONES);

		if (marks)
			return i + http1_first_marked(marks);
	}
	for (__u32 tail = 0; tail < 8 && i < n && i < HTTP1_WINDOW; tail++, i++)
		if (p[i] == a || p[i] == b)
			return i + 1;
	return n + 1;
}

/* ---- the word being read ------------------------------------------------------------------------ */

KW_INLINE void http1_append(struct http1_stream *s, __u8 byte)
{
	__u32 length = s->word_length;

	if (!length)
		s->words[0] = s->words[1] = s->words[2] = s->words[3] = 0;
	if (length < HTTP1_WORD)
		s->word[length & (HTTP1_WORD - 1)] = byte;
	if (length <= HTTP1_WORD)
		s->word_length = length + 1;
}

KW_INLINE int http1_word_is(const struct http1_stream *s, __u64 first, __u64 second, __u64 third)
{
	return s->words[0] == first && s->words[1] == second && s->words[2] == third && !s->words[3];
}

/* ---- ends and errors ---------------------------------------------------------------------------- */

KW_INLINE __u32 http1_lose(struct http1_connection *c, struct http1_stream *s)
{
	s->state = HTTP1_LOST;
	s->mark = c->pushed;
	return HTTP1_EVENT_LOST;
}

KW_INLINE __u32 http1_malformed(struct http1_connection *c, struct http1_stream *s, enum http1_error error)
{
	s->errors |= 1 << error;
	return http1_lose(c, s);
}

/* The stream is @protocol. The other side may have decided by now: if for HTTP, this is an error of HTTP. */
KW_INLINE __u32 http1_not_http(struct http1_connection *c, struct http1_stream *s, enum http1_protocol protocol)
{
	if (c->protocol == HTTP1_PROTOCOL_HTTP1)
		return http1_malformed(c, s, HTTP1_ERROR_START_LINE);
	if (c->protocol == HTTP1_PROTOCOL_NONE)
		c->protocol = protocol;
	return HTTP1_EVENT_NOT_HTTP;
}

/* Where a start line should be there is none. A connection that was seen from its start and has shown no HTTP
 * is opaque; an older one gets further looks. */
KW_INLINE __u32 http1_bad_start(struct http1_connection *c, struct http1_stream *s)
{
	if (c->protocol == HTTP1_PROTOCOL_NONE && c->looks && ++c->looks < HTTP1_LOOKS)
		return http1_lose(c, s);
	return http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
}

KW_INLINE __u32 http1_message_end(struct http1_connection *c, struct http1_stream *s, int responses)
{
	s->state = HTTP1_START;
	s->number = 0;
	if (responses && !(s->flags & HTTP1_FLAG_INTERIM))
		c->popped++;
	return HTTP1_EVENT_END;
}

/* Does this message, for its part, let the connection live on? RFC 9112 section 9.3, and section 6.1: after an
 * HTTP/1.0 message with Transfer-Encoding it ends. A body delimited by the close is another matter. */
KW_INLINE int http1_is_persistent(const struct http1_stream *s)
{
	if ((s->flags & HTTP1_FLAG_CLOSE) || (s->errors & 1 << HTTP1_ERROR_CODING_IN_HTTP10))
		return 0;
	return s->version || (s->flags & HTTP1_FLAG_KEEP_ALIVE);
}

/* ---- framing: RFC 9112 section 6.3 -------------------------------------------------------------- */

KW_INLINE __u32 http1_body(struct http1_connection *c, struct http1_stream *s, int responses,
			   enum http1_framing framing)
{
	s->framing = framing;
	switch (framing) {
	case HTTP1_FRAMING_LENGTH:
		s->remain = s->length;
		s->state = HTTP1_BODY;
		if (s->remain)
			return HTTP1_EVENT_HEAD;
		break;
	case HTTP1_FRAMING_CHUNKED:
		s->state = HTTP1_CHUNK_SIZE;
		s->phase = HTTP1_SIZE_EMPTY;
		s->number = 0;
		return HTTP1_EVENT_HEAD;
	case HTTP1_FRAMING_CLOSE:
		s->state = HTTP1_BODY_CLOSE;
		return HTTP1_EVENT_HEAD;
	case HTTP1_FRAMING_TUNNEL:
		c->tunnel = 1;
		http1_message_end(c, s, responses);
		s->state = HTTP1_TUNNEL;
		return HTTP1_EVENT_HEAD | HTTP1_EVENT_END;
	default:
		break;
	}
	return HTTP1_EVENT_HEAD | http1_message_end(c, s, responses);
}

/* What holds of requests and responses alike, once nothing about the message rules a body out. */
KW_INLINE __u32 http1_body_by_fields(struct http1_connection *c, struct http1_stream *s, int responses)
{
	if (s->flags & HTTP1_FLAG_CODING) {
		if (s->flags & (HTTP1_FLAG_LENGTH | HTTP1_FLAG_BAD_LENGTH))
			s->errors |= 1 << HTTP1_ERROR_AMBIGUOUS_LENGTH;
		if (!s->version)
			s->errors |= 1 << HTTP1_ERROR_CODING_IN_HTTP10;
		if (s->flags & HTTP1_FLAG_CHUNKED)
			return http1_body(c, s, responses, HTTP1_FRAMING_CHUNKED);
		if (!responses)
			return http1_malformed(c, s, HTTP1_ERROR_TRANSFER_ENCODING);
		return http1_body(c, s, responses, HTTP1_FRAMING_CLOSE);
	}
	if (s->flags & HTTP1_FLAG_BAD_LENGTH)
		return http1_malformed(c, s, HTTP1_ERROR_CONTENT_LENGTH);
	if (s->flags & HTTP1_FLAG_LENGTH)
		return http1_body(c, s, responses, HTTP1_FRAMING_LENGTH);
	return http1_body(c, s, responses, responses ? HTTP1_FRAMING_CLOSE : HTTP1_FRAMING_NONE);
}

KW_INLINE __u32 http1_request_head(struct http1_connection *c, struct http1_stream *s)
{
	__u32 event = http1_body_by_fields(c, s, 0);

	if (event & HTTP1_EVENT_LOST)
		return event;
	c->methods[c->pushed & (HTTP1_QUEUE - 1)] = s->method;
	__atomic_fetch_add(&c->pushed, 1, __ATOMIC_SEQ_CST); /* the class is there before its number is */
	return event;
}

KW_INLINE __u32 http1_response_head(struct http1_connection *c, struct http1_stream *s)
{
	__u32 waiting = c->pushed - c->popped; /* as a signed number negative, if responses ran ahead */

	if ((__s32)waiting > HTTP1_QUEUE)
		return http1_lose(c, s);
	if ((__s32)waiting > 0) {
		s->method = c->methods[c->popped & (HTTP1_QUEUE - 1)];
	} else {
		s->method = HTTP1_METHOD_OTHER;
		s->flags |= HTTP1_FLAG_UNPAIRED;
	}
	if (s->status == 101 || (s->method == HTTP1_METHOD_CONNECT && s->status / 100 == 2))
		return http1_body(c, s, 1, HTTP1_FRAMING_TUNNEL);
	if (s->status / 100 == 1)
		s->flags |= HTTP1_FLAG_INTERIM;
	if (s->method == HTTP1_METHOD_HEAD || s->status / 100 == 1 || s->status == 204 || s->status == 304)
		return http1_body(c, s, 1, HTTP1_FRAMING_NONE);
	return http1_body_by_fields(c, s, 1);
}

KW_INLINE __u32 http1_head_end(struct http1_connection *c, struct http1_stream *s, int responses)
{
	if ((s->flags & HTTP1_FLAG_KEEP_ALIVE_FIELD) && !(s->flags & HTTP1_FLAG_KEEP_ALIVE))
		s->errors |= 1 << HTTP1_ERROR_KEEP_ALIVE_UNNAMED;
	s->body = 0;
	return responses ? http1_response_head(c, s) : http1_request_head(c, s);
}

/* ---- fields ------------------------------------------------------------------------------------- */

/* A member of Connection is complete (RFC 9110 section 7.6.1). */
KW_INLINE __u32 http1_connection_member(struct http1_stream *s)
{
	if (http1_word_is(s, HTTP1_WORD8('c', 'l', 'o', 's', 'e', 0, 0, 0), 0, 0))
		s->flags |= HTTP1_FLAG_CLOSE;
	else if (http1_word_is(s, HTTP1_WORD8('k', 'e', 'e', 'p', '-', 'a', 'l', 'i'),
			       HTTP1_WORD8('v', 'e', 0, 0, 0, 0, 0, 0), 0))
		s->flags |= HTTP1_FLAG_KEEP_ALIVE;
	else if (http1_word_is(s, HTTP1_WORD8('u', 'p', 'g', 'r', 'a', 'd', 'e', 0), 0, 0))
		s->flags |= HTTP1_FLAG_UPGRADE;
	else if (http1_word_is(s, HTTP1_WORD8('t', 'e', 0, 0, 0, 0, 0, 0), 0, 0))
		s->flags |= HTTP1_FLAG_TE;
	else if (!http1_word_is(s, HTTP1_WORD8('h', 't', 't', 'p', '2', '-', 's', 'e'),
				HTTP1_WORD8('t', 't', 'i', 'n', 'g', 's', 0, 0), 0) &&
		 !http1_word_is(s, HTTP1_WORD8('p', 'r', 'o', 'x', 'y', '-', 'c', 'o'),
				HTTP1_WORD8('n', 'n', 'e', 'c', 't', 'i', 'o', 'n'), 0))
		return HTTP1_EVENT_NAME;
	return 0;
}

/* A member of a list is complete, by a comma or by the field's end; empty ones are none. */
KW_INLINE __u32 http1_member(struct http1_stream *s)
{
	__u32 length = s->word_length;

	s->word_length = 0;
	s->phase = 0;
	if (!length)
		return 0;
	if (s->field == HTTP1_FIELD_CONNECTION)
		return http1_connection_member(s);
	s->flags &= ~HTTP1_FLAG_CHUNKED;
	if (http1_word_is(s, HTTP1_WORD8('c', 'h', 'u', 'n', 'k', 'e', 'd', 0), 0, 0))
		s->flags |= HTTP1_FLAG_CHUNKED;
	return 0;
}

/* A parameter of Keep-Alive is complete (RFC 2068 section 19.7.1.1). */
KW_INLINE void http1_parameter_end(struct http1_stream *s)
{
	__u32 phase = s->phase;
	__u32 parameter = s->parameter;
	int good = (phase == HTTP1_PHASE_DIGITS || phase == HTTP1_PHASE_AFTER) &&
		   s->number <= HTTP1_PARAMETER_LIMIT && !(parameter & HTTP1_PARAMETER_QUOTED);

	parameter &= HTTP1_PARAMETER_QUOTED - 1;
	s->phase = HTTP1_PHASE_NAME;
	s->parameter = HTTP1_PARAMETER_OTHER;
	s->word_length = 0;
	if (phase <= HTTP1_PHASE_NAME_END || parameter == HTTP1_PARAMETER_OTHER)
		return;
	if (!good) {
		s->errors |= 1 << HTTP1_ERROR_KEEP_ALIVE_VALUE;
	} else if (parameter == HTTP1_PARAMETER_TIMEOUT) {
		s->timeout = s->number;
		s->flags |= HTTP1_FLAG_TIMEOUT;
	} else {
		s->max = s->number;
		s->flags |= HTTP1_FLAG_MAX;
	}
}

/* One number of Content-Length is complete: the same again does no harm. */
KW_INLINE void http1_length_end(struct http1_stream *s)
{
	int good = s->phase == HTTP1_PHASE_DIGITS || s->phase == HTTP1_PHASE_AFTER;

	if (!good || s->number > HTTP1_LENGTH_MAX || ((s->flags & HTTP1_FLAG_LENGTH) && s->length != s->number))
		s->flags |= HTTP1_FLAG_BAD_LENGTH;
	s->length = s->number;
	s->flags |= HTTP1_FLAG_LENGTH;
	s->phase = HTTP1_PHASE_VALUE;
	s->number = 0;
}

/* The line of a field has ended and is not continued. */
KW_INLINE __u32 http1_field_end(struct http1_stream *s)
{
	__u32 event = 0;

	if (s->field == HTTP1_FIELD_CONNECTION || s->field == HTTP1_FIELD_TRANSFER_ENCODING)
		event = http1_member(s);
	else if (s->field == HTTP1_FIELD_KEEP_ALIVE)
		http1_parameter_end(s);
	else if (s->field == HTTP1_FIELD_CONTENT_LENGTH)
		http1_length_end(s);
	s->field = HTTP1_FIELD_NONE;
	return event;
}

/* The state that reads the value of the field in s->field. */
KW_INLINE __u8 http1_value_state(const struct http1_stream *s)
{
	switch (s->field) {
	case HTTP1_FIELD_CONNECTION:
	case HTTP1_FIELD_TRANSFER_ENCODING:
		return HTTP1_LIST;
	case HTTP1_FIELD_KEEP_ALIVE:
		return HTTP1_PARAMETERS;
	case HTTP1_FIELD_CONTENT_LENGTH:
		return HTTP1_LENGTH;
	default:
		return HTTP1_VALUE;
	}
}

/* The colon after a name that began like one that matters. */
KW_INLINE void http1_name_end(struct http1_stream *s)
{
	s->field = HTTP1_FIELD_OTHER;
	s->phase = 0;
	if (http1_word_is(s, HTTP1_WORD8('c', 'o', 'n', 'n', 'e', 'c', 't', 'i'),
			  HTTP1_WORD8('o', 'n', 0, 0, 0, 0, 0, 0), 0)) {
		s->field = HTTP1_FIELD_CONNECTION;
	} else if (http1_word_is(s, HTTP1_WORD8('c', 'o', 'n', 't', 'e', 'n', 't', '-'),
				 HTTP1_WORD8('l', 'e', 'n', 'g', 't', 'h', 0, 0), 0)) {
		s->field = HTTP1_FIELD_CONTENT_LENGTH;
		s->phase = HTTP1_PHASE_VALUE;
		s->number = 0;
	} else if (http1_word_is(s, HTTP1_WORD8('k', 'e', 'e', 'p', '-', 'a', 'l', 'i'),
				 HTTP1_WORD8('v', 'e', 0, 0, 0, 0, 0, 0), 0)) {
		s->field = HTTP1_FIELD_KEEP_ALIVE;
		s->phase = HTTP1_PHASE_NAME;
		s->parameter = HTTP1_PARAMETER_OTHER;
		s->flags |= HTTP1_FLAG_KEEP_ALIVE_FIELD;
	} else if (http1_word_is(s, HTTP1_WORD8('t', 'r', 'a', 'n', 's', 'f', 'e', 'r'),
				 HTTP1_WORD8('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n'),
				 HTTP1_WORD8('g', 0, 0, 0, 0, 0, 0, 0))) {
		s->field = HTTP1_FIELD_TRANSFER_ENCODING;
		s->flags |= HTTP1_FLAG_CODING;
	} else if (http1_word_is(s, HTTP1_WORD8('u', 'p', 'g', 'r', 'a', 'd', 'e', 0), 0, 0)) {
		s->flags |= HTTP1_FLAG_UPGRADE_FIELD;
	} else if (http1_word_is(s, HTTP1_WORD8('p', 'r', 'o', 'x', 'y', '-', 'c', 'o'),
				 HTTP1_WORD8('n', 'n', 'e', 'c', 't', 'i', 'o', 'n'), 0)) {
		s->flags |= HTTP1_FLAG_PROXY_CONNECTION_FIELD;
	}
	s->word_length = 0;
	s->state = http1_value_state(s);
}

/* May a name that begins with this letter be one of those above? */
KW_INLINE int http1_may_matter(__u8 letter)
{
	letter |= 0x20;
	return letter == 'c' || letter == 'k' || letter == 't' || letter == 'u' || letter == 'p';
}

/* A byte of a line whose name is bad: what ends the line, or its name, tells what is wrong with it. */
KW_INLINE __u32 http1_bad_name(struct http1_connection *c, struct http1_stream *s, __u8 byte)
{
	if (byte == '\n')
		return http1_malformed(c, s, HTTP1_ERROR_NO_COLON);
	if (byte == ':')
		return http1_malformed(c, s,
				       s->phase ? HTTP1_ERROR_FIELD_NAME : HTTP1_ERROR_SPACE_BEFORE_COLON);
	if (!http1_is_space(byte))
		s->phase = 1; /* something other than white space before the colon */
	s->state = HTTP1_BAD_NAME;
	return 0;
}

/* The first byte that makes a name bad; a colon does so where no name is. */
KW_INLINE __u32 http1_bad_name_begin(struct http1_connection *c, struct http1_stream *s, __u8 byte)
{
	s->phase = byte == ':';
	return http1_bad_name(c, s, byte);
}

/* ---- the states, one function each: what they return is how many bytes they took ----------------- */

KW_INLINE __u32 http1_begin(struct http1_stream *s, int responses)
{
	s->flags = 0;
	s->errors = 0;
	s->status = 0;
	s->field = HTTP1_FIELD_NONE;
	s->phase = 0;
	s->word_length = 0;
	s->framing = HTTP1_FRAMING_NONE;
	s->state = responses ? HTTP1_VERSION : HTTP1_METHOD;
	return HTTP1_EVENT_BEGIN;
}

/* Passes over empty lines, at most @n bytes. What they were is kept: another protocol may begin so. */
KW_INLINE __u32 http1_empty_lines(struct http1_stream *s, const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < HTTP1_WINDOW; i++) {
		if (i >= n || (p[i] != '\r' && p[i] != '\n'))
			return i;
		s->words[0] = s->words[0] << 8 | p[i];
		if (s->number < HTTP1_DECIDE)
			s->number++;
	}
	return HTTP1_WINDOW;
}

/* The signature of version 2 of the PROXY protocol begins with two empty lines, then a NUL. */
KW_INLINE int http1_begins_proxy2(const struct http1_connection *c, const struct http1_stream *s, __u8 byte)
{
	return !byte && s->number == 4 && (__u32)s->words[0] == 0x0d0a0d0a && !c->proxied;
}

KW_INLINE __u32 http1_step_start(struct http1_connection *c, struct http1_stream *s, int responses,
				 const __u8 *p, __u32 n, __u32 *event)
{
	int fresh = c->protocol == HTTP1_PROTOCOL_NONE;
	__u32 most = fresh ? HTTP1_DECIDE - s->number : HTTP1_WINDOW;
	__u32 i = http1_empty_lines(s, p, n < most ? n : most);

	if (fresh && s->number >= HTTP1_DECIDE) {
		*event = http1_bad_start(c, s);
		return i;
	}
	if (i >= n || i >= HTTP1_WINDOW)
		return i;
	if (fresh && !responses && http1_begins_proxy2(c, s, p[i])) {
		s->state = HTTP1_PROXY2;
		s->phase = 0;
		return i + 1;
	}
	if (fresh && !s->number && (p[i] == 0x16 || (responses && !p[i]))) {
		s->state = HTTP1_FOREIGN;
		s->phase = 0;
		return i;
	}
	*event = http1_begin(s, responses);
	return i;
}

/* TLS: a record of type handshake, version 3. HTTP/2: its servers begin with a SETTINGS frame on stream 0 (RFC
 * 9113 section 3.4), often before they have read the client's preface. */
KW_INLINE __u32 http1_step_foreign(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				   __u32 *event)
{
	__u32 phase = s->phase;
	__u8 byte = p[0];

	s->phase = phase + 1;
	if (!phase)
		s->number = byte;
	else if (s->number == 0x16)
		*event = http1_not_http(c, s, byte == 3 ? HTTP1_PROTOCOL_TLS : HTTP1_PROTOCOL_OPAQUE);
	else if (phase > 2 && byte != (phase == 3 ? 4 : 0))
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	else if (phase == 8)
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_H2C);
	return 1;
}

KW_INLINE void http1_method_end(struct http1_connection *c, struct http1_stream *s)
{
	s->method = HTTP1_METHOD_OTHER;
	s->state = HTTP1_TARGET;
	s->phase = HTTP1_TARGET_EMPTY;
	s->number += s->word_length + 1;
	if (http1_word_is(s, HTTP1_WORD8('G', 'E', 'T', 0, 0, 0, 0, 0), 0, 0) ||
	    http1_word_is(s, HTTP1_WORD8('O', 'P', 'T', 'I', 'O', 'N', 'S', 0), 0, 0) ||
	    http1_word_is(s, HTTP1_WORD8('T', 'R', 'A', 'C', 'E', 0, 0, 0), 0, 0))
		s->method = HTTP1_METHOD_SAFE;
	else if (http1_word_is(s, HTTP1_WORD8('H', 'E', 'A', 'D', 0, 0, 0, 0), 0, 0))
		s->method = HTTP1_METHOD_HEAD;
	else if (http1_word_is(s, HTTP1_WORD8('P', 'U', 'T', 0, 0, 0, 0, 0), 0, 0) ||
		 http1_word_is(s, HTTP1_WORD8('D', 'E', 'L', 'E', 'T', 'E', 0, 0), 0, 0))
		s->method = HTTP1_METHOD_IDEMPOTENT;
	else if (http1_word_is(s, HTTP1_WORD8('C', 'O', 'N', 'N', 'E', 'C', 'T', 0), 0, 0))
		s->method = HTTP1_METHOD_CONNECT;
	else if (http1_word_is(s, HTTP1_WORD8('P', 'R', 'I', 0, 0, 0, 0, 0), 0, 0))
		s->method = HTTP1_METHOD_MAX; /* the HTTP/2 preface, if its version agrees */
	else if (http1_word_is(s, HTTP1_WORD8('P', 'R', 'O', 'X', 'Y', 0, 0, 0), 0, 0) &&
		 c->protocol == HTTP1_PROTOCOL_NONE && !c->proxied)
		s->state = HTTP1_PROXY1;
	s->word_length = 0;
}

KW_INLINE __u32 http1_step_method(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	int sure = c->protocol == HTTP1_PROTOCOL_HTTP1;

	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (http1_is_token(byte) && (sure || s->number + s->word_length + 1 < HTTP1_DECIDE)) {
			http1_append(s, byte);
		} else if (byte == ' ' && s->word_length) {
			http1_method_end(c, s);
			return i + 1;
		} else {
			*event = http1_bad_start(c, s);
			return i + 1;
		}
	}
	return HTTP1_WORD;
}

KW_INLINE void http1_target_end(struct http1_stream *s)
{
	if (s->method == HTTP1_METHOD_MAX && s->phase != HTTP1_TARGET_STAR)
		s->method = HTTP1_METHOD_OTHER; /* PRI, but not the preface */
	s->state = HTTP1_VERSION;
	s->phase = 0;
}

/* A connection's first target that is neither a path nor an asterisk. */
KW_INLINE int http1_is_odd_target(const struct http1_connection *c, const struct http1_stream *s, __u8 first)
{
	return c->protocol == HTTP1_PROTOCOL_NONE && s->phase == HTTP1_TARGET_EMPTY &&
	       s->method != HTTP1_METHOD_CONNECT && first != '/' && first != '*';
}

KW_INLINE __u32 http1_step_target(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	__u32 taken, length;

	if (http1_is_odd_target(c, s, p[0])) {
		s->state = HTTP1_ODD_TARGET;
		return 0;
	}
	taken = http1_find(p, n, ' ', '\n');
	length = taken > n ? n : taken - 1;
	if (length)
		s->phase = s->phase || length > 1 || p[0] != '*' ? HTTP1_TARGET_MORE : HTTP1_TARGET_STAR;
	if (taken > n)
		return n;
	if (p[length & (HTTP1_WINDOW - 1)] == ' ' && s->phase)
		http1_target_end(s);
	else
		*event = http1_bad_start(c, s);
	return taken;
}

/* Many a text protocol begins with two words: an odd target must show the colon of a scheme, or end, within
 * the first bytes. */
KW_INLINE __u32 http1_step_odd_target(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				      __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (byte == ' ' && s->phase) {
			http1_target_end(s);
			return i + 1;
		}
		if (byte <= ' ' || byte >= 0x7f || ++s->number >= HTTP1_DECIDE) {
			*event = http1_bad_start(c, s);
			return i + 1;
		}
		s->phase = HTTP1_TARGET_MORE;
		if (byte == ':') {
			s->state = HTTP1_TARGET;
			return i + 1;
		}
	}
	return HTTP1_WORD;
}

/* HTTP/ DIGIT . DIGIT (RFC 9112 section 2.3), told from anything else at the first byte that differs. */
KW_INLINE int http1_version_byte(struct http1_stream *s, __u8 byte)
{
	switch (s->phase) {
	case 0:
		return byte == 'H';
	case 1:
	case 2:
		return byte == 'T';
	case 3:
		return byte == 'P';
	case 4:
		return byte == '/';
	case 5:
		s->number = byte;
		return byte == '1' || (byte == '2' && s->method == HTTP1_METHOD_MAX);
	case 6:
		return byte == '.';
	default:
		s->version = byte > '0';
		return http1_is_digit(byte);
	}
}

KW_INLINE __u32 http1_version_end(struct http1_connection *c, struct http1_stream *s, int responses)
{
	s->phase = 0;
	if (s->number == '2')
		return c->protocol == HTTP1_PROTOCOL_NONE && !s->version
			       ? http1_not_http(c, s, HTTP1_PROTOCOL_H2C)
			       : http1_bad_start(c, s);
	if (s->method == HTTP1_METHOD_MAX)
		s->method = HTTP1_METHOD_OTHER;
	c->protocol = HTTP1_PROTOCOL_HTTP1;
	s->state = responses ? HTTP1_STATUS : HTTP1_LINE_END;
	return 0;
}

KW_INLINE __u32 http1_step_version(struct http1_connection *c, struct http1_stream *s, int responses,
				   const __u8 *p, __u32 n, __u32 *event)
{
	if (responses)
		s->method = HTTP1_METHOD_OTHER;
	for (__u32 i = 0; i < 8; i++) {
		if (i >= n)
			return n;
		if (!http1_version_byte(s, p[i])) {
			*event = http1_bad_start(c, s);
			return i + 1;
		}
		if (++s->phase == 8) {
			*event = http1_version_end(c, s, responses);
			return i + 1;
		}
	}
	return 8;
}

KW_INLINE __u32 http1_step_line_end(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				    __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_WINDOW; i++) {
		if (i >= n)
			return n;
		if (p[i] == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		if (p[i] != '\r' && !http1_is_space(p[i])) {
			*event = http1_malformed(c, s, HTTP1_ERROR_START_LINE);
			return i + 1;
		}
	}
	return HTTP1_WINDOW;
}

/* SP, three digits, then SP or the line's end. */
KW_INLINE __u32 http1_step_status(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	for (__u32 i = 0; i < 5; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];
		__u32 phase = s->phase;
		int good = phase == 0 ? byte == ' ' : http1_is_digit(byte);

		if (phase == 4)
			good = (byte == ' ' || byte == '\r' || byte == '\n') && s->status >= 100;
		if (!good) {
			*event = http1_malformed(c, s, HTTP1_ERROR_START_LINE);
			return i + 1;
		}
		s->phase = phase + 1;
		if (phase == 4) {
			s->state = byte == '\n' ? HTTP1_FIELD_START : HTTP1_REASON;
			return i + 1;
		}
		if (phase)
			s->status = s->status * 10 + (byte - '0');
	}
	return 5;
}

/* Skips to the end of a line, then on to @next. */
KW_INLINE __u32 http1_step_line(struct http1_stream *s, const __u8 *p, __u32 n, enum http1_state next)
{
	__u32 taken = http1_find(p, n, '\n', '\n');

	if (taken > n)
		return n;
	s->state = next;
	return taken;
}

KW_INLINE __u32 http1_step_field_start(struct http1_connection *c, struct http1_stream *s, int responses,
				       const __u8 *p, __u32 *event)
{
	__u8 byte = p[0];

	if (http1_is_space(byte)) {
		if (s->field == HTTP1_FIELD_NONE) {
			*event = http1_malformed(c, s, HTTP1_ERROR_FOLD);
			return 1;
		}
		s->state = http1_value_state(s);
		return 0; /* this white space stands for the fold and belongs to the value */
	}
	*event = http1_field_end(s);
	if (byte == '\n') {
		*event |= http1_head_end(c, s, responses);
		return 1;
	}
	if (byte == '\r') {
		s->state = HTTP1_HEAD_LF;
		return 1;
	}
	s->word_length = 0;
	s->phase = 0;
	s->state = http1_may_matter(byte) ? HTTP1_NAME : HTTP1_OTHER_NAME;
	return 0;
}

KW_INLINE __u32 http1_step_name(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				__u32 *event)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (byte == ':' && s->word_length) {
			http1_name_end(s);
			return i + 1;
		}
		if (!http1_is_token(byte)) {
			*event = http1_bad_name_begin(c, s, byte);
			return i + 1;
		}
		http1_append(s, http1_lower(byte));
	}
	return HTTP1_WORD;
}

KW_INLINE __u32 http1_step_other_name(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				      __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (http1_is_token(byte)) {
			s->phase = 1; /* not empty */
		} else if (byte == ':' && s->phase) {
			s->field = HTTP1_FIELD_OTHER;
			s->state = HTTP1_VALUE;
			return i + 1;
		} else {
			*event = http1_bad_name_begin(c, s, byte);
			return i + 1;
		}
	}
	return HTTP1_WORD;
}

KW_INLINE __u32 http1_step_bad_name(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				    __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		*event = http1_bad_name(c, s, p[i]);
		if (*event)
			return i + 1;
	}
	return HTTP1_WORD;
}

/* Members are cut at commas and trimmed; what no token may hold is kept as '?', so that it equals nothing. */
KW_INLINE __u32 http1_step_list(struct http1_stream *s, const __u8 *p, __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (byte == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		if (byte == ',') {
			*event = http1_member(s);
			return i + 1;
		}
		if (http1_is_space(byte) || byte == '\r') {
			s->phase = 1;
			continue;
		}
		if (s->phase && s->word_length)
			http1_append(s, '?');
		s->phase = 0;
		http1_append(s, byte > 0x20 && byte < 0x7f ? http1_lower(byte) : '?');
	}
	return HTTP1_WORD;
}

KW_INLINE void http1_parameter_name(struct http1_stream *s)
{
	s->parameter = HTTP1_PARAMETER_OTHER;
	if (!s->word_length)
		;
	else if (http1_word_is(s, HTTP1_WORD8('t', 'i', 'm', 'e', 'o', 'u', 't', 0), 0, 0))
		s->parameter = HTTP1_PARAMETER_TIMEOUT;
	else if (http1_word_is(s, HTTP1_WORD8('m', 'a', 'x', 0, 0, 0, 0, 0), 0, 0))
		s->parameter = HTTP1_PARAMETER_MAX;
	s->phase = HTTP1_PHASE_VALUE;
	s->number = 0;
}

/* One byte of a value that must be a number; @limit is what the number may not pass. */
KW_INLINE void http1_number_byte(struct http1_stream *s, __u8 byte, __u64 limit)
{
	if (http1_is_digit(byte) && (s->phase == HTTP1_PHASE_VALUE || s->phase == HTTP1_PHASE_DIGITS)) {
		__u32 digit = byte - '0';

		s->phase = HTTP1_PHASE_DIGITS;
		if (s->number > limit / 10 || s->number * 10 + digit > limit)
			s->number = limit + 1;
		else
			s->number = s->number * 10 + digit;
	} else if (http1_is_space(byte) || byte == '\r') {
		if (s->phase == HTTP1_PHASE_DIGITS)
			s->phase = HTTP1_PHASE_AFTER;
	} else {
		s->phase = HTTP1_PHASE_BAD;
	}
}

/* A quoted string opens or ends. As a number it may hold nothing but one. */
KW_INLINE void http1_parameter_quote(struct http1_stream *s)
{
	int closes = s->parameter & HTTP1_PARAMETER_QUOTED;

	s->parameter ^= HTTP1_PARAMETER_QUOTED;
	if (s->phase <= HTTP1_PHASE_NAME_END)
		http1_append(s, '?');
	else if (closes && (s->phase == HTTP1_PHASE_DIGITS || s->phase == HTTP1_PHASE_AFTER))
		s->phase = HTTP1_PHASE_AFTER;
	else if (closes || s->phase != HTTP1_PHASE_VALUE)
		s->phase = HTTP1_PHASE_BAD;
}

/* A byte of a parameter's name: white space around it is trimmed, what no token may hold equals nothing. */
KW_INLINE void http1_parameter_name_byte(struct http1_stream *s, __u8 byte)
{
	if (http1_is_space(byte) || byte == '\r') {
		if (s->word_length)
			s->phase = HTTP1_PHASE_NAME_END;
		return;
	}
	if (s->phase == HTTP1_PHASE_NAME_END)
		http1_append(s, '?');
	s->phase = HTTP1_PHASE_NAME;
	http1_append(s, http1_is_token(byte) ? http1_lower(byte) : '?');
}

KW_INLINE void http1_parameter_byte(struct http1_stream *s, __u8 byte)
{
	int quoted = s->parameter & HTTP1_PARAMETER_QUOTED;

	if (s->parameter & HTTP1_PARAMETER_ESCAPED) {
		s->parameter &= ~HTTP1_PARAMETER_ESCAPED;
	} else if (byte == '"') {
		http1_parameter_quote(s);
	} else if (quoted && byte == '\\') {
		s->parameter |= HTTP1_PARAMETER_ESCAPED;
		if (s->phase > HTTP1_PHASE_NAME_END)
			s->phase = HTTP1_PHASE_BAD;
	} else if (byte == ',' && !quoted) {
		http1_parameter_end(s);
	} else if (s->phase > HTTP1_PHASE_NAME_END) {
		http1_number_byte(s, byte, HTTP1_PARAMETER_LIMIT);
	} else if (byte == '=' && !quoted) {
		http1_parameter_name(s);
	} else {
		http1_parameter_name_byte(s, byte);
	}
}

KW_INLINE __u32 http1_step_parameters(struct http1_stream *s, const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		if (p[i] == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		http1_parameter_byte(s, p[i]);
	}
	return HTTP1_WORD;
}

KW_INLINE __u32 http1_step_length(struct http1_stream *s, const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		__u8 byte = p[i];

		if (byte == '\n') {
			s->state = HTTP1_FIELD_START;
			return i + 1;
		}
		if (byte == ',')
			http1_length_end(s);
		else
			http1_number_byte(s, byte, HTTP1_LENGTH_MAX);
	}
	return HTTP1_WORD;
}

KW_INLINE __u32 http1_step_head_lf(struct http1_connection *c, struct http1_stream *s, int responses,
				   const __u8 *p, __u32 *event)
{
	*event = p[0] == '\n' ? http1_head_end(c, s, responses) : http1_malformed(c, s, HTTP1_ERROR_NO_COLON);
	return 1;
}

/* ---- chunks: RFC 9112 section 7.1 --------------------------------------------------------------- */

KW_INLINE void http1_chunk_size_end(struct http1_stream *s)
{
	s->remain = s->number;
	s->number = 0;
	s->phase = 0;
	s->state = s->remain ? HTTP1_CHUNK_DATA : HTTP1_TRAILER_START;
}

KW_INLINE __s32 http1_hex_digit(__u8 byte)
{
	if (http1_is_digit(byte))
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Behind the digits: white space, then an extension or the line's end. Returns 0 where something else is. */
KW_INLINE int http1_chunk_size_tail(struct http1_stream *s, __u8 byte)
{
	if (s->phase == HTTP1_SIZE_EMPTY || (s->phase == HTTP1_SIZE_CR && byte != '\n'))
		return 0;
	if (byte == '\n')
		http1_chunk_size_end(s);
	else if (byte == '\r')
		s->phase = HTTP1_SIZE_CR;
	else if (http1_is_space(byte))
		s->phase = HTTP1_SIZE_SPACE;
	else if (byte == ';')
		s->state = HTTP1_CHUNK_EXTENSION;
	else
		return 0;
	return 1;
}

KW_INLINE __u32 http1_step_chunk_size(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				      __u32 n, __u32 *event)
{
	for (__u32 i = 0; i < HTTP1_WORD; i++) {
		if (i >= n)
			return n;
		__s32 digit = http1_hex_digit(p[i]);

		if (digit >= 0 && s->phase <= HTTP1_SIZE_DIGITS && s->number <= HTTP1_LENGTH_MAX >> 4) {
			s->number = s->number << 4 | digit;
			s->phase = HTTP1_SIZE_DIGITS;
			continue;
		}
		if (digit >= 0 || !http1_chunk_size_tail(s, p[i]))
			*event = http1_malformed(c, s, HTTP1_ERROR_CHUNK);
		if (s->state != HTTP1_CHUNK_SIZE)
			return i + 1;
	}
	return HTTP1_WORD;
}

KW_INLINE __u32 http1_step_chunk_extension(struct http1_stream *s, const __u8 *p, __u32 n)
{
	__u32 taken = http1_find(p, n, '\n', '\n');

	if (taken > n)
		return n;
	http1_chunk_size_end(s);
	return taken;
}

KW_INLINE __u32 http1_step_chunk_end(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				     __u32 *event)
{
	if (p[0] == '\n') {
		s->state = HTTP1_CHUNK_SIZE;
		s->phase = HTTP1_SIZE_EMPTY;
	} else if (p[0] == '\r' && !s->phase) {
		s->phase = 1;
	} else {
		*event = http1_malformed(c, s, HTTP1_ERROR_CHUNK);
	}
	return 1;
}

KW_INLINE __u32 http1_step_trailer_start(struct http1_connection *c, struct http1_stream *s, int responses,
					 const __u8 *p, __u32 *event)
{
	if (p[0] == '\n')
		*event = http1_message_end(c, s, responses);
	else if (p[0] == '\r' && !s->phase)
		s->phase = 1;
	else
		s->state = HTTP1_TRAILER;
	return 1;
}

KW_INLINE __u32 http1_step_trailer(struct http1_stream *s, const __u8 *p, __u32 n)
{
	s->phase = 0;
	return http1_step_line(s, p, n, HTTP1_TRAILER_START);
}

/* ---- PROXY protocol ----------------------------------------------------------------------------- */

#define HTTP1_PROXY2_REST HTTP1_WORD8('\r', '\n', 'Q', 'U', 'I', 'T', '\n', 0)

/* Seven more bytes of the signature, then version and command, family, and a length of two bytes. */
KW_INLINE __u32 http1_step_proxy2(struct http1_connection *c, struct http1_stream *s, const __u8 *p,
				  __u32 *event)
{
	__u32 phase = s->phase;
	__u8 byte = p[0];

	s->phase = phase + 1;
	if (phase < 7 ? byte != (__u8)(HTTP1_PROXY2_REST >> 8 * phase) : phase == 7 && byte >> 4 != 2)
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	if (*event)
		return 1;
	s->number = s->number << 8 | byte;
	if (phase == 10) {
		s->remain = s->number & 0xffff;
		s->number = 0;
		s->state = s->remain ? HTTP1_PROXY2_ADDRESSES : HTTP1_START;
		c->proxied = 1;
	}
	return 1;
}

/* "PROXY " may still be a method; what follows tells: TCP4, TCP6 or UNKNOWN, where no target begins so. */
KW_INLINE __u32 http1_step_proxy1(struct http1_connection *c, struct http1_stream *s, const __u8 *p, __u32 n,
				  __u32 *event)
{
	__u32 most = HTTP1_PROXY - s->number;
	__u32 taken;

	if (!c->proxied) {
		if (p[0] != 'T' && p[0] != 'U') {
			s->state = http1_is_odd_target(c, s, p[0]) ? HTTP1_ODD_TARGET : HTTP1_TARGET;
			return 0;
		}
		*event = HTTP1_EVENT_PROXY;
		c->proxied = 1;
	}
	taken = http1_step_line(s, p, n < most ? n : most, HTTP1_START);
	s->number += taken;
	if (s->state == HTTP1_START)
		s->number = 0;
	else if (s->number >= HTTP1_PROXY)
		*event |= http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	return taken;
}

/* ---- finding the way again ---------------------------------------------------------------------- */

/* Does this call begin with a method, SP, and what a target may begin with? Methods that are in use have
 * capital letters only. */
KW_INLINE int http1_begins_request(const __u8 *p, __u32 n)
{
	for (__u32 i = 0; i < 20; i++) {
		if (i + 1 >= n)
			return 0;
		if (p[i] == ' ')
			return i >= 3 && (p[i + 1] == '/' || p[i + 1] == '*' || http1_is_token(p[i + 1]));
		if (p[i] < 'A' || (p[i] > 'Z' && p[i] != '-'))
			return 0;
	}
	return 0;
}

KW_INLINE int http1_begins_response(const __u8 *p, __u32 n)
{
	return n >= 8 && (kw_load64(p) & ~(0xffULL << 56)) == HTTP1_WORD8('H', 'T', 'T', 'P', '/', '1', '.', 0);
}

/* A response is taken up again only after a request that was seen whole: it is the answer to the latest. */
KW_INLINE __u32 http1_step_resync(struct http1_connection *c, struct http1_stream *s, int responses,
				  const __u8 *p, __u32 n, __u32 *event)
{
	s->number = 0;
	if (responses && c->pushed != s->mark && http1_begins_response(p, n)) {
		c->popped = c->pushed - 1;
		*event = http1_begin(s, responses);
		return 0;
	}
	if (!responses && http1_begins_request(p, n)) {
		if (c->streams[HTTP1_RESPONSES].state == HTTP1_START)
			c->popped = c->pushed;
		*event = http1_begin(s, responses);
		return 0;
	}
	s->state = HTTP1_LOST;
	if (c->protocol == HTTP1_PROTOCOL_NONE && ++c->looks >= HTTP1_LOOKS)
		*event = http1_not_http(c, s, HTTP1_PROTOCOL_OPAQUE);
	return n;
}

/* ---- what the driver calls ---------------------------------------------------------------------- */

/* A connection that was not seen from its start: both streams wait for a message to begin. */
KW_INLINE void http1_init_midway(struct http1_connection *c)
{
	c->looks = 1;
	c->streams[HTTP1_REQUESTS].state = HTTP1_LOST;
	c->streams[HTTP1_RESPONSES].state = HTTP1_LOST;
}

/* Is the stream out of step, so that nothing is known of where HTTP stands? */
KW_INLINE int http1_is_lost(const struct http1_connection *c, enum http1_direction direction)
{
	const struct http1_stream *s = &c->streams[direction & 1];

	return s->state == HTTP1_LOST || s->state == HTTP1_RESYNC;
}

/* A response whose request was seen only after it: HEAD takes its body away, CONNECT makes it a tunnel. */
KW_INLINE __u32 http1_pair_late(struct http1_connection *c, struct http1_stream *s)
{
	if (!(s->flags & HTTP1_FLAG_UNPAIRED) || (__s32)(c->pushed - c->popped) <= 0)
		return 0;
	s->flags &= ~HTTP1_FLAG_UNPAIRED;
	s->method = c->methods[c->popped & (HTTP1_QUEUE - 1)];
	if (s->body || s->state < HTTP1_BODY || s->state > HTTP1_CHUNK_SIZE)
		return 0;
	if (s->method == HTTP1_METHOD_HEAD) {
		s->framing = HTTP1_FRAMING_NONE;
		return http1_message_end(c, s, 1);
	}
	if (s->method == HTTP1_METHOD_CONNECT && s->status / 100 == 2)
		return http1_body(c, s, 1, HTTP1_FRAMING_TUNNEL) & ~HTTP1_EVENT_HEAD;
	return 0;
}

/* A send or receive begins. Returns the events that this alone brings about. */
KW_INLINE __u32 http1_call(struct http1_connection *c, enum http1_direction direction)
{
	struct http1_stream *s = &c->streams[direction & 1];

	if (s->state == HTTP1_LOST)
		s->state = HTTP1_RESYNC;
	if (c->tunnel)
		s->state = HTTP1_TUNNEL;
	return direction == HTTP1_RESPONSES ? http1_pair_late(c, s) : 0;
}

/* How many of the next @n bytes need no look, only http1_skip(). */
KW_INLINE __u64 http1_skippable(const struct http1_stream *s, __u64 n)
{
	switch (s->state) {
	case HTTP1_BODY:
	case HTTP1_CHUNK_DATA:
	case HTTP1_PROXY2_ADDRESSES:
		return s->remain < n ? s->remain : n;
	case HTTP1_BODY_CLOSE:
	case HTTP1_TUNNEL:
	case HTTP1_LOST:
		return n;
	default:
		return 0;
	}
}

/* @n bytes, at most http1_skippable(), have passed. */
KW_INLINE __u32 http1_skip(struct http1_connection *c, enum http1_direction direction, __u64 n)
{
	struct http1_stream *s = &c->streams[direction & 1];

	if (s->state == HTTP1_PROXY2_ADDRESSES) {
		s->remain -= n;
		if (!s->remain)
			s->state = HTTP1_START;
		return 0;
	}
	if (s->state == HTTP1_TUNNEL || s->state == HTTP1_LOST)
		return 0;
	s->body += n;
	if (s->state == HTTP1_BODY_CLOSE)
		return 0;
	s->remain -= n;
	if (s->remain)
		return 0;
	if (s->state == HTTP1_BODY)
		return http1_message_end(c, s, direction == HTTP1_RESPONSES);
	s->state = HTTP1_CHUNK_END;
	s->phase = 0;
	return 0;
}

/* @n bytes have passed that could not be read: harmless where they need no look, else the framing is lost. */
KW_INLINE __u32 http1_blind(struct http1_connection *c, enum http1_direction direction, __u64 n)
{
	struct http1_stream *s = &c->streams[direction & 1];
	__u64 harmless = http1_skippable(s, n);
	__u32 event = harmless ? http1_skip(c, direction, harmless) : 0;

	return harmless < n ? event | http1_lose(c, s) : event;
}

/* Takes some of the @n bytes at @p, 1 to HTTP1_WINDOW, and returns how many; none is possible, but never
 * twice in a row. @p must be readable for @n bytes only. *ret_event is set in any case. */
KW_INLINE __u32 http1_step(struct http1_connection *c, enum http1_direction direction, const __u8 *p, __u32 n,
			   __u32 *ret_event)
{
	struct http1_stream *s = &c->streams[direction & 1];
	int responses = direction == HTTP1_RESPONSES;

	*ret_event = 0;
	switch (s->state) {
	case HTTP1_START:
		return http1_step_start(c, s, responses, p, n, ret_event);
	case HTTP1_FOREIGN:
		return http1_step_foreign(c, s, p, ret_event);
	case HTTP1_METHOD:
		return http1_step_method(c, s, p, n, ret_event);
	case HTTP1_TARGET:
		return http1_step_target(c, s, p, n, ret_event);
	case HTTP1_ODD_TARGET:
		return http1_step_odd_target(c, s, p, n, ret_event);
	case HTTP1_VERSION:
		return http1_step_version(c, s, responses, p, n, ret_event);
	case HTTP1_LINE_END:
		return http1_step_line_end(c, s, p, n, ret_event);
	case HTTP1_STATUS:
		return http1_step_status(c, s, p, n, ret_event);
	case HTTP1_REASON:
	case HTTP1_VALUE:
		return http1_step_line(s, p, n, HTTP1_FIELD_START);
	case HTTP1_FIELD_START:
		return http1_step_field_start(c, s, responses, p, ret_event);
	case HTTP1_NAME:
		return http1_step_name(c, s, p, n, ret_event);
	case HTTP1_OTHER_NAME:
		return http1_step_other_name(c, s, p, n, ret_event);
	case HTTP1_BAD_NAME:
		return http1_step_bad_name(c, s, p, n, ret_event);
	case HTTP1_LIST:
		return http1_step_list(s, p, n, ret_event);
	case HTTP1_PARAMETERS:
		return http1_step_parameters(s, p, n);
	case HTTP1_LENGTH:
		return http1_step_length(s, p, n);
	case HTTP1_HEAD_LF:
		return http1_step_head_lf(c, s, responses, p, ret_event);
	case HTTP1_CHUNK_SIZE:
		return http1_step_chunk_size(c, s, p, n, ret_event);
	case HTTP1_CHUNK_EXTENSION:
		return http1_step_chunk_extension(s, p, n);
	case HTTP1_CHUNK_END:
		return http1_step_chunk_end(c, s, p, ret_event);
	case HTTP1_TRAILER_START:
		return http1_step_trailer_start(c, s, responses, p, ret_event);
	case HTTP1_TRAILER:
		return http1_step_trailer(s, p, n);
	case HTTP1_PROXY1:
		return http1_step_proxy1(c, s, p, n, ret_event);
	case HTTP1_PROXY2:
		return http1_step_proxy2(c, s, p, ret_event);
	case HTTP1_RESYNC:
		return http1_step_resync(c, s, responses, p, n, ret_event);
	default:
		return n; /* HTTP1_BODY and the like: http1_skip() takes these */
	}
}

#endif
