/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events that the kernel side sends to user space on one ring buffer, and its per-CPU totals.
 *
 * Times are CLOCK_MONOTONIC in nanoseconds; 0 is "did not happen". Stream positions count bytes from the
 * connection's first byte in that direction; tx is what this socket sent, rx what it received. "local" is
 * this socket's side, "peer" the other one. Addresses are in network order, ports in host order. */
#ifndef KEEPWATCH_EVENT_H
#define KEEPWATCH_EVENT_H

#include "types.h"
#include "histogram.h"
#include "http1.h"
#include "http2/state.h"
#include "tls/state.h"

#define KW_COMM 16 /* TASK_COMM_LEN */
#define KW_NAMES 8 /* hop-by-hop names kept of a connection */

enum kw_role {
	KW_ROLE_UNKNOWN, /* open before the observer, and nothing seen yet that shows the role */
	KW_ROLE_CLIENT,  /* it connected */
	KW_ROLE_SERVER,  /* it was accepted */
	KW_ROLE_MAX,
};

/* Whether a connection's initial sequence numbers are known, and whose of the two comes first in its flow. */
enum kw_flow {
	KW_FLOW_UNKNOWN, /* its beginning was not seen */
	KW_FLOW_BY_ROLE, /* one side connected: the client's comes first */
	KW_FLOW_BY_SIZE, /* both connected, at the same time: the lower comes first */
	KW_FLOW_MAX,
};

enum kw_event_type {
	KW_EVENT_CONNECTION = 1, /* struct kw_event_connection */
	KW_EVENT_HISTORY,        /* struct kw_event_history: the same, with the data that a longer life needs */
	KW_EVENT_EXCHANGE,       /* struct kw_event_exchange */
	KW_EVENT_LATE,           /* struct kw_event_late */
	KW_EVENT_TOTALS,         /* struct kw_event_totals: the loader makes it from the per-CPU totals */
	KW_EVENT_UNSEEN,         /* struct kw_event_unseen: the loader makes it too */
	KW_EVENT_GATEWAY,        /* struct kw_event_gateway */
	KW_EVENT_TLS,            /* struct kw_event_tls: a history, with what the records of TLS say */
	KW_EVENT_HTTP2,          /* struct kw_event_http2: a history, with what the frames of HTTP/2 say */
	KW_EVENT_TLS_HTTP2,      /* struct kw_event_tls_http2: a history, with both */
};

struct kw_event_header {
	__u16 type; /* enum kw_event_type */
	__u16 size; /* bytes, this header included */
	__u32 reserved;
	__u64 time; /* when the event was made */
};
_Static_assert(sizeof(struct kw_event_header) == 16, "ABI");

/* Identifies a connection. Taken when it is established, because at its end the kernel has none of this any more. */
struct kw_identity {
	__u64 cookie;     /* the kernel's socket cookie */
	__u64 cgroup;     /* cgroup v2 id of the owner; 0 while there is none */
	__u32 generation; /* how often this socket connected before */
	__u32 netns;      /* inode of the network namespace */
	__u8 local[16];   /* IPv6, or IPv4-mapped */
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 pid;          /* the owner: thread-group id; 0 while no process has used the socket */
	char comm[KW_COMM]; /* the owner's thread-group leader's name: hostile text, ended by NUL */
	__u8 role;          /* enum kw_role */
	__u8 preexisting;   /* open before the observer: counts and bytes start with the observer */
	__u8 flow;          /* enum kw_flow */
	__u8 reserved;
	__u32 isn; /* unless flow is KW_FLOW_UNKNOWN: this side's initial sequence number */
};
_Static_assert(sizeof(struct kw_identity) == 88, "ABI");

/* Acts by which one side ends the connection, in the order in which the socket saw them. */
enum kw_act {
	KW_ACT_NONE,
	KW_ACT_LOCAL_FIN,
	KW_ACT_PEER_FIN,
	KW_ACT_LOCAL_RST, /* closed with unread data, with linger 0, or disconnected */
	KW_ACT_PEER_RST,
	KW_ACT_ERROR, /* the kernel gave up: see error */
	KW_ACT_MAX,
};

