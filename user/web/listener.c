/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

int kw_listener_open(const struct sockaddr_storage *address, socklen_t length, const char *name)
{
	_cleanup_fd_ int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return kw_log_error(-errno, "cannot listen on %s: %s", name, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)address, length) < 0 || listen(fd, SOMAXCONN) < 0)
		return kw_log_error(-errno, "cannot listen on %s: %s; choose another address with --listen",
				    name, strerror(errno));
	return TAKE_FD(fd);
}

void kw_listener_url(int fd, bool tls, char ret_url[KW_LISTENER_URL])
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	const char *scheme = tls ? "https" : "http";
	char host[INET6_ADDRSTRLEN] = "";

	getsockname(fd, (struct sockaddr *)&address, &length);
	if (address.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;

		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(ret_url, KW_LISTENER_URL, "%s://%s:%u/metrics", scheme, host, ntohs(v4->sin_port));
	} else {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;

		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		/* @address starts as zeros. NOLINTBEGIN(clang-analyzer-core.CallAndMessage) */
		snprintf(ret_url, KW_LISTENER_URL, "%s://[%s]:%u/metrics", scheme, host, ntohs(v6->sin6_port));
		/* NOLINTEND(clang-analyzer-core.CallAndMessage) */
	}
}
