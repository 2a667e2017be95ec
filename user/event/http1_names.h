/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the HTTP/1.x machine's values, for records, metrics and http1-parse. */
#ifndef KEEPWATCH_HTTP1_NAMES_H
#define KEEPWATCH_HTTP1_NAMES_H

#include "include/http1.h"

/* "start_line" and so on: the fault of a message. */
const char *kw_http_error_name(enum http1_error error);

/* "safe", "idempotent", "HEAD", "CONNECT", "other". */
const char *kw_method_name(enum http1_method method);

#endif
