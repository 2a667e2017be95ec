/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream whose text grows in memory. */
#ifndef KEEPWATCH_MEMORY_STREAM_H
#define KEEPWATCH_MEMORY_STREAM_H

#include <stddef.h>
#include <stdio.h>

/* Must not move in memory while it is open. */
struct kw_memory_stream {
	FILE *file;    /* to write to */
	char *text;    /* owned */
	size_t length; /* of text, without its NUL */
};

/* -ENOMEM. */
int kw_memory_stream_open(struct kw_memory_stream *stream);

/* Ends the stream; its text is the caller's to free. -ENOMEM if not all was written, and nothing is handed over. */
int kw_memory_stream_take(struct kw_memory_stream *stream, char **ret_text, size_t *ret_length);

/* Releases what is left of it, open or taken. */
void kw_memory_stream_close(struct kw_memory_stream *stream);

#endif
