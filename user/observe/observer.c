/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/observer.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "base/privileges.h"
#include "base/service_manager.h"

/* The kernel side does not wake us per event: this is how late a record may be. */
#define READ_INTERVAL (50 * KW_MS)
#define SWEEP_INTERVAL KW_S

/* However many connections there are, sweeps take a quarter of a processor at most: then they come less often. */
#define SWEEP_SHARE 4

/* On a host whose processors are all busy, a reader that waits for its turn loses records. It takes little. */
#define NICE (-10)

static int on_event(void *context, void *data, size_t size)
{
	struct kw_observer *observer = context;
	int r;

	if (observer->enough)
		return 0;
	r = observer->event(observer->context, data, size);
	observer->reported = r < 0;
	if (r == -EBADMSG)
		return kw_log_error(r, "the kernel sent an event of %zu bytes that keepwatch cannot decode",
				    size);
	if (r > 0) {
		observer->enough = true;
		kw_loop_stop(&observer->loop);
	}
	return r < 0 ? r : 0;
}

static int on_ring(void *context)
{
	struct kw_observer *observer = context;

	return kw_loader_consume(observer->loader);
}

/* The probes are gone with their process: plaintext is not read any more, which must not go unnoticed. */
static int on_attacher(void *context)
{
	struct kw_observer *observer = context;

	observer->reported = true;
	return kw_log_error(-EPIPE, "the process that puts probes into TLS libraries has ended");
}

static void warn_of_unseen(const struct kw_event_unseen *now, const struct kw_event_unseen *before)
{
	if (now->closes > before->closes)
		kw_log(KW_LOG_WARNING,
		       "the kernel ran no program when %llu connections closed: their records are missing; "
		       "keepwatch explain KeepwatchEventsLost says more",
		       (unsigned long long)(now->closes - before->closes));
	if (now->openings > before->openings)
		kw_log(KW_LOG_WARNING,
		       "the kernel ran no program when %llu connections opened: keepwatch follows them from their "
		       "next message on",
		       (unsigned long long)(now->openings - before->openings));
	if (now->softirqs && !before->softirqs)
		kw_log(KW_LOG_DEBUG,
		       "this kernel hides some interrupts from all programs: keepwatch may miss what "
		       "happens in them, and counts connections that it misses");
}

/* An event only when something has changed: mostly there is nothing. */
static int read_unseen(struct kw_observer *observer)
{
	struct kw_event_unseen now, before = observer->unseen;
	int r = kw_loader_unseen(observer->loader, &now);

	if (r < 0 ||
	    (now.openings == before.openings && now.closes == before.closes && now.softirqs == before.softirqs))
		return r;
	warn_of_unseen(&now, &before);
	observer->unseen = now;
	return on_event(observer, &now, sizeof(now));
}

static int read_totals(struct kw_observer *observer)
{
	struct kw_event_totals totals;
	int r = read_unseen(observer);

	if (r == 0)
		r = kw_loader_totals(observer->loader, &totals);
	return r < 0 ? r : on_event(observer, &totals, sizeof(totals));
}

/* The ring is emptied before and after: a sweep may write a record for each connection there is. */
static int sweep(struct kw_observer *observer, enum kw_sweep_mode mode)
{
	int r = kw_loader_consume(observer->loader);

	if (r == 0)
		r = kw_loader_sweep(observer->loader, mode);
	if (r == 0)
		r = kw_loader_consume(observer->loader);
	return r < 0 ? r : read_totals(observer);
}

static uint64_t cpu_time(void)
{
	struct timespec spent = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * KW_S + (uint64_t)spent.tv_nsec;
}

static int on_second(void *context)
{
	struct kw_observer *observer = context;
	uint64_t now = kw_clock_monotonic(), spent = cpu_time();
	int r;

	kw_clock_read(&observer->clock);
	if (now < observer->next_sweep)
		return read_totals(observer);
	r = sweep(observer, KW_SWEEP_PROGRESS);
	observer->next_sweep = now + SWEEP_SHARE * (cpu_time() - spent);
	return r;
}

