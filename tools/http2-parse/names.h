/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the HTTP/2 machine's numbers, as they are printed. */
#ifndef KEEPWATCH_HTTP2_PARSE_NAMES_H
#define KEEPWATCH_HTTP2_PARSE_NAMES_H

#include <jansson.h>

#include "include/http2.h"

/* Each returns a constant, which is NULL for a number that has no name. */
const char *kw_http2_side_name(unsigned int direction);
const char *kw_http2_type_name(unsigned int type);
const char *kw_http2_code_name(unsigned int code);
const char *kw_http2_debug_name(unsigned int debug);

/* The names of the bits that are set in @bits, of 1 << enum http2_name; the caller owns the list. */
json_t *kw_http2_field_list(unsigned int bits);

/* The same of 1 << enum http2_error. */
json_t *kw_http2_error_list(unsigned int bits);

#endif
