/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields that code shows of functions which are built as those of GnuTLS and OpenSSL are, for both processors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tls_code.h"

/* The functions were compiled from this:
 *
 *	struct datum { void *data; unsigned int size; };
 *	struct session { unsigned int entity; char a[76], client[32], server[32], b[0x588 - 0x90]; unsigned long corked; ... };
 *	get_random(s, client, server)   if (client) { client->data = s->client; client->size = 32; } and the same of the server
 *	is_resumed(s)                   s->entity == 2 ? other(s) : s->b[3]
 *	check_corked(s)                 s->corked
 *	receive_seq(s, data, n, seq)    inner(s, 23, data, n, seq, s->ms)
 *	receive(s, data, n)             s->b[9] ? inner(s, 23, data, n, 0, s->ms) : -1
 *	send(s, data, n)                send2(s, data, n, 0, 0)
 *
 *	struct s3 { char a[0xb8], client_random[32]; };
 *	struct old { char a[0xa8]; struct s3 *s3; };
 *	struct new { int type; char a[0x188 - 4], client_random[32]; };
 *	old_random(s, out, n)           memcpy(out, s->s3->client_random, n < 32 ? n : 32)
 *	new_random(s, out, n)           the same of the object itself; if it has another type, of the one that layer(s) returns */
static struct kw_code code_of(const struct compiled *one)
{
	return (struct kw_code){one->machine, one->at, (const uint8_t *)one->bytes, one->size};
}

/* The next of the same function behind @one, or the first one of @function. */
static const struct compiled *next_of(const struct compiled *one, enum function function)
{
	for (one = one ? one + 1 : compiled; one < compiled + sizeof(compiled) / sizeof(compiled[0]); one++)
		if (one->function == function)
			return one;
	return NULL;
}

static void a_stored_address_is_a_field(void **state)
{
	(void)state;
	for (const struct compiled *one = next_of(NULL, GET_RANDOM); one; one = next_of(one, GET_RANDOM)) {
		struct kw_code code = code_of(one);

		assert_int_equal(kw_code_stored_address(&code), 0x50);
	}
}

static void a_compared_field_is_found(void **state)
{
	(void)state;
	for (const struct compiled *one = next_of(NULL, IS_RESUMED); one; one = next_of(one, IS_RESUMED)) {
		struct kw_code code = code_of(one);

		assert_int_equal(kw_code_compared(&code, 2), 0);
		assert_int_equal(kw_code_compared(&code, 3), KW_CODE_UNKNOWN);
	}
}

static void a_loaded_field_is_found(void **state)
{
	(void)state;
	for (const struct compiled *one = next_of(NULL, CHECK_CORKED); one; one = next_of(one, CHECK_CORKED)) {
		struct kw_code code = code_of(one);

		assert_int_equal(kw_code_load(&code, 0, 8), 0x588);
	}
}

/* Both functions of a compiler go on in the same place. */
static void an_inner_function_is_found(void **state)
{
	(void)state;
	for (const struct compiled *one = next_of(NULL, RECEIVE); one; one = next_of(one, RECEIVE)) {
		struct kw_code code = code_of(one);
		uint64_t inner = kw_code_shifted(&code);
		size_t same = 0;

		assert_int_not_equal(inner, 0);
		for (const struct compiled *other = next_of(NULL, RECEIVE_SEQ); other;
		     other = next_of(other, RECEIVE_SEQ)) {
			code = code_of(other);
			same += other->machine == one->machine && strcmp(other->compiler, one->compiler) == 0 &&
				kw_code_shifted(&code) == inner;
		}
		assert_int_equal(same, 1);
	}
}

static void only_a_jump_is_only_a_jump(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(compiled) / sizeof(compiled[0]); i++) {
		struct kw_code code = code_of(&compiled[i]);

		assert_int_equal(kw_code_only_jumps(&code), compiled[i].function == SEND);
	}
}

/* One compiler adds the pointer to the offset, which is no address of a field that could be known. */
static void a_field_behind_a_pointer_is_found(void **state)
{
	size_t found = 0;

	(void)state;
	for (const struct compiled *one = next_of(NULL, OLD_RANDOM); one; one = next_of(one, OLD_RANDOM)) {
		struct kw_code code = code_of(one);
		struct kw_code_path path;

		assert_int_equal(kw_code_address(&code, 8), KW_CODE_UNKNOWN);
		if (!kw_code_behind(&code, 8, &path))
			continue;
		assert_int_equal(path.pointer, 0xa8);
		assert_int_equal(path.field, 0xb8);
		found++;
	}
	assert_int_equal(found, 3);
}

static void both_ways_of_a_branch_are_followed(void **state)
{
	(void)state;
	for (const struct compiled *one = next_of(NULL, NEW_RANDOM); one; one = next_of(one, NEW_RANDOM)) {
		struct kw_code code = code_of(one);
		struct kw_code_path path;

		assert_int_equal(kw_code_address(&code, 8), 0x188);
		assert_false(kw_code_behind(&code, 8, &path));
	}
}

/* The bytes end anywhere, and somebody has changed one. */
static void any_bytes_do_no_harm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(compiled) / sizeof(compiled[0]); i++) {
		for (size_t size = 0; size < compiled[i].size; size++) {
			uint8_t bytes[256] = {0};
			struct kw_code code = {compiled[i].machine, compiled[i].at, bytes, size};
			struct kw_code_path path;

			memcpy(bytes, compiled[i].bytes, size);
			bytes[size / 2] ^= 1 << size % 8;
			kw_code_stored_address(&code);
			kw_code_compared(&code, 2);
			kw_code_load(&code, 0, 8);
			kw_code_address(&code, 8);
			kw_code_behind(&code, 8, &path);
			kw_code_only_jumps(&code);
			kw_code_shifted(&code);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stored_address_is_a_field),
		cmocka_unit_test(a_compared_field_is_found),
		cmocka_unit_test(a_loaded_field_is_found),
		cmocka_unit_test(an_inner_function_is_found),
		cmocka_unit_test(only_a_jump_is_only_a_jump),
		cmocka_unit_test(a_field_behind_a_pointer_is_found),
		cmocka_unit_test(both_ways_of_a_branch_are_followed),
		cmocka_unit_test(any_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
