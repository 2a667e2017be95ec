/* SPDX-License-Identifier: GPL-2.0-only */
/* All maps, and what a connection's state is made of. */
#ifndef KEEPWATCH_MAPS_BPF_H
#define KEEPWATCH_MAPS_BPF_H

#include "../include/event.h"
#include "kernel.bpf.h"

#define KW_PIECE HTTP1_HEAD /* most bytes of user memory read at once; a power of two */
#define KW_SEGMENTS 8       /* iovecs read at once; a power of two */

/* The settings. User space may change them at any time; connections that have state keep it. */
volatile struct kw_config kw_config = {};

/* The task of the next sweep; set by user space before it runs the iterator. */
enum kw_sweep_mode {
	KW_SWEEP_PROGRESS, /* report what changed, and what was closed a second ago and is still held */
	KW_SWEEP_FINAL,    /* report everything that was closed */
	KW_SWEEP_OPEN,     /* and everything that is open */
};

__u32 kw_sweep_mode = KW_SWEEP_PROGRESS;

struct kw_unfinished kw_unfinished = {}; /* as far as the sweep has come; user space clears it before */

/* An iterator over files holds each for a moment. A socket that its owner closes just then is closed by keepwatch in
 * the end, which must not be taken for its owner. User space says when an iterator is at work; the first iterator notes
 * which process that is. */
__u32 kw_iterating = 0;
static __s32 kw_self; /* a thread group */

/* A connection without state that sends or receives is to get one. User space sets it once the older connections have been
 * found, and only without filters: behind these it is normal to have none. */
__u32 kw_adopting = 0;

__u64 kw_alive = 0; /* states that the sweep has met and that have not ended; user space clears it before */

/* Samples over a connection's life. They only grow, and each histogram has one direction that writes it: so that
 * adding one takes no atomic operation. Buckets wrap: what counts is the difference between two reports. */
struct kw_samples {
	__u64 sum; /* ns */
	__u32 count;
	__u32 reserved;
	__u16 buckets[KW_HISTOGRAM_BUCKETS]; /* four to a word: see kw_histogram_news() */
};
_Static_assert(__builtin_offsetof(struct kw_samples, buckets) % 8 == 0 && KW_HISTOGRAM_BUCKETS % 4 == 0,
	       "buckets are whole words");

/* Fields that one direction alone writes. A send and a receive may run at once on two processors, so none of this is
 * shared, and a record puts the two together. */
struct kw_side {
	__u32 flags;  /* enum kw_http_flag */
	__u32 errors; /* 1 << enum http1_error */
	__u8 taints;  /* 1 << enum kw_taint */
	__u8 open;    /* a message is begun and not complete */
};

/* Whose turn it is to report a connection: a record of the living and the last one build upon each other. */
enum kw_turn {
	KW_TURN_NOBODY,
	KW_TURN_LIVING, /* the sweep is making a record of the living connection */
	KW_TURN_LAST, /* the last record is sent, or counted as lost, or will be by the sweep that is at work */
};

#define KW_CACHE_LINE 64
#define KW_FIRST_LINE                                                                                          \
	56 /* bytes of struct kw_connection that share a cache line with the end of the storage's header */

/* A connection, in the storage of its socket. The last 8 bytes of the storage's header share a cache line with the first
 * 56 of this: there is what a send or receive needs which has nothing but a body, and what every one of them needs. */
struct kw_connection {
	__u64 tx_bytes; /* positions: bytes sent and received so far */
	__u64 rx_bytes;
	__u32 tx_base;            /* write_seq at position 0 */
	__u32 rx_base;            /* copied_seq at position 0 */
	__u8 role;                /* enum kw_role; the one in identity is not used: see kw_identify() */
	__u8 owned;               /* identity says whose it is: its pid, comm and cgroup are set */
	__u8 state;               /* the TCP state that was last seen */
	__u8 reported;            /* there is a kw_reported in `reports` */
	__u32 span_since;         /* KW_RECEIVED_MIB() when span_ends[KW_RECEIVED] was set */
	__u32 span_ends[KW_WAYS]; /* the sequence number up to which nothing needs a look: see span.bpf.h */
	struct http1_connection http1;
	struct kw_side sides[2]; /* by enum http1_direction */
	struct kw_http http;     /* but for what is above and in sides */
	struct kw_samples samples[KW_HISTOGRAM_MAX];
	__u8 named;         /* there are kw_names in `names` */
	__u8 pipelined;     /* there is a kw_pipeline in `pipelines` */
	__u8 half_closed;   /* as last reported */
	__u8 told_open;     /* the sweep of connections that are still open has reported it */
	__u32 turn;         /* enum kw_turn */
	__u32 activity;     /* what kw_activity() said at the last report */
	__u32 announced_at; /* number of the exchange that first announced a close */
	__u64 tx_start;     /* TCP's own 64-bit counts at position 0: see kw_tx_position() */
	__u64 rx_start;
	__u64 tx_end; /* position behind the last byte handed to the kernel, known at CLOSE */
	__u64 rx_end; /* and behind the last byte that the application had taken by then */
	__u64 opened;
	__u64 established;
	__u64 peer_fin;
	struct kw_identity identity;
	struct kw_ending ending;
	struct kw_closing closing;
	struct kw_notice notice;
};

