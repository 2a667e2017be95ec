/* SPDX-License-Identifier: BSD-2-Clause */
/* The TLS machine: records and hellos, cut anywhere, and what a record means by its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "include/tls.h"

#define AES128 0x1301
#define AES256 0x1302
#define FINISHED 53 /* bytes of the record, with AES128 */
#define ALERT 19
#define KEY_UPDATE 22

/* A connection, and how it is shown to the machine. */
struct talk {
	struct tls_connection c;
	size_t cut; /* bytes of each call; 0: no cuts */
	__u32 events;
};

/* Shows bytes that end where memory ends: to read on would be seen. */
static void show(struct talk *talk, enum tls_direction direction, const __u8 *bytes, size_t n)
{
	static __u8 *room;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), most = 4 * page;

	if (!room) {
		room = mmap(NULL, most + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_int_equal(mprotect(room + most, page, PROT_NONE), 0);
	}
	assert_true(n <= most);
	while (n) {
		size_t left = talk->cut && talk->cut < n ? talk->cut : n, taken;
		__u32 event = 0;
		__u8 *at = room + most - left;

		memcpy(at, bytes, left);
		taken = tls_skippable(&talk->c.streams[direction], left);
		if (taken)
			tls_skip(&talk->c, direction, taken);
		else
			taken = tls_step(&talk->c, direction, at, left < TLS_WINDOW ? left : TLS_WINDOW,
					 &event);
		assert_true(taken >= 1 && taken <= left);
		talk->events |= event;
		bytes += taken;
		n -= taken;
	}
}

/* A record of @n bytes, which say nothing. Returns what it means. */
static enum tls_meaning record(struct talk *talk, enum tls_direction direction, enum tls_type type, size_t n)
{
	__u8 bytes[TLS_HEADER + 2100] = {(__u8)type, 3, 3, (__u8)(n >> 8), (__u8)n};

	assert_true(n <= 2100);
	show(talk, direction, bytes, TLS_HEADER + n);
	return talk->c.streams[direction].meaning;
}

static enum tls_meaning sealed(struct talk *talk, enum tls_direction direction, size_t n)
{
	return record(talk, direction, TLS_APPLICATION_DATA, n);
}

static void alert(struct talk *talk, enum tls_direction direction, __u8 level, __u8 code)
{
	const __u8 bytes[] = {TLS_ALERT, 3, 3, 0, 2, level, code};

	show(talk, direction, bytes, sizeof(bytes));
}

/* A hello under construction. */
struct hello {
	__u8 bytes[2048];
	size_t length;
};

static void put(struct hello *hello, const void *bytes, size_t n)
{
	memcpy(hello->bytes + hello->length, bytes, n);
	hello->length += n;
}

static void put_number(struct hello *hello, __u32 number, size_t n)
{
	while (n--)
		hello->bytes[hello->length++] = (__u8)(number >> 8 * n);
}

static void put_extension(struct hello *hello, __u32 type, const void *bytes, size_t n)
{
	put_number(hello, type, 2);
	put_number(hello, (__u32)n, 2);
	put(hello, bytes, n);
}

#define PUT_EXTENSION(hello, type, text) put_extension(hello, type, text, sizeof(text) - 1)
#define ALPN_BOTH "\0\x0c\x02h2\x08http/1.1"
#define SERVER_NAME                                                                                            \
	"\0\x0e\0\0\x0b"                                                                                       \
	"example.org"

