/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel side, as a whole: opened, told what to observe, loaded, attached, read, and taken out again. Which of
 * its programs are needed is for front_end.h to say. */
#ifndef KEEPWATCH_LOADER_H
#define KEEPWATCH_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "include/event.h"
#include "observe/front_end.h"

struct kw_loader;

/* The task of a sweep over all connections; the numbers are the kernel side's. */
enum kw_sweep_mode {
	KW_SWEEP_PROGRESS, /* report changes since the last one, and sockets that were closed a second ago and are still held */
	KW_SWEEP_FINAL, /* report all that were closed */
	KW_SWEEP_OPEN,  /* report those and all that are open */
};

/* Called with the raw bytes of an event, aligned to 8. A result below 0 ends the reading. */
typedef int (*kw_loader_event_fn)(void *context, void *data, size_t size);

struct kw_loader_settings {
	const struct kw_config *filter; /* the connections to observe; need not outlive the call */
	uint32_t ring_size;             /* bytes; a power of two and a multiple of the page size */
	enum kw_front_end front_end;    /* KW_FRONT_END_ANY: the first that works */
	const char *btf; /* a file with the kernel's types, read by the call; NULL: as the kernel shows them */
	bool tls;        /* put probes into TLS libraries, and read the plaintext there */
	kw_loader_event_fn event;
	void *context; /* of event; must outlive the loader */
};

/* Loads the programs and maps; nothing is observed yet. -EOPNOTSUPP if this host cannot run it, or another -errno; one line
 * has been logged then, and nothing is left open. */
int kw_loader_open(const struct kw_loader_settings *settings, struct kw_loader **ret_loader);

/* NULL is allowed. */
void kw_loader_close(struct kw_loader *loader);
KW_DEFINE_CLEANUP(struct kw_loader *, kw_loader_close);

/* Attaches the hooks, then finds the connections that are older, in every network namespace, and their owners.
 * A connection that opens after this returns is seen from its start. Errors as above. */
int kw_loader_start(struct kw_loader *loader);

/* With settings.tls, a descriptor that becomes readable once probes are put into libraries no more, which is an error; else -1. */
int kw_loader_attacher_fd(const struct kw_loader *loader);

/* Observes other connections from now on. Those that have state keep it, those that have none and are open get none. */
void kw_loader_set_filter(struct kw_loader *loader, const struct kw_config *filter);

/* Whether this kernel lets a process read maps that it has open without CAP_BPF: asked while it has that. */
bool kw_loader_reads_without_bpf(struct kw_loader *loader);

/* Readable when the ring is filling up; in normal times it must be read by time, see kw_loader_consume(). */
int kw_loader_fd(const struct kw_loader *loader);

/* Hands over all events that wait. 0, or what the callback returned, or -errno. */
int kw_loader_consume(struct kw_loader *loader);

/* Makes the kernel side report connections; events follow by the ring. */
int kw_loader_sweep(struct kw_loader *loader, enum kw_sweep_mode mode);

/* The things that the kernel showed to no program, as far as is known by now, as an event. */
int kw_loader_unseen(struct kw_loader *loader, struct kw_event_unseen *ret_event);

/* The totals of all processors, as an event. */
int kw_loader_totals(struct kw_loader *loader, struct kw_event_totals *ret_event);

/* Fills in at most @size of the programs that are loaded, returns how many there are. */
size_t kw_loader_program_stats(struct kw_loader *loader, struct kw_program_stats *ret_stats, size_t size);

#endif
