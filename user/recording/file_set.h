/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of a set that are there, in the order of their parts. */
#ifndef KEEPWATCH_FILE_SET_H
#define KEEPWATCH_FILE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "recording/recording.h"

struct kw_file_set {
	struct kw_file_set_part {
		char *path; /* owned */
		uint32_t part;
	} parts[KW_RECORDING_FILES]; /* ascending */
	unsigned int count;
	bool damaged; /* a file is there and cannot be read, which has been logged */
};

/* Finds the parts of the recording that @path begins: itself, and, if it is the first file of a set, the others of that set. A file
 * that a set has not come to yet is empty, and left out. 0 or -errno, and one line has been logged; also if @path itself cannot be
 * read. Parts that are missing between others are logged. */
int kw_file_set_open(struct kw_file_set *set, const char *path);

void kw_file_set_close(struct kw_file_set *set);

#endif
