/* SPDX-License-Identifier: BSD-2-Clause */
/* Header blocks: statuses in all their forms, names that are known, and blocks that are no HPACK. */
#include "http2_talk.h"

static const enum literal literals[] = {LITERAL_INDEXED, LITERAL_PLAIN, LITERAL_NEVER};

#define EACH_LITERAL(way)                                                                                      \
	for (size_t way##_i = 0; way##_i < sizeof(literals) / sizeof(*literals); way##_i++)                    \
		for (enum literal way = literals[way##_i], way##_once = 1; way##_once; way##_once = 0)

/* Sends a response with this block, and returns the status that the machine found. */
static __u16 status_of(struct talk *talk, const struct block *block)
{
	static __u32 id = 1;

	ask(talk, id, END);
	headers(talk, HTTP2_SERVER, 0, id, block);
	assert_int_equal(faults(talk, HTTP2_SERVER), 0);
	id += 2;
	return side(talk, HTTP2_SERVER)->status;
}

static void test_statuses_of_the_static_table(void **state)
{
	static const __u16 statuses[] = {200, 204, 206, 304, 400, 404, 500};

	(void)state;
	for (unsigned int index = 0; index < 128; index++)
		EACH_CUT(talk)
		{
			struct block block = {.length = 0};

			if (!index)
				continue;
			put_indexed(&block, index);
			assert_int_equal(status_of(&talk, &block),
					 index >= 8 && index <= 14 ? statuses[index - 8] : 0);
		}
}

static void test_statuses_that_are_written_out(void **state)
{
	(void)state;
	EACH_LITERAL(way)
	for (unsigned int status = 100; status < 1000; status++)
		for (int huffman = 0; huffman < 2; huffman++) {
			struct talk talk = talk_open(status % 4);
			struct block block = {.length = 0};
			char digits[8];

			snprintf(digits, sizeof(digits), "%u", status);
			put_value(&block, way, 8 + status % 7, digits, huffman);
			assert_int_equal(status_of(&talk, &block), status);
			block.length = 0;
			put_field(&block, way, ":status", digits, huffman);
			assert_int_equal(status_of(&talk, &block), status);
		}
}

static void test_values_that_are_no_status(void **state)
{
	static const char *const values[] = {"", "2", "20", "099", "2000", "2a0", "abc", "20 ", " 20", "20:"};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		for (int huffman = 0; huffman < 2; huffman++)
			EACH_CUT(talk)
			{
				struct block block = {.length = 0};

				put_value(&block, LITERAL_INDEXED, 8, values[i], huffman);
				assert_int_equal(status_of(&talk, &block), 0);
			}
}

/* Bits behind the digits, and digits that the end cuts off. */
static void test_a_status_in_huffman_code_ends_as_it_must(void **state)
{
	static const struct {
		const char *bytes;
		__u32 n;
		__u16 status;
	} values[] = {
		{"\x10\x01", 2, 200},     {"\x10\x00", 2, 0},       {"\x10\x01\xff", 3, 0},
		{"\x69\x97\x7f", 3, 437}, {"\x7d\xf7\xff", 3, 999}, {"\x7d\xf7\xfe", 3, 0},
		{"\x7d\xf7", 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		EACH_CUT(talk)
		{
			struct block block = {.length = 0};

			put_byte(&block, 0x48);
			put_byte(&block, 0x80 | values[i].n);
			for (__u32 at = 0; at < values[i].n; at++)
				put_byte(&block, (__u8)values[i].bytes[at]);
			assert_int_equal(status_of(&talk, &block), values[i].status);
		}
}

static void test_the_first_status_of_a_head_counts(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		struct block block = {.length = 0};

		put_value(&block, LITERAL_PLAIN, 8, "502", true);
		put_indexed(&block, 8);
		assert_int_equal(status_of(&talk, &block), 502);
		block.length = 0;
		put_indexed(&block, 62); /* of the sender's own table */
		assert_int_equal(status_of(&talk, &block), 0);
	}
}

static void test_a_status_may_stand_behind_updates_of_the_tables_size(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		struct block block = {.length = 0};

		put_integer(&block, 0x20, 5, 0);
		put_integer(&block, 0x20, 5, 4096);
		put_indexed(&block, 13);
		assert_int_equal(status_of(&talk, &block), 404);
	}
}

/* ---- names --------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum http2_name name;
} names[] = {
	{"grpc-status", HTTP2_NAME_GRPC_STATUS},
	{"connection", HTTP2_NAME_CONNECTION},
	{"keep-alive", HTTP2_NAME_KEEP_ALIVE},
	{"proxy-connection", HTTP2_NAME_PROXY_CONNECTION},
	{"upgrade", HTTP2_NAME_UPGRADE},
	{"te", HTTP2_NAME_TE},
	{"transfer-encoding", HTTP2_NAME_TRANSFER_ENCODING},
};

#define NAMES (sizeof(names) / sizeof(*names))

static void test_names_are_known_as_plain_text_and_in_huffman_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++)
		for (int huffman = 0; huffman < 2; huffman++)
			EACH_LITERAL(way)
	EACH_CUT(talk)
	{
		struct block block = {.length = 0};

		put_indexed(&block, 2);
		put_field(&block, way, "accept", "text", huffman);
		put_field(&block, way, names[i].text, "close", huffman);
		put_field(&block, way, "host", "example", huffman);
		headers(&talk, HTTP2_CLIENT, END, 1, &block);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->fields, 1 << names[i].name);
		assert_int_equal(side(&talk, HTTP2_SERVER)->fields, 0);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
	}
}

/* Each name with one character less, more or changed. */
static void test_names_that_look_alike_are_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++)
		for (int huffman = 0; huffman < 2; huffman++)
			for (size_t at = 0; at <= strlen(names[i].text); at++) {
				struct talk talk = talk_open(at % 3);
				struct block block = {.length = 0};
				char name[32] = "";

				strcpy(name, names[i].text);
				name[at] = at == strlen(names[i].text) ? 's' : name[at] == 'z' ? 'y' : 'z';
				put_field(&block, LITERAL_INDEXED, name, "close", huffman);
				name[strlen(names[i].text) - 1] = 0;
				put_field(&block, LITERAL_INDEXED, name, "close", huffman);
				headers(&talk, HTTP2_CLIENT, END, 1, &block);
				assert_int_equal(side(&talk, HTTP2_CLIENT)->fields, 0);
				assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
			}
}

static void test_bytes_of_one_writing_are_no_name_in_the_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++)
		for (int huffman = 0; huffman < 2; huffman++) {
			struct talk talk = talk_open(0);
			struct block block = {.length = 0};

			put_field(&block, LITERAL_INDEXED, names[i].text, "close", huffman);
			block.bytes[1] ^= 0x80; /* the bit that names the writing */
			headers(&talk, HTTP2_CLIENT, END, 1, &block);
			assert_int_equal(side(&talk, HTTP2_CLIENT)->fields, 0);
		}
}

