/* SPDX-License-Identifier: BSD-2-Clause */
/* The live source of events: loads the kernel side, attaches it, hands on the raw bytes of each event until it is time to
 * stop, and then drains what the kernel still holds. */
#ifndef KEEPWATCH_OBSERVE_H
#define KEEPWATCH_OBSERVE_H

#include "base/clock.h"
#include "base/loop.h"
#include "observe/loader.h"

/* Takes the raw bytes of an event, aligned to 8; they last only for the call. Returns 0; above 0 to stop at once and drain
 * nothing; -EBADMSG for bytes that are no event; another -errno, after logging why, to end the observation. */
typedef int (*kw_observer_event_fn)(void *context, const void *data, size_t size);

struct kw_observer_settings {
	const struct kw_config *filter; /* what the kernel side observes; need not outlive the call */
	uint32_t ring_size;             /* bytes; a power of two and a multiple of the page size */
	enum kw_front_end front_end;    /* KW_FRONT_END_ANY: the first that works */
	const char *btf;                /* a file with the kernel's types; NULL: as the kernel shows them */
	bool tls;                       /* as in struct kw_loader_settings */
	enum kw_sweep_mode last_sweep;  /* what to report when stopping */
	bool has_screen;                /* the process draws on its terminal: see kw_privileges_drop() */
	kw_observer_event_fn event;
	void *context; /* of event; must outlive the observer */
};

struct kw_observer {
	struct kw_loop loop;
	struct kw_loader *loader;
	struct kw_clock clock;      /* read again each second, because the system's time may be set */
	kw_observer_event_fn event; /* NULL once it is closed */
	void *context;              /* of event */
	enum kw_sweep_mode last_sweep;
	uint64_t next_sweep;           /* monotonic ns; no sweep before, because the last one took long */
	struct kw_event_unseen unseen; /* as it was reported last */
	bool enough;                   /* the receiver of events wants no more */
	bool reported;                 /* the failure has been logged */
};

/* Loads everything and starts to observe, gives up the privileges that this took, writes "observing" to standard
 * error and tells systemd. Files to be written and sockets must be open before. @observer must not move in memory. On failure one line has been logged and nothing is left open. -EOPNOTSUPP: this
 * host cannot run it. */
int kw_observer_open(struct kw_observer *observer, const struct kw_observer_settings *settings);

/* Until a signal, or whatever was added to the loop, stops it; then drains. 0 or what failed and has been
 * logged. */
int kw_observer_run(struct kw_observer *observer);

/* Observes other connections from now on: see kw_loader_set_filter(). */
void kw_observer_set_filter(struct kw_observer *observer, const struct kw_config *filter);

/* Does nothing if @observer is closed already, or all zeros. */
void kw_observer_close(struct kw_observer *observer);

#endif
