/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that are named like a library's: none but ordinary ones are opened, because others may act when they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/tls/libraries.h"

struct folder {
	char path[32];
	char library[64];
	char sibling[64];
};

static int set_up(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	snprintf(folder->path, sizeof(folder->path), "/tmp/libraries.XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->library, sizeof(folder->library), "%s/libssl.so.3", folder->path);
	snprintf(folder->sibling, sizeof(folder->sibling), "%s/libcrypto.so.3", folder->path);
	*state = folder;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *folder = *state;

	unlink(folder->sibling);
	rmdir(folder->path);
	free(folder);
	return 0;
}

/* Opens what lies beside the library, and closes it. Returns whether that went well; @ret_opened: whether it was opened at all. */
static bool opens(const struct folder *folder, bool *ret_opened)
{
	struct kw_tls_library library = {.fd = -1, .path = folder->library};
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), fd;
	char events[512];

	assert_true(watch >= 0);
	assert_true(inotify_add_watch(watch, folder->path, IN_OPEN) >= 0);
	fd = kw_tls_library_sibling(&library, "libssl", "libcrypto");
	*ret_opened = read(watch, events, sizeof(events)) > 0;
	assert_true(*ret_opened || errno == EAGAIN);
	close(watch);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void an_ordinary_file_is_opened(void **state)
{
	const struct folder *folder = *state;
	int fd = open(folder->sibling, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool opened;

	assert_true(fd >= 0);
	close(fd);
	assert_true(opens(folder, &opened));
	assert_true(opened);
}

static void a_pipe_is_not(void **state)
{
	const struct folder *folder = *state;
	bool opened;

	assert_int_equal(mkfifo(folder->sibling, 0600), 0);
	assert_false(opens(folder, &opened));
	assert_false(opened);
}

static void a_link_to_a_device_is_not(void **state)
{
	const struct folder *folder = *state;
	bool opened;

	assert_int_equal(symlink("/dev/null", folder->sibling), 0);
	assert_false(opens(folder, &opened));
}

static void a_file_that_is_too_large_is_not(void **state)
{
	const struct folder *folder = *state;
	int fd = open(folder->sibling, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool opened;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 8L << 30), 0);
	close(fd);
	assert_false(opens(folder, &opened));
	assert_false(opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_ordinary_file_is_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pipe_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_link_to_a_device_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_too_large_is_not, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
