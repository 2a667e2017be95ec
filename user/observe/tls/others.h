/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that speak TLS in a way that is not read: their connections are judged by records. Known by functions that they export, and by
 * words that they contain. */
#ifndef KEEPWATCH_TLS_OTHERS_H
#define KEEPWATCH_TLS_OTHERS_H

#include "observe/tls/libraries.h"

/* The name of the TLS library that a file is, or has within it, among those that get no probes; NULL: none is known. May read the whole
 * file. */
const char *kw_tls_other(const struct kw_tls_library *library);

#endif
