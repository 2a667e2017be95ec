/* SPDX-License-Identifier: BSD-2-Clause */
/* The rights of the process of the port. It talks to strangers, so it has nothing that they could want but the texts, the
 * certificate's key and the hashes of passwords: no BPF program or map, no capability, no right to open a file or a socket. */
#ifndef KEEPWATCH_WEB_CONFINE_H
#define KEEPWATCH_WEB_CONFINE_H

#include <stddef.h>

/* Closes all descriptors but standard input and outputs, and these. @keep is sorted. */
void kw_confine_descriptors(int *keep, size_t count);

/* Where it may, the process gets a higher priority: on a host whose processors are all busy people want its answers too, and
 * all that strangers can make expensive has a budget. Whoever started it with another priority meant it. */
void kw_confine_take_precedence(void);

/* Leaves uid 0 for nobody where it may, gives up all capabilities, sets no_new_privs, and by a seccomp filter allows only
 * the system calls that serving takes; @listener may not be shut down. Returns 0, or -errno after logging one line. */
int kw_confine(int listener);

#endif
