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
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/tls/probes.h"

#define CUTS 200
#define FLIPS 1000

struct library {
	const char *name; /* its file's name begins with this */
	uint8_t *bytes;
	size_t size;
};

static const char *const names[] = {"/libssl.so.", "/libgnutls.so."};

#define NAMES (sizeof(names) / sizeof(names[0]))

static void take(void *context, const struct kw_tls_library *found)
{
	struct library *library = context;
	struct stat about;

	if (library->bytes || !strstr(found->path, library->name))
		return;
	assert_int_equal(fstat(found->fd, &about), 0);
	library->size = (size_t)about.st_size;
	library->bytes = malloc(library->size);
	assert_int_equal(pread(found->fd, library->bytes, library->size, 0), about.st_size);
}

/* A library of this host. */
static struct library own(const char *name)
{
	struct library library = {.name = name};

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
	struct library library = own("/libssl.so.");
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

/* GnuTLS: a session begins with the number of its side, which is an offset of 0. */
static void gnutls_shows_its_functions_and_fields(void **state)
{
	struct library library = own("/libgnutls.so.");
	struct kw_probes probes;
	size_t unread = 0, writing = 0;

	(void)state;
	assert_int_equal(read_bytes(library.bytes, library.size, &probes), 0);
	for (size_t i = 0; i < probes.count; i++) {
		uint64_t cookie = probes.list[i].cookie;

		assert_in_range(probes.list[i].offset, 1, library.size - 1);
		assert_in_range(KW_PROBE_RANDOM(cookie), 8, KW_PROBE_UNKNOWN - 1);
		assert_in_range(KW_PROBE_CORKED(cookie), 8, KW_PROBE_UNKNOWN - 1);
		assert_int_equal(KW_PROBE_SERVER(cookie), 0);
		assert_int_equal(KW_PROBE_BIOS(cookie), KW_PROBE_NO_BIO);
		assert_int_equal(KW_PROBE_LIBRARY(cookie), KW_LIBRARY_GNUTLS);
		unread += (cookie & KW_PROBE_UNREAD) != 0;
		writing += probes.list[i].program == KW_PROBE_CALL && cookie & KW_PROBE_WRITES;
	}
	assert_int_equal(unread, 1);
	assert_int_equal(writing, 2);
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
	struct kw_probes probes;

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct library library = own(names[i]);

		for (size_t k = 0; k < CUTS; k++)
			assert_true(read_bytes(library.bytes, library.size / CUTS * k, &probes) <= 0);
		free(library.bytes);
	}
}

/* Where the byte number @i of those that are changed lies: in headers and tables, where a wrong number leads furthest, or anywhere. */
static size_t place_of(size_t i, size_t size)
{
	size_t head = i % 2 ? 1024 : size;

	return i % 4 == 2 ? size - 1 - (size_t)random() % 4096 : (size_t)random() % head;
}

static void a_library_that_was_changed_does_no_harm(void **state)
{
	struct kw_probes probes;

	(void)state;
	srandom(1);
	for (size_t n = 0; n < NAMES; n++) {
		struct library library = own(names[n]);

		for (size_t i = 0; i < FLIPS; i++) {
			size_t at = place_of(i, library.size);
			uint8_t before = library.bytes[at];

			library.bytes[at] = (uint8_t)random();
			assert_true(read_bytes(library.bytes, library.size, &probes) <= 0);
			if (i % 16 == 15)
				library.bytes[at] = before;
		}
		free(library.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_library_shows_its_functions_and_fields),
		cmocka_unit_test(gnutls_shows_its_functions_and_fields),
		cmocka_unit_test(other_files_are_no_libraries),
		cmocka_unit_test(a_library_that_was_cut_does_no_harm),
		cmocka_unit_test(a_library_that_was_changed_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
