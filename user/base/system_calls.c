/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/system_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Not being allowed is an answer that libraries know how to live with. */
#ifndef KW_FORBIDDEN
#define KW_FORBIDDEN SCMP_ACT_ERRNO(EPERM)
#endif

/* Calls that do no harm whatever their arguments are. */
static const int harmless[] = {
	/* descriptors that are open */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(lseek),
	SCMP_SYS(close),
	/* files to be read */
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	/* connections that come in */
	SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* waiting */
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(signalfd4), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	/* signals and the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* memory; see also narrowed[] */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	/* what time it is, and who and where this is */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(uname), SCMP_SYS(sysinfo)};

/* The kernel takes the lower half of an argument that is an int, so that the upper half must not decide. */
#define INT 0xffffffffU
#define IS_WITH(index, value, flags)                                                                           \
	{                                                                                                      \
		index, SCMP_CMP_MASKED_EQ, INT & ~(uint32_t)(flags), (uint32_t)(value)                         \
	}
#define IS(index, value) IS_WITH(index, value, 0)
#define ONLY(index, flags) IS_WITH(index, 0, flags)
#define IS_NULL(index)                                                                                         \
	{                                                                                                      \
		index, SCMP_CMP_EQ, 0, 0                                                                       \
	}

#define READING (O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_LARGEFILE)
#define SENDING (MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE)
#define WAITING (FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)

/* And these, with these arguments. */
static const struct narrowed {
	int call;
	unsigned int count;
	struct scmp_arg_cmp arguments[3];
} narrowed[] = {
	{SCMP_SYS(openat), 1, {ONLY(2, READING)}},
	{SCMP_SYS(open_by_handle_at), 1, {IS(2, O_PATH | O_CLOEXEC)}}, /* a name for a control group */
	{SCMP_SYS(fcntl), 1, {IS(1, F_GETFD)}},                        /* no signals (F_SETSIG, O_ASYNC) */
	{SCMP_SYS(fcntl), 1, {IS(1, F_GETFL)}},
	{SCMP_SYS(ioctl), 1, {IS(1, TCGETS)}}, /* is this a terminal? */
	/* To the other end and to nobody else: an address, or MSG_FASTOPEN, would make a connection. */
	{SCMP_SYS(sendto), 2, {ONLY(3, SENDING), IS_NULL(4)}},
	{SCMP_SYS(sendmsg), 1, {ONLY(2, SENDING)}},
	{SCMP_SYS(setsockopt), 2, {IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)}},
	{SCMP_SYS(setsockopt), 2, {IS(1, IPPROTO_TCP), IS(2, TCP_CORK)}},
	{SCMP_SYS(getsockopt), 2, {IS(1, SOL_SOCKET), IS(2, SO_ERROR)}},
	/* No code: memory that can be written is never run. */
	{SCMP_SYS(mmap), 1, {ONLY(2, PROT_READ | PROT_WRITE)}},
	{SCMP_SYS(mprotect), 1, {ONLY(2, PROT_READ | PROT_WRITE)}},
	{SCMP_SYS(madvise), 1, {IS(2, MADV_DONTNEED)}}, /* free() */
	{SCMP_SYS(madvise), 1, {IS(2, MADV_FREE)}},
	{SCMP_SYS(futex), 1, {IS_WITH(1, FUTEX_WAIT, WAITING)}},
	{SCMP_SYS(futex), 1, {IS_WITH(1, FUTEX_WAKE, WAITING)}},
	{SCMP_SYS(futex), 1, {IS_WITH(1, FUTEX_WAIT_BITSET, WAITING)}},
	{SCMP_SYS(sched_getaffinity), 1, {IS(0, 0)}},     /* its own */
	{SCMP_SYS(prlimit64), 2, {IS(0, 0), IS_NULL(2)}}, /* asks for its own, and sets nothing */
	{SCMP_SYS(bpf), 1, {IS(0, BPF_MAP_LOOKUP_ELEM)}}, /* of a map that is open: it gets no other */
	{SCMP_SYS(bpf), 1, {IS(0, BPF_OBJ_GET_INFO_BY_FD)}},
	{SCMP_SYS(bpf), 1, {IS(0, BPF_ITER_CREATE)}},
};

