/* SPDX-License-Identifier: BSD-2-Clause */
/* One epoll loop in one thread, in which descriptors, timers and signals take turns: the ring buffer in one process, the
 * clients of the metrics port in another. */
#ifndef KEEPWATCH_LOOP_H
#define KEEPWATCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#define KW_LOOP_WATCHES 16

/* Called when a descriptor is readable, or a timer has expired. A result below 0 ends the loop with it. */
typedef int (*kw_loop_ready_fn)(void *context);

struct kw_loop_watch {
	int fd;
	bool owned;   /* opened here, closed here */
	bool counter; /* a timer or a signal: what it counts must be read off */
	kw_loop_ready_fn ready;
	void *context;
};

struct kw_loop {
	int epoll;
	bool stopped;
	unsigned int count;
	struct kw_loop_watch watches[KW_LOOP_WATCHES];
};

/* @loop must not move in memory until it is closed. */
int kw_loop_open(struct kw_loop *loop);
void kw_loop_close(struct kw_loop *loop);

/* Calls @ready whenever @fd is readable; @fd stays the caller's. */
int kw_loop_add(struct kw_loop *loop, int fd, kw_loop_ready_fn ready, void *context);

/* Calls @ready each @interval ns; expirations missed meanwhile count as one. */
int kw_loop_add_timer(struct kw_loop *loop, uint64_t interval, kw_loop_ready_fn ready, void *context);

/* Stops the loop @after ns from now. */
int kw_loop_stop_after(struct kw_loop *loop, uint64_t after);

/* Blocks SIGINT and SIGTERM and stops the loop when one arrives. */
int kw_loop_stop_on_signals(struct kw_loop *loop);

/* Blocks @signal and calls @ready when it arrives; one that arrived since it was blocked counts. */
int kw_loop_add_signal(struct kw_loop *loop, int signal, kw_loop_ready_fn ready, void *context);

/* One turn: calls those that are ready, after waiting for at most @patience ms (below 0: for as long as it takes) where none
 * is. Returns 0, or below 0 the result of a callback that failed. */
int kw_loop_turn(struct kw_loop *loop, int patience);

/* Until it is stopped: 0; or until a callback fails: its result. */
int kw_loop_run(struct kw_loop *loop);

void kw_loop_stop(struct kw_loop *loop);

#endif