static void test_a_zero_behind_a_name_is_part_of_it(void **state)
{
	struct talk talk = talk_open(0);

	(void)state;
	frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, WHOLE | END, 1, "\0\7te\0\0\0\0\0\1x", 11);
	assert_int_equal(side(&talk, HTTP2_CLIENT)->fields, 0);
	assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
}

static void test_transfer_encoding_is_in_the_static_table(void **state)
{
	(void)state;
	for (int indexed = 0; indexed < 2; indexed++)
		EACH_CUT(talk)
		{
			struct block block = {.length = 0};

			if (indexed)
				put_indexed(&block, 57);
			else
				put_value(&block, LITERAL_PLAIN, 57, "chunked", false);
			headers(&talk, HTTP2_CLIENT, END, 1, &block);
			assert_int_equal(side(&talk, HTTP2_CLIENT)->fields, 1 << HTTP2_NAME_TRANSFER_ENCODING);
		}
}

static void test_te_is_forbidden_unless_it_says_trailers(void **state)
{
	static const struct {
		const char *value;
		bool forbidden;
	} values[] = {
		{"trailers", false},         {"", false},    {"trailert", true}, {"trailer", true},
		{"trailers, deflate", true}, {"gzip", true}, {"tree", true},     {"thirteen", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		for (int huffman = 0; huffman < 2; huffman++)
			EACH_CUT(talk)
			{
				struct block block = {.length = 0};

				put_field(&block, LITERAL_PLAIN, "te", values[i].value, huffman);
				headers(&talk, HTTP2_CLIENT, END, 1, &block);
				assert_int_equal(side(&talk, HTTP2_CLIENT)->fields,
						 values[i].forbidden ? 1 << HTTP2_NAME_TE : 0);
				assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
			}
}

static void test_a_long_value_passes_unread(void **state)
{
	static char value[20000];

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	EACH_CUT(talk)
	{
		static struct block block;
		__u32 before = talk.steps;

		block.length = 0;
		put_field(&block, LITERAL_PLAIN, "cookie", value, false);
		put_field(&block, LITERAL_PLAIN, "upgrade", "x", false);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, END, 1, block.bytes, 16000);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_CONTINUATION, WHOLE, 1, block.bytes + 16000,
		      block.length - 16000);
		assert_int_equal(side(&talk, HTTP2_CLIENT)->fields, 1 << HTTP2_NAME_UPGRADE);
		if (!talk.cut)
			assert_true(talk.steps - before < 40);
	}
}

