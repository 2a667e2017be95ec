/* SPDX-License-Identifier: BSD-2-Clause */
/* The probes of a TLS library: of this host's own, and of files that somebody has broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/tls/probes.h"

#define CUTS 200
#define FLIPS 2000

struct library {
	uint8_t *bytes;
	size_t size;
};

static void take(void *context, const struct kw_tls_library *found)
{
	struct library *library = context;
	struct stat about;

	if (library->bytes)
		return;
	assert_int_equal(fstat(found->fd, &about), 0);
	library->size = (size_t)about.st_size;
	library->bytes = malloc(library->size);
	assert_int_equal(pread(found->fd, library->bytes, library->size, 0), about.st_size);
}

/* This host's library. */
static struct library own(void)
{
	struct library library = {0};

	kw_tls_libraries_of_host(take, &library);
	assert_non_null(library.bytes);
	return library;
}

/* Reads a file with these bytes. */
static int read_bytes(const uint8_t *bytes, size_t size, struct kw_probes *probes)
{
	int fd = memfd_create("library", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	r = kw_probes_of(&(struct kw_tls_library){.fd = fd, .path = "library"}, probes);
	close(fd);
	return r;
}

static void a_library_shows_its_functions_and_fields(void **state)
{
	struct library library = own();
	struct kw_probes probes;

	(void)state;
	assert_int_equal(read_bytes(library.bytes, library.size, &probes), 0);
	assert_true(probes.count >= 5);
	for (size_t i = 0; i < probes.count; i++) {
		assert_in_range(probes.list[i].offset, 1, library.size - 1);
		assert_in_range(KW_PROBE_RANDOM(probes.list[i].cookie), 8, KW_PROBE_UNKNOWN - 1);
		assert_in_range(KW_PROBE_SERVER(probes.list[i].cookie), 4, KW_PROBE_UNKNOWN - 1);
		assert_int_equal(KW_PROBE_LIBRARY(probes.list[i].cookie), KW_LIBRARY_OPENSSL);
	}
	assert_int_equal(probes.list[probes.count - 1].program, KW_PROBE_BEGIN);
	free(library.bytes);
}

static void other_files_are_no_libraries(void **state)
{
	static const uint8_t text[] = "#!/bin/sh\n";
	struct kw_probes probes;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(read_bytes(text, sizeof(text), &probes), -ENOEXEC);
	assert_int_equal(read_bytes(text, 0, &probes), -ENOEXEC);
	assert_int_equal(kw_probes_of(&(struct kw_tls_library){.fd = fd, .path = "library"}, &probes), -ENOENT);
	close(fd);
}

static void a_library_that_was_cut_does_no_harm(void **state)
{
	struct library library = own();
	struct kw_probes probes;

	(void)state;
	for (size_t i = 0; i < CUTS; i++)
		assert_true(read_bytes(library.bytes, library.size / CUTS * i, &probes) <= 0);
	free(library.bytes);
}

/* Headers and tables, where a wrong number leads furthest. */
static void a_library_that_was_changed_does_no_harm(void **state)
{
	struct library library = own();
	struct kw_probes probes;

	(void)state;
	srandom(1);
	for (size_t i = 0; i < FLIPS; i++) {
		size_t head = i % 2 ? 1024 : library.size;
		size_t at = i % 4 == 2 ? library.size - 1 - (size_t)random() % 4096 : (size_t)random() % head;
		uint8_t before = library.bytes[at];

		library.bytes[at] = (uint8_t)random();
		assert_true(read_bytes(library.bytes, library.size, &probes) <= 0);
		if (i % 16 == 15)
			library.bytes[at] = before;
	}
	free(library.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_library_shows_its_functions_and_fields),
		cmocka_unit_test(other_files_are_no_libraries),
		cmocka_unit_test(a_library_that_was_cut_does_no_harm),
		cmocka_unit_test(a_library_that_was_changed_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
