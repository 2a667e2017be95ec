/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of a TLS library: of this host's own, and of files that somebody has broken. */
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

#include "observe/tls/libraries.h"
#include "observe/tls/symbols.h"

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
static int read_bytes(const uint8_t *bytes, size_t size, struct kw_tls_symbols *symbols)
{
	int fd = memfd_create("library", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	r = kw_tls_symbols_read(fd, symbols);
	close(fd);
	return r;
}

static void a_library_shows_its_functions_and_fields(void **state)
{
	struct library library = own();
	struct kw_tls_symbols symbols;

	(void)state;
	assert_int_equal(read_bytes(library.bytes, library.size, &symbols), 0);
	for (size_t i = 0; i < KW_TLS_FUNCTIONS; i++)
		assert_in_range(symbols.functions[i], 1, library.size - 1);
	assert_in_range(symbols.random_at, 8, 4096);
	assert_in_range(symbols.server_at, 4, 4096);
	assert_int_not_equal(symbols.random_at, symbols.server_at);
	free(library.bytes);
}

static void other_files_are_no_libraries(void **state)
{
	static const uint8_t text[] = "#!/bin/sh\n";
	struct kw_tls_symbols symbols;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(read_bytes(text, sizeof(text), &symbols), -ENOEXEC);
	assert_int_equal(read_bytes(text, 0, &symbols), -ENOEXEC);
	assert_int_equal(kw_tls_symbols_read(fd, &symbols), -ENOENT);
	close(fd);
}

static void a_library_that_was_cut_does_no_harm(void **state)
{
	struct library library = own();
	struct kw_tls_symbols symbols;

	(void)state;
	for (size_t i = 0; i < CUTS; i++)
		assert_true(read_bytes(library.bytes, library.size / CUTS * i, &symbols) <= 0);
	free(library.bytes);
}

/* Headers and tables, where a wrong number leads furthest. */
static void a_library_that_was_changed_does_no_harm(void **state)
{
	struct library library = own();
	struct kw_tls_symbols symbols;

	(void)state;
	srandom(1);
	for (size_t i = 0; i < FLIPS; i++) {
		size_t head = i % 2 ? 1024 : library.size;
		size_t at = i % 4 == 2 ? library.size - 1 - (size_t)random() % 4096 : (size_t)random() % head;
		uint8_t before = library.bytes[at];

		library.bytes[at] = (uint8_t)random();
		assert_true(read_bytes(library.bytes, library.size, &symbols) <= 0);
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
