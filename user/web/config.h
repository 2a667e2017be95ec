/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of --web-config: TLS and users of the metrics server, in the form that Prometheus' exporters share. An
 * unknown key is an error, because somebody may rely on that setting. */
#ifndef KEEPWATCH_WEB_CONFIG_H
#define KEEPWATCH_WEB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define KW_BCRYPT_TEXT 61 /* a bcrypt hash, with its NUL */
#define KW_BCRYPT_COST_MOST                                                                                    \
	12 /* checking such a hash takes a quarter of a second, in which no client is answered */
#define KW_WEB_FILE_MOST (4U << 20) /* bytes of a file that it names */

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

/* A file that the configuration names, read at once: the process of the port opens none. */
struct kw_web_file {
	char *path; /* for messages: absolute, or relative to the working directory; NULL: none is named */
	char *text; /* PEM; ends with a NUL that @length does not count */
	size_t length;
};

struct kw_web_config {
	unsigned int tls_line; /* line of tls_server_config in the file; 0: no TLS */
	struct kw_web_file cert, key;
	struct kw_web_file client_ca; /* none: clients' certificates are not verified */
	enum kw_web_client client;
	char **client_sans;      /* a client's certificate must have one of these names */
	size_t client_san_count; /* 0: any name will do */
	bool tls12, tls13;       /* the versions that are spoken */
	struct kw_web_user *users;
	size_t user_count; /* 0: no password is needed */
};

/* Reads the file @path. With a @path of NULL, *ret_config is all zeros. Returns 0, -EINVAL or -ENOMEM; on failure it
 * has logged one line with file, line and key. */
int kw_web_config_read(const char *path, struct kw_web_config *ret_config);

void kw_web_config_free(struct kw_web_config *config);

#endif
