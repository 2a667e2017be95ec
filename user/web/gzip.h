/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEEPWATCH_GZIP_H
#define KEEPWATCH_GZIP_H

#include <stddef.h>

/* Compresses @length bytes into *ret_packed, which the caller frees. Prefers speed to size. Returns 0 or -ENOMEM. */
int kw_gzip(const char *text, size_t length, char **ret_packed, size_t *ret_length);

#endif