/* Puts the extensions behind the fixed part of a hello, and sends it in records of @most bytes. */
static void say_hello(struct talk *talk, enum tls_direction direction, const struct hello *extensions,
		      __u16 suite, size_t most)
{
	struct hello hello = {.length = 4}, whole;
	__u8 zeros[300] = {0};

	put_number(&hello, TLS_1_2, 2);
	put(&hello, zeros, TLS_RANDOM);
	put_number(&hello, 32, 1);
	put(&hello, zeros, 32);
	if (direction == TLS_CLIENT)
		put_number(&hello, 6, 2);
	put_number(&hello, suite, 2);
	if (direction == TLS_CLIENT) {
		put_number(&hello, 0x00ffc02f, 4);
		put_number(&hello, 1, 1);
	}
	put_number(&hello, 0, 1);
	put_number(&hello, (__u32)extensions->length, 2);
	put(&hello, extensions->bytes, extensions->length);
	whole = (struct hello){.length = 0};
	put_number(&whole, direction == TLS_CLIENT ? TLS_CLIENT_HELLO : TLS_SERVER_HELLO, 1);
	put_number(&whole, (__u32)hello.length - 4, 3);
	memcpy(hello.bytes, whole.bytes, 4);
	for (size_t at = 0; at < hello.length; at += most) {
		size_t n = hello.length - at < most ? hello.length - at : most;
		struct hello piece = {.length = 0};

		put_number(&piece, TLS_HANDSHAKE, 1);
		put_number(&piece, 0x0301, 2);
		put_number(&piece, (__u32)n, 2);
		put(&piece, hello.bytes + at, n);
		show(talk, direction, piece.bytes, piece.length);
	}
}

#define WHOLE 2048

static void client_hello(struct talk *talk, size_t most)
{
	struct hello extensions = {.length = 0};

	PUT_EXTENSION(&extensions, TLS_EXTENSION_PSK_MODES, "\x01\x01");
	PUT_EXTENSION(&extensions, 10, "\0\x02\0\x1d");
	PUT_EXTENSION(&extensions, TLS_EXTENSION_SERVER_NAME, SERVER_NAME);
	PUT_EXTENSION(&extensions, TLS_EXTENSION_ALPN, ALPN_BOTH);
	PUT_EXTENSION(&extensions, TLS_EXTENSION_VERSIONS, "\x04\x03\x04\x03\x03");
	say_hello(talk, TLS_CLIENT, &extensions, AES128, most);
}

static void server_hello(struct talk *talk, __u16 suite, size_t most)
{
	struct hello extensions = {.length = 0};

	PUT_EXTENSION(&extensions, 51,
		      "\0\x1d\0\x04"
		      "abcd");
	PUT_EXTENSION(&extensions, TLS_EXTENSION_VERSIONS, "\x03\x04"); /* the last one: it ends the message */
	say_hello(talk, TLS_SERVER, &extensions, suite, most);
}

static void server_hello_12(struct talk *talk)
{
	struct hello extensions = {.length = 0};

	PUT_EXTENSION(&extensions, TLS_EXTENSION_ALPN, "\0\x09\x08http/1.1");
	say_hello(talk, TLS_SERVER, &extensions, 0xc02f, WHOLE);
}

/* Up to the server's Finished. */
static void greet(struct talk *talk)
{
	client_hello(talk, WHOLE);
	server_hello(talk, AES128, WHOLE);
	record(talk, TLS_SERVER, TLS_CHANGE_CIPHER_SPEC, 1);
	sealed(talk, TLS_SERVER, 800);
	sealed(talk, TLS_SERVER, FINISHED);
}

static void shake_hands(struct talk *talk)
{
	greet(talk);
	record(talk, TLS_CLIENT, TLS_CHANGE_CIPHER_SPEC, 1);
	assert_int_equal(sealed(talk, TLS_CLIENT, FINISHED), TLS_MEANS_HANDSHAKE);
	assert_int_equal(talk->c.handshake, TLS_HANDSHAKE_DONE);
}

/* ---- hellos ---------------------------------------------------------------------------------------- */

/* Bytes are cut by calls, and messages by records. */
static void hellos_say_the_same_wherever_they_are_cut(void **state)
{
	(void)state;
	for (size_t cut = 0; cut < 80; cut++)
		for (size_t most = 1; most <= WHOLE; most = most < 64 ? most + 1 : most * 2) {
			struct talk talk = {.cut = cut, .c.keep_name = 1};

			client_hello(&talk, most);
			assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_CLIENT_HELLO);
			server_hello(&talk, AES256, most);
			assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_SERVER_HELLO);
			assert_int_equal(talk.c.version, TLS_1_3);
			assert_int_equal(talk.c.suite, AES256);
			assert_int_equal(talk.c.offered, TLS_ALPN_H2 | TLS_ALPN_HTTP11);
			assert_string_equal(talk.c.name, "example.org");
			assert_false(talk.events & TLS_EVENT_LOST);
		}
}