int kw_system_calls_add(scmp_filter_ctx filter, uint32_t action, int call, unsigned int count,
			const struct scmp_arg_cmp *arguments)
{
	return call < 0 ? 0 : seccomp_rule_add_exact_array(filter, action, call, count, arguments);
}

static int allow(scmp_filter_ctx filter, int call, unsigned int count, const struct scmp_arg_cmp *arguments)
{
	return kw_system_calls_add(filter, SCMP_ACT_ALLOW, call, count, arguments);
}

static int add_for(scmp_filter_ctx filter, uint32_t action, int call, int fd)
{
	struct scmp_arg_cmp is = IS(0, fd);

	return kw_system_calls_add(filter, action, call, 1, &is);
}

/* ---- what is open ---- */

/* Calls @look with each descriptor that is open, until it fails. */
static int each_descriptor(scmp_filter_ctx filter, int (*look)(scmp_filter_ctx filter, int fd))
{
	_cleanup_dir_ DIR *directory = opendir("/proc/self/fd");
	const struct dirent *entry;
	int r = 0;

	if (!directory)
		return -errno;
	while (r == 0 && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			r = look(filter, (int)strtol(entry->d_name, NULL, 10));
	return r;
}

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

/* An option of a socket, as SO_TYPE; -1 if the descriptor is none. */
static int option_of(int fd, int option)
{
	int value;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

/* sendmsg() may have an address, which no filter can read, and on a socket for datagrams it counts: that to the service
 * manager would reach whoever has such a socket. A listener that was shut down could be connected. Other descriptors are left
 * alone, because a connection may get their numbers later. */
static int forbid_on(scmp_filter_ctx filter, int fd)
{
	int type = option_of(fd, SO_TYPE), r = 0;

	if (type >= 0 && type != SOCK_STREAM)
		r = add_for(filter, KW_FORBIDDEN, SCMP_SYS(sendmsg), fd);
	if (r == 0 && option_of(fd, SO_ACCEPTCONN) > 0)
		r = add_for(filter, KW_FORBIDDEN, SCMP_SYS(shutdown), fd);
	return r;
}

/* ---- the filters ---- */

static int add_allowed(scmp_filter_ctx filter, bool lowers_rights)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(harmless) / sizeof(harmless[0]); i++)
		r = allow(filter, harmless[i], 0, NULL);
	for (size_t i = 0; r == 0 && i < sizeof(narrowed) / sizeof(narrowed[0]); i++)
		r = allow(filter, narrowed[i].call, narrowed[i].count, narrowed[i].arguments);
	/* abort(): a signal to itself. */
	if (r == 0)
		r = add_for(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), getpid());
	/* Nothing can be gained by it: what is not permitted any more stays so. */
	if (r == 0 && lowers_rights)
		r = allow(filter, SCMP_SYS(capset), 0, NULL);
	return r < 0 ? r : each_descriptor(filter, allow_output);
}

/* Threads that run already get the filter too. */
static int load(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	return r < 0 ? r : seccomp_load(filter);
}

static int load_allowed(bool lowers_rights)
{
	scmp_filter_ctx filter = seccomp_init(KW_FORBIDDEN);
	int r = filter ? add_allowed(filter, lowers_rights) : -ENOMEM;

	if (r == 0)
		r = load(filter);
	seccomp_release(filter);
	return r;
}

/* A filter of its own, because one filter cannot forbid some descriptors to a call that it allows. */
static int load_exceptions(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? each_descriptor(filter, forbid_on) : -ENOMEM;

	if (r == 0)
		r = load(filter);
	seccomp_release(filter);
	return r;
}

int kw_system_calls_narrow(bool lowers_rights)
{
	int r = load_exceptions();

	if (r == 0)
		r = load_allowed(lowers_rights);
	return r < 0 ? kw_log_error(r, "cannot install the seccomp filter: %s", strerror(-r)) : 0;
}
