/* SPDX-License-Identifier: BSD-2-Clause */
/* The notification protocol of systemd, without its library: datagrams to the socket that it names. Each of these
 * does nothing where no service manager asked for it. */
#ifndef KEEPWATCH_NOTIFY_H
#define KEEPWATCH_NOTIFY_H

#include <stdint.h>

/* Connects to NOTIFY_SOCKET; nothing that is said before reaches anybody. Later no socket can be made any more. */
void kw_notify_open(void);

void kw_notify_ready(void);     /* started, or reloaded */
void kw_notify_reloading(void); /* until it is ready again */
void kw_notify_stopping(void);
void kw_notify_alive(void); /* keeps the watchdog from biting */

/* The time in ns after which a service manager gives up on a process that does not say that it is alive; 0: never. */
uint64_t kw_notify_watchdog(void);

#endif