/* Which side sent data last before the observer came, on a connection that was open then. */
enum kw_sender {
	KW_SENDER_UNKNOWN, /* also of a connection that has not carried data both ways */
	KW_SENDER_LOCAL,
	KW_SENDER_PEER,
};

/* The first act that ended the connection, and the stream positions at that time. The judge decides the order of
 * things by these positions, because times of events are less exact. */
struct kw_ending {
	__u64 time;
	__u64 tx_sent; /* position behind the bytes that the program had handed to the kernel (write_seq) */
	__u64 tx_acked; /* position behind the bytes that the peer had acknowledged (snd_una), never above tx_sent */
	__u64 rx_arrived;  /* position behind the bytes that had arrived in order (rcv_nxt, without a FIN) */
	__u64 rx_read;     /* position behind the bytes that the program had read (copied_seq) */
	__u8 act;          /* enum kw_act: the first */
	__u8 acts;         /* bits, 1 << enum kw_act: all that were seen up to the end */
	__u8 simultaneous; /* both sides sent their FIN before either had the other's (state CLOSING) */
	__u8 exiting;      /* at the first local act: the process was exiting */
	__u8 signal;       /* and the signal that killed it, or 0 */
	__u8 half_close;   /* the first local act was shutdown(SHUT_WR), and not close() */
	__u8 reading; /* the program still held the socket, so it could read, when the peer's FIN or RST arrived */
	__u8 last_sender; /* enum kw_sender */
	__u32 since_sent; /* at the first act: milliseconds since this socket last sent a segment with data */
	__u32 since_received; /* at the first act: milliseconds since it last received one; TCP's own value, to a timer tick */
};
_Static_assert(sizeof(struct kw_ending) == 56, "ABI");

/* The socket as it left the kernel's tables (the move to CLOSE). */
struct kw_closing {
	__u64 time;
	__u32 unread;      /* bytes in the receive queue that the program never read (rcv_nxt - copied_seq) */
	__u32 outstanding; /* bytes sent and never acknowledged (write_seq - snd_una) */
	__u32 retransmits; /* segments sent again over the whole life */
	__u32 srtt_us;     /* smoothed round-trip time, microseconds */
	__u16 error;       /* sk_err, a positive errno: ECONNRESET, ETIMEDOUT ...; 0 for none */
	__u16 soft_error;  /* sk_err_soft */
	__u8 from_state;   /* the TCP state before (enum in the kernel's tcp_states.h) */
	__u8 probes;       /* keep-alive or window probes unanswered */
	__u8 unrecovered; /* retransmission timeouts in a row that no acknowledgement followed (icsk_retransmits) */
	__u8 reserved;
};
_Static_assert(sizeof(struct kw_closing) == 32, "ABI");

/* How this side's program met the end. */
struct kw_notice {
	__u64 time; /* when it learnt of the end: it read 0 or an error, its send failed, or it closed the socket; 0: not yet */
	__u64 last;   /* when it did the last of these */
	__u32 thread; /* and the thread that did it; 0: none has */
	__u8 held;    /* a program held the socket when it left the kernel's tables */
	__u8 reserved[3];
};
_Static_assert(sizeof(struct kw_notice) == 24, "ABI");

/* Reasons why something about the connection is not known; bits of kw_http.taints. */
enum kw_taint {
	KW_TAINT_PREEXISTING, /* older than the observer */
	KW_TAINT_MALFORMED,   /* a message that broke the rules */
	KW_TAINT_BLIND,       /* bytes that could not be read where a head or a chunk's size stood */
	KW_TAINT_GAP,         /* bytes left the socket by a way that shows no event */
	KW_TAINT_PIPELINE,    /* more requests outstanding than are paired */
	KW_TAINT_UNSUPPORTED, /* kTLS, MPTCP or sockmap: the bytes do not pass the hooks */
	KW_TAINT_BUDGET,      /* one call held more message parts than the programs read per call */
	KW_TAINT_MAX,
};

