/* SPDX-License-Identifier: BSD-2-Clause */
/* A web configuration as bytes, to be handed to the process of the port, which opens no files. */
#ifndef KEEPWATCH_WEB_CONFIG_PARCEL_H
#define KEEPWATCH_WEB_CONFIG_PARCEL_H

#include "web/config.h"

/* Writes @config to *ret_bytes, which the caller frees. Returns 0 or -ENOMEM. */
int kw_web_config_pack(const struct kw_web_config *config, char **ret_bytes, size_t *ret_length);

/* Reads it back; free the result with kw_web_config_free(). Returns 0, -EBADMSG or -ENOMEM. */
int kw_web_config_unpack(const char *bytes, size_t length, struct kw_web_config *ret_config);

#endif
