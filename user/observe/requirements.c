/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/requirements.h"

#include <errno.h>
#include <linux/capability.h>

#include "base/log.h"
#include "base/privileges.h"
#include "observe/kernel_types.h"
#include "observe/obstacles.h"

const struct kw_host_capability kw_host_capabilities[KW_HOST_CAPABILITIES] = {
	{CAP_BPF, true, "CAP_BPF", "load BPF programs", "put probes into libraries"},
	{CAP_PERFMON, true, "CAP_PERFMON", "attach BPF programs to tracepoints", "put probes into libraries"},
	{CAP_SYS_ADMIN, false, "CAP_SYS_ADMIN",
	 "see connections that are already open in other network namespaces", NULL},
	{CAP_SYS_PTRACE, false, "CAP_SYS_PTRACE", "find the network namespaces of other users' processes",
	 "find the libraries of other users' processes"},
	{CAP_DAC_READ_SEARCH, false, "CAP_DAC_READ_SEARCH", "find the names of control groups and containers",
	 "read libraries that only some users may read"},
};

/* CAP_BPF and CAP_PERFMON were cut out of CAP_SYS_ADMIN, which the kernel still takes for either. */
bool kw_host_allows(const struct kw_host_capability *capability)
{
	if (kw_privileges_have(capability->number))
		return true;
	return capability->required && kw_privileges_have(CAP_SYS_ADMIN);
}

static int require_no_obstacle(void)
{
	for (int i = 0; i < KW_OBSTACLES; i++)
		if (kw_obstacles[i].stands())
			return kw_log_error(-EOPNOTSUPP, "keepwatch cannot %s here: %s", kw_obstacles[i].what,
					    kw_obstacles[i].advice);
	return 0;
}

int kw_host_require(void)
{
	const char *missing;
	int r;

	for (int i = 0; i < KW_HOST_CAPABILITIES; i++) {
		const struct kw_host_capability *capability = &kw_host_capabilities[i];

		if (capability->required && !kw_host_allows(capability))
			return kw_log_error(-EOPNOTSUPP,
					    "this process lacks %s, which it needs to %s: run keepwatch as "
					    "root (try sudo), or see PRIVILEGES in keepwatch(1)",
					    capability->name, capability->purpose);
	}
	r = require_no_obstacle();
	if (r < 0)
		return r;
	missing = kw_types_missing(kw_types_find());
	return missing ? kw_log_error(-EOPNOTSUPP, "no type information (BTF, %s): %s", KW_TYPES_FILE, missing)
		       : 0;
}

int kw_host_require_for_probes(void)
{
	for (int i = 0; i < KW_HOST_CAPABILITIES; i++) {
		const struct kw_host_capability *capability = &kw_host_capabilities[i];

		if (capability->of_probes && !kw_privileges_have(capability->number))
			return kw_log_error(-EOPNOTSUPP,
					    "this process lacks %s, which --tls needs to %s: run keepwatch as "
					    "root (try sudo), or see PRIVILEGES in keepwatch(1)",
					    capability->name, capability->of_probes);
	}
	return 0;
}
