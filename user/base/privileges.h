/* SPDX-License-Identifier: BSD-2-Clause */
/* The privileges of the process, before and after it begins to observe.
 *
 * To begin takes
 *   CAP_BPF, CAP_PERFMON    load and attach the programs: without them nothing can be seen;
 *   CAP_SYS_ADMIN           enter the other network namespaces, for the connections that are open in them already;
 *   CAP_SYS_PTRACE          find those namespaces in /proc/PID/ns of other users' processes;
 * and, from then on, of all capabilities only
 *   CAP_DAC_READ_SEARCH     open_by_handle_at(), by which a control group's number is turned into its path; and where root
 *                           started the process, its configuration at a reload, when it is not root any more;
 *   CAP_BPF                 to read the kernel side (maps, the ring, the iterator), on kernels that ask for it even where the
 *                           descriptors are open: those before 5.19 with kernel.unprivileged_bpf_disabled. Others do not. */
#ifndef KEEPWATCH_PRIVILEGES_H
#define KEEPWATCH_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

struct kw_system_call;

/* Whether the process has a capability now. @capability: CAP_*, from linux/capability.h. */
bool kw_privileges_have(unsigned int capability);

/* Things that not every process needs once it observes. */
struct kw_needs {
	bool bpf;    /* CAP_BPF, to read maps that are open */
	bool screen; /* a few system calls more, to draw on its terminal */
};

/* Gives up what is no longer needed, for good:
 *   - all other capabilities, and root: for the user "keepwatch", else "nobody" (not without CAP_SETUID and CAP_SETGID);
 *   - whatever a program file could grant (no_new_privs), and being traced by other processes of the same user;
 *   - by Landlock all files but /proc and those beside the configuration (see landlock.h, user_file.h);
 *   - by a seccomp filter all system calls but those of the event loop: no connection can be made, no program run.
 * All sockets, programs and output files must be open, and what is read only once must have been read. Capabilities and
 * Landlock are those of the calling thread and of threads that it starts; the user and the filter those of all threads.
 * @needs: what the process goes on with nevertheless. 0 or -errno, and that has been logged. */
int kw_privileges_drop(const struct kw_needs *needs);

/* Whether @attempt(@context) succeeds, by returning 0, while the calling thread does without CAP_BPF and without CAP_SYS_ADMIN, which
 * stands for it. True if that cannot be tried. */
bool kw_privileges_can_without_bpf(int (*attempt)(void *context), void *context);

/* Gives up more, in a process that opens nothing any more: all capabilities, root for the user "nobody", new privileges and being
 * traced as above, and all system calls but these. 0 or -errno, and that has been logged. */
int kw_privileges_drop_all(const struct kw_system_call *allowed, size_t count);

/* The same, but keeps what probes take: CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH; and, if the process has it,
 * CAP_CHECKPOINT_RESTORE, for libraries that have been replaced. */
int kw_privileges_drop_to_probes(const struct kw_system_call *allowed, size_t count);

#endif
