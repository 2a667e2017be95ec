/* SPDX-License-Identifier: BSD-2-Clause */
/* A file for the tests of one program, which all write anew: setup and teardown of their group. */
#ifndef KEEPWATCH_TEST_OWN_FILE_H
#define KEEPWATCH_TEST_OWN_FILE_H

#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/keepwatch-test-XXXXXX";

static inline int begin_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static inline int end_file(void **state)
{
	(void)state;
	return unlink(path);
}

#endif
