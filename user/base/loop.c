/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "base/cleanup.h"
#include "include/units.h"

int kw_loop_open(struct kw_loop *loop)
{
	memset(loop, 0, sizeof(*loop));
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll < 0 ? -errno : 0;
}

void kw_loop_close(struct kw_loop *loop)
{
	for (unsigned int i = 0; i < loop->count; i++)
		if (loop->watches[i].owned)
			close(loop->watches[i].fd);
	if (loop->epoll >= 0)
		close(loop->epoll);
	loop->epoll = -1;
	loop->count = 0;
}

/* Takes over the descriptor of an owned entry, also when it fails. */
static int watch(struct kw_loop *loop, struct kw_loop_watch entry)
{
	struct epoll_event event = {.events = EPOLLIN};
	int r = 0;

	if (loop->count == KW_LOOP_WATCHES)
		r = -ENOSPC;
	event.data.ptr = &loop->watches[loop->count];
	if (r == 0 && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, entry.fd, &event) < 0)
		r = -errno;
	if (r == 0)
		loop->watches[loop->count++] = entry;
	else if (entry.owned)
		close(entry.fd);
	return r;
}

int kw_loop_add(struct kw_loop *loop, int fd, kw_loop_ready_fn ready, void *context)
{
	return watch(loop, (struct kw_loop_watch){.fd = fd, .ready = ready, .context = context});
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / KW_S), .tv_nsec = (long)(ns % KW_S)};
}

static int add_timer(struct kw_loop *loop, uint64_t first, uint64_t interval, kw_loop_ready_fn ready,
		     void *context)
{
	struct itimerspec times = {.it_value = timespec_of(first), .it_interval = timespec_of(interval)};
	_cleanup_fd_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &times, NULL) < 0)
		return -errno;
	return watch(
		loop,
		(struct kw_loop_watch){
			.fd = TAKE_FD(fd), .owned = true, .counter = true, .ready = ready, .context = context});
}

int kw_loop_add_timer(struct kw_loop *loop, uint64_t interval, kw_loop_ready_fn ready, void *context)
{
	return add_timer(loop, interval, interval, ready, context);
}

static int stop(void *context)
{
	kw_loop_stop(context);
	return 0;
}

int kw_loop_stop_after(struct kw_loop *loop, uint64_t after)
{
	return add_timer(loop, after, 0, stop, loop);
}

int kw_loop_stop_on_signals(struct kw_loop *loop)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	return watch(loop, (struct kw_loop_watch){.fd = fd, .owned = true, .ready = stop, .context = loop});
}

int kw_loop_add_signal(struct kw_loop *loop, int signal, kw_loop_ready_fn ready, void *context)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, signal);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	return watch(loop,
		     (struct kw_loop_watch){
			     .fd = fd, .owned = true, .counter = true, .ready = ready, .context = context});
}

static int dispatch(const struct kw_loop_watch *entry)
{
	struct signalfd_siginfo what; /* a timer has less to say */

	/* One that was read off meanwhile has nothing to say. */
	if (entry->counter && read(entry->fd, &what, sizeof(what)) < 0)
		return 0;
	return entry->ready(entry->context);
}

int kw_loop_turn(struct kw_loop *loop, int patience)
{
	struct epoll_event events[KW_LOOP_WATCHES];
	int count = epoll_wait(loop->epoll, events, KW_LOOP_WATCHES, patience), r = 0;

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count && !loop->stopped && r >= 0; i++)
		r = dispatch(events[i].data.ptr);
	return r < 0 ? r : 0;
}

int kw_loop_run(struct kw_loop *loop)
{
	int r = 0;

	while (!loop->stopped && r == 0)
		r = kw_loop_turn(loop, -1);
	return r;
}

void kw_loop_stop(struct kw_loop *loop)
{
	loop->stopped = true;
}
