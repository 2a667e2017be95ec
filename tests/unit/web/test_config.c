/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of --web-config: what it may say, and that all else is told with its line and its key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/own_file.h"
#include "web/config.h"

#define HASH "$2y$10$h4Qzc8zPPt3dJXLFC0qxIuM2NlyRfdlFFB50YHVEgFwWOEtyJ1jTq"
#define OTHER "$2b$04$h4Qzc8zPPt3dJXLFC0qxIuM2NlyRfdlFFB50YHVEgFwWOEtyJ1jTq"
#define FILES "  cert_file: /dev/null\n  key_file: /dev/null\n"

/* Reads a file of this text; what was said on standard error goes to @ret_said. */
static int read_text(const char *text, struct kw_web_config *ret_config, char ret_said[1024])
{
	int said = memfd_create("said", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	FILE *file = fopen(path, "w");
	ssize_t length;
	int r;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	dup2(said, STDERR_FILENO);
	r = kw_web_config_read(path, ret_config);
	dup2(saved, STDERR_FILENO);
	length = pread(said, ret_said, 1023, 0);
	ret_said[length > 0 ? length : 0] = '\0';
	close(saved);
	close(said);
	return r;
}

static struct kw_web_config config_of(const char *text)
{
	struct kw_web_config config;
	char said[1024];

	if (read_text(text, &config, said) < 0)
		fail_msg("%s: %s", text, said);
	assert_string_equal(said, "");
	return config;
}

static void all_that_it_may_say_is_taken(void **state)
{
	struct kw_web_config config = config_of("# a comment\n"
						"tls_server_config:\n" FILES "  client_ca_file: /dev/null\n"
						"  client_allowed_sans: [ops.example, 10.0.0.7]\n"
						"  prefer_server_cipher_suites: true\n"
						"  max_version: TLS13\n"
						"  client_auth_type: RequireAndVerifyClientCert\n"
						"  min_version: TLS13\n"
						"http_server_config:\n  http2: false\n"
						"basic_auth_users:\n"
						"  alice: " HASH "\n  \"Bob \\u00e4\": '" OTHER "'\n");

	(void)state;
	assert_int_equal(config.tls_line, 3);
	assert_string_equal(config.cert.path, "/dev/null");
	assert_string_equal(config.cert.text, "");
	assert_string_equal(config.key.path, "/dev/null");
	assert_string_equal(config.client_ca.path, "/dev/null");
	assert_int_equal(config.client, KW_WEB_CLIENT_VERIFY);
	assert_int_equal(config.client_san_count, 2);
	assert_string_equal(config.client_sans[0], "ops.example");
	assert_string_equal(config.client_sans[1], "10.0.0.7");
	assert_false(config.tls12);
	assert_true(config.tls13);
	assert_int_equal(config.user_count, 2);
	assert_string_equal(config.users[0].name, "alice");
	assert_string_equal(config.users[0].hash, HASH);
	assert_string_equal(config.users[1].name, "Bob \u00e4");
	assert_string_equal(config.users[1].hash, OTHER);
	kw_web_config_free(&config);
}

static void what_it_does_not_say_is_off(void **state)
{
	static const char *const texts[] = {"", "# nothing\n", "{}\n"};
	struct kw_web_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		config = config_of(texts[i]);
		assert_null(config.cert.path);
		assert_int_equal(config.user_count, 0);
		kw_web_config_free(&config);
	}
	config = config_of("tls_server_config:\n" FILES);
	assert_int_equal(config.client, KW_WEB_CLIENT_NONE);
	assert_int_equal(config.client_san_count, 0);
	assert_true(config.tls12 && config.tls13);
	kw_web_config_free(&config);
	assert_int_equal(kw_web_config_read(NULL, &config), 0);
	assert_null(config.cert.path);
}

static void files_are_looked_for_beside_it(void **state)
{
	const char *name = strrchr(path, '/') + 1;
	struct kw_web_config config;
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "tls_server_config: {cert_file: %s, key_file: ./%s}\n", name, name);
	config = config_of(text);
	assert_string_equal(config.cert.path, path);
	assert_string_equal(config.cert.text, text); /* it is this file itself */
	assert_int_equal(config.cert.length, strlen(text));
	snprintf(text, sizeof(text), "/tmp/./%s", name);
	assert_string_equal(config.key.path, text);
	kw_web_config_free(&config);
}

#define TLS(line) "tls_server_config:\n" FILES "  " line "\n"
#define USER(line) "basic_auth_users:\n  " line "\n"

