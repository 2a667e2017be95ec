/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEEPWATCH_WEB_LISTENER_H
#define KEEPWATCH_WEB_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/address.h"

#define KW_LISTENER_URL (KW_ENDPOINT_TEXT + 16)

/* Listens on an address, which is called @name in messages. Returns the socket, or -errno after logging one line. */
int kw_listener_open(const struct sockaddr_storage *address, socklen_t length, const char *name);

/* "http://127.0.0.1:9951/metrics", or https. The port is read back from the socket, because the kernel chose it if 0 was
 * asked for. */
void kw_listener_url(int fd, bool tls, char ret_url[KW_LISTENER_URL]);

#endif
