/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/privileges.h"

#define NOBODY 65534
#define NICE (-5) /* the reader of events goes first */

/* Not being allowed is an answer that libraries know how to live with. */
#define FORBIDDEN SCMP_ACT_ERRNO(EPERM)

/* Sanitizers make calls of their own inside this process. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FILTERED false
#else
#define FILTERED true
#endif

void kw_confine_take_precedence(void)
{
	if (getpriority(PRIO_PROCESS, 0) == 0)
		setpriority(PRIO_PROCESS, 0, NICE);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void kw_confine_descriptors(int *keep, size_t count)
{
	unsigned int from = STDERR_FILENO + 1;

	qsort(keep, count, sizeof(*keep), by_number);
	for (size_t i = 0; i < count; i++) {
		if ((unsigned int)keep[i] > from)
			close_range(from, (unsigned int)keep[i] - 1, 0);
		from = (unsigned int)keep[i] + 1;
	}
	close_range(from, UINT_MAX, 0);
}

/* A container may have taken the right to change the uid away, or may know no nobody: then the uid stays. */
static void leave_root(void)
{
	if (geteuid() != 0 || !kw_privileges_have(CAP_SETUID) || !kw_privileges_have(CAP_SETGID))
		return;
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		kw_log(KW_LOG_DEBUG, "the process of the metrics port cannot run as nobody: %s",
		       strerror(errno));
}

static int drop_capabilities(void)
{
	capng_select_t sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;

	if (kw_privileges_have(CAP_SETPCAP)) {
		capng_clear(CAPNG_SELECT_ALL);
		capng_get_caps_process();
		capng_clear(CAPNG_SELECT_BOUNDS);
		capng_apply(CAPNG_SELECT_BOUNDS);
	}
	leave_root();
	capng_clear(CAPNG_SELECT_ALL);
	return capng_apply(sets) < 0 ? kw_log_error(-EPERM, "cannot give up capabilities") : 0;
}

static const int allowed[] = {
	SCMP_SYS(read),           SCMP_SYS(readv),       SCMP_SYS(pread64),         SCMP_SYS(write),
	SCMP_SYS(writev),         SCMP_SYS(close),       SCMP_SYS(ftruncate),       SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),       SCMP_SYS(recvmsg),     SCMP_SYS(shutdown),        SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname),    SCMP_SYS(getpeername), SCMP_SYS(epoll_ctl),       SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),    SCMP_SYS(poll),        SCMP_SYS(ppoll),           SCMP_SYS(timerfd_settime),
	SCMP_SYS(futex),          SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit),        SCMP_SYS(exit_group),      SCMP_SYS(brk),
	SCMP_SYS(munmap),         SCMP_SYS(mremap),      SCMP_SYS(madvise),         SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),   SCMP_SYS(time),        SCMP_SYS(getrandom),       SCMP_SYS(getpid),
	SCMP_SYS(gettid)};

/* And these, if an argument is as it should be: no fast open, which would make a connection; no signals by I/O. */
static const struct {
	int call;
	struct scmp_arg_cmp argument;
	struct scmp_arg_cmp other; /* op 0: none */
} narrowed[] = {
	{SCMP_SYS(sendto), {3, SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0}, {4, SCMP_CMP_EQ, 0, 0}},
	{SCMP_SYS(sendmsg), {2, SCMP_CMP_MASKED_EQ, MSG_FASTOPEN, 0}, {0}},
	{SCMP_SYS(setsockopt), {1, SCMP_CMP_EQ, IPPROTO_TCP, 0}, {2, SCMP_CMP_EQ, TCP_NODELAY, 0}},
	{SCMP_SYS(setsockopt), {1, SCMP_CMP_EQ, IPPROTO_TCP, 0}, {2, SCMP_CMP_EQ, TCP_CORK, 0}},
	{SCMP_SYS(fcntl), {1, SCMP_CMP_EQ, F_GETFL, 0}, {0}},
	{SCMP_SYS(fcntl), {1, SCMP_CMP_EQ, F_SETFL, 0}, {2, SCMP_CMP_MASKED_EQ, O_ASYNC, 0}},
	{SCMP_SYS(mmap), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}, {0}},
	{SCMP_SYS(mprotect), {2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0}, {0}},
};

static int add_rules(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; r == 0 && i < sizeof(narrowed) / sizeof(narrowed[0]); i++) {
		struct scmp_arg_cmp arguments[] = {narrowed[i].argument, narrowed[i].other};

		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, narrowed[i].call, arguments[1].op ? 2 : 1,
					   arguments);
	}
	/* abort(): a signal to itself. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return r;
}

static int drop_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(FORBIDDEN);
	int r = filter ? add_rules(filter) : -ENOMEM;

	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r < 0 ? kw_log_error(r, "cannot install the seccomp filter: %s", strerror(-r)) : 0;
}

int kw_confine(void)
{
	int r = drop_capabilities();

	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = kw_log_error(-errno, "cannot set no_new_privs: %s", strerror(errno));
	/* The key of the certificate is in this memory: no core, and nobody else's debugger. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = kw_log_error(-errno, "cannot close its memory to others: %s", strerror(errno));
	if (r == 0 && FILTERED)
		r = drop_calls();
	return r;
}