static int on_watchdog(void *context)
{
	(void)context;
	kw_notify_alive();
	return 0;
}

static int add_sources(struct kw_observer *observer)
{
	struct kw_loop *loop = &observer->loop;
	uint64_t watchdog = kw_notify_watchdog();
	int r = kw_loop_add(loop, kw_loader_fd(observer->loader), on_ring, observer);

	if (r == 0 && kw_loader_attacher_fd(observer->loader) >= 0)
		r = kw_loop_add(loop, kw_loader_attacher_fd(observer->loader), on_attacher, observer);
	if (r == 0)
		r = kw_loop_add_timer(loop, READ_INTERVAL, on_ring, observer);
	if (r == 0)
		r = kw_loop_add_timer(loop, SWEEP_INTERVAL, on_second, observer);
	/* In turn with all else: where one of them hangs, this one does not come. */
	if (r == 0 && watchdog)
		r = kw_loop_add_timer(loop, watchdog / 2, on_watchdog, observer);
	return r < 0 ? kw_log_error(r, "cannot set up the event loop: %s", strerror(-r)) : 0;
}

/* Where we may; and whoever started us with another priority meant it. */
static void take_precedence(void)
{
	if (getpriority(PRIO_PROCESS, 0) == 0)
		setpriority(PRIO_PROCESS, 0, NICE);
}

/* A signal that comes while the programs are being loaded ends the command in order, as later. */
static int open_loop(struct kw_loop *loop)
{
	int r = kw_loop_open(loop);

	if (r == 0)
		r = kw_loop_stop_on_signals(loop);
	return r < 0 ? kw_log_error(r, "cannot set up the event loop: %s", strerror(-r)) : 0;
}

static int open_all(struct kw_observer *observer, const struct kw_observer_settings *settings)
{
	struct kw_loader_settings loading = {.filter = settings->filter,
					     .ring_size = settings->ring_size,
					     .front_end = settings->front_end,
					     .btf = settings->btf,
					     .tls = settings->tls,
					     .event = on_event,
					     .context = observer};
	struct kw_needs needs = {.screen = settings->has_screen};
	int r = open_loop(&observer->loop);

	if (r < 0)
		return r;
	r = kw_loader_open(&loading, &observer->loader);
	if (r == 0)
		r = kw_loader_start(observer->loader);
	if (r == 0)
		r = add_sources(observer);
	if (r < 0)
		return r;
	needs.bpf = !kw_loader_reads_without_bpf(observer->loader);
	return kw_privileges_drop(&needs);
}

int kw_observer_open(struct kw_observer *observer, const struct kw_observer_settings *settings)
{
	int r;

	*observer = (struct kw_observer){
		.event = settings->event, .context = settings->context, .last_sweep = settings->last_sweep};
	kw_clock_read(&observer->clock);
	kw_notify_open();
	take_precedence();
	r = open_all(observer, settings);
	if (r < 0) {
		kw_observer_close(observer);
		return r;
	}
	kw_log(KW_LOG_NOTICE, "observing");
	kw_notify_ready();
	return 0;
}

int kw_observer_run(struct kw_observer *observer)
{
	int r = kw_loop_run(&observer->loop);

	kw_notify_stopping();
	if (r == 0 && !observer->enough)
		r = sweep(observer, observer->last_sweep);
	if (r == 0)
		r = read_totals(observer);
	if (r < 0 && !observer->reported)
		return kw_log_error(r, "cannot read events from the kernel: %s", strerror(-r));
	return r;
}

void kw_observer_set_filter(struct kw_observer *observer, const struct kw_config *filter)
{
	kw_loader_set_filter(observer->loader, filter);
}

void kw_observer_close(struct kw_observer *observer)
{
	if (!observer->event)
		return;
	observer->event = NULL;
	kw_loader_close(observer->loader);
	observer->loader = NULL;
	kw_loop_close(&observer->loop);
}
