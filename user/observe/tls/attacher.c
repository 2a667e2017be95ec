/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/attacher.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/privileges.h"
#include "base/sanitize.h"
#include "base/system_calls.h"
#include "observe/tls/libraries.h"

#define LIBRARIES_MOST 256 /* so that nobody exhausts memory by files of his own */
#define LOOK_AGAIN 10000   /* ms between two looks at all processes */

struct library {
	uint64_t device;
	uint64_t inode;
	int fd;
	int links[KW_PROBE_PROGRAMS]; /* one for each program */
	size_t count;
	bool met; /* by the latest look at all processes */
};

struct attacher {
	struct kw_attacher_programs programs;
	struct library libraries[LIBRARIES_MOST];
	size_t count;
	bool full; /* that has been logged */
};

/* ---- probes ----------------------------------------------------------------------------------------- */

/* The kernel's arguments for a link of this type (include/uapi/linux/bpf.h, from Linux 6.6), which older headers lack. */
struct link_of_uprobes {
	uint32_t program;
	uint32_t target;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t references;
	uint64_t cookies;
	uint32_t count;
	uint32_t uprobe_flags;
	uint32_t pid;
	uint32_t reserved;
};

#define RETURNS 1 /* BPF_F_UPROBE_MULTI_RETURN */

/* Puts the probes of one program, if there are any. */
static int put(struct library *library, const struct kw_probes *probes, enum kw_probe_program program, int fd)
{
	uint64_t offsets[KW_PROBES_MOST], cookies[KW_PROBES_MOST];
	struct link_of_uprobes link = {.program = (uint32_t)fd,
				       .attach_type = KW_UPROBE_MULTI,
				       .offsets = (uint64_t)(uintptr_t)offsets,
				       .cookies = (uint64_t)(uintptr_t)cookies,
				       .uprobe_flags = program == KW_PROBE_RETURN ? RETURNS : 0};
	char path[32];

	for (size_t i = 0; i < probes->count; i++) {
		if (probes->list[i].program != program)
			continue;
		offsets[link.count] = probes->list[i].offset;
		cookies[link.count++] = probes->list[i].cookie;
	}
	if (!link.count)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", library->fd);
	link.path = (uint64_t)(uintptr_t)path;
	fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	if (fd < 0)
		return -errno;
	library->links[library->count++] = fd;
	return 0;
}

static int put_all(const struct kw_attacher_programs *programs, struct library *library,
		   const struct kw_probes *probes)
{
	int r = 0;

	for (enum kw_probe_program i = 0; i < KW_PROBE_PROGRAMS && r == 0; i++)
		r = put(library, probes, i, programs->programs[i]);
	return r;
}

static void take_off(struct library *library)
{
	for (size_t i = 0; i < library->count; i++)
		close(library->links[i]);
	if (library->fd >= 0)
		close(library->fd);
	library->fd = -1;
	library->count = 0;
}

/* ---- libraries -------------------------------------------------------------------------------------- */

static void say(int level, const struct kw_tls_library *found, const char *text)
{
	char path[512];

	kw_sanitize(found->path, strlen(found->path), path, sizeof(path));
	kw_log(level, "%s (process %d): %s", path, (int)found->pid, text);
}

static struct library *find(struct attacher *attacher, const struct kw_tls_library *found)
{
	for (size_t i = 0; i < attacher->count; i++)
		if (attacher->libraries[i].device == found->device &&
		    attacher->libraries[i].inode == found->inode)
			return &attacher->libraries[i];
	return NULL;
}

static void add(struct attacher *attacher, const struct kw_tls_library *found)
{
	struct library *library = &attacher->libraries[attacher->count];
	struct kw_probes probes;
	int r = kw_probes_of(found, &probes);

	*library = (struct library){found->device, found->inode, .fd = -1, .met = true};
	attacher->count++;
	if (r == 0) {
		library->fd = dup(found->fd);
		r = library->fd < 0 ? -errno : put_all(&attacher->programs, library, &probes);
	}
	if (r < 0) {
		take_off(library);
		say(KW_LOG_WARNING, found, strerror(-r));
		return;
	}
	say(KW_LOG_DEBUG, found, "has probes");
}

/* A kw_tls_library_fn. */
static void on_library(void *context, const struct kw_tls_library *found)
{
	struct attacher *attacher = context;
	struct library *known = find(attacher, found);

	if (known)
		known->met = true;
	else if (attacher->count < LIBRARIES_MOST)
		add(attacher, found);
	else if (!attacher->full) {
		attacher->full = true;
		kw_log(KW_LOG_WARNING, "more than %d TLS libraries: the others get no probes", LIBRARIES_MOST);
	}
}

/* A library that nobody uses and that has no name any more does not come again. */
static bool is_gone(const struct library *library)
{
	struct stat about;

	return !library->met && (library->fd < 0 || (fstat(library->fd, &about) == 0 && about.st_nlink == 0));
}

static void look_at_all(struct attacher *attacher)
{
	for (size_t i = 0; i < attacher->count; i++)
		attacher->libraries[i].met = false;
	kw_tls_libraries_of_host(on_library, attacher);
	kw_tls_libraries_of_all(on_library, attacher);
	for (size_t i = 0; i < attacher->count;) {
		if (is_gone(&attacher->libraries[i])) {
			take_off(&attacher->libraries[i]);
			attacher->libraries[i] = attacher->libraries[--attacher->count];
		} else {
			i++;
		}
	}
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
	KW_CALL(dup),
	KW_CALL_IF(openat, KW_ONLY(2, O_RDONLY | O_PATH | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK | O_NOCTTY |
					      O_LARGEFILE)),
	KW_CALL(fstat),
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

static void serve(struct attacher *attacher, struct ring_buffer *asks, int observer)
{
	struct pollfd waits[] = {{observer, POLLIN, 0}, {ring_buffer__epoll_fd(asks), POLLIN, 0}};

	for (;;) {
		int r = poll(waits, 2, LOOK_AGAIN);

		if ((r < 0 && errno != EINTR) || waits[0].revents)
			return;
		if (r == 0)
			look_at_all(attacher);
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
	struct attacher *attacher = calloc(1, sizeof(*attacher));
	struct ring_buffer *asks = attacher ? ring_buffer__new(programs->asks, on_ask, attacher, NULL) : NULL;
	int r;

	if (!asks)
		return kw_log_error(-ENOMEM, "cannot ask the kernel for processes: %s", strerror(errno));
	attacher->programs = *programs;
	r = kw_privileges_drop_to_probes(calls, sizeof(calls) / sizeof(calls[0]));
	if (r < 0)
		return r;
	look_at_all(attacher);
	if (write(observer, &r, sizeof(r)) != sizeof(r))
		return -errno;
	serve(attacher, asks, observer);
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
