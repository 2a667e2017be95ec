/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of the HTTP/1.x machine: what it keeps of a connection, and the events that it reports. */
#ifndef KEEPWATCH_HTTP1_STATE_H
#define KEEPWATCH_HTTP1_STATE_H

#include "../types.h"

#define HTTP1_WINDOW 64 /* most bytes that one step looks at */
#define HTTP1_BITE 4    /* most bytes that a step takes one by one: the verifier pays for each, on every path */
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

/* Methods, grouped by whether a request can be sent again (RFC 9110 section 9.2). */
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

/* Faults of a message. With those up to HTTP1_ERROR_FATAL the framing is lost: the stream waits for
 * a call that begins as a message does. The others are oddities that peers accept: they change neither framing nor
 * persistence, and are counted. */
enum http1_error {
	HTTP1_ERROR_START_LINE,     /* not a request line or status line of HTTP/1.x */
	HTTP1_ERROR_NOT_A_RESPONSE, /* other bytes where a response is expected */
	HTTP1_ERROR_FRAMING_FIELD, /* a damaged line named Content-Length, Transfer-Encoding or Connection; CR alone */
	HTTP1_ERROR_CONTENT_LENGTH,    /* differing, signed, empty, or no number below 2^63 */
	HTTP1_ERROR_TRANSFER_ENCODING, /* a request whose last coding is not chunked */
	HTTP1_ERROR_CHUNK,             /* a chunk's size or end */
	HTTP1_ERROR_FATAL = HTTP1_ERROR_CHUNK,
	HTTP1_ERROR_FIELD_NAME,         /* an empty name, or a byte in it that no token may hold */
	HTTP1_ERROR_SPACE_BEFORE_COLON, /* RFC 9112 section 5.1 */
	HTTP1_ERROR_NO_COLON,
	HTTP1_ERROR_FOLD,         /* a folded line with nothing to continue */
	HTTP1_ERROR_BLANKS,       /* several blanks, or a tab, between the parts of a start line */
	HTTP1_ERROR_VERSION,      /* HTTP/1.32; HTTP/2.0 within a connection of HTTP/1 */
	HTTP1_ERROR_CHUNK_WORDS,  /* words behind a chunk's size that are no extension */
	HTTP1_ERROR_REQUEST_LINE, /* a first line that is no request line, which the server answered by HTTP/1 */
	HTTP1_ERROR_SURPLUS,      /* bytes of the server that belong to no response */
	HTTP1_ERROR_AMBIGUOUS_LENGTH,   /* Transfer-Encoding and Content-Length */
	HTTP1_ERROR_CODING_IN_HTTP10,   /* Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1) */
	HTTP1_ERROR_KEEP_ALIVE_VALUE,   /* timeout or max is no number, or above 2^31-1 */
	HTTP1_ERROR_KEEP_ALIVE_UNNAMED, /* a Keep-Alive field that Connection does not name */
	HTTP1_ERROR_MAX,
};

#define HTTP1_ERRORS_FATAL ((2 << HTTP1_ERROR_FATAL) - 1)

/* Events that one call of the machine reports; bits, several may come at once. */
enum http1_event {
	HTTP1_EVENT_BEGIN = 1 << 0,    /* the next byte is the first of a message (empty lines are none) */
	HTTP1_EVENT_HEAD = 1 << 1,     /* the head is complete: the stream's message fields hold */
	HTTP1_EVENT_END = 1 << 2,      /* the message is complete: its fields hold until the next BEGIN */
	HTTP1_EVENT_NAME = 1 << 3,     /* Connection named a hop-by-hop field: it is in word */
	HTTP1_EVENT_NOT_HTTP = 1 << 4, /* protocol was decided, and is not HTTP/1.x */
	HTTP1_EVENT_LOST = 1 << 5,     /* the framing is lost; waits for the next message start */
	HTTP1_EVENT_PROXY = 1 << 6, /* a PROXY protocol header, version 1: takes BEGIN back, it is no message */
	HTTP1_EVENT_SURPLUS = 1 << 8,  /* bytes belong to no response; takes BEGIN back, if it went before */
	HTTP1_EVENT_OVERFLOW = 1 << 7, /* comes with LOST: more requests wait than are paired with responses */
	HTTP1_EVENT_FIELD = 1 << 9,    /* a message that is watched has a field of the name in word */
};

/* Facts from the fields of a message; bits of http1_stream.flags. */
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
	HTTP1_FLAG_DOUBTFUL =
		1 << 15, /* peers disagree on what this message says of the connection, or on where it ends */
};

