/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/config.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/user_file.h"

struct reader {
	const char *path;
	yaml_document_t document;
	struct kw_web_config *config;
};

/* A key of a mapping, and the function that reads its value; or a key that other exporters know, and why this server does
 * not. */
struct key_row {
	const char *name;
	int (*take)(struct reader *reader, const char *key, yaml_node_t *value);
	const char *why_not;
};

static unsigned int line_of(const yaml_node_t *node)
{
	return (unsigned int)node->start_mark.line + 1;
}

/* The text of a scalar node; NULL if the node is not a scalar, or if its text contains a NUL. */
static const char *scalar(const yaml_node_t *node)
{
	const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;

	return text && strlen(text) == node->data.scalar.length ? text : NULL;
}

static int expected(const struct reader *reader, const yaml_node_t *value, const char *key, const char *what)
{
	return kw_log_error(-EINVAL, "%s:%u: %.100s: expected %s", reader->path, line_of(value), key, what);
}

/* Calls @each with every pair of the mapping @node. A key that appears twice is an error. */
static int each_pair(struct reader *reader, const char *name, yaml_node_t *node, const void *context,
		     int (*each)(struct reader *reader, const void *context, yaml_node_t *key,
				 yaml_node_t *value))
{
	if (node->type != YAML_MAPPING_NODE)
		return expected(reader, node, name, "keys with values");
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
	     pair++) {
		yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
		char excerpt[KW_KEY_EXCERPT];
		int r;

		if (!scalar(key))
			return expected(reader, key, name, "keys that are plain text");
		for (yaml_node_pair_t *before = node->data.mapping.pairs.start; before < pair; before++)
			if (strcmp(scalar(yaml_document_get_node(&reader->document, before->key)),
				   scalar(key)) == 0)
				return kw_log_error(-EINVAL, "%s:%u: key '%s' appears twice", reader->path,
						    line_of(key), kw_key_excerpt(scalar(key), excerpt));
		r = each(reader, context, key, value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int unknown(const struct reader *reader, const struct key_row *rows, const yaml_node_t *key)
{
	char known[256] = "", excerpt[KW_KEY_EXCERPT];
	size_t used = 0;

	for (const struct key_row *row = rows; row->name && used < sizeof(known); row++)
		if (row->take)
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "",
						 row->name);
	return kw_log_error(-EINVAL, "%s:%u: unknown key '%s': known keys are %s", reader->path, line_of(key),
			    kw_key_excerpt(scalar(key), excerpt), known);
}

/* @context is an array of struct key_row; a row whose name is NULL ends it. */
static int take_known(struct reader *reader, const void *context, yaml_node_t *key, yaml_node_t *value)
{
	for (const struct key_row *row = context; row->name; row++)
		if (strcmp(row->name, scalar(key)) == 0)
			return row->take ? row->take(reader, row->name, value)
					 : kw_log_error(-EINVAL, "%s:%u: key '%s' is not supported: %s",
							reader->path, line_of(key), row->name, row->why_not);
	return unknown(reader, context, key);
}

/* ---- values ---- */

static int take_bool(struct reader *reader, const char *key, yaml_node_t *value)
{
	const char *text = scalar(value);

	return text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		       ? 0
		       : expected(reader, value, key, "true or false");
}

/* ---- TLS ---- */

/* A relative path starts at the folder of the configuration file @from. The caller frees the result; NULL: no memory.
 */
static char *resolve(const char *path, const char *from)
{
	const char *slash = strrchr(from, '/');
	char *resolved;

	if (path[0] == '/' || !slash)
		return strdup(path);
	return asprintf(&resolved, "%.*s%s", (int)(slash - from + 1), from, path) < 0 ? NULL : resolved;
}

static int read_whole(int fd, struct kw_web_file *file)
{
	size_t capacity = 0;
	ssize_t got;

	do {
		if (file->length == capacity) {
			char *grown = realloc(file->text, 2 * capacity + 8192);

			if (!grown)
				return -ENOMEM;
			file->text = grown;
			capacity = 2 * capacity + 8191;
		}
		got = read(fd, file->text + file->length, capacity - file->length);
		if (got < 0)
			return -errno;
		file->length += (size_t)got;
	} while (got > 0 && file->length <= KW_WEB_FILE_MOST);
	file->text[file->length] = '\0';
	return file->length > KW_WEB_FILE_MOST ? -EFBIG : 0;
}

static int take_file(struct reader *reader, const char *key, const yaml_node_t *value, struct kw_web_file *file)
{
	const char *text = scalar(value);
	_cleanup_fd_ int fd = -1;
	int r;

	if (!text || !text[0])
		return expected(reader, value, key, "a file");
	file->path = resolve(text, reader->path);
	if (!file->path)
		return kw_log_error(-ENOMEM, "out of memory");
	fd = kw_user_read(file->path);
	r = fd < 0 ? -errno : read_whole(fd, file);
	if (r < 0)
		return kw_log_error(-EINVAL, "%s:%u: %s: cannot read %s: %s", reader->path, line_of(value), key,
				    file->path, kw_user_strerror(-r));
	return 0;
}

static int take_cert_file(struct reader *reader, const char *key, yaml_node_t *value)
{
	return take_file(reader, key, value, &reader->config->cert);
}

static int take_key_file(struct reader *reader, const char *key, yaml_node_t *value)
{
	return take_file(reader, key, value, &reader->config->key);
}

static int take_client_ca_file(struct reader *reader, const char *key, yaml_node_t *value)
{
	return take_file(reader, key, value, &reader->config->client_ca);
}

static int take_client_auth_type(struct reader *reader, const char *key, yaml_node_t *value)
{
	static const char *const names[KW_WEB_CLIENT_MAX] = {
		[KW_WEB_CLIENT_NONE] = "NoClientCert",
		[KW_WEB_CLIENT_REQUEST] = "RequestClientCert",
		[KW_WEB_CLIENT_REQUIRE] = "RequireAnyClientCert",
		[KW_WEB_CLIENT_VERIFY_GIVEN] = "VerifyClientCertIfGiven",
		[KW_WEB_CLIENT_VERIFY] = "RequireAndVerifyClientCert",
	};
	const char *text = scalar(value);

	for (enum kw_web_client i = 0; text && i < KW_WEB_CLIENT_MAX; i++)
		if (strcmp(text, names[i]) == 0) {
			reader->config->client = i;
			return 0;
		}
	return expected(reader, value, key,
			"NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
			"RequireAndVerifyClientCert");
}

static int take_version(struct reader *reader, const char *key, const yaml_node_t *value, const char *only,
			bool *ret_other)
{
	const char *text = scalar(value);

	if (!text || (strcmp(text, "TLS12") != 0 && strcmp(text, "TLS13") != 0))
		return expected(reader, value, key, "TLS12 or TLS13");
	*ret_other = strcmp(text, only) != 0;
	return 0;
}

static int take_min_version(struct reader *reader, const char *key, yaml_node_t *value)
{
	return take_version(reader, key, value, "TLS13", &reader->config->tls12);
}

static int take_max_version(struct reader *reader, const char *key, yaml_node_t *value)
{
	return take_version(reader, key, value, "TLS12", &reader->config->tls13);
}

static int take_client_san(struct reader *reader, const char *key, const yaml_node_t *value)
{
	struct kw_web_config *config = reader->config;
	char **grown;

	if (!scalar(value) || !scalar(value)[0])
		return expected(reader, value, key, "names that are plain text");
	grown = reallocarray(config->client_sans, config->client_san_count + 1, sizeof(*grown));
	if (!grown)
		return kw_log_error(-ENOMEM, "out of memory");
	config->client_sans = grown;
	grown[config->client_san_count] = strdup(scalar(value));
	return grown[config->client_san_count++] ? 0 : kw_log_error(-ENOMEM, "out of memory");
}

static int take_client_sans(struct reader *reader, const char *key, yaml_node_t *value)
{
	int r = 0;

	/* An empty list would let in every name, which is the opposite of what it looks like. */
	if (value->type != YAML_SEQUENCE_NODE ||
	    value->data.sequence.items.start == value->data.sequence.items.top)
		return expected(reader, value, key, "a list of names");
	for (yaml_node_item_t *item = value->data.sequence.items.start;
	     r == 0 && item < value->data.sequence.items.top; item++)
		r = take_client_san(reader, key, yaml_document_get_node(&reader->document, *item));
	return r;
}

/* The keys of tls_server_config must fit together. Returns what is expected instead, or NULL. */
static const char *fault_of_tls(const struct kw_web_config *config)
{
	bool verifies = config->client == KW_WEB_CLIENT_VERIFY_GIVEN || config->client == KW_WEB_CLIENT_VERIFY;

	if (!config->cert.path || !config->key.path)
		return "both cert_file and key_file";
	if (!config->tls12 && !config->tls13)
		return "a max_version that is not below min_version";
	if (verifies && !config->client_ca.path)
		return "client_ca_file, because this client_auth_type needs it";
	if (!verifies && config->client_ca.path)
		return "a client_auth_type that verifies certificates, because there is a client_ca_file";
	if (!verifies && config->client_san_count)
		return "a client_auth_type that verifies certificates, because there are client_allowed_sans";
	return NULL;
}

#define AS_A_FILE "put it into a file and name that"
#define OWN_CHOICE                                                                                             \
	"keepwatch offers only ciphers and curves of GnuTLS that have forward secrecy and authenticated "      \
	"encryption"

static int take_tls(struct reader *reader, const char *key, yaml_node_t *value)
{
	static const struct key_row rows[] = {
		{"cert_file", take_cert_file, NULL},
		{"key_file", take_key_file, NULL},
		{"client_auth_type", take_client_auth_type, NULL},
		{"client_ca_file", take_client_ca_file, NULL},
		{"client_allowed_sans", take_client_sans, NULL},
		{"min_version", take_min_version, NULL},
		{"max_version", take_max_version, NULL},
		{"prefer_server_cipher_suites", take_bool, NULL}, /* they are offered in the server's order */
		{"cert", NULL, AS_A_FILE " with cert_file"},
		{"key", NULL, AS_A_FILE " with key_file"},
		{"client_ca", NULL, AS_A_FILE " with client_ca_file"},
		{"cipher_suites", NULL, OWN_CHOICE},
		{"curve_preferences", NULL, OWN_CHOICE},
		{0},
	};
	const char *fault;
	int r;

	reader->config->tls12 = reader->config->tls13 = true;
	r = each_pair(reader, key, value, rows, take_known);
	if (r < 0)
		return r;
	fault = fault_of_tls(reader->config);
	if (fault)
		return expected(reader, value, key, fault);
	reader->config->tls_line = line_of(value);
	return 0;
}

/* ---- HTTP ---- */

static int take_http(struct reader *reader, const char *key, yaml_node_t *value)
{
	static const struct key_row rows[] = {
		{"http2", take_bool, NULL}, /* clients of a server that has only HTTP/1.1 agree on that */
		{"headers", NULL, "keepwatch sets the headers of its answers, and a policy for the page"},
		{0},
	};

	return each_pair(reader, key, value, rows, take_known);
}

/* ---- users ---- */

static bool is_bcrypt(const char *hash)
{
	static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	return strlen(hash) == KW_BCRYPT_TEXT - 1 && hash[0] == '$' && hash[1] == '2' &&
	       (hash[2] == 'a' || hash[2] == 'b' || hash[2] == 'y') && hash[3] == '$' &&
	       strspn(hash + 4, "0123456789") == 2 && hash[6] == '$' &&
	       strspn(hash + 7, digits) == KW_BCRYPT_TEXT - 8;
}

/* Says what a user's entry should have been; NULL if the entry is good. */
static const char *fault_of_user(const char *name, const char *hash)
{
	unsigned int cost;

	if (!name[0] || strchr(name, ':'))
		return "a name that is not empty and has no ':'";
	if (!hash || !is_bcrypt(hash))
		return "a bcrypt hash, such as htpasswd -nBC 10 prints";
	cost = (unsigned int)(hash[4] - '0') * 10 + (unsigned int)(hash[5] - '0');
	if (cost < 4 || cost > KW_BCRYPT_COST_MOST)
		return "a hash with a cost from 4 to 12, because checking a higher one would hold up "
		       "other clients";
	return NULL;
}

static int take_user(struct reader *reader, const void *context, yaml_node_t *key, yaml_node_t *value)
{
	struct kw_web_config *config = reader->config;
	const char *fault = fault_of_user(scalar(key), scalar(value));
	struct kw_web_user *grown;

	(void)context;
	if (fault)
		return kw_log_error(-EINVAL, "%s:%u: basic_auth_users: %.100s: expected %s", reader->path,
				    line_of(value), scalar(key), fault);
	grown = reallocarray(config->users, config->user_count + 1, sizeof(*grown));
	if (!grown)
		return kw_log_error(-ENOMEM, "out of memory");
	config->users = grown;
	grown[config->user_count].name = strdup(scalar(key));
	if (!grown[config->user_count].name)
		return kw_log_error(-ENOMEM, "out of memory");
	strcpy(grown[config->user_count++].hash, scalar(value));
	return 0;
}

/* Refuses an empty list of users, because it would let everybody in, which nobody can want. */
static int take_users(struct reader *reader, const char *key, yaml_node_t *value)
{
	int r = each_pair(reader, key, value, NULL, take_user);

	return r == 0 && reader->config->user_count == 0 ? expected(reader, value, key, "at least one user")
							 : r;
}

/* ---- the file ---- */

static int take_root(struct reader *reader, yaml_node_t *root)
{
	static const struct key_row rows[] = {
		{"tls_server_config", take_tls, NULL},
		{"basic_auth_users", take_users, NULL},
		{"http_server_config", take_http, NULL},
		{"rate_limit", NULL,
		 "keepwatch limits connections, handshakes and guesses by itself, for each address"},
		{0},
	};

	return each_pair(reader, "the file", root, rows, take_known);
}

/* Reads one YAML document; a second one is an error. Returns 1 at the end of the stream. */
static int read_document(struct reader *reader, yaml_parser_t *parser, bool first)
{
	yaml_node_t *root;
	int r = 1;

	if (!yaml_parser_load(parser, &reader->document))
		return kw_log_error(-EINVAL, "%s:%zu: not valid YAML: %s", reader->path,
				    (parser->problem_mark.line ? parser->problem_mark : parser->mark).line + 1,
				    parser->problem ? parser->problem : "out of memory");
	root = yaml_document_get_root_node(&reader->document);
	if (root && first)
		r = take_root(reader, root);
	else if (root)
		r = kw_log_error(-EINVAL, "%s:%u: a second YAML document begins here; only one is allowed",
				 reader->path, line_of(root));
	yaml_document_delete(&reader->document);
	return r;
}

static int read_file(struct reader *reader, FILE *file)
{
	yaml_parser_t parser;
	int r;

	if (!yaml_parser_initialize(&parser))
		return kw_log_error(-ENOMEM, "out of memory");
	yaml_parser_set_input_file(&parser, file);
	r = read_document(reader, &parser, true);
	if (r == 0)
		r = read_document(reader, &parser, false);
	yaml_parser_delete(&parser);
	return r < 0 ? r : 0;
}

int kw_web_config_read(const char *path, struct kw_web_config *ret_config)
{
	_cleanup_(kw_web_config_free) struct kw_web_config config = {0};
	struct reader reader = {.path = path, .config = &config};
	_cleanup_file_ FILE *file = path ? kw_user_fopen(path) : NULL;
	int r = 0;

	if (path && !file)
		r = kw_log_error(-EINVAL, "cannot read the web configuration file %s: %s", path,
				 kw_user_strerror(errno));
	else if (path)
		r = read_file(&reader, file);
	if (r < 0)
		return r;
	*ret_config = TAKE_STRUCT(config);
	return 0;
}

static void free_file(struct kw_web_file *file)
{
	if (file->text)
		explicit_bzero(file->text, file->length);
	free(file->text);
	free(file->path);
}

void kw_web_config_free(struct kw_web_config *config)
{
	for (size_t i = 0; i < config->user_count; i++)
		free(config->users[i].name);
	for (size_t i = 0; i < config->client_san_count; i++)
		free(config->client_sans[i]);
	free(config->users);
	free(config->client_sans);
	free_file(&config->cert);
	free_file(&config->key);
	free_file(&config->client_ca);
	*config = (struct kw_web_config){0};
}
