/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The state of the TLS machine: what it keeps of a connection's records, and the events that it reports. */
#ifndef KEEPWATCH_TLS_STATE_H
#define KEEPWATCH_TLS_STATE_H

#include "../types.h"

#define TLS_WINDOW 64                 /* most bytes that one step looks at */
#define TLS_HEADER 5                  /* bytes of a record's header (RFC 8446 section 5.1) */
#define TLS_NUMBER 8                  /* longest number or protocol name that is read at once */
#define TLS_NAME 64                   /* bytes kept of a server name, if it is asked for */
#define TLS_LENGTH_MAX (16384 + 2048) /* of a record's body (RFC 5246 section 6.2.3) */
#define TLS_HELLO_MAX 65536           /* of a hello message; a longer one is not read on */

enum tls_direction {
	TLS_CLIENT, /* what the client sends */
	TLS_SERVER,
};

/* Versions, as they stand in a hello. */
enum tls_version {
	TLS_1_0 = 0x0301,
	TLS_1_2 = 0x0303,
	TLS_1_3 = 0x0304,
};

/* ContentType of a record. */
enum tls_type {
	TLS_CHANGE_CIPHER_SPEC = 20,
	TLS_ALERT = 21,
	TLS_HANDSHAKE = 22,
	TLS_APPLICATION_DATA = 23,
	TLS_HEARTBEAT = 24,
};

/* The meaning of a record, which follows from its type, its length and its place. */
enum tls_meaning {
	TLS_MEANS_HANDSHAKE, /* part of the handshake, or a change of keys; nothing of the application's */
	TLS_MEANS_DATA,      /* the application's */
	TLS_MEANS_ALERT,
	TLS_MEANS_TICKET, /* the server's, and either a session ticket or the first part of a response */
};

/* Protocols that hellos name (RFC 7301); bits. */
enum tls_alpn {
	TLS_ALPN_H2 = 1 << 0,
	TLS_ALPN_HTTP11 = 1 << 1,
	TLS_ALPN_OTHER = 1 << 2,
};

/* Things that make the meaning of later records doubtful; bits. */
enum tls_doubt {
	TLS_DOUBT_EARLY_DATA =
		1 << 0, /* the client may send data before the handshake is done (RFC 8446 section 2.3) */
	TLS_DOUBT_FINISHED = 1 << 1, /* which record ends the client's handshake is not known */
	TLS_DOUBT_TICKET = 1 << 2,   /* the first request's only answer so far may be a session ticket */
	TLS_DOUBT_UPLOAD =
		1 << 3, /* the latest request may be the rest of the one before, which was answered early */
	TLS_DOUBT_UNWANTED = 1 << 4, /* that ticket would be one that the client does not say how to use */
};

enum tls_handshake {
	TLS_HANDSHAKE_NONE, /* no complete hello */
	TLS_HANDSHAKE_CLIENT_HELLO,
	TLS_HANDSHAKE_SERVER_HELLO,
	TLS_HANDSHAKE_DONE,
	TLS_HANDSHAKE_MAX,
};

/* Events that a step reports; bits. */
enum tls_event {
	TLS_EVENT_RECORD = 1 << 0, /* a record's header is complete; its body is to come */
	TLS_EVENT_ALERT = 1 << 1,  /* an alert in clear: level and code are in the connection */
	TLS_EVENT_DONE = 1 << 2,   /* the handshake is done */
	TLS_EVENT_LOST = 1 << 3,   /* these are no TLS records; the direction says nothing any more */
};

/* The field that the next bytes of a record's body belong to: the order is that of a hello (RFC 8446 sections 4.1.2 and 4.1.3). */
enum tls_field {
	TLS_FIELD_NONE,         /* nothing that is wanted */
	TLS_FIELD_ALERT,        /* level and code */
	TLS_FIELD_MESSAGE,      /* type of the handshake's message, and its length */
	TLS_FIELD_VERSION,      /* the hello's own, which TLS 1.3 leaves at 1.2 */
	TLS_FIELD_RANDOM,       /* the first bytes of the hello's random number */
	TLS_FIELD_SESSION,      /* length of the session's id */
	TLS_FIELD_SUITES,       /* client: length of the list; server: the chosen one */
	TLS_FIELD_COMPRESSIONS, /* client: length of the list; server: the chosen one */
	TLS_FIELD_EXTENSIONS,   /* length of all of them */
	TLS_FIELD_EXTENSION,    /* type and length of one */
	TLS_FIELD_SELECTED,     /* server: the version that holds */
	TLS_FIELD_ALPN_LIST,    /* length of the list of protocols */
	TLS_FIELD_ALPN_LENGTH,  /* length of a protocol's name */
	TLS_FIELD_ALPN_NAME,
	TLS_FIELD_NAME_LENGTH, /* lengths and type before the server's name (RFC 6066 section 3) */
	TLS_FIELD_NAME,
};

/* One direction. */
struct tls_stream {
	__u64 header;  /* bytes of the record's header, as far as they have come */
	__u64 number;  /* the number being read from a body */
	__u32 skip;    /* bytes of a hello that are not wanted, before the next field */
	__u32 message; /* bytes left of the hello */
	__u16 length;  /* of the record's body */
	__u16 left;    /* bytes of it that are still to come */
	__u16 inside;  /* bytes left of the extension in hand */
	__u8 headed;   /* bytes in header */
	__u8 need;     /* bytes that the number lacks */
	__u8 field;    /* enum tls_field */
	__u8 type;     /* enum tls_type of the record */
	__u8 meaning;  /* enum tls_meaning of the record */
	__u8 hello;    /* the hello has been read, or given up */
	__u8 changed;  /* TLS 1.2: its ChangeCipherSpec has passed, */
	__u8 finished; /* and the record behind it, which is its Finished; TLS 1.3: the server's Finished has passed */
	__u8 lost;  /* no TLS records; or some of them were not seen */
	__u8 named; /* bytes of the server's name that have been kept */
};

struct tls_connection {
	struct tls_stream streams[2]; /* by enum tls_direction */
	__u16 version;                /* enum tls_version that holds; 0 before the ServerHello */
	__u16 suite;                  /* the cipher suite, by its IANA number; 0 before the ServerHello */
	__u16 ticket;                 /* TLS 1.3: length of the server's first record behind the handshake */
	__u8 tickets;                 /* records of that length; TLS_TICKETS_OVER: no more will come */
	__u8 handshake;               /* enum tls_handshake */
	__u8 offered;                 /* bits, enum tls_alpn: by the client */
	__u8 chosen;                  /* by the server, where that is in clear */
	__u8 flight;                  /* TLS 1.3: records of the client before its Finished */
	__u8 doubts;                  /* bits, enum tls_doubt */
	__u8 alert_by; /* 1 + enum tls_direction of the alert that ended the handshake; 0: none */
	__u8 alert_level;
	__u8 alert_code; /* TLS_CODE_HIDDEN if it was encrypted */
	__u8 asked;      /* the client has sent data */
	__u8 replied;    /* TLS 1.3: the server has sent a record since the client's Finished */
	__u8 sealed;     /* TLS 1.3: the server has sent an encrypted record */
	__u8 keep_name;  /* the server's name is wanted; set by whoever drives the machine */
	__u8 resumable;  /* the client says how it would use a ticket (RFC 8446 section 4.2.9) */
	__u64 random; /* the first 8 bytes of the client's random number, which no two connections share by chance; 0 before it came */
	char name[TLS_NAME]; /* as the client sent it: hostile text, ended by NUL unless full */
};

#define TLS_TICKETS_OVER 255
#define TLS_CODE_HIDDEN 255

#endif
