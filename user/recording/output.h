/* SPDX-License-Identifier: BSD-2-Clause */
/* A file that a recording is written to, as bytes: as they are, or compressed by zstd (RFC 8878). */
#ifndef KEEPWATCH_OUTPUT_H
#define KEEPWATCH_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kw_output {
	char *path;                     /* owned */
	int fd;                         /* owned; -1: not open */
	bool created;                   /* the file did not exist before */
	uint64_t size;                  /* bytes in the file */
	struct ZSTD_CCtx_s *compressor; /* owned; NULL: bytes are written as they are */
};

/* Creates the file, readable only by its owner, with the user's own rights (see user_file.h). Takes one that is there already
 * only if it is the user's, empty, under this one name and closed to others, or a character device of the user's; otherwise
 * returns -EEXIST, or -ELOOP if it is a symbolic link. This function and the others return 0 or -errno; this one and
 * kw_output_end() log one line on failure. Whatever they return, kw_output_close() frees the output. */
int kw_output_open(struct kw_output *output, const char *path, bool compress);

/* Appends bytes, and whatever was held back before: all of it can be read from the file then. On failure *ret_done says how many
 * of them are in the file: compressed ones are there all or not at all. */
int kw_output_append(struct kw_output *output, const void *bytes, size_t size, size_t *ret_done);

/* The most that @size more bytes add to the file. */
uint64_t kw_output_bound(const struct kw_output *output, size_t size);

/* Empties the file, to begin anew. */
int kw_output_restart(struct kw_output *output);

/* Ends the compressed bytes, and brings the file to the disk. */
int kw_output_end(struct kw_output *output);

/* Closes and frees. -errno if closing failed. */
int kw_output_close(struct kw_output *output);

#endif
