/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/attacher.h"

#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privileges.h"
#include "base/system_calls.h"
#include "observe/tls/capstone.h"
#include "observe/tls/files.h"
#include "observe/tls/libraries.h"

#define LOOK_AGAIN 10000 /* ms between two looks at all processes */

/* A kw_tls_library_fn. */
static void on_library(void *context, const struct kw_tls_library *found)
{
	kw_files_meet(context, found);
}

static void look_at_all(struct kw_files *files)
{
	kw_files_begin_look(files);
	kw_tls_libraries_of_host(on_library, files);
	kw_tls_libraries_of_all(on_library, files);
	kw_files_end_look(files);
}

/* ---- the process ------------------------------------------------------------------------------------ */

static int on_ask(void *context, void *data, size_t size)
{
	__u32 pid;

	if (size < sizeof(pid))
		return 0;
	memcpy(&pid, data, sizeof(pid));
	kw_tls_libraries_of((pid_t)pid, on_library, context);
	return 0;
}

static const struct kw_system_call calls[] = {
	KW_CALL(read),
	KW_CALL(pread64),
	KW_CALL(write),
	KW_CALL(writev),
	KW_CALL(lseek),
	KW_CALL(close),
	KW_CALL_IF(openat, KW_ONLY(2, O_RDONLY | O_PATH | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK | O_NOCTTY |
					      O_LARGEFILE)),
	KW_CALL(fstat),
	KW_CALL(fstatfs),
	KW_CALL(newfstatat),
	KW_CALL(getdents64),
	KW_CALL_IF(fcntl, KW_IS(1, F_GETFD)),
	KW_CALL_IF(fcntl, KW_IS(1, F_GETFL)),
	KW_CALL_IF(bpf, KW_IS(0, BPF_LINK_CREATE)),
	KW_CALL(poll),
	KW_CALL(ppoll),
	KW_CALL(epoll_wait),
	KW_CALL(epoll_pwait),
	KW_CALL(rt_sigaction),
	KW_CALL(rt_sigprocmask),
	KW_CALL(rt_sigreturn),
	KW_CALL(restart_syscall),
	KW_CALL(exit),
	KW_CALL(exit_group),
	KW_CALLS_OF_FUTEX,
	KW_CALLS_OF_MEMORY,
	KW_CALL(clock_gettime),
	KW_CALL(gettimeofday),
	KW_CALL(time),
	KW_CALL(getpid),
	KW_CALL(gettid),
	KW_CALL(getrandom)};

static void serve(struct kw_files *files, struct ring_buffer *asks, int observer)
{
	struct pollfd waits[] = {{observer, POLLIN, 0}, {ring_buffer__epoll_fd(asks), POLLIN, 0}};

	for (;;) {
		int r = poll(waits, 2, LOOK_AGAIN);

		if ((r < 0 && errno != EINTR) || waits[0].revents)
			return;
		if (r == 0)
			look_at_all(files);
		else
			ring_buffer__consume(asks);
	}
}

/* Signals from a terminal are the observer's to act upon: it then closes its end. */
static void leave_signals(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
}

static int run(const struct kw_attacher_programs *programs, int observer)
{
	struct kw_files *files = kw_files_new(programs->programs);
	struct ring_buffer *asks = files ? ring_buffer__new(programs->asks, on_ask, files, NULL) : NULL;
	int r;

	if (!asks)
		return kw_log_error(-ENOMEM, "cannot ask the kernel for processes: %s", strerror(errno));
	if (!kw_capstone_load())
		return kw_log_error(-ENOENT, "cannot read code, so --tls is impossible: %s", dlerror());
	r = kw_privileges_drop_to_probes(calls, sizeof(calls) / sizeof(calls[0]));
	if (r < 0)
		return r;
	look_at_all(files);
	if (write(observer, &r, sizeof(r)) != sizeof(r))
		return -errno;
	serve(files, asks, observer);
	return 0;
}

/* The observer's other descriptors are none of this process' business, but for the standard ones. */
static void close_others(const struct kw_attacher_programs *programs, int observer)
{
	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
		bool keep = fd == programs->asks || fd == observer;

		for (size_t i = 0; i < KW_PROBE_PROGRAMS; i++)
			keep |= fd == programs->programs[i];
		if (!keep)
			close(fd);
	}
}

static void begin(const struct kw_attacher_programs *programs, int observer, pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	leave_signals();
	close_others(programs, observer);
	_exit(run(programs, observer) < 0);
}

int kw_attacher_start(const struct kw_attacher_programs *programs)
{
	pid_t parent = getpid(), pid;
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return kw_log_error(-errno, "cannot make a pair of sockets: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		begin(programs, ends[1], parent);
	}
	close(ends[1]);
	if (pid > 0 && read(ends[0], &r, sizeof(r)) == sizeof(r))
		return ends[0];
	close(ends[0]);
	return kw_log_error(-EOPNOTSUPP, "the process that puts probes into TLS libraries did not start");
}
