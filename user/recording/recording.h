/* SPDX-License-Identifier: BSD-2-Clause */
/* A recording: the kernel side's events in a file, as they are. A file is a preamble and frames behind each other;
 * all numbers are little-endian. The first frame is the header, a JSON object. Then come events, and before an event
 * the frames that a replay needs for it: the names of cgroups when they are first met, and the clock when it was set.
 * The last frame is an end mark. Each frame has a checksum, so damage is found where it is. A recorder that is
 * interrupted leaves all frames that it had written. */
#ifndef KEEPWATCH_RECORDING_H
#define KEEPWATCH_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Version 1 has another checksum. Version 3 may hold KW_EVENT_UNSEEN, version 4 KW_EVENT_TLS, version 5 KW_EVENT_HTTP2, version 6
 * KW_EVENT_TLS_HTTP2, which programs that write the version before take for damage. */
#define KW_RECORDING_VERSION 6 /* is written; 1 to 5 are still read */

struct kw_recording_preamble {
	char magic[12];   /* KW_RECORDING_MAGIC */
	uint32_t version; /* grows when older programs cannot read the file */
};
#define KW_RECORDING_MAGIC "keepwatch\r\n" /* a transfer in text mode changes it */

enum kw_frame_type {
	KW_FRAME_HEADER = 1, /* JSON, see struct kw_recording_header */
	KW_FRAME_EVENT,      /* an event as the kernel side sent it */
	KW_FRAME_NAME,       /* 8 bytes: a cgroup's id; then its path, ended by NUL; empty if it has none */
	KW_FRAME_CLOCK,      /* 8 bytes: from now on, the number to add to monotonic times for real time */
	KW_FRAME_END,        /* no payload: the recorder ended in order */
	KW_FRAME_MAX,
};

struct kw_frame_head {
	uint32_t size;     /* of the payload that follows: a multiple of 8, at most KW_FRAME_MOST */
	uint32_t type;     /* enum kw_frame_type */
	uint64_t checksum; /* of the two fields above and the payload, see kw_recording_checksum() */
};
#define KW_FRAME_MOST 65536

/* The place of a file in a set: a recording that goes on in file after file, each of them a recording by itself. */
struct kw_recording_set {
	int64_t begun; /* real time at which the set began, ns; the same in all its files, and in no other set's */
	uint32_t files; /* how many there are at most: FILE, FILE.1 ...; 0: the file stands alone */
	uint32_t part;  /* counts the parts from 1, also those that newer ones have taken the file of */
};

#define KW_RECORDING_FILES 100 /* most files of a set */

/* Number of cgroup paths that recorder and reader remember; when one more comes, both forget all of them. */
#define KW_RECORDING_NAMES 4096

/* The circumstances in which the recording began. A key that an older file lacks is empty or 0. */
struct kw_recording_header {
	char keepwatch[32]; /* version */
	char kernel[72];    /* release */
	char host[72];      /* its name */
	char machine[24];   /* its architecture */
	uint32_t processors;
	struct kw_clock clock;
	uint64_t started; /* monotonic ns; start of the observation */
	bool exchanges;   /* exchanges are recorded too */
	size_t connection_size; /* size of connection events, so that a layout that is not known is refused; 0: not given */
	size_t history_size;
	struct kw_recording_set set; /* is for the writer to set */
};

/* The checksum of a frame in a file of this version. From version 2 on it is the CRC-32 of zlib (RFC 1952, section 8) over the
 * size and the type of the head and then the payload. */
uint64_t kw_recording_checksum(uint32_t version, const struct kw_frame_head *head, const void *payload);

/* ---- writing ---- */

struct kw_recording_writer;

/* Fills in *ret_header for this host and the present time. @exchanges: events of exchanges are recorded too. */
void kw_recording_describe(bool exchanges, const struct kw_clock *clock,
			   struct kw_recording_header *ret_header);

struct kw_recording_settings {
	const char *path;
	uint64_t max_size;      /* bytes that a file may have, 1 MiB at least; 0: any number, in one file */
	unsigned int max_files; /* of a set, from 2 to KW_RECORDING_FILES; asked for with max_size alone */
	bool compress;          /* by zstd */
};

/* The name of a file of the set, by its number from 0; the caller frees it. NULL: out of memory. */
char *kw_recording_name(const char *path, unsigned int number);

/* Creates the file, or all files of a set, which can be replayed together or each by itself, as kw_output_open() says. The first part
 * is open to be written. This function and the others log one line on failure. */
int kw_recording_create_set(const struct kw_recording_settings *settings,
			    struct kw_recording_writer **ret_writer);

/* The same for one file that is not compressed. */
int kw_recording_create(const char *path, struct kw_recording_writer **ret_writer);

/* Whether frames of @size bytes, heads included, would make the file larger than it may be. */
bool kw_recording_is_full(const struct kw_recording_writer *writer, size_t size);

/* Ends the part, and begins the next one, in the file that has not been written for the longest. */
int kw_recording_turn(struct kw_recording_writer *writer, const struct kw_recording_header *header);

/* Appends a frame of @size bytes, padded with zeros to a multiple of 8. It reaches the file with
 * kw_recording_flush(), or when the buffer is full. If writing fails, the file is truncated after its last whole
 * frame. */
int kw_recording_write(struct kw_recording_writer *writer, enum kw_frame_type type, const void *payload,
		       size_t size);
int kw_recording_write_header(struct kw_recording_writer *writer, const struct kw_recording_header *header);
int kw_recording_flush(struct kw_recording_writer *writer);

/* Writes the end mark if @complete, then closes. NULL is allowed. Returns 0 or the -errno of the first failure. */
int kw_recording_finish(struct kw_recording_writer *writer, bool complete);

/* Bytes written so far, to all parts together, and those that are held back. */
uint64_t kw_recording_size(const struct kw_recording_writer *writer);

/* ---- reading ---- */

struct kw_recording_reader;

struct kw_frame {
	enum kw_frame_type type;
	size_t size;
	const void *payload; /* aligned to 8; valid until the next call */
	uint64_t position;   /* position in the file, or among its bytes before they were compressed */
};

/* Opens the file and reads its header. Logs one line on failure. */
int kw_recording_open(const char *path, struct kw_recording_reader **ret_reader,
		      struct kw_recording_header *ret_header);

/* Reads the next frame. Returns 1; 0 after the end mark; -EBADMSG if the file is damaged or cut off, or another
 * -errno, after logging one line that says where. */
int kw_recording_next(struct kw_recording_reader *reader, struct kw_frame *ret_frame);

/* Logs that this frame cannot be decoded, and returns -EBADMSG. */
int kw_recording_damaged(const struct kw_recording_reader *reader, const struct kw_frame *frame);

/* Whether a clock may have this offset. */
bool kw_recording_is_offset(int64_t offset);

void kw_recording_close(struct kw_recording_reader *reader);
KW_DEFINE_CLEANUP(struct kw_recording_reader *, kw_recording_close);

#endif
