/* SPDX-License-Identifier: BSD-2-Clause */
/* Listeners whose accept queue is full: the kernel drops what comes for them, and counts that. */
#ifndef KEEPWATCH_LISTEN_H
#define KEEPWATCH_LISTEN_H

#include <stdint.h>
#include <stdio.h>

/* How often that happened since this network namespace was made; 0 where it cannot be read. */
uint64_t kw_listen_overflows(void);

/* The same from a file in the form of /proc/net/netstat. */
uint64_t kw_listen_overflows_in(FILE *file);

#endif
