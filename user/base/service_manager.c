/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/user_file.h"
#include "include/units.h"

#define US 1000ULL /* ns */

static int manager = -1; /* the socket; as long as the process */

static int failed(const char *path)
{
	return kw_log_error(-errno, "cannot notify the service manager at %s: %s", path, strerror(errno));
}

static int connect_to(const struct sockaddr_un *address, socklen_t length)
{
	_cleanup_(kw_user_rights_end) struct kw_user_rights rights = kw_user_rights_begin();
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, length) < 0)
		return -1;
	manager = TAKE_FD(fd);
	return 0;
}

void kw_notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length;

	if (manager >= 0 || !path || !path[0])
		return;
	length = strlen(path);
	if (length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@') /* an abstract socket: its name begins with NUL */
		address.sun_path[0] = '\0';
	if (connect_to(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		failed(path);
}

static void tell(const char *message)
{
	if (manager >= 0 && send(manager, message, strlen(message), MSG_NOSIGNAL) < 0)
		failed(getenv("NOTIFY_SOCKET"));
}

void kw_notify_ready(void)
{
	tell("READY=1");
}

void kw_notify_reloading(void)
{
	char message[64];

	snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)(kw_clock_monotonic() / US));
	tell(message);
}

void kw_notify_stopping(void)
{
	tell("STOPPING=1");
}

void kw_notify_alive(void)
{
	tell("WATCHDOG=1");
}

uint64_t kw_notify_watchdog(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	/* It is meant for a process that started this one, if it names another. */
	if (manager < 0 || !us || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return strtoull(us, NULL, 10) * US;
}
