/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/user_file.h"
#include "include/event.h"
#include "recording/recording.h"

#define BUFFER (256U << 10)

struct kw_recording_writer {
	char *path;
	int fd;
	bool created;     /* the file did not exist before */
	int failed;       /* -errno of the first failure; after it nothing is written any more */
	uint64_t written; /* bytes in the file */
	size_t used;      /* bytes in buffer */
	uint8_t buffer[BUFFER];
};

void kw_recording_describe(bool exchanges, const struct kw_clock *clock, struct kw_recording_header *ret_header)
{
	struct kw_recording_header header = {
		.keepwatch = KEEPWATCH_VERSION,
		.processors = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.clock = *clock,
		.started = kw_clock_monotonic(),
		.exchanges = exchanges,
		.connection_size = sizeof(struct kw_event_connection),
		.history_size = sizeof(struct kw_event_history),
	};
	struct utsname names;

	if (uname(&names) == 0) {
		kw_sanitize(names.release, sizeof(names.release), header.kernel, sizeof(header.kernel));
		kw_sanitize(names.nodename, sizeof(names.nodename), header.host, sizeof(header.host));
		kw_sanitize(names.machine, sizeof(names.machine), header.machine, sizeof(header.machine));
	}
	*ret_header = header;
}

static int cannot_write(const char *path, int r)
{
	return kw_log_error(r, "cannot write %s: %s", path, strerror(-r));
}

/* Says why a file that was there before must not become the recording; NULL if it may. Somebody else may have laid it
 * there, to read or to change later what is recorded, or to have another file overwritten. */
static const char *fault_of(const struct stat *about)
{
	if (about->st_uid != getuid())
		return "belongs to another user";
	if (about->st_nlink != 1)
		return "has other names too (hard links)";
	if (S_ISCHR(about->st_mode))
		return NULL; /* a device of its own, as root's /dev/null, which nobody else can lay anywhere */
	if (!S_ISREG(about->st_mode))
		return "is not a regular file";
	if (about->st_size)
		return "exists already";
	return about->st_mode & 077 ? "can be opened by other users"
				    : NULL; /* as mkstemp() leaves one, it cannot */
}

/* Never overwrites a recording, because it may be the only copy. Does not wait for the reader of a pipe. */
static int open_existing(const char *path)
{
	_cleanup_fd_ int fd = kw_user_open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	const char *fault;
	struct stat about;

	if (fd < 0 && errno == ELOOP)
		return kw_log_error(-ELOOP, "%s is a symbolic link: record to a file of its own", path);
	if (fd < 0 || fstat(fd, &about) < 0)
		return cannot_write(path, -errno);
	fault = fault_of(&about);
	if (fault)
		return kw_log_error(-EEXIST, "%s %s: remove it, or record to another file", path, fault);
	return TAKE_FD(fd);
}

static int open_file(const char *path, bool *ret_created)
{
	int fd = kw_user_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

	*ret_created = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		return open_existing(path);
	return fd < 0 ? cannot_write(path, -errno) : fd;
}

static void free_writer(struct kw_recording_writer *writer)
{
	kw_cleanup_fd(&writer->fd);
	free(writer->path);
	free(writer);
}
KW_DEFINE_CLEANUP(struct kw_recording_writer *, free_writer);

int kw_recording_create(const char *path, struct kw_recording_writer **ret_writer)
{
	struct kw_recording_preamble preamble = {.magic = KW_RECORDING_MAGIC, .version = KW_RECORDING_VERSION};
	_cleanup_(free_writerp) struct kw_recording_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return kw_log_error(-ENOMEM, "out of memory");
	writer->fd = -1;
	writer->path = strdup(path);
	if (!writer->path)
		return kw_log_error(-ENOMEM, "out of memory");
	writer->fd = open_file(path, &writer->created);
	if (writer->fd < 0)
		return writer->fd;
	memcpy(writer->buffer, &preamble, sizeof(preamble));
	writer->used = sizeof(preamble);
	*ret_writer = TAKE_PTR(writer);
	return 0;
}

