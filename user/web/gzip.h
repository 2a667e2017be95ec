/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEEPWATCH_GZIP_H
#define KEEPWATCH_GZIP_H

#include <stddef.h>

/* Packs @length bytes into *ret_packed, which the caller frees; quickly rather than tightly. -ENOMEM. */
int kw_gzip(const char *text, size_t length, char **ret_packed, size_t *ret_length);

#endif