_Static_assert(__builtin_offsetof(struct kw_connection, http1.streams) == KW_FIRST_LINE,
	       "a stream begins a cache line");
_Static_assert(sizeof(struct kw_connection) <= 1024, "the state of a connection stays small");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_connection);
} connections SEC(".maps");

/* The counts that were reported of a living connection; only for those that were alive at a sweep. */
struct kw_reported {
	struct kw_counts counts;
	struct kw_samples samples[KW_HISTOGRAM_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_reported);
} reports SEC(".maps");

/* The hop-by-hop names that Connection listed, and those that were sent on; only for the few connections that have any. */
struct kw_names {
	__u32 more;
	__u32 kinds; /* as kw_event_history.name_kinds */
	struct kw_name names[KW_NAMES];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_names);
} names SEC(".maps");

/* The names that Connection listed in messages of a process: the latest, so that nobody who fills the list with others keeps it
 * from learning new ones. */
struct kw_list_key {
	__u32 pid;      /* a thread group */
	__u8 direction; /* enum http1_direction */
	__u8 way; /* enum kw_way: KW_SENT for names that the process sent before it received any such list */
	__u8 reserved[2];
};

struct kw_listed {
	__u64 next; /* where the next name goes, modulo KW_NAMES */
	char names[KW_NAMES][HTTP1_WORD];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct kw_list_key);
	__type(value, struct kw_listed);
} listed SEC(".maps");

__u32 kw_listing = 0; /* some process has or had a list of names that it received */

/* Threads that learnt lately that a connection ends whose request has no response. The task is only compared with. */
#define KW_LEARNERS 64

struct kw_learner {
	struct task_struct *task;
	__u32 pid;
	__u32 thread;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KW_LEARNERS);
	__type(key, __u32);
	__type(value, struct kw_learner);
} learners SEC(".maps");

__u32 kw_learner_count = 0; /* so far; the next one's number, modulo KW_LEARNERS */

/* The requests that wait behind the latest one; only for connections that pipeline. */
struct kw_pending {
	__u64 started;
	__u64 ended;
	__u64 idle_before;
	__u64 begin; /* stream position of the first byte */
	__u64 end;   /* stream position behind the last byte */
};

struct kw_pipeline {
	struct kw_pending requests[HTTP1_QUEUE]; /* by number modulo the size */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_pipeline);
} pipelines SEC(".maps");

/* The records of a connection that carries TLS; only for those. */
struct kw_tls {
	struct tls_connection machine;
	struct kw_tls_facts facts; /* but for what the machine knows */
	__u64 sent;          /* position up to which TCP had been handed bytes when the latest receive ended, */
	__u64 answered;      /* and when the peer's latest data was received */
	__u32 records;       /* of data, in the latest request */
	__u32 expected;      /* the process that the plaintext is expected from: see plaintext.bpf.h; 0: none */
	__u64 base[KW_WAYS]; /* with --tls: position of the first byte of TLS */
	__u32 renegotiated; /* TLS 1.2: a handshake began behind the first one, after which the random number is another */
	__u32 reserved;
};
_Static_assert(sizeof(struct kw_tls) <= 384, "the state of a TLS connection stays small");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_tls);
} tls SEC(".maps");

/* Times of one side's frames. */
struct kw_http2_times {
	__u64 goaway; /* these three: see struct kw_http2_side */
	__u64 ping;
	__u64 ping_gap;
	__u64 pinged; /* its latest PING */
};