static void a_name_is_kept_only_if_it_is_wanted(void **state)
{
	struct talk talk = {};

	(void)state;
	client_hello(&talk, WHOLE);
	assert_int_equal(talk.c.name[0], 0);
	assert_int_equal(talk.c.offered, TLS_ALPN_H2 | TLS_ALPN_HTTP11);
}

static void a_long_name_is_cut(void **state)
{
	struct talk talk = {.c.keep_name = 1};
	struct hello extensions = {.length = 0}, name = {.length = 0};

	(void)state;
	put_number(&name, 203, 2);
	put_number(&name, 0, 1);
	put_number(&name, 200, 2);
	for (int i = 0; i < 200; i++)
		put_number(&name, 'a' + i % 26, 1);
	put_extension(&extensions, TLS_EXTENSION_SERVER_NAME, name.bytes, name.length);
	PUT_EXTENSION(&extensions, TLS_EXTENSION_ALPN, ALPN_BOTH);
	say_hello(&talk, TLS_CLIENT, &extensions, AES128, WHOLE);
	assert_memory_equal(talk.c.name, name.bytes + 5, TLS_NAME);
	assert_int_equal(talk.c.offered, TLS_ALPN_H2 | TLS_ALPN_HTTP11);
}

static void lengths_that_contradict_each_other_do_no_harm(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		__u32 type;
	} rows[] = {
		{"\0\xff\xff", 3, TLS_EXTENSION_ALPN},
		{"", 0, TLS_EXTENSION_ALPN},
		{"\0\x04\xffh2", 5, TLS_EXTENSION_ALPN},
		{"\0\x01\0", 3, TLS_EXTENSION_ALPN},
		{"\xff\xff\0\xff\xffxy", 7, TLS_EXTENSION_SERVER_NAME},
		{"\0\x03\0\0\0", 5, TLS_EXTENSION_SERVER_NAME},
		{"\0\x05\x01\0\x02xy", 7, TLS_EXTENSION_SERVER_NAME},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct talk talk = {.c.keep_name = 1};
		struct hello extensions = {.length = 0};

		put_extension(&extensions, rows[i].type, rows[i].bytes, rows[i].n);
		say_hello(&talk, TLS_CLIENT, &extensions, AES128, WHOLE);
		assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_CLIENT_HELLO);
		assert_int_equal(talk.c.name[0], 0);
		server_hello(&talk, AES128, WHOLE);
		assert_int_equal(talk.c.version, TLS_1_3);
	}
}

static void what_are_no_records_is_lost(void **state)
{
	static const char *const streams[] = {"SSH-2.0-OpenSSH\r\n", "\x19\x03\x03\x00\x01x",
					      "\x16\x02\x03\x00\x01x", "\x17\x03\x03\xff\xffx"};

	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		struct talk talk = {};

		show(&talk, TLS_SERVER, (const __u8 *)streams[i], 6);
		assert_true(talk.events & TLS_EVENT_LOST);
	}
}

/* ---- TLS 1.2 ---------------------------------------------------------------------------------------- */

static void before_tls_1_3_types_say_what_records_are(void **state)
{
	struct talk talk = {};

	(void)state;
	client_hello(&talk, WHOLE);
	server_hello_12(&talk);
	assert_int_equal(talk.c.version, TLS_1_2);
	assert_int_equal(talk.c.chosen, TLS_ALPN_HTTP11);
	record(&talk, TLS_SERVER, TLS_HANDSHAKE, 900);
	record(&talk, TLS_CLIENT, TLS_HANDSHAKE, 37);
	record(&talk, TLS_CLIENT, TLS_CHANGE_CIPHER_SPEC, 1);
	record(&talk, TLS_CLIENT, TLS_HANDSHAKE, 40);
	record(&talk, TLS_SERVER, TLS_HANDSHAKE, 200);
	record(&talk, TLS_SERVER, TLS_CHANGE_CIPHER_SPEC, 1);
	assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_SERVER_HELLO);
	record(&talk, TLS_SERVER, TLS_HANDSHAKE, 40);
	assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_DONE);
	assert_int_equal(sealed(&talk, TLS_CLIENT, 60), TLS_MEANS_DATA);
	assert_int_equal(sealed(&talk, TLS_SERVER, ALERT), TLS_MEANS_DATA);
	assert_int_equal(record(&talk, TLS_CLIENT, TLS_ALERT, 26), TLS_MEANS_ALERT);
	assert_int_equal(talk.c.alert_by, 0);
}

