/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that puts probes into TLS libraries (--tls). It is forked before the observer gives up its rights, keeps those that probes
 * take, and does nothing else. It learns from the kernel side which processes use TLS without probes, and looks at all
 * processes from time to time. The probes are its own, so they end with it, and it ends with the observer, however that ends. */
#ifndef KEEPWATCH_TLS_ATTACHER_H
#define KEEPWATCH_TLS_ATTACHER_H

#include "observe/tls/probes.h"

#define KW_UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI of include/uapi/linux/bpf.h, from Linux 6.6 */

struct kw_attacher_programs {
	int programs[KW_PROBE_PROGRAMS]; /* descriptors */
	int asks;                        /* and that of the ring of process ids */
};

/* Starts the process, and waits until the libraries that are in use have their probes. Returns a descriptor: the process ends when it is
 * closed; or -errno, and that has been logged. */
int kw_attacher_start(const struct kw_attacher_programs *programs);

#endif
