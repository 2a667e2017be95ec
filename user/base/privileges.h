/* SPDX-License-Identifier: BSD-2-Clause */
/* The privileges of the process, before and after it begins to observe.
 *
 * To begin takes
 *   CAP_BPF, CAP_PERFMON    load and attach the programs: without them nothing can be seen;
 *   CAP_SYS_ADMIN           enter the other network namespaces, for the connections that are open in them already;
 *   CAP_SYS_PTRACE          find those namespaces in /proc/PID/ns of other users' processes;
 * and, from then on, of all capabilities only
 *   CAP_DAC_READ_SEARCH     open_by_handle_at(), by which a control group's number is turned into its path; and where root
 *                           started the process, its configuration at a reload, when it is not root any more.
 * Reading the kernel side later (maps, the ring, the iterator) takes none, because the descriptors are open by then. */
#ifndef KEEPWATCH_PRIVILEGES_H
#define KEEPWATCH_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

struct kw_system_call;

/* Whether the process has a capability now. @capability: CAP_*, from linux/capability.h. */
bool kw_privileges_have(unsigned int capability);

/* Gives up what is no longer needed, for good:
 *   - all other capabilities, and root: for the user "keepwatch", else "nobody" (not without CAP_SETUID and CAP_SETGID);
 *   - whatever a program file could grant (no_new_privs), and being traced by other processes of the same user;
 *   - by Landlock all files but /proc and those beside the configuration (see landlock.h, user_file.h);
 *   - by a seccomp filter all system calls but those of the event loop: no connection can be made, no program run.
 * All sockets, programs and output files must be open, and what is read only once must have been read. Capabilities and
 * Landlock are those of the calling thread and of threads that it starts; the user and the filter those of all threads.
 * @has_screen: the process goes on to draw on its terminal, which takes a few calls more. 0 or -errno, and that has been
 * logged. */
int kw_privileges_drop(bool has_screen);

/* Gives up more, in a process that opens nothing any more: all capabilities, root for the user "nobody", new privileges and being
 * traced as above, and all system calls but these. 0 or -errno, and that has been logged. */
int kw_privileges_drop_all(const struct kw_system_call *allowed, size_t count);

#endif
