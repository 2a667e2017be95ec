/* SPDX-License-Identifier: BSD-2-Clause */
/* The privileges that a process still has after it gave them up. A child process gives them up for each test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/privileges.h"

#define CANNOT_DROP 200

/* errno of what the child tried, or 0. */
static int after_the_drop(long (*attempt)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (kw_privileges_drop(&(struct kw_needs){0}) < 0)
			_exit(CANNOT_DROP);
		_exit(attempt() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static long open_to_write(void)
{
	return open("/dev/null", O_WRONLY);
}

static long open_to_create(void)
{
	return open("/tmp", O_RDONLY | O_CREAT | O_DIRECTORY, 0600);
}

static long open_to_truncate(void)
{
	return open("/dev/null", O_RDONLY | O_TRUNC);
}

static long remove_a_file(void)
{
	return unlink("/nonexistent/file");
}

static long change_a_mode(void)
{
	return chmod("/nonexistent/file", 0777);
}

static long make_a_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long connect_a_socket(void)
{
	return connect(0, NULL, 0);
}

static long run_a_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static long start_a_process(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long signal_another(void)
{
	return kill(getppid(), 0);
}

static long signal_a_thread_of_another(void)
{
	pid_t parent = getppid();

	return syscall(SYS_tgkill, parent, parent, 0);
}

static long enter_a_namespace(void)
{
	return setns(0, CLONE_NEWNET);
}

static long load_a_program(void)
{
	union bpf_attr attributes = {0};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));
}

static long change_a_map(void)
{
	union bpf_attr attributes = {0};

	return syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attributes, sizeof(attributes));
}

static long map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
													 : 0;
}

static long raise_a_limit(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	return setrlimit(RLIMIT_CORE, &limit);
}

/* Not in a build that looks for faults of memory: that has no filter (see privileges.c), and would do the harm. */
static __attribute__((unused)) void what_could_do_harm_is_forbidden(void **state)
{
	static const struct {
		const char *what;
		long (*attempt)(void);
	} rows[] = {
		{"open to write", open_to_write},
		{"open to create", open_to_create},
		{"open to truncate", open_to_truncate},
		{"remove a file", remove_a_file},
		{"change a mode", change_a_mode},
		{"make a socket", make_a_socket},
		{"connect a socket", connect_a_socket},
		{"run a program", run_a_program},
		{"start a process", start_a_process},
		{"signal another process", signal_another},
		{"signal a thread of another process", signal_a_thread_of_another},
		{"enter a namespace", enter_a_namespace},
		{"load a program", load_a_program},
		{"change a map", change_a_map},
		{"map code", map_code},
		{"raise a limit", raise_a_limit},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int error = after_the_drop(rows[i].attempt);

		if (error != EPERM)
			fail_msg("%s: error %d", rows[i].what, error);
	}
}

static long read_a_file(void)
{
	char byte;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : read(fd, &byte, 1) - 1;
}

static long allocate(void)
{
	void *memory = malloc(16 << 20);

	if (!memory)
		return -1;
	free(memory);
	return 0;
}

static long ask_a_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit);
}

/* The kernel looks at the descriptor, which is none, only if the filter lets the call pass. */
static long read_a_map(void)
{
	union bpf_attr attributes = {.map_fd = 0};
	long r = syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof(attributes));

	return r < 0 && (errno == EINVAL || errno == EBADF) ? 0 : r;
}

static void what_the_event_loop_needs_is_left(void **state)
{
	(void)state;
	assert_int_equal(after_the_drop(read_a_file), 0);
	assert_int_equal(after_the_drop(allocate), 0);
	assert_int_equal(after_the_drop(ask_a_limit), 0);
	assert_int_equal(after_the_drop(read_a_map), 0);
}

static void a_process_may_still_abort(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		if (kw_privileges_drop(&(struct kw_needs){0}) == 0)
			abort();
		_exit(CANNOT_DROP);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(what_could_do_harm_is_forbidden),
#endif
		cmocka_unit_test(what_the_event_loop_needs_is_left),
		cmocka_unit_test(a_process_may_still_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