enum kw_http_flag {
	KW_HTTP_OVERRUN = 1 << 0,        /* reused later than the advertised timeout or more often than max */
	KW_HTTP_CLOSE_IGNORED = 1 << 1,  /* an exchange was completed after one that announced a close */
	KW_HTTP_EOF_READ = 1 << 2,       /* the application has read the peer's end */
	KW_HTTP_REQUESTS_LOST = 1 << 3,  /* out of step: it is not known where the current request begins */
	KW_HTTP_RESPONSES_LOST = 1 << 4, /* the same for the responses */
	KW_HTTP_TUNNEL = 1 << 5,
	KW_HTTP_REQUEST_OPEN = 1 << 6,      /* a request is begun and not complete */
	KW_HTTP_RESPONSE_OPEN = 1 << 7,     /* a response is begun and not complete */
	KW_HTTP_DELIMITED = 1 << 8,         /* the open response's body is delimited by the close */
	KW_HTTP_MAX_COUNTED_DOWN = 1 << 9,  /* each advertised max was one less than the one before */
	KW_HTTP_MAX_CONSTANT = 1 << 10,     /* all advertised max were equal */
	KW_HTTP_EARLY_RESPONSE = 1 << 11,   /* the last response was complete before its request was */
	KW_HTTP_PROXY_CONNECTION = 1 << 12, /* on a request; in older recordings on any message */
	KW_HTTP_UNSUPPORTED = 1 << 13, /* MPTCP subflow, kTLS or sockmap: the programs do not look for HTTP */
	KW_HTTP_TLS_ANSWER = 1 << 14,  /* a TLS record came where a response was expected */
	KW_HTTP_PROXY_CONNECTION_ANSWER = 1 << 15, /* a response has a Proxy-Connection field */
	KW_HTTP_TLS_REQUEST = 1 << 16, /* the client began with TLS, and the server answered by HTTP/1 */
	KW_HTTP_PLAINTEXT =
		1 << 17, /* read where a TLS library took and gave it: struct kw_tls_facts is there, too */
	/* Two bits of enum kw_library: KW_HTTP_LIBRARY(). */
	/* A server received TLS or HTTP/2 behind its FIN without a look at it: no record and no frame shows these bytes. */
	KW_HTTP_DISCARDED = 1 << 20,
	/* Data came to a server of TLS behind its close_notify, and its program was not given it. */
	KW_HTTP_BEHIND_NOTICE = 1 << 21,
};

/* And whose library that was, enum kw_library; recordings made before there were several have 0 for OpenSSL. */
#define KW_HTTP_LIBRARY(flags) ((flags) >> 18 & 3)
#define KW_HTTP_OF_LIBRARY(library) ((__u32)(library) << 18)

enum kw_announced_by {
	KW_ANNOUNCED_NONE,
	KW_ANNOUNCED_BY_CLIENT,
	KW_ANNOUNCED_BY_SERVER,
};

enum kw_announced_how {
	KW_ANNOUNCED_CLOSE,     /* Connection: close */
	KW_ANNOUNCED_HTTP10,    /* HTTP/1.0 without keep-alive */
	KW_ANNOUNCED_DELIMITED, /* a body delimited by the close */
};

/* Counts of messages by the connection options that they carried; a message counts once for each of its options. */
struct kw_directives {
	__u32 keep_alive;
	__u32 close;
	__u32 upgrade;
	__u32 none; /* none of the three */
};

