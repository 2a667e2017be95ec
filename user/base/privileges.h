/* SPDX-License-Identifier: BSD-2-Clause */
/* The privileges of the process, before and after it begins to observe.
 *
 * To begin takes
 *   CAP_BPF, CAP_PERFMON    load and attach the programs: without them nothing can be seen;
 *   CAP_SYS_ADMIN           enter the other network namespaces, for the connections that are open in them already;
 *   CAP_SYS_PTRACE          find those namespaces in /proc/PID/ns of other users' processes;
 * and, from then on, of all capabilities only
 *   CAP_DAC_READ_SEARCH     open_by_handle_at(), by which a control group's number is turned into its path.
 * Reading the kernel side later (maps, the ring, the iterator) takes none, because the descriptors are open by then. */
#ifndef KEEPWATCH_PRIVILEGES_H
#define KEEPWATCH_PRIVILEGES_H

#include <stdbool.h>

/* Whether the process has a capability now. @capability: CAP_*, from linux/capability.h. */
bool kw_privileges_have(unsigned int capability);

/* Gives up what is no longer needed, for good: all other capabilities, whatever a program file could grant
 * (no_new_privs), and by a seccomp filter all system calls but those of the event loop. Files can be opened for
 * reading only, no connection can be made, no program run. All sockets, programs and output files must be open.
 * 0 or -errno, and that has been logged. */
int kw_privileges_drop(void);

#endif