static void a_warning_does_not_fail_the_handshake(void **state)
{
	struct talk talk = {};

	(void)state;
	client_hello(&talk, WHOLE);
	server_hello_12(&talk);
	alert(&talk, TLS_SERVER, 1, 112);
	assert_int_equal(talk.c.alert_by, 0);
	alert(&talk, TLS_CLIENT, 2, 42);
	assert_int_equal(talk.c.alert_by, 1 + TLS_CLIENT);
	assert_int_equal(talk.c.alert_code, 42);
}

/* ---- TLS 1.3 ---------------------------------------------------------------------------------------- */

static void in_tls_1_3_places_and_lengths_say_what_records_are(void **state)
{
	struct talk talk = {};

	(void)state;
	shake_hands(&talk);
	assert_int_equal(sealed(&talk, TLS_SERVER, 266), TLS_MEANS_TICKET);
	assert_int_equal(sealed(&talk, TLS_SERVER, 266), TLS_MEANS_TICKET);
	assert_int_equal(sealed(&talk, TLS_CLIENT, 100), TLS_MEANS_DATA);
	assert_int_equal(sealed(&talk, TLS_SERVER, 300), TLS_MEANS_DATA);
	assert_int_equal(sealed(&talk, TLS_CLIENT, KEY_UPDATE), TLS_MEANS_HANDSHAKE);
	assert_int_equal(sealed(&talk, TLS_SERVER, 266), TLS_MEANS_DATA);
	assert_int_equal(sealed(&talk, TLS_CLIENT, ALERT), TLS_MEANS_ALERT);
	assert_int_equal(talk.c.doubts, 0);
	assert_int_equal(talk.c.alert_by, 0);
}

static void two_records_of_equal_length_behind_the_request_are_tickets(void **state)
{
	struct talk talk = {};

	(void)state;
	shake_hands(&talk);
	sealed(&talk, TLS_CLIENT, 100);
	sealed(&talk, TLS_SERVER, 250);
	assert_int_equal(talk.c.doubts, TLS_DOUBT_TICKET);
	assert_int_equal(sealed(&talk, TLS_SERVER, 250), TLS_MEANS_TICKET);
	assert_int_equal(talk.c.doubts, 0);
	sealed(&talk, TLS_SERVER, 250); /* a response of just that length, or a third ticket */
	assert_int_equal(talk.c.doubts, TLS_DOUBT_TICKET);
	assert_int_equal(sealed(&talk, TLS_SERVER, 60), TLS_MEANS_DATA);
	assert_int_equal(talk.c.doubts, 0);
}

/* As Go's server does: one ticket before the client's Finished, and none behind it. */
static void a_ticket_may_come_with_the_greeting(void **state)
{
	struct talk talk = {};

	(void)state;
	greet(&talk);
	sealed(&talk, TLS_SERVER, 130);
	sealed(&talk, TLS_CLIENT, FINISHED);
	sealed(&talk, TLS_CLIENT, 100);
	assert_int_equal(sealed(&talk, TLS_SERVER, 140), TLS_MEANS_DATA);
	assert_int_equal(talk.c.doubts, 0);
}

