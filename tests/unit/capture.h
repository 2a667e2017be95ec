/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures the text that is written to a standard stream. */
#ifndef KEEPWATCH_TEST_CAPTURE_H
#define KEEPWATCH_TEST_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct capture {
	int stream; /* STDOUT_FILENO or STDERR_FILENO */
	int saved;
	int file;
};

static inline struct capture capture_begin(int stream)
{
	struct capture capture = {.stream = stream, .file = memfd_create("capture", MFD_CLOEXEC)};

	fflush(stdout);
	capture.saved = dup(stream);
	dup2(capture.file, stream);
	return capture;
}

/* Freed by the caller. */
static inline char *capture_end(struct capture *capture)
{
	off_t size;
	char *text;

	fflush(stdout);
	dup2(capture->saved, capture->stream);
	close(capture->saved);
	size = lseek(capture->file, 0, SEEK_END);
	text = calloc(1, (size_t)size + 1);
	if (text && pread(capture->file, text, (size_t)size, 0) != size)
		abort();
	close(capture->file);
	return text;
}

#endif
