/* SPDX-License-Identifier: BSD-2-Clause */
/* Servers and clients that keepwatch knows by the names of their processes, and the names of their settings. */
#ifndef KEEPWATCH_SOFTWARE_H
#define KEEPWATCH_SOFTWARE_H

#include <stdbool.h>

#include "event/programs.h"

/* Texts that follow the word "set" in advice; never NULL. */
struct kw_software {
	const char *comm;   /* the beginning of its process's name */
	const char *called; /* follows "the server" or "the client": " (nginx)"; empty for unknown software */
	const char *server_idle;  /* the setting for how long a server keeps an idle connection */
	const char *server_limit; /* the setting for how many requests a server takes on one connection */
	const char *client_idle;  /* the setting for how long a client keeps an idle connection */
	const char *client_reuse; /* the setting that makes a client keep connections at all */
};

/* The software of a process with this name; for an unknown name, settings of common software. Never NULL. @programs,
 * which may be NULL, says which names on this host belong to Go programs. */
const struct kw_software *kw_software_of(const char comm[KW_COMM], const struct kw_programs *programs);

/* Whether the software is known. */
bool kw_software_is_known(const struct kw_software *software);

#endif
