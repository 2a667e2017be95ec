/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of --web-config: TLS and users of the metrics server, in the form that Prometheus' exporters share. An
 * unknown key is an error, because somebody may rely on that setting. */
#ifndef KEEPWATCH_WEB_CONFIG_H
#define KEEPWATCH_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define KW_BCRYPT_TEXT 61      /* a bcrypt hash, with its NUL */
#define KW_BCRYPT_COST_MOST 12 /* checking such a hash takes a quarter of a second, in which no event is read */

/* Whether clients need a certificate: the values of client_auth_type. */
enum kw_web_client {
	KW_WEB_CLIENT_NONE,         /* NoClientCert */
	KW_WEB_CLIENT_REQUEST,      /* RequestClientCert: any certificate is accepted, or none */
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
	unsigned int tls_line; /* line of tls_server_config in the file; 0: no TLS */
	char *cert_file; /* this and key_file: absolute, or relative to the working directory; NULL: no TLS */
	char *key_file;
	char *client_ca_file; /* NULL: clients' certificates are not verified */
	enum kw_web_client client;
	bool tls13_only;
	struct kw_web_user *users;
	size_t user_count; /* 0: no password is needed */
};

/* Reads the file @path. With a @path of NULL, *ret_config is all zeros. Returns 0, -EINVAL or -ENOMEM; on failure it
 * has logged one line with file, line and key. */
int kw_web_config_read(const char *path, struct kw_web_config *ret_config);

void kw_web_config_free(struct kw_web_config *config);

#endif
