/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls that are left to the process once it observes: those of its event loop, its metrics server and its
 * outputs, each with the arguments that these use. The filter holds for code of others too that has got into the process,
 * so a call is judged by the harm that it can do, not by the use that this program makes of it. */
#ifndef KEEPWATCH_SYSTEM_CALLS_H
#define KEEPWATCH_SYSTEM_CALLS_H

#include <seccomp.h>
#include <stdbool.h>

/* Installs the filter, for good and for all threads. It depends on the descriptors that are open now: which of them are
 * listeners, sockets for datagrams, or files that are being written. @lowers_rights: files that the user names are opened
 * with fewer capabilities (see user_file.h), which takes a call more. 0 or -errno, and that has been logged. */
int kw_system_calls_narrow(bool lowers_rights);

/* Adds @action for one call to @filter, if @count @arguments (0 to 6) are as they should be. A call that this processor does
 * not have (libseccomp numbers it below 0) is left out, because nobody can make it. 0 or -errno. */
int kw_system_calls_add(scmp_filter_ctx filter, uint32_t action, int call, unsigned int count,
			const struct scmp_arg_cmp *arguments);

#endif
