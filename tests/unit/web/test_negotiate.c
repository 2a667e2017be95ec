/* SPDX-License-Identifier: BSD-2-Clause */
/* Which text format and coding a client gets, by what it says it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "web/gzip.h"
#include "web/negotiate.h"

struct row {
	const char *said;
	bool taken;
};

#define OM "application/openmetrics-text"

static void open_metrics_is_for_those_who_ask_for_it_no_less(void **state)
{
	static const struct row rows[] = {
		{NULL, false},
		{"", false},
		{"*/*", false},
		{"text/plain", false},
		{OM, true},
		{"APPLICATION/OpenMetrics-Text ; Version=1.0.0", true},
		{OM "; version=1.0.0; charset=utf-8", true},
		{OM ";version=0.0.1", false}, /* an older draft, which we do not write */
		{OM ";version=1.0.0,text/plain", true},
		{"text/plain," OM ";q=0.9", false},
		{"text/plain;version=0.0.4;q=0.5, " OM ";q=0.7", true},
		{OM ";q=0", false},
		{OM ";q=0.000,*/*", false},
		{OM ";q=nonsense", false},
		{OM ";q=1.5", false},
		{"x-" OM, false},
		{OM "x", false},
		{",,;;=,q=, ;q=1", false},
		/* Prometheus 2.42, and 3 */
		{OM ";version=1.0.0," OM ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 true},
		{OM ";version=1.0.0;escaping=allow-utf-8;q=0.5," OM
		    ";version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
		    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		 true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (kw_negotiate_open_metrics(rows[i].said) != rows[i].taken)
			fail_msg("Accept: %s", rows[i].said ? rows[i].said : "(none)");
}

static void gzip_is_for_those_who_take_it(void **state)
{
	static const struct row rows[] = {
		{NULL, false},
		{"", false},
		{"identity", false},
		{"gzip", true},
		{"GZIP", true},
		{"x-gzip", true},
		{"deflate, gzip;q=1.0, *;q=0.5", true},
		{"gzip;q=0", false},
		{"gzip; q=0.0", false},
		{"gzip ; q = 0.001", true},
		{"*", true},
		{"*;q=0", false},
		{"*, gzip;q=0", false},
		{"br", false},
		{"gzipped", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (kw_negotiate_gzip(rows[i].said) != rows[i].taken)
			fail_msg("Accept-Encoding: %s", rows[i].said ? rows[i].said : "(none)");
}

/* Nothing behind the text is read: it ends where the sanitizer's or valgrind's knowledge of it does. */
static void any_text_is_understood_somehow(void **state)
{
	static const char alphabet[] = "gzipq=;, \t.019/*";

	(void)state;
	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t length = (size_t)rand() % 40;
		char *said = malloc(length + 1);

		for (size_t k = 0; k < length; k++)
			said[k] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
		said[length] = '\0';
		kw_negotiate_gzip(said);
		assert_false(kw_negotiate_open_metrics(said));
		free(said);
	}
}

static void what_is_packed_is_unpacked_to_the_same(void **state)
{
	const size_t length = 300000;
	char *text = malloc(length), *back = malloc(length), *packed;
	z_stream stream = {0};
	size_t packed_length;

	(void)state;
	for (size_t i = 0; i < length; i++)
		text[i] = (char)('a' + i * i % 23);
	assert_int_equal(kw_gzip(text, length, &packed, &packed_length), 0);
	assert_true(packed_length < length / 10);
	stream.next_in = (Bytef *)packed;
	stream.avail_in = (uInt)packed_length;
	stream.next_out = (Bytef *)back;
	stream.avail_out = (uInt)length;
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, length);
	assert_memory_equal(text, back, length);
	inflateEnd(&stream);
	free(packed);
	free(back);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_metrics_is_for_those_who_ask_for_it_no_less),
		cmocka_unit_test(gzip_is_for_those_who_take_it),
		cmocka_unit_test(any_text_is_understood_somehow),
		cmocka_unit_test(what_is_packed_is_unpacked_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
