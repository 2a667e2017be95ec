/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of the HTTP/2 machine: what it keeps of a connection, and the events that it reports. */
#ifndef KEEPWATCH_HTTP2_STATE_H
#define KEEPWATCH_HTTP2_STATE_H

#include "../types.h"

#define HTTP2_WINDOW 64         /* most bytes that one step looks at */
#define HTTP2_BITE 4            /* most bytes that a step takes one by one */
#define HTTP2_HEADER_LENGTH 9   /* bytes of a frame's header (RFC 9113 section 4.1) */
#define HTTP2_PREFACE_LENGTH 24 /* bytes that a client sends before its first frame (section 3.4) */
#define HTTP2_TEXT 24           /* most bytes of a payload or a name that are compared at once */
#define HTTP2_STREAMS 256       /* latest streams that are followed one by one; a power of two */
#define HTTP2_WORDS (HTTP2_STREAMS / 64)
#define HTTP2_ENTRIES 9          /* entries of a SETTINGS frame that are read */
#define HTTP2_CONTINUATIONS 64   /* frames of a header block whose fields are looked at */
#define HTTP2_CODES 16           /* error codes that are counted apart; the last one is all others */
#define HTTP2_LENGTH_LEAST 16384 /* every endpoint accepts frames of this length (section 6.5.2) */
#define HTTP2_LENGTH_MAX 0xffffff
#define HTTP2_JOIN_MOST 512 /* bytes of a call behind which a second frame is looked for: see join.h */
#define HTTP2_ID_MAX 0x7fffffffU

enum http2_direction {
	HTTP2_CLIENT, /* frames of the client */
	HTTP2_SERVER,
};

/* RFC 9113 section 6. All other types are passed over. */
enum http2_type {
	HTTP2_TYPE_DATA,
	HTTP2_TYPE_HEADERS,
	HTTP2_TYPE_PRIORITY,
	HTTP2_TYPE_RST_STREAM,
	HTTP2_TYPE_SETTINGS,
	HTTP2_TYPE_PUSH_PROMISE,
	HTTP2_TYPE_PING,
	HTTP2_TYPE_GOAWAY,
	HTTP2_TYPE_WINDOW_UPDATE,
	HTTP2_TYPE_CONTINUATION,
	HTTP2_TYPE_MAX,
};

enum http2_frame_flag {
	HTTP2_FLAG_END_STREAM = 0x01, /* DATA, HEADERS */
	HTTP2_FLAG_ACK = 0x01,        /* SETTINGS, PING */
	HTTP2_FLAG_END_HEADERS = 0x04,
	HTTP2_FLAG_PADDED = 0x08,
	HTTP2_FLAG_PRIORITY = 0x20,
};

/* RFC 9113 section 7: the codes that mean something here. */
enum http2_code {
	HTTP2_CODE_NO_ERROR = 0,
	HTTP2_CODE_INTERNAL_ERROR = 2,
	HTTP2_CODE_REFUSED_STREAM = 7,
	HTTP2_CODE_CANCEL = 8,
	HTTP2_CODE_ENHANCE_YOUR_CALM = 11,
	HTTP2_CODE_HTTP_1_1_REQUIRED = 13,
	HTTP2_CODE_OTHER = HTTP2_CODES - 1,
};

/* RFC 9113 section 6.5.2: the settings that are kept. */
enum http2_setting {
	HTTP2_SETTING_MAX_CONCURRENT_STREAMS = 3,
	HTTP2_SETTING_MAX_FRAME_SIZE = 5,
};

/* The debug text of a GOAWAY, which is compared with a fixed list by its beginning and never kept. */
enum http2_debug {
	HTTP2_DEBUG_NONE,           /* no text */
	HTTP2_DEBUG_TOO_MANY_PINGS, /* too_many_pings */
	HTTP2_DEBUG_MAX_AGE,        /* max_age */
	HTTP2_DEBUG_MAX_IDLE,       /* max_idle; enter idle, as gRPC's C core says */
	HTTP2_DEBUG_OTHER,
	HTTP2_DEBUG_MAX,
};

/* Names of fields that are known by name; bits of http2_stream.fields, 1 << name. */
enum http2_name {
	HTTP2_NAME_OTHER,
	HTTP2_NAME_STATUS, /* :status */
	HTTP2_NAME_GRPC_STATUS,
	HTTP2_NAME_CONNECTION, /* from here on: forbidden in HTTP/2 (RFC 9113 section 8.2.2) */
	HTTP2_NAME_KEEP_ALIVE,
	HTTP2_NAME_PROXY_CONNECTION,
	HTTP2_NAME_UPGRADE,
	HTTP2_NAME_TE, /* with another value than trailers */
	HTTP2_NAME_TRANSFER_ENCODING,
	HTTP2_NAME_MAX,
};

#define HTTP2_FORBIDDEN ((1 << HTTP2_NAME_MAX) - (1 << HTTP2_NAME_CONNECTION))

