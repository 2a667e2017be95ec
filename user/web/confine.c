/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/confine.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/privileges.h"
#include "base/system_calls.h"

#define NICE (-5) /* the reader of events goes first */

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

static const struct kw_system_call calls[] = {
	/* descriptors that are open; no signals by F_SETOWN, F_SETSIG, O_ASYNC */
	KW_CALL(read), KW_CALL(readv), KW_CALL(pread64), KW_CALL(write), KW_CALL(writev), KW_CALL(close),
	KW_CALL(ftruncate), KW_CALL_IF(fcntl, KW_IS(1, F_GETFL)),
	KW_CALL_IF(fcntl, KW_IS(1, F_SETFL), KW_ONLY(2, O_ACCMODE | O_NONBLOCK | O_LARGEFILE)),
	/* connections that come in; an address or MSG_FASTOPEN would make one that goes out */
	KW_CALL(accept4), KW_CALL(recvfrom), KW_CALL(recvmsg), KW_CALL(shutdown), KW_CALL(getsockname),
	KW_CALL(getpeername), KW_CALL_IF(getsockopt, KW_IS(1, SOL_SOCKET)),
	KW_CALL_IF(setsockopt, KW_IS(1, IPPROTO_TCP), KW_IS(2, TCP_NODELAY)),
	KW_CALL_IF(setsockopt, KW_IS(1, IPPROTO_TCP), KW_IS(2, TCP_CORK)),
	KW_CALL_IF(sendto, KW_ONLY(3, KW_SENDING), KW_IS_NULL(4)), KW_CALL_IF(sendmsg, KW_ONLY(2, KW_SENDING)),
	/* waiting */
	KW_CALL(epoll_ctl), KW_CALL(epoll_wait), KW_CALL(epoll_pwait), KW_CALL(poll), KW_CALL(ppoll),
	KW_CALL(timerfd_settime), KW_CALL(sched_yield), KW_CALL(restart_syscall), KW_CALLS_OF_FUTEX,
	/* signals and the end */
	KW_CALL(rt_sigreturn), KW_CALL(rt_sigprocmask), KW_CALL(exit), KW_CALL(exit_group),
	/* memory */
	KW_CALLS_OF_MEMORY,
	/* what time it is, and who this is */
	KW_CALL(clock_gettime), KW_CALL(gettimeofday), KW_CALL(time), KW_CALL(getrandom), KW_CALL(getpid),
	KW_CALL(gettid)};

/* A listener that was shut down could be connected, so that is forbidden, before all is that is not needed. */
int kw_confine(int listener)
{
	int r = kw_system_calls_forbid(SCMP_SYS(shutdown), listener);

	return r < 0 ? r : kw_privileges_drop_all(calls, sizeof(calls) / sizeof(calls[0]));
}
