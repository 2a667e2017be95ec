/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of --web-config: TLS and users of the metrics server, in the form that Prometheus' exporters share.
 * What is not known here is a fault: a setting that somebody relies on must not be passed over. */
#ifndef KEEPWATCH_WEB_CONFIG_H
#define KEEPWATCH_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define KW_BCRYPT_TEXT 61      /* a bcrypt hash, with its NUL */
#define KW_BCRYPT_COST_MOST 12 /* a check of that takes a quarter of a second, in which no event is read */

/* What is asked of clients, as client_auth_type has it. */
enum kw_web_client {
	KW_WEB_CLIENT_NONE,         /* NoClientCert */
	KW_WEB_CLIENT_REQUEST,      /* RequestClientCert: whatever comes is taken */
	KW_WEB_CLIENT_REQUIRE,      /* RequireAnyClientCert */
	KW_WEB_CLIENT_VERIFY_GIVEN, /* VerifyClientCertIfGiven */
	KW_WEB_CLIENT_VERIFY,       /* RequireAndVerifyClientCert */
	KW_WEB_CLIENT_MAX,
};

struct kw_web_user {
	char *name;
	char hash[KW_BCRYPT_TEXT];
};

struct kw_web_config {
	unsigned int tls_line; /* of tls_server_config; 0: no TLS */
	char *cert_file; /* this and the next: with the folder of the file in front, if relative; NULL: no TLS */
	char *key_file;
	char *client_ca_file; /* NULL: none */
	enum kw_web_client client;
	bool tls13_only;
	struct kw_web_user *users;
	size_t user_count; /* 0: everybody may ask */
};

/* Reads the file @path; NULL: there is none, and all is zero. On failure one line has been logged, with file,
 * line and key, and the result is -EINVAL, or -ENOMEM. */
int kw_web_config_read(const char *path, struct kw_web_config *ret_config);

void kw_web_config_free(struct kw_web_config *config);

#endif
