/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that have been looked at, and the probes of those that are TLS libraries or have one within them. A file is read once. Probes
 * are put by inode: whichever process maps the file, now or later, in whichever container, runs into them. A file that no process
 * maps any more loses them at the next look at all processes, because they keep its file system from being unmounted. */
#ifndef KEEPWATCH_TLS_FILES_H
#define KEEPWATCH_TLS_FILES_H

#include "observe/tls/probes.h"

#define KW_UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI of include/uapi/linux/bpf.h, from Linux 6.6 */

struct kw_files;

/* @programs: descriptors of the programs for probes, KW_PROBE_PROGRAMS of them; they must stay open. NULL: no memory. */
struct kw_files *kw_files_new(const int *programs);

/* Meets a file that a process maps; one that is not known is looked at, and gets its probes. */
void kw_files_meet(struct kw_files *files, const struct kw_tls_library *found);

/* A look at all processes begins; it has ended, so that files which it has not met may be forgotten. */
void kw_files_begin_look(struct kw_files *files);
void kw_files_end_look(struct kw_files *files);

#endif
