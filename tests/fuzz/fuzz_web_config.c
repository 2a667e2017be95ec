/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the file of --web-config: it is refused, or names all that its settings need.
 *
 * An input is the file. */
#include <string.h>

#include "tests/fuzz/check.h"
#include "web/config.h"

static void check_users(const struct kw_web_config *config)
{
	for (size_t i = 0; i < config->user_count; i++) {
		const struct kw_web_user *user = &config->users[i];

		CHECK(user->name[0] && !strchr(user->name, ':'));
		CHECK(strlen(user->hash) == KW_BCRYPT_TEXT - 1);
		for (size_t k = 0; k < i; k++)
			CHECK(strcmp(user->name, config->users[k].name) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct kw_web_config config;
	bool verifies;

	if (kw_web_config_read(fuzz_file(data, n), &config) < 0)
		return 0;
	verifies = config.client == KW_WEB_CLIENT_VERIFY || config.client == KW_WEB_CLIENT_VERIFY_GIVEN;
	CHECK(!config.cert.text == !config.key.text && !config.cert.text == !config.tls_line);
	CHECK(config.client < KW_WEB_CLIENT_MAX && verifies == !!config.client_ca.text);
	check_users(&config);
	kw_web_config_free(&config);
	return 0;
}
