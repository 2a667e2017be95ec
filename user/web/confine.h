/* SPDX-License-Identifier: BSD-2-Clause */
/* What the process of the port may do. It talks to strangers, so it has nothing that they could want but the texts, the
 * certificate's key and the hashes of passwords: no BPF program or map, no capability, no right to open a file or a socket. */
#ifndef KEEPWATCH_WEB_CONFINE_H
#define KEEPWATCH_WEB_CONFINE_H

#include <stddef.h>

/* Closes all descriptors but standard input and outputs, and these. @keep is sorted. */
void kw_confine_descriptors(int *keep, size_t count);

/* Leaves uid 0 for nobody where it may, gives up all capabilities, sets no_new_privs, and by a seccomp filter allows only
 * the system calls that serving takes. Returns 0, or -errno after logging one line. */
int kw_confine(void);

#endif
