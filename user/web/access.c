/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "web/config.h"

/* Only what has forward secrecy (no static RSA) and authenticated encryption (no CBC). */
#define PRIORITY                                                                                               \
	"NORMAL:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:"     \
	"%SERVER_PRECEDENCE:-VERS-ALL"
#define REALM "keepwatch"
#define SAN 256 /* a longer name of a certificate is no allowed one */
#define V4 4    /* bytes of an address */
#define V6 16

struct kw_web {
	unsigned int references;
	struct kw_web_config config;
	struct kw_web_auth *auth;                     /* NULL: everybody may ask */
	gnutls_certificate_credentials_t credentials; /* NULL: no TLS; so the next */
	gnutls_priority_t priority;
};

/* ---- TLS ---- */

/* A name of a certificate as client_allowed_sans has it: an IP address as text. */
static void print_san(int type, const char *name, size_t length, char ret_text[SAN])
{
	ret_text[0] = '\0';
	if (type == GNUTLS_SAN_IPADDRESS && (length == V4 || length == V6))
		inet_ntop(length == V4 ? AF_INET : AF_INET6, name, ret_text, SAN);
	else if ((type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME || type == GNUTLS_SAN_URI) &&
		 strlen(name) == length)
		memcpy(ret_text, name, length + 1);
}

static bool has_allowed_san(const struct kw_web_config *config, gnutls_x509_crt_t certificate)
{
	for (unsigned int i = 0;; i++) {
		char name[SAN] = "", text[SAN];
		size_t length = sizeof(name) - 1;
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &length, NULL);

		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			return false;
		print_san(type, name, length, text);
		for (size_t k = 0; k < config->client_san_count; k++)
			if (text[0] && strcmp(config->client_sans[k], text) == 0)
				return true;
	}
}

static bool is_allowed(const struct kw_web_config *config, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t certificate;
	bool allowed;

	if (!config->client_san_count)
		return true;
	if (gnutls_x509_crt_init(&certificate) < 0)
		return false;
	allowed = gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0 &&
		  has_allowed_san(config, certificate);
	gnutls_x509_crt_deinit(certificate);
	return allowed;
}

/* Verifies a client's certificate. A client without one passes, because GnuTLS has refused it before if it needs one.
 */
static int verify_client(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
					 .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
	const struct kw_web *web = gnutls_db_get_ptr(session); /* see kw_web_connection_begins() */
	unsigned int count = 0, status;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

	if (!chain || count == 0)
		return 0;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status != 0)
		return -1;
	return is_allowed(&web->config, &chain[0]) ? 0 : -1;
}

static gnutls_datum_t datum_of(const struct kw_web_file *file)
{
	return (gnutls_datum_t){.data = (unsigned char *)file->text, .size = (unsigned int)file->length};
}

static int load_certificates(struct kw_web *web, const char *path)
{
	const struct kw_web_config *config = &web->config;
	gnutls_datum_t cert = datum_of(&config->cert), key = datum_of(&config->key);
	gnutls_datum_t client_ca = datum_of(&config->client_ca);
	int r = gnutls_certificate_set_x509_key_mem(web->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);

	if (r < 0)
		return kw_log_error(-EINVAL, "%s:%u: tls_server_config: cert_file %s with key_file %s: %s",
				    path, config->tls_line, config->cert.path, config->key.path,
				    gnutls_strerror(r));
	if (!config->client_ca.path)
		return 0;
	r = gnutls_certificate_set_x509_trust_mem(web->credentials, &client_ca, GNUTLS_X509_FMT_PEM);
	if (r <= 0)
		return kw_log_error(-EINVAL, "%s:%u: tls_server_config: client_ca_file %s: %s", path,
				    config->tls_line, config->client_ca.path,
				    r < 0 ? gnutls_strerror(r) : "has no certificate");
	gnutls_certificate_set_verify_function(web->credentials, verify_client);
	return 0;
}

static int set_priority(struct kw_web *web)
{
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s", PRIORITY, web->config.tls13 ? ":+VERS-TLS1.3" : "",
		 web->config.tls12 ? ":+VERS-TLS1.2" : "");
	return gnutls_priority_init(&web->priority, text, NULL);
}

static int open_tls(struct kw_web *web, const char *path)
{
	int r;

	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return kw_log_error(-EINVAL,
				    "%s:%u: tls_server_config: this libmicrohttpd was built without TLS", path,
				    web->config.tls_line);
	r = gnutls_certificate_allocate_credentials(&web->credentials);
	if (r == 0)
		r = set_priority(web);
	if (r < 0)
		return kw_log_error(-EIO, "cannot set up TLS: %s", gnutls_strerror(r));
	return load_certificates(web, path);
}