/* Counts over a connection's life; they only grow. */
struct kw_counts {
	__u32 requests_begun;
	__u32 requests; /* heads complete */
	__u32 requests_ended;
	__u32 requests_http10; /* of requests: version 1.0 */
	__u32 reused;          /* of requests_begun: not the first on the connection */
	__u32 responses;       /* final heads complete; 1xx do not count, except 101 */
	__u32 responses_ended; /* final responses that are complete */
	__u32 codes[5];        /* of responses: by first digit, 1xx to 5xx */
	struct kw_directives request;
	struct kw_directives response;
};
_Static_assert(sizeof(struct kw_counts) == 80, "ABI");

/* The state of HTTP on the connection, and the times, positions and kinds of the latest request and response. */
struct kw_http {
	__u64 request_started;  /* first byte of the latest request passed */
	__u64 request_ended;    /* last byte of the latest complete one */
	__u64 response_started; /* first byte of the latest response, interim ones included */
	__u64 response_ended;   /* last byte of the latest complete final one */
	__u64 request_begin;    /* position of the latest request's first byte, in the requests' direction */
	__u64 request_end;      /* position behind the latest complete request */
	__u64 oldest_end;       /* position behind the oldest request that has no complete response, or 0 */
	__u64 response_begin;   /* position of the latest response's first byte */
	__u64 response_end;     /* position behind the latest complete final response */
	__u64 idle_max;         /* longest idle time before a reuse, ns */
	__u64 idle_before_last; /* idle time before the latest request; 0 for the first */
	__u64 first_request_started;
	__u64 tx_bytes;
	__u64 rx_bytes;
	__u64 blind_bytes; /* bytes of heads and of chunks' frames, in both directions, that could not be read */
	struct kw_counts counts;
	__u32 timeout;       /* advertised Keep-Alive: timeout, seconds; see has_timeout */
	__u32 max;           /* the last advertised Keep-Alive: max */
	__u32 max_responses; /* responses that advertised max */
	__u32 flags;         /* enum kw_http_flag */
	__u32 errors;        /* 1 << enum http1_error: met on the connection */
	__u32 surplus;       /* bytes the server sent behind a complete response, with no request outstanding */
	__u16 last_status;   /* of the latest final response head; 0 before the first */
	__u16 interim;       /* status of the latest interim response, if no final one followed it yet; or 0 */
	__u16 last_request_flags; /* enum http1_flag of the latest request head */
	__u16 last_response_flags;
	__s16 app_error; /* positive errno that a send or receive returned last; 0 for none */
	__u8 protocol;   /* enum http1_protocol */
	__u8 taints;     /* 1 << enum kw_taint */
	__u8 has_timeout;
	__u8 has_max;
	__u8 last_request_version;
	__u8 last_response_version;
	__u8 last_response_framing; /* enum http1_framing */
	__u8 last_method;           /* enum http1_method of the latest request head */
	__u8 announced_by;          /* enum kw_announced_by: who first announced a close */
	__u8 announced_how;         /* enum kw_announced_how */
	__u8 http10_only;           /* every message so far was HTTP/1.0 */
	__u8 proxied;               /* PROXY protocol headers */
	__u8 lost_safe; /* at the end: outstanding requests that are still queued, by class: safe ones, with HEAD; */
	__u8 lost_idempotent; /* idempotent ones; and others. At most HTTP1_QUEUE requests are queued */
	__u8 lost_other;
	__u8 reserved[3];
};
_Static_assert(sizeof(struct kw_http) == 256, "ABI");

/* How much of a message's body has come, and how much was declared. */
struct kw_body {
	__u64 bytes;    /* so far, without chunk framing */
	__u64 declared; /* by Content-Length; KW_UNDECLARED for chunked bodies, those that the close ends, and before the head is complete */
	__u64 owed;     /* bytes still to come: exactly, by Content-Length; at the least, of a chunked body */
};
#define KW_UNDECLARED (~0ULL)

enum kw_report {
	KW_REPORT_PROGRESS, /* the connection lives on */
	KW_REPORT_CLOSED,   /* final */
	KW_REPORT_OPEN,     /* still open as the observer stops */
};

