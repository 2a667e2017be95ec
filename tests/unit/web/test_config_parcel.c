/* SPDX-License-Identifier: BSD-2-Clause */
/* A web configuration goes from one process to the other whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "web/config_parcel.h"

static char *sans[] = {(char *)"ops.example", (char *)""};
static struct kw_web_user users[] = {{.name = (char *)"alice", .hash = "$2y$04$a"}, {.name = (char *)"bob"}};
static const struct kw_web_config whole = {
	.tls_line = 7,
	.cert = {.path = (char *)"cert.pem", .text = (char *)"a\0b", .length = 3},
	.key = {.path = (char *)"key.pem", .text = (char *)"", .length = 0},
	.client = KW_WEB_CLIENT_VERIFY,
	.client_sans = sans,
	.client_san_count = 2,
	.tls13 = true,
	.users = users,
	.user_count = 2,
};

static char *packed;
static size_t length;

static int begin(void **state)
{
	(void)state;
	return kw_web_config_pack(&whole, &packed, &length);
}

static int end(void **state)
{
	(void)state;
	free(packed);
	return 0;
}

static void all_of_it_arrives(void **state)
{
	struct kw_web_config config;

	(void)state;
	assert_int_equal(kw_web_config_unpack(packed, length, &config), 0);
	assert_int_equal(config.tls_line, 7);
	assert_int_equal(config.client, KW_WEB_CLIENT_VERIFY);
	assert_true(config.tls13 && !config.tls12);
	assert_string_equal(config.cert.path, "cert.pem");
	assert_int_equal(config.cert.length, 3);
	assert_memory_equal(config.cert.text, "a\0b", 4);
	assert_string_equal(config.key.text, "");
	assert_null(config.client_ca.path);
	assert_null(config.client_ca.text);
	assert_int_equal(config.client_san_count, 2);
	assert_string_equal(config.client_sans[0], "ops.example");
	assert_string_equal(config.client_sans[1], "");
	assert_int_equal(config.user_count, 2);
	assert_string_equal(config.users[0].name, "alice");
	assert_string_equal(config.users[0].hash, "$2y$04$a");
	assert_string_equal(config.users[1].name, "bob");
	kw_web_config_free(&config);
}

static void a_part_of_it_or_more_is_refused(void **state)
{
	struct kw_web_config config = {.user_count = 77};
	char *longer = calloc(1, length + 1);

	(void)state;
	memcpy(longer, packed, length);
	for (size_t part = 0; part < length; part++) {
		char *copy = malloc(
			part ? part : 1); /* of its own size, so that a sanitizer sees what is read beyond */

		memcpy(copy, packed, part);
		assert_int_equal(kw_web_config_unpack(copy, part, &config), -EBADMSG);
		free(copy);
	}
	assert_int_equal(kw_web_config_unpack(longer, length + 1, &config), -EBADMSG);
	assert_int_equal(config.user_count, 77);
	free(longer);
}

/* Whatever number is changed, nothing is read beyond the end, and no memory is asked for that the bytes could not fill. */
static void any_byte_may_be_another(void **state)
{
	(void)state;
	for (size_t at = 0; at < length; at++)
		for (int value = 0; value < 256; value += 51) {
			struct kw_web_config config;
			char before = packed[at];

			packed[at] = (char)value;
			if (kw_web_config_unpack(packed, length, &config) == 0)
				kw_web_config_free(&config);
			packed[at] = before;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_arrives),
		cmocka_unit_test(a_part_of_it_or_more_is_refused),
		cmocka_unit_test(any_byte_may_be_another),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