/* States of a stream: the byte that it waits for -> the states that may follow. */
enum http1_state {
	HTTP1_START,       /* a message's first byte (skips empty lines) -> METHOD, VERSION, PROXY2, FOREIGN */
	HTTP1_FOREIGN,     /* the bytes that tell TLS and an HTTP/2 server; HTTP is over */
	HTTP1_SWITCHED,    /* behind 101, the bytes that tell HTTP/2 -> TUNNEL; HTTP is over */
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
	HTTP1_BAD_NAME, /* colon or LF behind an odd name -> VALUE, FIELD_START; LOST if it is a framing field's */
	HTTP1_VALUE,    /* LF, the value is skipped -> FIELD_START */
	HTTP1_LIST,     /* LF; members of Connection, Transfer-Encoding -> FIELD_START */
	HTTP1_PARAMETERS, /* LF; parameters of Keep-Alive -> FIELD_START */
	HTTP1_LENGTH,     /* LF; digits of Content-Length -> FIELD_START */
	HTTP1_HEAD_LF,    /* the LF of the empty line -> the body, or START */
	HTTP1_BODY,       /* remain bytes -> START */
	HTTP1_BODY_CLOSE, /* the connection's end */
	HTTP1_BODY_DOUBT, /* remain bytes up to a Content-Length that not all peers take for the end -> DOUBT_END */
	HTTP1_DOUBT_END, /* a byte there: a response's first -> START; another -> BODY_CLOSE */
	HTTP1_SURPLUS, /* nothing of this call, which belongs to no response; the next call (http1_call) -> START */
	HTTP1_CHUNK_SIZE,      /* LF; hexadecimal digits -> CHUNK_EXTENSION, CHUNK_DATA, TRAILER_START */
	HTTP1_CHUNK_EXTENSION, /* LF -> CHUNK_DATA or TRAILER_START */
	HTTP1_CHUNK_DATA,      /* remain bytes -> CHUNK_END */
	HTTP1_CHUNK_END,       /* the LF after a chunk -> CHUNK_SIZE */
	HTTP1_TRAILER_START,   /* the first byte of a trailer line -> TRAILER; empty line -> START */
	HTTP1_TRAILER,         /* LF -> TRAILER_START */
	HTTP1_TUNNEL, /* nothing any more; behind CONNECT, the end of its response -> START if that made no tunnel */
	HTTP1_PROXY1, /* the LF of a PROXY protocol header, version 1 -> START; no such -> TARGET */
	HTTP1_PROXY2, /* the rest of version 2's signature and its 4 fixed bytes -> PROXY2_ADDRESSES */
	HTTP1_PROXY2_ADDRESSES, /* remain bytes -> START */
	HTTP1_LOST,             /* the next call (http1_call) -> RESYNC */
	HTTP1_FRAME,            /* no HTTP: remain bytes of another protocol's frame, which need no look */
	HTTP1_RESYNC,           /* bytes that begin as a message does -> METHOD, VERSION; others -> LOST */
};

/* One direction. Fields marked (message) describe the latest message whose head is complete. Fields that
 * every message needs come first, because the kernel side pays for each cache line that it touches. */
struct http1_stream {
	__u8 state;       /* enum http1_state */
	__u8 field;       /* enum http1_field: the field whose value is still open to folding */
	__u8 phase;       /* where within a state that reads several bytes */
	__u8 parameter;   /* enum http1_parameter, and whether a quote is open */
	__u8 word_length; /* bytes in word; HTTP1_WORD + 1 for more */
	__u8 method;      /* (message) enum http1_method; of a response, that of its request */
	__u8 version;     /* (message) the minor version, 0 or 1 */
	__u8 framing;     /* (message) enum http1_framing */
	__u16 flags;      /* (message) enum http1_flag */
	__u16 status;     /* (message) responses only */
	__u32 errors;     /* (message) bits, 1 << enum http1_error */
	__u64 remain;     /* bytes left of a body, a chunk, a PROXY header */
	__u64 number;     /* the number being read; before a target: bytes since the stream last stood still */
	__u64 length;     /* (message) Content-Length */
	__u64 body;       /* (message) body bytes so far, without chunk framing */
	__u32 timeout;    /* (message) Keep-Alive: timeout, in seconds; if FLAG_TIMEOUT */
	__u32 max;        /* (message) Keep-Alive: max, in requests; if FLAG_MAX */
	__u32 mark;       /* responses: requests seen when the framing was lost, or at HTTP1_DOUBT_END */
	__u32 surplus;    /* responses: bytes that belong to none */
	union {
		__u8 word[HTTP1_WORD]; /* the method, name or token being read, zero-padded */
		__u64 words[HTTP1_WORD / 8];
	};
};

struct http1_connection {
	__u32 pushed;  /* requests whose head is complete; written by the requests' side */
	__u32 popped;  /* final responses complete; written by the responses' side */
	__u8 protocol; /* enum http1_protocol */
	__u8 tunnel;   /* enum http1_tunnel: both streams are one from here on */
	__u8 proxied;  /* PROXY protocol headers seen */
	__u8 looks;    /* calls looked at in vain while the protocol is unknown */
	__u8 watched;  /* 1 << enum http1_direction: the names of all its fields are asked for */
	__u8 reserved[3];
	struct http1_stream streams[2]; /* by enum http1_direction */
	__u8 methods[HTTP1_QUEUE];      /* enum http1_method of the requests, by their number modulo the size */
};

_Static_assert(sizeof(struct http1_connection) < 512, "the state of a connection stays small");

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

/* How a tunnel began. */
enum http1_tunnel {
	HTTP1_TUNNEL_NONE,
	HTTP1_TUNNEL_CONNECT,  /* CONNECT */
	HTTP1_TUNNEL_SWITCHED, /* 101: another protocol, which may be HTTP/2 */
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

#endif