/* The whole state of a connection: everything that the judge needs. */
struct kw_event_connection {
	struct kw_event_header header;
	__u8 report;      /* enum kw_report */
	__u8 reported;    /* this connection was reported before (then the event is a kw_event_history) */
	__u8 half_closed; /* the peer's FIN has arrived, and this side has not closed yet */
	__u8 half_closed_before;         /* half_closed as of the last report */
	__u32 samples[KW_HISTOGRAM_MAX]; /* 1 if sample[] holds the only sample, which keeps the event short */
	__u32 peer_isn; /* unless identity.flow is KW_FLOW_UNKNOWN: the peer's initial sequence number */
	__u64 sample[KW_HISTOGRAM_MAX]; /* ns; the latest sample of each histogram */
	__u64 opened; /* connect(); for a server and a preexisting connection the same as established */
	__u64 established;
	__u64 peer_fin; /* when the peer's FIN arrived */
	struct kw_identity identity;
	struct kw_ending ending;
	struct kw_closing closing;
	struct kw_http http;
	struct kw_body bodies[2]; /* by enum http1_direction: of the latest request and the latest response */
	struct kw_notice notice;
};
_Static_assert(sizeof(struct kw_event_connection) == 16 + 16 + 16 + 24 + 88 + 56 + 32 + 256 + 48 + 24, "ABI");

struct kw_name {
	char name[HTTP1_WORD]; /* lower case, printable ASCII, ended by NUL unless full */
	__u32 count;           /* how often Connection listed it, since the last report */
};

/* How a name came to be kept; bits. A process may read messages on one connection and send on others what it read, so these
 * compare with the lists of Connection that the same process received before, in messages of the same direction. */
enum kw_name_kind {
	KW_NAME_OF_REQUEST = 1 << 0,  /* a request's Connection listed it */
	KW_NAME_OF_RESPONSE = 1 << 1, /* a response's did */
	KW_NAME_PASSED_ON = 1 << 2,   /* a message that was sent listed it, as one received had */
	KW_NAME_AS_FIELD = 1 << 3,    /* a request that was sent has a field that a received one listed */
};
#define KW_NAME_KINDS 4 /* bits of one name */
#define KW_NAME_ALL ((1 << KW_NAME_KINDS) - 1)

/* The longer form, for a connection that was reported before, listed hop-by-hop fields, or has more than one sample
 * in a histogram. `before` holds the counts of the earlier report, so the difference is new. */
struct kw_event_history {
	struct kw_event_connection connection;
	struct kw_counts before;
	__u16 histograms[KW_HISTOGRAM_MAX][KW_HISTOGRAM_BUCKETS]; /* samples since the last report */
	__u64 sums[KW_HISTOGRAM_MAX];                             /* ns, of these samples */
	__u32 names_more; /* names met beyond the KW_NAMES kept, since the last report */
	__u32 name_kinds; /* enum kw_name_kind, KW_NAME_KINDS bits for each name, the first one's lowest; 0 in older recordings */
	struct kw_name names[KW_NAMES]; /* an empty name ends the list */
};
_Static_assert(sizeof(struct kw_event_history) % 8 == 0, "ABI");

/* The facts that the records of a TLS connection show. Its exchanges stand in http, as those of HTTP do, but without heads: in http.counts
 * only requests_begun, requests_ended and responses_ended count. */