static void a_fault_is_told_with_its_line_and_its_key(void **state)
{
	static const struct {
		const char *text, *hint;
	} rows[] = {
		{"nonsense: 1\n",
		 ":1: unknown key 'nonsense': known keys are tls_server_config, basic_auth_users, http_server_config"},
		{"- tls_server_config\n", ":1: the file: expected keys with values"},
		{"text\n", ":1: the file: expected keys with values"},
		{"[a]: b\n", ":1: the file: expected keys that are plain text"},
		{"{}\n---\n{}\n", ":3: a second YAML document"},
		{"a: b: c\n", ":1: not valid YAML: "},
		{"basic_auth_users:\n\talice: b\n", ":2: not valid YAML: "},
		{"a: \xff\n", ":1: not valid YAML: "},
		{"tls_server_config:\n", ":1: tls_server_config: expected keys with values"},
		{"tls_server_config: {}\n", ":1: tls_server_config: expected both cert_file and key_file"},
		{"tls_server_config:\n  cert_file: /dev/null\n", ":2: tls_server_config: expected both"},
		{"tls_server_config:\n  key_file: /dev/null\n", ":2: tls_server_config: expected both"},
		{TLS("ciphers: [a]"), ":4: unknown key 'ciphers': known keys are cert_file, key_file, "},
		{TLS("cipher_suites: [a]"), ":4: key 'cipher_suites' is not supported: keepwatch offers only "},
		{TLS("curve_preferences: [a]"), ":4: key 'curve_preferences' is not supported: "},
		{TLS("cert: text"),
		 ":4: key 'cert' is not supported: put it into a file and name that with cert_file"},
		{TLS("key: text"), ":4: key 'key' is not supported: "},
		{TLS("client_ca: text"), ":4: key 'client_ca' is not supported: "},
		{TLS("prefer_server_cipher_suites: perhaps"), ": expected true or false"},
		{TLS("max_version: TLS11"), ":4: max_version: expected TLS12 or TLS13"},
		{TLS("min_version: TLS13\n  max_version: TLS12"), ": expected a max_version that is not below"},
		{TLS("client_allowed_sans: a"), ":4: client_allowed_sans: expected a list of names"},
		{TLS("client_allowed_sans: []"), ":4: client_allowed_sans: expected a list of names"},
		{TLS("client_allowed_sans: [[a]]"), ":4: client_allowed_sans: expected names that are plain"},
		{TLS("client_allowed_sans: ['']"), ":4: client_allowed_sans: expected names that are plain"},
		{TLS("client_allowed_sans: [a]"), ": expected a client_auth_type that verifies"},
		{"http_server_config: {headers: {}}\n", ":1: key 'headers' is not supported: keepwatch sets"},
		{"http_server_config: {http2: 1}\n", ":1: http2: expected true or false"},
		{"http_server_config: {pipelining: true}\n",
		 ":1: unknown key 'pipelining': known keys are http2"},
		{"rate_limit: {interval: 1s}\n", ":1: key 'rate_limit' is not supported: keepwatch limits"},
		{"tls_server_config: {cert_file: /dev/zero}\n", ": cannot read /dev/zero: File too large"},
		{TLS("key_file: /dev/null"), ":4: key 'key_file' appears twice"},
		{TLS("client_ca_file:"), ":4: client_ca_file: expected a file"},
		{TLS("client_ca_file: [/dev/null]"), ":4: client_ca_file: expected a file"},
		{TLS("client_ca_file: /dev/null"), ": expected a client_auth_type that verifies"},
		{TLS("client_ca_file: /nonexistent/ca"),
		 ":4: client_ca_file: cannot read /nonexistent/ca: No such"},
		{TLS("client_auth_type: Verify"), ":4: client_auth_type: expected NoClientCert, "},
		{TLS("client_auth_type: VerifyClientCertIfGiven"),
		 ": tls_server_config: expected client_ca_file"},
		{TLS("min_version: TLS11"), ":4: min_version: expected TLS12 or TLS13"},
		{"basic_auth_users:\n", ":1: basic_auth_users: expected keys with values"},
		{"basic_auth_users: {}\n", ":1: basic_auth_users: expected at least one user"},
		{USER("alice: secret"), ":2: basic_auth_users: alice: expected a bcrypt hash"},
		{USER("alice:"), ":2: basic_auth_users: alice: expected a bcrypt hash"},
		{USER("alice: [a]"), ":2: basic_auth_users: alice: expected a bcrypt hash"},
		{USER("alice: " HASH "a"), ":2: basic_auth_users: alice: expected a bcrypt hash"},
		{USER("alice: \"" HASH "\\0\""), ":2: basic_auth_users: alice: expected a bcrypt hash"},
		{USER("alice: $2x$10$h4Qzc8zPPt3dJXLFC0qxIuM2NlyRfdlFFB50YHVEgFwWOEtyJ1jTq"), "a bcrypt hash"},
		{USER("alice: $2y$10$h4Qzc8zPPt3dJXLFC0qxI:M2NlyRfdlFFB50YHVEgFwWOEtyJ1jTq"), "a bcrypt hash"},
		{USER("alice: $2y$13$h4Qzc8zPPt3dJXLFC0qxIuM2NlyRfdlFFB50YHVEgFwWOEtyJ1jTq"),
		 "a cost from 4 to 12"},
		{USER("alice: $2y$03$h4Qzc8zPPt3dJXLFC0qxIuM2NlyRfdlFFB50YHVEgFwWOEtyJ1jTq"),
		 "a cost from 4 to 12"},
		{USER("'': " HASH), ":2: basic_auth_users: : expected a name that is not empty"},
		{USER("'a:b': " HASH), ":2: basic_auth_users: a:b: expected a name"},
		{USER("alice: " HASH "\n  alice: " OTHER), ":3: key 'alice' appears twice"},
		{USER("alice: &same " HASH "\n  bob: *other"), ":3: not valid YAML: "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_web_config config = {.user_count = 77};
		char said[1024];

		assert_int_equal(read_text(rows[i].text, &config, said), -EINVAL);
		assert_int_equal(config.user_count, 77);
		if (strncmp(said, "keepwatch: ", 11) != 0 || strncmp(said + 11, path, strlen(path)) != 0 ||
		    !strstr(said, rows[i].hint) || strchr(said, '\n') != said + strlen(said) - 1)
			fail_msg("%s: %s", rows[i].text, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_it_may_say_is_taken),
		cmocka_unit_test(what_it_does_not_say_is_off),
		cmocka_unit_test(files_are_looked_for_beside_it),
		cmocka_unit_test(a_fault_is_told_with_its_line_and_its_key),
	};

	return cmocka_run_group_tests(tests, begin_file, end_file);
}