/* ---- faults -------------------------------------------------------------------------------------- */

static void test_blocks_that_are_no_hpack_are_given_up(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} faulty[] = {
		{"\x80", 1},                 /* index 0 */
		{"\xff", 1},                 /* an integer without its end */
		{"\xff\x80\x80\x80\x80", 5}, /* one that is too long */
		{"\xff\x80\x80\x80\x80\x01", 6},
		{"\x40", 1},       /* no name */
		{"\x40\x02t", 3},  /* a part of one */
		{"\x40\x02te", 4}, /* no value */
		{"\x48\x03"
		 "50",
		 4}, /* a part of one */
		{"\x00\x03xyz\x7f\x80\x80\x80\x80\x80", 11},
		{"\x00\x03xyz\x05"
		 "1234",
		 10},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faulty) / sizeof(*faulty); i++)
		EACH_CUT(talk)
		{
			ask(&talk, 1, END);
			assert_int_equal(frame(&talk, HTTP2_SERVER, HTTP2_TYPE_HEADERS, WHOLE | END, 1,
					       faulty[i].bytes, faulty[i].n),
					 HTTP2_EVENT_FRAME | HTTP2_EVENT_HEAD | HTTP2_EVENT_END);
			assert_int_equal(faults(&talk, HTTP2_SERVER), 1 << HTTP2_ERROR_COMPRESSION);
			assert_int_equal(side(&talk, HTTP2_SERVER)->status, 0);
			ask(&talk, 3, END);
			answer(&talk, 3, END); /* the next block is read again */
			assert_int_equal(side(&talk, HTTP2_SERVER)->status, 200);
			assert_int_equal(side(&talk, HTTP2_SERVER)->answered, 2);
		}
}

static void test_integers_may_be_long_as_long_as_they_end(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		assert_true(frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, WHOLE | END, 1,
				  "\xff\x80\x80\x80\x00\x82", 6) &
			    HTTP2_EVENT_END);
		assert_int_equal(faults(&talk, HTTP2_CLIENT), 0);
	}
}

/* Nor within a block, once the value is complete. */
static void test_no_value_stays_for_the_rest_of_its_block(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		struct block block = {.length = 0};

		put_field(&block, LITERAL_PLAIN, "te", "trailers", false);
		frame(&talk, HTTP2_CLIENT, HTTP2_TYPE_HEADERS, END, 1, block.bytes, block.length);
		for (int i = 0; i < HTTP2_TEXT; i++)
			assert_int_equal(side(&talk, HTTP2_CLIENT)->text[i], 0);
	}
}

static void test_no_value_and_no_name_stays(void **state)
{
	(void)state;
	EACH_CUT(talk)
	{
		struct block block = {.length = 0};

		put_value(&block, LITERAL_PLAIN, 8, "200", false);
		put_field(&block, LITERAL_PLAIN, "te", "trailers", false);
		put_field(&block, LITERAL_PLAIN, "upgrade", "secret", false);
		ask(&talk, 1, END);
		headers(&talk, HTTP2_SERVER, 0, 1, &block);
		for (int i = 0; i < HTTP2_TEXT; i++)
			assert_int_equal(side(&talk, HTTP2_SERVER)->text[i], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses_of_the_static_table),
		cmocka_unit_test(test_statuses_that_are_written_out),
		cmocka_unit_test(test_values_that_are_no_status),
		cmocka_unit_test(test_a_status_in_huffman_code_ends_as_it_must),
		cmocka_unit_test(test_the_first_status_of_a_head_counts),
		cmocka_unit_test(test_a_status_may_stand_behind_updates_of_the_tables_size),
		cmocka_unit_test(test_names_are_known_as_plain_text_and_in_huffman_code),
		cmocka_unit_test(test_names_that_look_alike_are_others),
		cmocka_unit_test(test_bytes_of_one_writing_are_no_name_in_the_other),
		cmocka_unit_test(test_a_zero_behind_a_name_is_part_of_it),
		cmocka_unit_test(test_transfer_encoding_is_in_the_static_table),
		cmocka_unit_test(test_te_is_forbidden_unless_it_says_trailers),
		cmocka_unit_test(test_a_long_value_passes_unread),
		cmocka_unit_test(test_blocks_that_are_no_hpack_are_given_up),
		cmocka_unit_test(test_integers_may_be_long_as_long_as_they_end),
		cmocka_unit_test(test_no_value_stays_for_the_rest_of_its_block),
		cmocka_unit_test(test_no_value_and_no_name_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