/* Faults of one side. Those up to HTTP2_ERROR_FATAL mean that the bytes are no frames, or not the ones that they seem: nothing
 * more is read of that side. With the others the boundaries of frames stay known; the frame itself counts for nothing. */
enum http2_error {
	HTTP2_ERROR_PREFACE, /* the side does not begin with its preface and a SETTINGS frame */
	HTTP2_ERROR_LENGTH,  /* a length that the type cannot have, or that the other side does not accept */
	HTTP2_ERROR_ID, /* a frame of a stream on stream 0, or one of the connection on a stream; a client's PUSH_PROMISE */
	HTTP2_ERROR_PADDING,  /* more padding than payload */
	HTTP2_ERROR_SEQUENCE, /* a frame within a header block, or a CONTINUATION without one */
	HTTP2_ERROR_FATAL = HTTP2_ERROR_SEQUENCE,
	HTTP2_ERROR_COMPRESSION,   /* a header block that is no HPACK: the rest of the block is not looked at */
	HTTP2_ERROR_CONTINUATIONS, /* more of them than are looked at */
	HTTP2_ERROR_IDLE,          /* a frame on a stream that the client did not begin */
	HTTP2_ERROR_BACK, /* a client's HEADERS with an even id, or a lower one than before that it did not begin */
	HTTP2_ERROR_CLOSED,  /* a frame on a stream that its sender had ended */
	HTTP2_ERROR_GOAWAY,  /* a GOAWAY whose last stream is above that of the one before */
	HTTP2_ERROR_SETTING, /* a value that the setting cannot have; a PRIORITY that has not five bytes */
	HTTP2_ERROR_MAX,
};

/* Events that a step reports; bits, several may come at once. */
enum http2_event {
	HTTP2_EVENT_FRAME =
		1 << 0, /* a frame's header is complete, its payload is to come: type, flags, id, length */
	HTTP2_EVENT_BEGIN = 1 << 1, /* the client begins stream id */
	HTTP2_EVENT_HEAD =
		1 << 2,           /* the head of the server's response on stream id is complete: status holds */
	HTTP2_EVENT_END = 1 << 3, /* this side has ended stream id, as it should */
	HTTP2_EVENT_RESET = 1 << 4,    /* this side has reset stream id, which was not finished: code holds */
	HTTP2_EVENT_GOAWAY = 1 << 5,   /* goaway_ holds */
	HTTP2_EVENT_SETTINGS = 1 << 6, /* this side's settings have come */
	HTTP2_EVENT_PING = 1 << 7,
	HTTP2_EVENT_PONG = 1 << 8, /* a PING with the flag ACK */
	HTTP2_EVENT_LOST =
		1
		<< 9, /* these are no frames, or some of them were not seen; nothing more is read of this side */
};

/* The part of the stream that the next byte belongs to -> the parts that may follow it. */
enum http2_state {
	HTTP2_AT_PREFACE, /* the client's preface -> HEADER */
	HTTP2_AT_HEADER,  /* a frame's header -> PAD, TEXT, BLOCK, PASS; HEADER if it has no payload */
	HTTP2_AT_PAD,     /* the length of the padding of HEADERS -> BLOCK */
	HTTP2_AT_TEXT,    /* need bytes of a payload, for text -> TEXT (the next setting), PASS, HEADER */
	HTTP2_AT_BLOCK,   /* a header block: see enum http2_walk -> PASS (padding), HEADER */
	HTTP2_AT_PASS,    /* left bytes that nobody looks at -> HEADER */
	HTTP2_AT_LOST,    /* nothing any more */
	HTTP2_AT_OUTSIDE, /* nothing yet: see join.h -> HEADER */
};

/* The thing that is to be done with the bytes that have come, before the next byte is taken. */
enum http2_due {
	HTTP2_DUE_NOTHING,
	HTTP2_DUE_FRAME,    /* understand the header */
	HTTP2_DUE_SETTING,  /* keep the setting in text */
	HTTP2_DUE_NAME,     /* compare the name in text */
	HTTP2_DUE_VALUE,    /* understand the value in text */
	HTTP2_DUE_FRAGMENT, /* go on behind the header block, or behind this frame's part of it */
	HTTP2_DUE_END,      /* act upon the frame, which has passed */
};

/* Where within a header block (RFC 7541 section 6). */
enum http2_walk {
	HTTP2_WALK_FIRST,        /* the first byte of a representation, or more of its index */
	HTTP2_WALK_NAME_LENGTH,  /* of a literal name */
	HTTP2_WALK_NAME,         /* need bytes of it, for text */
	HTTP2_WALK_VALUE_LENGTH, /* of a value */
	HTTP2_WALK_VALUE,        /* need bytes of it, for text */
	HTTP2_WALK_OVER,         /* the rest of the block is not looked at */
};

