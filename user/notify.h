/* SPDX-License-Identifier: BSD-2-Clause */
/* The readiness protocol of systemd, without its library: one datagram to the socket it names. */
#ifndef KEEPWATCH_NOTIFY_H
#define KEEPWATCH_NOTIFY_H

/* Says READY=1 where NOTIFY_SOCKET is set; does nothing elsewhere. */
void kw_notify_ready(void);

#endif
