/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/probes.h"

#include <errno.h>

#include "observe/tls/exports.h"

void kw_probes_add(struct kw_probes *probes, enum kw_probe_program program, uint64_t offset, uint64_t cookie)
{
	if (offset && probes->count < KW_PROBES_MOST)
		probes->list[probes->count++] = (struct kw_probe){program, offset, cookie};
}

void kw_probes_add_call(struct kw_probes *probes, uint64_t offset, uint64_t cookie)
{
	kw_probes_add(probes, KW_PROBE_RETURN, offset, cookie);
	kw_probes_add(probes, KW_PROBE_CALL, offset, cookie);
}

/* The kinds of libraries that are known by a function that each of them exports. */
static const char *const functions[] = {"SSL_read", "gnutls_record_recv"};
static int (*const kinds[])(const struct kw_tls_library *library,
			    struct kw_probes *ret_probes) = {kw_probes_of_openssl, kw_probes_of_gnutls};

int kw_probes_of(const struct kw_tls_library *library, struct kw_probes *ret_probes)
{
	enum kw_exports exports =
		kw_exports_look(library->fd, functions, sizeof(functions) / sizeof(functions[0]));
	int r = -ENOENT;

	ret_probes->count = 0;
	if (exports == KW_EXPORTS_NO_ELF)
		return -ENOEXEC;
	r = kw_probes_of_go(library, ret_probes);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && exports == KW_EXPORTS_MAYBE && r == -ENOENT;
	     i++)
		r = kinds[i](library, ret_probes);
	return r;
}

const char *kw_probes_refusal(int result)
{
	switch (result) {
	case -ENOEXEC:
		return "it is no file for this processor";
	case -ENOENT:
		return "it lacks functions that are needed";
	case -EPROTONOSUPPORT:
		return "it is not OpenSSL, but goes on with its code: LibreSSL, BoringSSL or AWS-LC";
	case -ENOTSUP:
		return "its code does not show where it keeps what joins a connection to its socket";
	case -ENOSPC:
		return "too many other files have some";
	default:
		return "the kernel refuses them";
	}
}
