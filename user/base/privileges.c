/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"

#define KEPT CAP_DAC_READ_SEARCH

/* Not being allowed is an answer that libraries know how to live with. */
#ifndef KW_FORBIDDEN
#define KW_FORBIDDEN SCMP_ACT_ERRNO(EPERM)
#endif

/* Sanitizers make calls of their own inside this process, as when they look for leaks at its end. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FILTERED false
#else
#define FILTERED true
#endif

bool kw_privileges_have(unsigned int capability)
{
	capng_clear(CAPNG_SELECT_ALL);
	return capng_get_caps_process() == 0 && capng_have_capability(CAPNG_EFFECTIVE, capability);
}

/* The bounding set is out of reach without CAP_SETPCAP. It only matters to what is executed, and nothing is. */
static int drop_capabilities(void)
{
	bool keep = kw_privileges_have(KEPT);
	capng_select_t sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;

	if (kw_privileges_have(CAP_SETPCAP))
		sets |= CAPNG_SELECT_BOUNDS;
	capng_clear(CAPNG_SELECT_ALL);
	if (keep)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, KEPT);
	if (capng_apply(sets) < 0)
		return kw_log_error(-EPERM, "cannot give up capabilities");
	return 0;
}

/* System calls of the event loop, the metrics server and the outputs, allowed with any arguments. */
static const int allowed[] = {
	/* descriptors that are open */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(lseek),
	SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(fsync), SCMP_SYS(ftruncate),
	/* files to be read */
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	/* connections that come in, and the service manager */
	SCMP_SYS(accept4), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* waiting */
	SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(signalfd4), SCMP_SYS(eventfd2),
	SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	/* signals and the end */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* memory; see also narrowed[] */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* what time it is, and who and where this is */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrlimit)};

#define NO_WRITING (O_ACCMODE | O_CREAT | O_TRUNC)

/* And these, if one argument is as it should be. */
static const struct {
	int call;
	struct scmp_arg_cmp argument;
} narrowed[] = {
	{SCMP_SYS(openat), {2, SCMP_CMP_MASKED_EQ, NO_WRITING, O_RDONLY}},
	{SCMP_SYS(open_by_handle_at), {2, SCMP_CMP_MASKED_EQ, O_PATH, O_PATH}},
	{SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{SCMP_SYS(mprotect), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}},
	{SCMP_SYS(ioctl), {1, SCMP_CMP_EQ, TCGETS, 0}}, /* is this a terminal? */
	{SCMP_SYS(prlimit64), {2, SCMP_CMP_EQ, 0, 0}},  /* asks, and sets nothing */
	{SCMP_SYS(bpf), {0, SCMP_CMP_EQ, BPF_MAP_LOOKUP_ELEM, 0}},
	{SCMP_SYS(bpf), {0, SCMP_CMP_EQ, BPF_OBJ_GET_INFO_BY_FD, 0}},
	{SCMP_SYS(bpf), {0, SCMP_CMP_EQ, BPF_ITER_CREATE, 0}},
};

static int add_rules(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = seccomp_rule_add_exact(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; r == 0 && i < sizeof(narrowed) / sizeof(narrowed[0]); i++)
		r = seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW, narrowed[i].call, 1,
						 &narrowed[i].argument);
	/* abort(): a signal to itself. */
	if (r == 0)
		r = seccomp_rule_add_exact(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
					   SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return r;
}

static int drop_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(KW_FORBIDDEN);
	int r = filter ? add_rules(filter) : -ENOMEM;

	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r < 0 ? kw_log_error(r, "cannot install the seccomp filter: %s", strerror(-r)) : 0;
}

int kw_privileges_drop(void)
{
	int r = drop_capabilities();

	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = kw_log_error(-errno, "cannot set no_new_privs: %s", strerror(errno));
	if (r == 0 && FILTERED)
		r = drop_calls();
	return r;
}
