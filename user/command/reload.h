/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file, read again while the daemon runs. */
#ifndef KEEPWATCH_RELOAD_H
#define KEEPWATCH_RELOAD_H

#include "command/options.h"

/* Reads command line and file again. Options that differ from @running and cannot change without a restart are named
 * in a warning; the caller takes over all others. On failure, such as a bad line in the file, that has been logged.
 * Free the result with kw_options_free(). */
int kw_reload(const struct kw_options *running, struct kw_options *ret_options);

#endif
