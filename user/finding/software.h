/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers and clients that are known by the names of their processes, and what their settings are called. */
#ifndef KEEPWATCH_SOFTWARE_H
#define KEEPWATCH_SOFTWARE_H

#include <stdbool.h>

#include "event/programs.h"

/* Texts to be put behind "set" or "by"; never NULL. */
struct kw_software {
	const char *comm;         /* what the name of its process begins with */
	const char *called;       /* to be put behind "the server": " (nginx)"; empty for an unknown one */
	const char *server_idle;  /* how long a server keeps an idle connection */
	const char *server_limit; /* how many requests it takes on one */
	const char *client_idle;  /* how long a client keeps an idle connection */
	const char *client_reuse; /* what makes a client keep connections at all */
};

/* The software of a process of this name; for an unknown one, settings of the usual suspects. Never NULL. @programs, which
 * may be NULL, know what else can be told of a name on this host. */
const struct kw_software *kw_software_of(const char comm[KW_COMM], const struct kw_programs *programs);

/* It is one that is known. */
bool kw_software_is_known(const struct kw_software *software);

#endif
