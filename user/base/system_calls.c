/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/system_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Not being allowed is an answer that libraries know how to live with. */
#define FORBIDDEN SCMP_ACT_ERRNO(EPERM)

#define READING (O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_LARGEFILE)

/* Connections are no matter of this process: it asks the port's, which it has a socket to, and notifies the service manager. */
static const struct kw_system_call calls[] = {
	/* descriptors that are open */
	KW_CALL(read), KW_CALL(readv), KW_CALL(pread64), KW_CALL(write), KW_CALL(writev), KW_CALL(lseek),
	KW_CALL(close), KW_CALL(recvfrom),
	/* files to be read */
	KW_CALL(fstat), KW_CALL(newfstatat), KW_CALL(statx), KW_CALL(readlink), KW_CALL(readlinkat),
	KW_CALL(getdents64), KW_CALL_IF(openat, KW_ONLY(2, READING)),
	KW_CALL_IF(open_by_handle_at, KW_IS(2, O_PATH | O_CLOEXEC)), /* a name for a control group */
	KW_CALL_IF(fcntl, KW_IS(1, F_GETFD)), KW_CALL_IF(fcntl, KW_IS(1, F_GETFL)), /* no F_SETSIG, O_ASYNC */
	KW_CALL_IF(ioctl, KW_IS(1, TCGETS)),                                        /* is this a terminal? */
	/* To the other end and to nobody else: an address would reach others. */
	KW_CALL_IF(sendto, KW_ONLY(3, KW_SENDING), KW_IS_NULL(4)),
	/* waiting */
	KW_CALL(epoll_ctl), KW_CALL(epoll_wait), KW_CALL(epoll_pwait), KW_CALL(poll), KW_CALL(ppoll),
	KW_CALL(timerfd_create), KW_CALL(timerfd_settime), KW_CALL(signalfd4), KW_CALL(nanosleep),
	KW_CALL(clock_nanosleep), KW_CALL(restart_syscall), KW_CALL(sched_yield), KW_CALLS_OF_FUTEX,
	/* signals and the end */
	KW_CALL(rt_sigaction), KW_CALL(rt_sigprocmask), KW_CALL(rt_sigreturn), KW_CALL(exit),
	KW_CALL(exit_group),
	/* memory */
	KW_CALLS_OF_MEMORY,
	/* what time it is, and who and where this is */
	KW_CALL(clock_gettime), KW_CALL(gettimeofday), KW_CALL(time), KW_CALL(getrandom), KW_CALL(getpid),
	KW_CALL(gettid), KW_CALL(uname), KW_CALL(sysinfo), KW_CALL_IF(sched_getaffinity, KW_IS(0, 0)),
	KW_CALL_IF(prlimit64, KW_IS(0, 0), KW_IS_NULL(2)), /* asks for its own, and sets nothing */
	/* what BPF programs have counted, and their iterators */
	KW_CALL_IF(bpf, KW_IS(0, BPF_MAP_LOOKUP_ELEM)), KW_CALL_IF(bpf, KW_IS(0, BPF_OBJ_GET_INFO_BY_FD)),
	KW_CALL_IF(bpf, KW_IS(0, BPF_ITER_CREATE))};

int kw_system_calls_add(scmp_filter_ctx filter, uint32_t action, int call, unsigned int count,
			const struct scmp_arg_cmp *arguments)
{
	return call < 0 ? 0 : seccomp_rule_add_exact_array(filter, action, call, count, arguments);
}

static int add_for(scmp_filter_ctx filter, uint32_t action, int call, int fd)
{
	struct scmp_arg_cmp is = KW_IS(0, fd);

	return kw_system_calls_add(filter, action, call, 1, &is);
}

/* ---- what is open ---- */

/* A recording is cut after its last whole frame and brought to the disk. A log that somebody reads is left alone. */
static int allow_output(scmp_filter_ctx filter, int fd)
{
	struct stat about;
	int flags = fcntl(fd, F_GETFL), r;

	if (fd <= STDERR_FILENO || flags < 0 || (flags & O_ACCMODE) == O_RDONLY || flags & O_PATH ||
	    fstat(fd, &about) < 0 || !(S_ISREG(about.st_mode) || S_ISCHR(about.st_mode)))
		return 0;
	r = add_for(filter, SCMP_ACT_ALLOW, SCMP_SYS(fsync), fd);
	return r < 0 ? r : add_for(filter, SCMP_ACT_ALLOW, SCMP_SYS(ftruncate), fd);
}

static int allow_outputs(scmp_filter_ctx filter)
{
	_cleanup_dir_ DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	int r = 0;

	if (!directory)
		return -errno;
	while (r == 0 && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			r = allow_output(filter, (int)strtol(entry->d_name, NULL, 10));
	return r;
}

/* ---- the filter ---- */

static int add_all(scmp_filter_ctx filter, const struct kw_system_call *allowed, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = kw_system_calls_add(filter, SCMP_ACT_ALLOW, allowed[i].call, allowed[i].count,
					allowed[i].arguments);
	/* abort(): a signal to itself. */
	return r < 0 ? r : add_for(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), getpid());
}

/* Threads that run already get the filter too. */
static int load(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	return r < 0 ? r : seccomp_load(filter);
}

static int finish(scmp_filter_ctx filter, int r)
{
	if (r == 0)
		r = load(filter);
	seccomp_release(filter);
	return r < 0 ? kw_log_error(r, "cannot install the seccomp filter: %s", strerror(-r)) : 0;
}

int kw_system_calls_allow(const struct kw_system_call *allowed, size_t count)
{
	scmp_filter_ctx filter = seccomp_init(FORBIDDEN);

	return finish(filter, filter ? add_all(filter, allowed, count) : -ENOMEM);
}

/* One filter cannot forbid on some descriptors what it allows on others. */
int kw_system_calls_forbid(int call, int fd)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	return finish(filter, filter ? add_for(filter, FORBIDDEN, call, fd) : -ENOMEM);
}

/* Of standard input and output alone; no ioctl() that types for the user is among them. */
static int allow_screen(scmp_filter_ctx filter)
{
	static const unsigned int requests[] = {TIOCGWINSZ, TCSETS, TCSETSW, TCSETSF};
	int r = 0;

	for (int fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
		for (size_t i = 0; r == 0 && i < sizeof(requests) / sizeof(requests[0]); i++) {
			struct scmp_arg_cmp is[] = {KW_IS(0, fd), KW_IS(1, requests[i])};

			r = kw_system_calls_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 2, is);
		}
	return r;
}

int kw_system_calls_narrow(bool lowers_rights, bool has_screen)
{
	scmp_filter_ctx filter = seccomp_init(FORBIDDEN);
	int r = filter ? add_all(filter, calls, sizeof(calls) / sizeof(calls[0])) : -ENOMEM;

	/* Nothing can be gained by it: what is not permitted any more stays so. */
	if (r == 0 && lowers_rights)
		r = kw_system_calls_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(capset), 0, NULL);
	if (r == 0 && has_screen)
		r = allow_screen(filter);
	if (r == 0)
		r = allow_outputs(filter);
	return finish(filter, r);
}