struct kw_tls_facts {
	__u64 hello;       /* the first record's header passed */
	__u64 done;        /* the handshake was done */
	__u64 latest;      /* the handshake's latest record */
	__u64 notified;    /* the first alert behind the handshake: close_notify, as far as lengths tell */
	__u64 notified_at; /* stream position of its first byte, in its sender's direction */
	__u16 version;     /* enum tls_version, 0 if none was chosen: any number, because a peer sent it */
	__u16 suite;       /* the cipher suite, by its IANA number */
	__u8 handshake;    /* enum tls_handshake */
	__u8 doubts;       /* bits, enum tls_doubt */
	__u8 offered;      /* bits, enum tls_alpn: what the client offered, */
	__u8 chosen;       /* and the server chose, where that is in clear */
	__u8 alert_by;     /* 1 + enum tls_direction of the alert that ended the handshake; 0: none did */
	__u8 alert_code;   /* its code (RFC 8446 section 6); TLS_CODE_HIDDEN if it was encrypted */
	__u8 notified_by;  /* the same of the first alert behind the handshake */
	__u8 notifiers;    /* bits, 1 << enum tls_direction: who sent one; and KW_TLS_OVER_UNREAD */
	__u8 latest_by;    /* 1 + enum tls_direction of the handshake's latest record */
	__u8 latest_open;  /* which is not complete */
	__u8 lost;         /* the records could not be followed: nothing can be said */
	__u8 flight; /* TLS 1.3: records of the client before its Finished, which are of its certificate */
	char name[TLS_NAME]; /* the server's, if asked for: hostile text, ended by NUL unless full */
};
_Static_assert(sizeof(struct kw_tls_facts) == 120, "ABI");

/* This side sent the first alert behind the handshake while more than a record's header lay unread. Older recordings have it never. */
#define KW_TLS_OVER_UNREAD (1 << 2)

/* The form for TLS. */
struct kw_event_tls {
	struct kw_event_history history;
	struct kw_tls_facts tls;
};
_Static_assert(sizeof(struct kw_event_tls) % 8 == 0, "ABI");

/* The frames of one side of an HTTP/2 connection, as the machine keeps them: struct http2_stream says what each field means. Its counts
 * are of the whole connection. */
struct kw_http2_side {
	__u64 open[HTTP2_WORDS];
	__u64 closed[HTTP2_WORDS];
	__u64 reset[HTTP2_WORDS];
	__u64 goaway; /* when its first GOAWAY passed; 0: it sent none */
	__u64 ping; /* when the oldest of its PINGs passed that are unanswered; 0: all are answered, or it sent none */
	__u64 ping_gap; /* shortest time between two of its PINGs, ns; 0: it sent fewer than two */
	__u32 latest;
	__u32 begun;
	__u32 finished;
	__u32 answered;
	__u32 trailers_only;
	__u32 late;
	__u32 peak;
	__u32 pings;
	__u32 pongs;
	__u32 goaways;
	__u32 goaway_id;
	__u32 max_concurrent;
	__u32 resets[HTTP2_CODES];
	__u16 fields;
	__u16 errors;
	__u8 goaway_code;
	__u8 goaway_debug;
	__u8 graceful;
	__u8 limited;
	__u8 lost; /* its frames could not be followed to the end: nothing is certain of it */
	__u8 started;
	__u8 reserved[6];
};
_Static_assert(sizeof(struct kw_http2_side) == 96 + 24 + 48 + 64 + 16, "ABI");

enum kw_http2_flag {
	KW_HTTP2_UPGRADED =
		1 << 0,           /* by 101 (RFC 7540 section 3.2): the request that asked for it is stream 1 */
	KW_HTTP2_MIDWAY = 1 << 1, /* followed from within: streams that were begun before are not counted */
};

/* The facts that the frames of an HTTP/2 connection show. Streams stand in http.counts as requests and responses: requests_begun,
 * requests and requests_ended are streams that the client began (and ended), responses and codes are heads with a final status,
 * responses_ended are streams that the server ended; directives stay 0. The times in http are of the latest stream that began
 * (request_started), the latest head or END_STREAM of the server (response_started, response_ended). Frames that passed behind the
 * first act of an ending, by position, end no stream and reset none, so that these counts show the streams as they stood when the
 * closer acted; streams that the client begins behind it count as begun. */