/* Then a response may be just as long as the ticket was. */
static void behind_the_greeting_no_more_tickets_come(void **state)
{
	struct talk talk = {};

	(void)state;
	greet(&talk);
	sealed(&talk, TLS_SERVER, 130);
	sealed(&talk, TLS_CLIENT, FINISHED);
	sealed(&talk, TLS_CLIENT, 100);
	assert_int_equal(sealed(&talk, TLS_SERVER, 130), TLS_MEANS_DATA);
	assert_int_equal(talk.c.doubts, 0);
}

/* RFC 8446 section 4.2.9: a client that does not say how it resumes sessions can use no ticket. */
static void a_hello_may_show_that_no_ticket_is_wanted(void **state)
{
	struct hello extensions = {.length = 0};
	struct talk talk = {};

	(void)state;
	PUT_EXTENSION(&extensions, TLS_EXTENSION_VERSIONS, "\x04\x03\x04\x03\x03");
	say_hello(&talk, TLS_CLIENT, &extensions, AES128, WHOLE);
	server_hello(&talk, AES128, WHOLE);
	sealed(&talk, TLS_SERVER, 800);
	sealed(&talk, TLS_SERVER, FINISHED);
	sealed(&talk, TLS_CLIENT, FINISHED);
	sealed(&talk, TLS_CLIENT, 100);
	sealed(&talk, TLS_SERVER, 140);
	assert_int_equal(talk.c.doubts, TLS_DOUBT_TICKET | TLS_DOUBT_UNWANTED);
	sealed(&talk, TLS_SERVER, 140); /* OpenSSL sends two all the same */
	assert_int_equal(talk.c.doubts, 0);
}

/* Without tickets, two responses of equal length look like these but for the request between them. */
static void a_request_between_them_makes_two_records_responses(void **state)
{
	struct talk talk = {};

	(void)state;
	shake_hands(&talk);
	sealed(&talk, TLS_CLIENT, 100);
	assert_int_equal(sealed(&talk, TLS_SERVER, 140), TLS_MEANS_TICKET);
	assert_int_equal(talk.c.doubts, TLS_DOUBT_TICKET);
	sealed(&talk, TLS_CLIENT, 100);
	assert_int_equal(sealed(&talk, TLS_SERVER, 140), TLS_MEANS_DATA);
	assert_int_equal(talk.c.doubts, 0);
}

static void a_long_record_is_no_ticket(void **state)
{
	struct talk talk = {};

	(void)state;
	shake_hands(&talk);
	sealed(&talk, TLS_CLIENT, 100);
	assert_int_equal(sealed(&talk, TLS_SERVER, TLS_TICKET_MOST + 1), TLS_MEANS_DATA);
	assert_int_equal(talk.c.doubts, 0);
}

static void a_client_may_send_its_certificate_first(void **state)
{
	struct talk talk = {};

	(void)state;
	greet(&talk);
	sealed(&talk, TLS_CLIENT, 900);
	sealed(&talk, TLS_CLIENT, 281);
	assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_SERVER_HELLO);
	sealed(&talk, TLS_CLIENT, FINISHED);
	assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_DONE);
	assert_int_equal(talk.c.flight, 2);
	sealed(&talk, TLS_CLIENT, 100);
	sealed(&talk, TLS_SERVER, ALERT); /* which refuses the certificate */
	assert_int_equal(talk.c.alert_by, 1 + TLS_SERVER);
	assert_int_equal(talk.c.alert_code, TLS_CODE_HIDDEN);
}

static void where_the_finished_is_not_found_nothing_is_sure(void **state)
{
	struct talk talk = {};

	(void)state;
	greet(&talk);
	sealed(&talk, TLS_CLIENT, 1200); /* certificate and Finished in one record */
	sealed(&talk, TLS_SERVER, 266);
	assert_int_equal(talk.c.doubts, TLS_DOUBT_FINISHED);
}

static void the_finished_is_as_long_as_its_hash(void **state)
{
	struct talk talk = {};

	(void)state;
	client_hello(&talk, WHOLE);
	server_hello(&talk, AES256, WHOLE);
	sealed(&talk, TLS_CLIENT, FINISHED);
	assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_SERVER_HELLO);
	sealed(&talk, TLS_CLIENT, FINISHED + 16);
	assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_DONE);
}

