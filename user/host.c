/* SPDX-License-Identifier: BSD-2-Clause */
#include "host.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

static uint64_t capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* CAP_SYS_ADMIN covers CAP_BPF and CAP_PERFMON, and network namespaces are entered with nothing less. */
bool kw_host_is_privileged(void)
{
	return capabilities() >> CAP_SYS_ADMIN & 1;
}

bool kw_host_has_btf(void)
{
	return access(KW_HOST_BTF, R_OK) == 0;
}

int kw_host_require(void)
{
	if (!kw_host_is_privileged())
		return kw_log_error(-EOPNOTSUPP, "must run as root (with CAP_SYS_ADMIN): try sudo");
	if (!kw_host_has_btf())
		return kw_log_error(
			-EOPNOTSUPP,
			"this kernel has no type information (%s is missing): it takes a kernel built with "
			"CONFIG_DEBUG_INFO_BTF; see keepwatch check",
			KW_HOST_BTF);
	return 0;
}