struct kw_http2_facts {
	struct kw_http2_side sides[2]; /* by enum http2_direction */
	__u64 latest; /* the latest event of a stream: it began, had a head, was ended or reset */
	__u64 begun;  /* when the latest stream began */
	__u64 cut;    /* when the server last reset a stream with another code than REFUSED_STREAM; 0: never */
	__u32 open_before;                   /* streams that were open as of the last report */
	__u32 resets_before[2][HTTP2_CODES]; /* by enum http2_direction: resets as of the last report, */
	__u32 goaways_before[2];             /* GOAWAY frames, */
	__u16 fields_before[2];              /* and fields */
	__u32 flags;                         /* enum kw_http2_flag */
	/* Streams that the client reset as the latest thing that happened to any stream, in one go: with no pause of
	 * KW_HTTP2_ONE_GO between two of them. */
	__u32 given_up;
};
#define KW_HTTP2_ONE_GO (100 * KW_MS)
_Static_assert(sizeof(struct kw_http2_facts) % 8 == 0, "ABI");

/* The form for HTTP/2. */
struct kw_event_http2 {
	struct kw_event_history history;
	struct kw_http2_facts http2;
};
_Static_assert(sizeof(struct kw_event_http2) % 8 == 0, "ABI");

/* The form for HTTP/2 within TLS, whose plaintext is read. */
struct kw_event_tls_http2 {
	struct kw_event_tls tls;
	struct kw_http2_facts http2;
};
_Static_assert(sizeof(struct kw_event_tls_http2) % 8 == 0, "ABI");

/* One request and its final response; made on request only. */
struct kw_event_exchange {
	struct kw_event_header header;
	struct kw_identity identity;
	__u64 started;     /* the request's first byte */
	__u64 wait;        /* ns: last byte of the request to the first of the response; 0 if it was earlier */
	__u64 duration;    /* ns: first byte of the request to the last of the response */
	__u64 idle_before; /* ns the connection was idle before; 0 for the first */
	__u64 request_bytes; /* head and body, framing included */
	__u64 response_bytes;
	__u32 number; /* from 1 */
	__u16 status;
	__u8 version;      /* minor */
	__u8 method;       /* enum http1_method */
	__u8 announced_by; /* enum kw_announced_by: of this exchange */
	__u8 announced_how;
	__u8 is_stream; /* an HTTP/2 stream: number is that of the stream, which is (id + 1) / 2; sizes, method and version are 0 */
	__u8 reset_by; /* 1 + enum http2_direction of the side that reset the stream before it was finished; 0: neither */
	__u8 reset_code; /* enum http2_code */
	__u8 reserved[3];
};
_Static_assert(sizeof(struct kw_event_exchange) % 8 == 0, "ABI");

/* A server's socket has sent, or a client's has received, a response that says that another server failed: its status is 502, 503
 * or 504. Made when the response is complete; of one that the close delimits, when its head is. */
#define KW_GATEWAY_STATUS 502
#define KW_GATEWAY_STATUSES 3

struct kw_event_gateway {
	struct kw_event_header header;
	struct kw_identity identity;
	__u64 started; /* the request's first byte; 0 if it was not seen */
	__u32 number;  /* of the exchange, from 1 */
	__u32 thread;  /* that sent or received the response */
	__u16 status;
	__u16 waker; /* low 16 bits of the id of the thread of this process that woke that one last, if it had learnt of a failure;
		      * 0 if none did, or it is not known */
	__u32 request_bytes; /* head and body, framing included; 0 if it is not complete, or was not seen */
};
_Static_assert(sizeof(struct kw_event_gateway) == 16 + 88 + 24, "ABI");

/* Some clients send one or two empty lines after a request (RFC 9112 section 2.2). Up to this many bytes that could
 * not be read count as empty lines, because no client sends so little of a request by itself. */
#define KW_EMPTY_LINES 4

/* A late request: it arrived at a socket that its server had closed already, and got a RST. This event comes after
 * the connection's record, up to KW_LATE_WINDOW later, and at most once per connection. */
#define KW_LATE_WINDOW (60 * KW_S)