static gnutls_session_t session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

void kw_web_connection_begins(const struct kw_web *web, struct MHD_Connection *connection)
{
	static const gnutls_certificate_request_t requests[KW_WEB_CLIENT_MAX] = {
		[KW_WEB_CLIENT_NONE] = GNUTLS_CERT_IGNORE,
		[KW_WEB_CLIENT_REQUEST] = GNUTLS_CERT_REQUEST,
		[KW_WEB_CLIENT_REQUIRE] = GNUTLS_CERT_REQUIRE,
		[KW_WEB_CLIENT_VERIFY_GIVEN] = GNUTLS_CERT_REQUEST,
		[KW_WEB_CLIENT_VERIFY] = GNUTLS_CERT_REQUIRE,
	};
	gnutls_session_t session = session_of(connection);

	if (!session)
		return;
	/* The session has a pointer for libmicrohttpd, one for its messages, and this, because no database of sessions
	 * is kept. */
	gnutls_db_set_ptr(session, (void *)web);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, web->credentials);
	gnutls_priority_set(session, web->priority);
	gnutls_certificate_server_set_request(session, requests[web->config.client]);
}

/* ---- users ---- */

enum MHD_Result kw_web_refuse(struct MHD_Connection *connection, enum kw_web_answer answer)
{
	bool later = answer == KW_WEB_LATER;
	static char wrong[] = "Unauthorized\n", busy[] = "too many passwords to check: try again later\n";
	char *text = later ? busy : wrong;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	if (later) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "5");
		result = MHD_queue_response(connection, MHD_HTTP_TOO_MANY_REQUESTS, response);
	} else {
		result = MHD_queue_basic_auth_fail_response(connection, REALM, response);
	}
	MHD_destroy_response(response);
	return result;
}

static void forget(char *text)
{
	if (!text)
		return;
	explicit_bzero(text, strlen(text));
	MHD_free(text);
}

enum kw_web_answer kw_web_ask(const struct kw_web *web, struct MHD_Connection *connection,
			      struct kw_budget *guesses, const struct kw_source_address *address)
{
	enum kw_web_answer answer = KW_WEB_WRONG;
	char *name, *password = NULL;

	if (!web->auth)
		return KW_WEB_WELCOME;
	name = MHD_basic_auth_get_username_password(connection, &password);
	if (name && password)
		answer = kw_web_auth_ask(web->auth, guesses, address, name, password);
	forget(name);
	forget(password);
	return answer;
}

/* ---- the whole ---- */

static int open_all(struct kw_web *web, const struct kw_web *before, const char *path)
{
	int r = web->config.cert.path ? open_tls(web, path) : 0;

	if (r == 0 && web->config.user_count)
		r = kw_web_auth_open(web->config.users, web->config.user_count, before ? before->auth : NULL,
				     &web->auth);
	return r;
}

static int open_web(struct kw_web_config *config, const struct kw_web *before, const char *path,
		    struct kw_web **ret_web)
{
	_cleanup_(kw_web_unrefp) struct kw_web *web = calloc(1, sizeof(*web));
	int r;

	if (!web) {
		kw_web_config_free(config);
		return kw_log_error(-ENOMEM, "out of memory");
	}
	web->references = 1;
	web->config = TAKE_STRUCT(*config);
	r = open_all(web, before, path);
	if (r < 0)
		return r;
	*ret_web = TAKE_PTR(web);
	return 0;
}

int kw_web_open(const char *path, struct kw_web **ret_web)
{
	struct kw_web_config config;
	int r = kw_web_config_read(path, &config);

	return r < 0 ? r : open_web(&config, NULL, path, ret_web);
}

int kw_web_open_config(struct kw_web_config *config, const struct kw_web *before, struct kw_web **ret_web)
{
	return open_web(config, before, "web-config", ret_web);
}

const struct kw_web_config *kw_web_config_of(const struct kw_web *web)
{
	return &web->config;
}

struct kw_web *kw_web_ref(struct kw_web *web)
{
	web->references++;
	return web;
}

void kw_web_unref(struct kw_web *web)
{
	if (!web || --web->references)
		return;
	kw_web_auth_close(web->auth);
	if (web->credentials)
		gnutls_certificate_free_credentials(web->credentials);
	if (web->priority)
		gnutls_priority_deinit(web->priority);
	kw_web_config_free(&web->config);
	free(web);
}

bool kw_web_has_tls(const struct kw_web *web)
{
	return web->credentials;
}

bool kw_web_has_users(const struct kw_web *web)
{
	return web->auth;
}