/* The part of the frames that was reported of a living connection. */
struct kw_http2_reported {
	__u32 open; /* streams */
	__u32 goaways[2];
	__u32 resets[2][HTTP2_CODES];
	__u16 fields[2];
};

/* The frames of a connection that carries HTTP/2; only for those. */
struct kw_http2 {
	struct http2_connection machine;
	struct kw_http2_times times[2]; /* by enum http2_direction, as all pairs here */
	__u64 latest;                   /* event of a stream */
	__u64 begun;                    /* the latest stream began */
	__u64 cut;                      /* the server last reset a stream that it had not refused */
	__u64 limits[2];                /* position behind which frames are behind the closer's act */
	__u64 passing[2];               /* bytes that were let pass without this program when it last ran */
	__u64 opposite; /* position up to which the other way's bytes had passed at the call in hand */
	__u64 unaware; /* the same when the server's first GOAWAY passed: the client began streams before it knew */
	struct kw_http2_reported reported;
	__u32 given_up; /* see struct kw_http2_facts */
	__u32 reserved;
};
_Static_assert(sizeof(struct kw_http2) <= 896, "the state of an HTTP/2 connection stays small");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_http2);
} http2 SEC(".maps");

/* The latest streams one by one; only if each is to be reported. */
struct kw_http2_stream {
	__u64 started;
	__u64 wait; /* until the head of its response has come: when the client ended it, or 0; from then on: ns between the two, or 0 */
	__u16 status; /* of the latest head */
	__u8 headed;
	__u8 reserved[5];
};

struct kw_http2_streams {
	struct kw_http2_stream streams[HTTP2_STREAMS]; /* by number modulo the size */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct kw_http2_streams);
} http2_streams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 * 1024 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kw_totals);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kw_states);
} states SEC(".maps");

/* Softirqs that the witness was shown: see kw_softirq. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} softirqs SEC(".maps");

/* Ports that somebody listens on, found at the start: they tell the role of connections that are older. */
struct kw_listener {
	__u32 netns;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct kw_listener);
	__type(value, __u8);
} listeners SEC(".maps");

/* Requests of io_uring: the latest ones that were submitted for a socket's file and one way. Nothing in it is ever removed by its
 * end, because the request itself says whether it is still what was noted. Without io_uring it has one entry: see
 * user/observe/uring.c. */
#define KW_URING_NOTES 32 /* a power of two */
#define KW_URING_CROWDED                                                                                       \
	1 /* in a note: another request was waiting for the socket when this one was submitted */

struct kw_uring_key {
	__u64 file; /* its address, which is only compared with */
	__u64 way;  /* enum kw_way */
};

struct kw_uring_notes {
	__u64 next;                  /* where the next note goes, modulo KW_URING_NOTES */
	__u64 notes[KW_URING_NOTES]; /* each the address of a struct io_kiocb, with a bit */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct kw_uring_key);
	__type(value, struct kw_uring_notes);
} uring SEC(".maps");

/* Connections that their server closed and nobody's request was cut by: a request may still be on its way. */
struct kw_tuple {
	__u8 local[16];
	__u8 remote[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 netns;
};

struct kw_closed_by_server {
	struct kw_identity identity;
	__u64 closed;
	__u32 expected; /* sequence number behind the last byte of the requests that the server had, bodies included */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct kw_tuple);
	__type(value, struct kw_closed_by_server);
} closed_by_server SEC(".maps");

/* Iovecs that are not fetched yet. */
enum kw_iovecs {
	KW_IOVECS_USER,   /* in a 64-bit program's memory */
	KW_IOVECS_KERNEL, /* the kernel's copy of them */
	KW_IOVECS_32,     /* in a 32-bit program's memory */
};

/* The next thing to be done with a call, in this order. */
enum kw_stage {
	KW_STAGE_GAP,   /* bytes passed before it by a way that shows no event */
	KW_STAGE_SIDE,  /* it may tell on which side the socket is, or that the connection is HTTP after all */
	KW_STAGE_JOIN,  /* it may show that an older connection is HTTP/2 */
	KW_STAGE_CALL,  /* the machine learns that a call begins */
	KW_STAGE_BYTES, /* its bytes */
};

/* Events of the machine about bytes of one direction, with their place and time. */
struct kw_outcome {
	__u64 now;       /* when the bytes passed, ns */
	__u64 position;  /* stream position behind them */
	__u32 direction; /* enum http1_direction */
	__u32 event;     /* what was not acted upon yet: enum http1_event */
	__u32 why;       /* enum kw_taint: what it means if the framing is lost now */
	__u32 reserved;
};