/* Properties of the header block in hand; bits. That of the HEADERS frame that began it is the first. */
enum http2_block {
	HTTP2_BLOCK_END_STREAM = HTTP2_FLAG_END_STREAM,
	HTTP2_BLOCK_OPEN = 1 << 1,    /* CONTINUATION must follow */
	HTTP2_BLOCK_PROMISE = 1 << 2, /* of a PUSH_PROMISE */
};

/* One side, written only while its own bytes are read. Streams are those that the client begins, by their number, which is
 * (id + 1) / 2; the bit of one is its number modulo HTTP2_STREAMS. Counts are of the whole connection. */
struct http2_stream {
	__u64 open[HTTP2_WORDS];   /* client: it was begun; server: the head of its response was begun */
	__u64 closed[HTTP2_WORDS]; /* this side has ended it: END_STREAM or RST_STREAM */
	__u64 reset[HTTP2_WORDS];  /* RST_STREAM */
	union {
		__u8 text
			[HTTP2_TEXT]; /* bytes that are compared or understood once they are complete; then zeros */
		__u64 words[HTTP2_TEXT / 8];
	};
	__u8 header[HTTP2_HEADER_LENGTH]; /* bytes of the frame's header, as far as they have come */
	__u8 headed;                      /* how many */
	__u8 state;                       /* enum http2_state */
	__u8 due;                         /* enum http2_due */
	__u8 type;    /* of the frame in hand, or of the latest one: enum http2_type, or another */
	__u8 flags;   /* enum http2_frame_flag */
	__u8 got;     /* bytes in text */
	__u8 need;    /* bytes that it lacks */
	__u32 length; /* of the frame's payload */
	__u32 left;   /* bytes of it that are to come */
	__u32 id;     /* of its stream; 0: the connection */
	__u32 block;  /* bytes of it that are to come and belong to a header block */
	__u32 skip;   /* bytes of the block that nobody looks at, before walk goes on */
	__u32 number; /* the integer in hand of the block */
	__u8 walk;    /* enum http2_walk */
	__u8 kind;    /* first byte of the representation in hand */
	__u8 shift;   /* bits of number so far, if it has several bytes; 0: it has not begun, or is one byte */
	__u8 huffman; /* the string in hand is in Huffman code */
	__u8 name;    /* enum http2_name of the field in hand */
	__u8 blocks;  /* bits, enum http2_block */
	__u8 continuations; /* of the block in hand; 255: that many, or more */
	__u8 entries;       /* settings of the frame in hand that were read */
	__u16 status;       /* of the latest response head; 0: not known */
	__u16 fields;       /* bits, 1 << enum http2_name, that this side has sent so far */
	__u16 errors;       /* bits, 1 << enum http2_error */
	__u8 code;          /* enum http2_code of the latest RST_STREAM */
	__u8 started;       /* its first frame has begun */
	__u8 behind; /* the bytes in hand passed behind the end of the connection: they end no stream. Set by the driver */
	__u8 midway; /* followed from within: streams were begun before, which are no concern */
	__u8 unaware; /* client: it had not read the server's GOAWAY when it sent the bytes in hand. Set by the driver */
	__u8 limited;         /* it has sent a limit of concurrent streams */
	__u8 goaway_code;     /* the first that is not NO_ERROR, if any */
	__u8 goaway_debug;    /* enum http2_debug, the first that is not NONE */
	__u8 graceful;        /* the first GOAWAY had NO_ERROR and the highest id: another one will follow */
	__u32 goaway_id;      /* the lowest last stream that this side has named */
	__u32 goaways;        /* frames */
	__u32 max_concurrent; /* streams that this side lets the other one have open; if limited */
	__u32 max_length;     /* of frames that this side accepts; 0: its settings have not come */
	__u32 latest;         /* highest number of a stream that this side has sent HEADERS or RST_STREAM for */
	__u32 begun;          /* client: streams; server: heads of responses */
	__u32 finished;       /* streams that are finished because of this side */
	__u32 answered;       /* server: by END_STREAM */
	__u32 trailers_only;  /* server: of these, gRPC responses with trailers and nothing else */
	__u32 late;           /* client: streams that it began behind a GOAWAY of the server */
	__u32 peak;           /* client: most streams that were open at once */
	__u32 pings;          /* PING frames */
	__u32 pongs;          /* PING frames with the flag ACK */
	__u32 resets
		[HTTP2_CODES]; /* by enum http2_code: streams that this side reset before they were finished */
};

struct http2_connection {
	struct http2_stream streams[2]; /* by enum http2_direction */
};

_Static_assert(sizeof(struct http2_connection) <= 608, "the state of a connection stays small");

/* Streams that are not finished: the server has not ended them, and nobody has reset them. */
struct http2_open {
	__u32 all;
	__u32 headed; /* in the window: whose response has begun */
	__u32 above;  /* in the window: above the last stream of the server's GOAWAY */
	__u32 beyond; /* not in the window any more, so that nothing else is known of them */
	__u32 ahead; /* the server has spoken of streams that the client has not begun: for a moment, or it has invented them */
};

#endif
