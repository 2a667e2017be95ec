/* SPDX-License-Identifier: BSD-2-Clause */
/* How much a finding matters. */
#ifndef KEEPWATCH_SEVERITY_H
#define KEEPWATCH_SEVERITY_H

enum kw_severity {
	KW_SEVERITY_INFO,
	KW_SEVERITY_WARNING,  /* requests will be lost, or resources are wasted */
	KW_SEVERITY_CRITICAL, /* requests are being lost */
	KW_SEVERITY_MAX,
};

/* "info", "warning" or "critical"; never NULL. */
static inline const char *kw_severity_name(enum kw_severity severity)
{
	static const char *const names[KW_SEVERITY_MAX] = {"info", "warning", "critical"};

	return (unsigned int)severity < KW_SEVERITY_MAX ? names[severity] : "unknown";
}

#endif