/* How many of the first @length bytes of the buffer belong to whole frames. The preamble counts as a frame. */
static size_t whole(const struct kw_recording_writer *writer, size_t length)
{
	size_t at = writer->written ? 0 : sizeof(struct kw_recording_preamble);
	struct kw_frame_head head;

	while (at + sizeof(head) <= length) {
		memcpy(&head, writer->buffer + at, sizeof(head));
		if (at + sizeof(head) + head.size > length)
			break;
		at += sizeof(head) + head.size;
	}
	return at <= length ? at : 0;
}

/* Truncates the file after its last whole frame; in a pipe that is not possible. */
static int give_up(struct kw_recording_writer *writer, size_t done, int r)
{
	uint64_t good = writer->written + whole(writer, done);

	writer->failed = r;
	if (ftruncate(writer->fd, (off_t)good) == 0)
		writer->written = good;
	return kw_log_error(r, "cannot write %s: %s; the %llu bytes before that are a usable recording",
			    writer->path, strerror(-r), (unsigned long long)good);
}

int kw_recording_flush(struct kw_recording_writer *writer)
{
	size_t done = 0;

	if (writer->failed)
		return writer->failed;
	while (done < writer->used) {
		ssize_t wrote = write(writer->fd, writer->buffer + done, writer->used - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return give_up(writer, done, -errno);
		done += (size_t)wrote;
	}
	writer->written += done;
	writer->used = 0;
	return 0;
}

int kw_recording_write(struct kw_recording_writer *writer, enum kw_frame_type type, const void *payload,
		       size_t size)
{
	struct kw_frame_head head = {.size = (uint32_t)((size + 7) & ~(size_t)7), .type = type};
	uint8_t *at;
	int r = writer->failed;

	if (size > KW_FRAME_MOST)
		return kw_log_error(-EMSGSIZE, "a frame of %zu bytes does not fit a recording", size);
	if (r == 0 && writer->used + sizeof(head) + head.size > BUFFER)
		r = kw_recording_flush(writer);
	if (r < 0)
		return r;
	at = writer->buffer + writer->used;
	memset(at + sizeof(head), 0, head.size);
	if (size)
		memcpy(at + sizeof(head), payload, size);
	head.checksum = kw_recording_checksum(KW_RECORDING_VERSION, &head, at + sizeof(head));
	memcpy(at, &head, sizeof(head));
	writer->used += sizeof(head) + head.size;
	return 0;
}

int kw_recording_write_header(struct kw_recording_writer *writer, const struct kw_recording_header *header)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_(json_decrefp) json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:{s:I, s:I}}", "keepwatch", header->keepwatch,
		"kernel", header->kernel, "host", header->host, "machine", header->machine, "processors",
		(json_int_t)header->processors, "clock_offset", (json_int_t)header->clock.offset, "started",
		(json_int_t)header->started, "exchanges", header->exchanges, "events", "connection",
		(json_int_t)header->connection_size, "lived", (json_int_t)header->history_size);

	if (object)
		text = json_dumps(object, JSON_COMPACT);
	if (!text)
		return kw_log_error(-ENOMEM, "out of memory");
	return kw_recording_write(writer, KW_FRAME_HEADER, text, strlen(text));
}

int kw_recording_finish(struct kw_recording_writer *writer, bool complete)
{
	int r = 0;

	if (!writer)
		return 0;
	if (!complete && !writer->written && writer->used == sizeof(struct kw_recording_preamble)) {
		writer->used = 0; /* nothing was recorded, so remove the file */
		if (writer->created)
			unlink(writer->path);
	}
	if (complete)
		r = kw_recording_write(writer, KW_FRAME_END, NULL, 0);
	if (r == 0)
		r = kw_recording_flush(writer);
	if (r == 0 && fsync(writer->fd) < 0 && errno != EINVAL && errno != EROFS)
		r = cannot_write(writer->path, -errno);
	if (close(TAKE_FD(writer->fd)) < 0 && r == 0)
		r = cannot_write(writer->path, -errno);
	free_writer(writer);
	return r;
}

uint64_t kw_recording_size(const struct kw_recording_writer *writer)
{
	return writer->written + writer->used;
}
