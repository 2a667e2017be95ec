/* SPDX-License-Identifier: BSD-2-Clause */
/* A file that a recording is read from, as bytes: as they are, or decompressed if the file is one of zstd (RFC 8878). */
#ifndef KEEPWATCH_INPUT_H
#define KEEPWATCH_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kw_input;

/* Opens the file with the user's own rights (see user_file.h). 0; or -errno, and nothing has been logged. */
int kw_input_open(const char *path, struct kw_input **ret_input);

/* Reads up to @size bytes. *ret_size: how many; fewer, or none, if the file ends there. Returns 0; -EBADMSG if compressed bytes are
 * damaged, or have to remember more than KW_INPUT_WINDOW_LOG allows; or another -errno. Nothing is logged. Bytes before the damage are given. */
int kw_input_read(struct kw_input *input, void *ret_bytes, size_t size, size_t *ret_size);

/* NULL is allowed. */
void kw_input_close(struct kw_input *input);

/* Most bytes that a compressed file may ask to be remembered, as a power of two: more than any level that keepwatch writes with. */
#define KW_INPUT_WINDOW_LOG 23

#endif
