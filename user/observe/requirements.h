/* SPDX-License-Identifier: BSD-2-Clause */
/* The needs of the program: the things that a host must have before anything can be loaded. */
#ifndef KEEPWATCH_HOST_H
#define KEEPWATCH_HOST_H

#include <stdbool.h>

/* A capability, and what it is for. */
struct kw_host_capability {
	unsigned int number; /* CAP_* */
	bool required;       /* else something goes unseen without it */
	const char *name;
	const char *purpose;   /* what does not go without it: "find ..." */
	const char *of_probes; /* the same of putting probes into libraries (--tls); NULL: nothing */
};

#define KW_HOST_CAPABILITIES 5
extern const struct kw_host_capability kw_host_capabilities[KW_HOST_CAPABILITIES];

/* Does this process have it now, or CAP_SYS_ADMIN, where that covers it? */
bool kw_host_allows(const struct kw_host_capability *capability);

/* The capabilities that are required, no obstacle (see obstacles.h), and the kernel's types: 0, or -EOPNOTSUPP and one line has been logged that says what to do. */
int kw_host_require(void);

/* The capabilities that it takes to put probes into libraries. They are kept, so CAP_SYS_ADMIN stands for none of them. 0, or -EOPNOTSUPP,
 * and that has been logged. */
int kw_host_require_for_probes(void);

#endif