static void early_data_is_doubtful(void **state)
{
	struct talk offered = {}, sent = {};
	struct hello extensions = {.length = 0};

	(void)state;
	PUT_EXTENSION(&extensions, TLS_EXTENSION_EARLY_DATA, "");
	say_hello(&offered, TLS_CLIENT, &extensions, AES128, WHOLE);
	assert_int_equal(offered.c.doubts, TLS_DOUBT_EARLY_DATA);
	client_hello(&sent, WHOLE);
	sealed(&sent, TLS_CLIENT, 100);
	assert_int_equal(sent.c.doubts, TLS_DOUBT_EARLY_DATA);
}

/* HelloRetryRequest is a ServerHello too, and the client then says hello once more. */
static void a_second_hello_changes_nothing(void **state)
{
	struct talk talk = {};

	(void)state;
	client_hello(&talk, WHOLE);
	server_hello(&talk, AES128, WHOLE);
	record(&talk, TLS_CLIENT, TLS_CHANGE_CIPHER_SPEC, 1);
	client_hello(&talk, WHOLE);
	server_hello(&talk, AES128, WHOLE);
	sealed(&talk, TLS_SERVER, 900);
	sealed(&talk, TLS_CLIENT, FINISHED);
	assert_int_equal(talk.c.handshake, TLS_HANDSHAKE_DONE);
	assert_int_equal(talk.c.doubts, 0);
	assert_false(talk.events & TLS_EVENT_LOST);
}

static void alerts_of_the_handshake_are_in_clear_or_hidden(void **state)
{
	struct talk clear = {}, hidden = {};

	(void)state;
	greet(&clear);
	alert(&clear, TLS_CLIENT, 2, 48);
	assert_int_equal(clear.c.alert_by, 1 + TLS_CLIENT);
	assert_int_equal(clear.c.alert_code, 48);
	greet(&hidden);
	sealed(&hidden, TLS_CLIENT, ALERT);
	assert_int_equal(hidden.c.alert_by, 1 + TLS_CLIENT);
	assert_int_equal(hidden.c.alert_code, TLS_CODE_HIDDEN);
}

static void an_alert_has_the_size_of_its_cipher(void **state)
{
	(void)state;
	assert_int_equal(tls_alert_size(TLS_1_3, AES256), 24);
	assert_int_equal(tls_alert_size(TLS_1_2, 0xc02f), 31);
	assert_int_equal(tls_alert_size(TLS_1_2, 0xc014), 85); /* CBC */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hellos_say_the_same_wherever_they_are_cut),
		cmocka_unit_test(a_name_is_kept_only_if_it_is_wanted),
		cmocka_unit_test(a_long_name_is_cut),
		cmocka_unit_test(lengths_that_contradict_each_other_do_no_harm),
		cmocka_unit_test(what_are_no_records_is_lost),
		cmocka_unit_test(before_tls_1_3_types_say_what_records_are),
		cmocka_unit_test(a_warning_does_not_fail_the_handshake),
		cmocka_unit_test(in_tls_1_3_places_and_lengths_say_what_records_are),
		cmocka_unit_test(two_records_of_equal_length_behind_the_request_are_tickets),
		cmocka_unit_test(a_ticket_may_come_with_the_greeting),
		cmocka_unit_test(behind_the_greeting_no_more_tickets_come),
		cmocka_unit_test(a_hello_may_show_that_no_ticket_is_wanted),
		cmocka_unit_test(a_request_between_them_makes_two_records_responses),
		cmocka_unit_test(a_long_record_is_no_ticket),
		cmocka_unit_test(a_client_may_send_its_certificate_first),
		cmocka_unit_test(where_the_finished_is_not_found_nothing_is_sure),
		cmocka_unit_test(the_finished_is_as_long_as_its_hash),
		cmocka_unit_test(early_data_is_doubtful),
		cmocka_unit_test(a_second_hello_changes_nothing),
		cmocka_unit_test(alerts_of_the_handshake_are_in_clear_or_hidden),
		cmocka_unit_test(an_alert_has_the_size_of_its_cipher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
