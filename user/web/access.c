/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/access.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/user_file.h"
#include "web/config.h"
#include "web/passwords.h"

#define NORMAL "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define REALM "keepwatch"

struct kw_web {
	unsigned int references;
	struct kw_web_config config;
	struct kw_web_auth *auth;                     /* NULL: everybody may ask */
	gnutls_certificate_credentials_t credentials; /* NULL: no TLS; so the next */
	gnutls_priority_t priority;
};

/* ---- TLS ---- */

/* Verifies a client's certificate. A client without one passes, because GnuTLS has refused it before if it needs one.
 */
static int verify_client(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
					 .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
	unsigned int count = 0, status;

	if (!gnutls_certificate_get_peers(session, &count) || count == 0)
		return 0;
	return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0 ? 0 : -1;
}

static int load_certificates(struct kw_web *web, const char *path)
{
	const struct kw_web_config *config = &web->config;
	int r = gnutls_certificate_set_x509_key_file(web->credentials, config->cert_file, config->key_file,
						     GNUTLS_X509_FMT_PEM);

	if (r < 0)
		return kw_log_error(-EINVAL, "%s:%u: tls_server_config: cert_file %s with key_file %s: %s",
				    path, config->tls_line, config->cert_file, config->key_file,
				    gnutls_strerror(r));
	if (!config->client_ca_file)
		return 0;
	r = gnutls_certificate_set_x509_trust_file(web->credentials, config->client_ca_file,
						   GNUTLS_X509_FMT_PEM);
	if (r <= 0)
		return kw_log_error(-EINVAL, "%s:%u: tls_server_config: client_ca_file %s: %s", path,
				    config->tls_line, config->client_ca_file,
				    r < 0 ? gnutls_strerror(r) : "has no certificate");
	gnutls_certificate_set_verify_function(web->credentials, verify_client);
	return 0;
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
		r = gnutls_priority_init(&web->priority,
					 web->config.tls13_only ? NORMAL : NORMAL ":+VERS-TLS1.2", NULL);
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
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, web->credentials);
	gnutls_priority_set(session, web->priority);
	gnutls_certificate_server_set_request(session, requests[web->config.client]);
}

/* ---- users ---- */

static enum MHD_Result refuse(struct MHD_Connection *connection, bool later)
{
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

bool kw_web_lets_in(struct kw_web *web, struct MHD_Connection *connection, enum MHD_Result *ret_result)
{
	enum kw_web_answer answer = KW_WEB_WRONG;
	char *name, *password = NULL;

	if (!web->auth)
		return true;
	name = MHD_basic_auth_get_username_password(connection, &password);
	if (name && password)
		answer = kw_web_auth_ask(web->auth, name, password);
	forget(name);
	forget(password);
	if (answer == KW_WEB_WELCOME)
		return true;
	*ret_result = refuse(connection, answer == KW_WEB_LATER);
	return false;
}

/* ---- the whole ---- */

static int open_all(struct kw_web *web, const char *path)
{
	int r = kw_web_config_read(path, &web->config);

	if (r == 0 && web->config.cert_file)
		r = open_tls(web, path);
	if (r == 0 && web->config.user_count)
		r = kw_web_auth_open(web->config.users, web->config.user_count, &web->auth);
	return r;
}

int kw_web_open(const char *path, struct kw_web **ret_web)
{
	_cleanup_(kw_user_rights_end) struct kw_user_rights rights = kw_user_rights_begin();
	_cleanup_(kw_web_unrefp) struct kw_web *web = calloc(1, sizeof(*web));
	int r;

	if (!web)
		return kw_log_error(-ENOMEM, "out of memory");
	web->references = 1;
	r = open_all(web, path);
	if (r < 0)
		return r;
	*ret_web = TAKE_PTR(web);
	return 0;
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
