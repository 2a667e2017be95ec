/* SPDX-License-Identifier: BSD-2-Clause */
#include "recording/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/user_file.h"

#define LEVEL 3
#define PIECE 65536U

static int cannot_write(const char *path, int r)
{
	return kw_log_error(r, "cannot write %s: %s", path, strerror(-r));
}

/* ---- opening ---- */

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

int kw_output_open(struct kw_output *output, const char *path, bool compress)
{
	*output = (struct kw_output){.fd = -1, .path = strdup(path)};
	if (compress)
		output->compressor = ZSTD_createCCtx();
	if (!output->path || (compress && !output->compressor))
		return kw_log_error(-ENOMEM, "out of memory");
	if (compress)
		ZSTD_CCtx_setParameter(output->compressor, ZSTD_c_compressionLevel, LEVEL);
	output->fd = open_file(path, &output->created);
	return output->fd < 0 ? output->fd : 0;
}

/* ---- writing ---- */

/* On failure *ret_done bytes were written. */
static int write_all(int fd, const uint8_t *bytes, size_t size, size_t *ret_done)
{
	*ret_done = 0;
	while (*ret_done < size) {
		ssize_t wrote = write(fd, bytes + *ret_done, size - *ret_done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		*ret_done += (size_t)wrote;
	}
	return 0;
}

/* Compresses @input, and writes all that the compressor has. *ret_size: bytes written. */
static int compress_all(const struct kw_output *output, ZSTD_inBuffer input, ZSTD_EndDirective how,
			uint64_t *ret_size)
{
	uint8_t piece[PIECE];
	size_t left, done;
	int r = 0;

	*ret_size = 0;
	do {
		ZSTD_outBuffer into = {.dst = piece, .size = sizeof(piece)};

		left = ZSTD_compressStream2(output->compressor, &into, &input, how);
		if (ZSTD_isError(left))
			return -ENOMEM;
		r = write_all(output->fd, piece, into.pos, &done);
		*ret_size += done;
	} while (r == 0 && left > 0);
	return r;
}

int kw_output_append(struct kw_output *output, const void *bytes, size_t size, size_t *ret_done)
{
	const ZSTD_inBuffer input = {.src = bytes, .size = size};
	uint64_t wrote;
	int r;

	if (!output->compressor) {
		r = write_all(output->fd, bytes, size, ret_done);
		output->size += *ret_done;
		return r;
	}
	r = compress_all(output, input, ZSTD_e_flush, &wrote);
	*ret_done = r == 0 ? size : 0;
	output->size += r == 0 ? wrote : 0;
	return r;
}

uint64_t kw_output_bound(const struct kw_output *output, size_t size)
{
	return output->compressor ? ZSTD_compressBound(size) : size;
}

int kw_output_restart(struct kw_output *output)
{
	if (ftruncate(output->fd, 0) < 0 || lseek(output->fd, 0, SEEK_SET) < 0)
		return -errno;
	output->size = 0;
	if (output->compressor)
		ZSTD_CCtx_reset(output->compressor, ZSTD_reset_session_only);
	return 0;
}

/* ---- the end ---- */

int kw_output_end(struct kw_output *output)
{
	uint64_t wrote = 0;
	int r = output->compressor ? compress_all(output, (ZSTD_inBuffer){0}, ZSTD_e_end, &wrote) : 0;

	output->size += wrote;
	if (r == 0 && fsync(output->fd) < 0 && errno != EINVAL && errno != EROFS)
		r = -errno;
	return r < 0 ? cannot_write(output->path, r) : 0;
}

int kw_output_close(struct kw_output *output)
{
	int r = output->fd >= 0 && close(TAKE_FD(output->fd)) < 0 ? cannot_write(output->path, -errno) : 0;

	ZSTD_freeCCtx(output->compressor);
	free(output->path);
	*output = (struct kw_output){.fd = -1};
	return r;
}