struct kw_event_late {
	struct kw_event_header header;
	struct kw_identity identity; /* of the server's socket */
	__u64 closed;                /* when the server closed it: kw_ending.time */
	__u32 bytes;                 /* payload of the segment that came too late */
	__u32 reserved;
};
_Static_assert(sizeof(struct kw_event_late) == 16 + 88 + 16, "ABI");

/* Kinds of losses on the way to user space. */
enum kw_lost {
	KW_LOST_CLOSED,   /* a closing record: its counts are in kw_totals.dropped */
	KW_LOST_EXCHANGE, /* an event of one exchange: asked for, or of a gateway's error */
	KW_LOST_LATE,
	KW_LOST_STATE, /* no memory for the state of a connection, or for a part of it: a name that it listed,
			    * a request of a pipeline (which taints it) */
	KW_LOST_RECURSION, /* the kernel skipped a program because one was running there, or a state went unseen */
	KW_LOST_MAX,
};

/* Totals, which stay exact whatever else is lost. Per CPU in the kernel; the loader adds them up. */
struct kw_total {
	__u64 opened;
	__u64 preexisting;
	__u64 closed;
	__u64 requests;
	__u64 responses;
};

struct kw_totals {
	struct kw_total dropped[KW_ROLE_MAX]; /* contents of closing records that were lost; by enum kw_role */
	__u64 dropped_half_closed
		[KW_ROLE_MAX]; /* lost closing records of connections that were last reported as half-closed */
	__u64 lost[KW_LOST_MAX];
	__u64 errors[HTTP1_ERROR_MAX]; /* messages, by enum http1_error */
	__u64 tainted[KW_TAINT_MAX];   /* connections, by enum kw_taint */
	__u64 dropped_streams
		[KW_ROLE_MAX]; /* streams that were open when connections were last reported whose closing
					     * records were lost */
};

/* Connections that their programs have closed while the kernel still retransmits data that the peer has not
 * acknowledged. Their records may come minutes later, so each sweep counts them. */
struct kw_unfinished {
	__u32 connections;
	__u32 requests; /* requests on these connections that have no complete response so far */
};

struct kw_event_totals {
	struct kw_event_header header;
	struct kw_totals totals;
	struct kw_unfinished unfinished;
};

/* Conservation: each state that was made for a connection has ended or is there. Per CPU in the kernel; the loader adds
 * them up and compares them with what a sweep met. */
struct kw_states {
	__u64 made;
	__u64 ended; /* its last record was sent, or counted as lost; or its connection is not to be observed */
	__u64 adopted; /* made at a send or receive, because the opening of the connection was not seen */
};

/* Things that the kernel showed to no program, since the start. Sent when a number grows. */
struct kw_event_unseen {
	struct kw_event_header header;
	__u64 openings; /* connections whose beginning was missed: see kw_states.adopted */
	__u64 closes;   /* connections whose end was missed, at the least: their records do not come any more */
	__u64 softirqs; /* interrupts that programs were not shown, while a witness was looking */
};
_Static_assert(sizeof(struct kw_event_unseen) == 16 + 24, "ABI");

/* Settings of the kernel programs. */
#define KW_PORTS 16

struct kw_config {
	__u32 port_count;
	__u16 ports[KW_PORTS]; /* ports at either end; none means all */
	__u32 pid;             /* thread-group id; 0 means all */
	__u32 role;            /* enum kw_role; KW_ROLE_UNKNOWN means all */
	__u32 netns;           /* inode of the network namespace; 0 means all */
	__u32 tick_us;         /* length of the kernel's timer tick, microseconds */
	__u8 exchanges;        /* one event per exchange */
	__u8 filter_comm;
	__u8 server_names;  /* keep the names of TLS servers that clients send */
	char comm[KW_COMM]; /* if filter_comm */
	__u8 filter_net;
	__u8 net[16]; /* remote network, IPv4 as mapped; if filter_net */
	__u8 net_mask[16];
};

#endif
