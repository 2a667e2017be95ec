/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/probes.h"

void kw_probes_add(struct kw_probes *probes, enum kw_probe_program program, uint64_t offset, uint64_t cookie)
{
	if (offset && probes->count < KW_PROBES_MOST)
		probes->list[probes->count++] = (struct kw_probe){program, offset, cookie};
}

int kw_probes_of(const struct kw_tls_library *library, struct kw_probes *ret_probes)
{
	ret_probes->count = 0;
	return kw_probes_of_openssl(library, ret_probes);
}