/* How far one call's bytes have been followed. All numbers are bytes unless said otherwise. */
struct kw_cursor {
	struct kw_outcome outcome; /* its position is that of the next byte */
	__u64 task;    /* address of the task that made it, while another program is to go on with it; else 0 */
	__u64 gap;     /* that passed before it unseen */
	__u64 end;     /* stream position behind its last byte */
	__u64 left;    /* of the call, not passed yet */
	__u64 segment; /* user address of what follows the bytes in scratch */
	__u64 segment_left;
	__u64 skip;        /* still to be passed over in the segments */
	__u64 vector;      /* address of the next iovec to fetch */
	__u64 vector_left; /* iovecs not fetched */
	__u32 segments;    /* iovecs fetched, and the next of them */
	__u32 next;
	__u32 at; /* the next byte in scratch, and how many there are */
	__u32 length;
	__u32 used;    /* most bytes that were in scratch at once */
	__u32 way;     /* enum kw_way */
	__u32 stage;   /* enum kw_stage */
	__u32 located; /* the buffers have been looked for */
	__u32 blind;   /* the buffers cannot be read */
	__u32 sought;  /* they have been looked for elsewhere too: see seek.bpf.h */
	__u32 resume;  /* enum kw_next: the program that goes on with the call then */
	__u32 form;    /* enum kw_iovecs */
	__u32 early;   /* TLS: bytes of the first record that came in the call before */
};

/* One call's bytes on their way through the machine. One per program and processor: a program is never
 * entered twice on one processor (the kernel counts such a try as a recursion miss). */
struct kw_scratch {
	struct kw_cursor cursor;
	struct http1_head head;
	__u8 bytes[KW_PIECE + HTTP1_HEAD_SLACK]; /* the tail is only there to keep a look within bounds, */
	struct user_iovec segments[KW_SEGMENTS]; /* and these to keep what 6.1's verifier takes for one */
};

/* Slots by enum kw_way. Bytes that are sent by a way of their own (kw_sendpage, up to 6.4) need none: they cannot be read. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KW_WAYS);
	__type(key, __u32);
	__type(value, struct kw_scratch);
} scratch SEC(".maps");

/* Programs that go on where another ends, by tail call: each is verified once, whoever calls it, and its work is
 * paid only where it is needed. The kernel lets a program call only programs of the same hook, or of one with the same
 * arguments: so each group of hooks has an array. The loader fills them: see user/observe/tail_calls.c. */
enum kw_next {
	KW_NEXT_HTTP1, /* after a send or a receive: the machine's steps */
	KW_NEXT_ADOPT, /* the connection gets its state only now */
	KW_NEXT_TLS,   /* after a send or a receive: TLS records */
	KW_NEXT_HTTP2, /* after a send or a receive: HTTP/2 frames */
	KW_NEXT_SEEK,  /* its buffers are not those of the system call that runs */
	KW_NEXT_MAX,
};

enum kw_next_last {
	KW_NEXT_LAST, /* after a move or at the end: the last record */
	KW_NEXT_LAST_MAX,
};

#define KW_PROGRAMS(name, entries)                                                                             \
	struct {                                                                                               \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                                         \
		__uint(max_entries, entries);                                                                  \
		__type(key, __u32);                                                                            \
		__type(value, __u32);                                                                          \
	} name SEC(".maps")

KW_PROGRAMS(after_send, KW_NEXT_MAX);
KW_PROGRAMS(after_receive, KW_NEXT_MAX);
KW_PROGRAMS(after_move, KW_NEXT_LAST_MAX);
KW_PROGRAMS(after_destroy, KW_NEXT_LAST_MAX);

static __always_inline struct kw_totals *kw_totals(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&totals, &zero);
}

/* A softirq may count while its processor is just counting the same: so even one's own number takes care. */
static __always_inline void kw_count(__u64 *number, __u64 more)
{
	__sync_fetch_and_add(number, more);
}

static __always_inline struct kw_states *kw_states(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&states, &zero);
}

static __always_inline void kw_count_lost(enum kw_lost kind)
{
	struct kw_totals *t = kw_totals();

	if (t)
		kw_count(&t->lost[kind], 1);
}

#endif
