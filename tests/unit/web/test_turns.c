/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is, and who has to go: places, handshakes and checks of passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "include/units.h"
#include "web/checks.h"
#include "web/clients.h"
#include "web/handshakes.h"
#include "web/passwords.h"

static struct kw_clients clients;
static struct kw_handshakes handshakes;
static struct kw_budget guesses;

static int begin(void **state)
{
	(void)state;
	clients = (struct kw_clients){0};
	guesses = (struct kw_budget)KW_GUESSES;
	kw_handshakes_open(&handshakes);
	return 0;
}

static int end(void **state)
{
	(void)state;
	while (clients.list) {
		clients.list->state = KW_CLIENT_SILENT;
		kw_clients_end(&clients, clients.list);
	}
	return 0;
}

/* A client with an open socket, from 10.0.0.@host. */
static struct kw_client *add(uint32_t host, enum kw_client_state state)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	struct kw_client *client;

	((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(0x0a000000 | host);
	client = kw_clients_add(&clients, socket(AF_INET, SOCK_STREAM, 0), &address);
	assert_non_null(client);
	client->state = state;
	return client;
}

static bool is_there(const struct kw_client *client)
{
	for (const struct kw_client *one = clients.list; one; one = one->next)
		if (one == client)
			return true;
	return false;
}

static void the_address_with_most_places_loses_one(void **state)
{
	struct kw_client *friend = add(1, KW_CLIENT_SILENT), *first = add(2, KW_CLIENT_SILENT);

	(void)state;
	add(2, KW_CLIENT_SILENT);
	assert_true(kw_clients_evict(&clients, false));
	assert_true(is_there(friend));
	assert_false(is_there(first));
}

static void of_one_address_idle_clients_go_first(void **state)
{
	struct kw_client *busy = add(1, KW_CLIENT_IN_TURN), *idle = add(1, KW_CLIENT_SILENT);
	struct kw_client *other = add(2, KW_CLIENT_SILENT);

	(void)state;
	assert_true(kw_clients_evict(&clients, false));
	assert_false(is_there(idle));
	assert_true(is_there(busy) && is_there(other));
	assert_true(kw_clients_evict(&clients, true));
	assert_false(is_there(other));
	assert_false(kw_clients_evict(&clients, true));
	assert_true(kw_clients_evict(&clients, false));
	assert_false(kw_clients_evict(&clients, false));
}

static void a_newcomer_has_the_next_handshake(void **state)
{
	const struct kw_client *first = add(1, KW_CLIENT_IN_TURN);
	struct kw_client *newcomer;

	(void)state;
	add(1, KW_CLIENT_IN_TURN);
	assert_ptr_equal(kw_handshakes_next(&handshakes, &clients), first);
	newcomer = add(2, KW_CLIENT_IN_TURN);
	assert_ptr_equal(kw_handshakes_next(&handshakes, &clients), newcomer);
}

static void handshakes_end_with_their_time(void **state)
{
	int turns = 0;

	(void)state;
	add(1, KW_CLIENT_SILENT);
	assert_null(kw_handshakes_next(&handshakes, &clients));
	add(1, KW_CLIENT_IN_TURN);
	handshakes.typical = KW_S; /* so that none comes back meanwhile */
	while (kw_handshakes_next(&handshakes, &clients))
		turns++;
	assert_int_equal(turns, 1);
}

static void a_hello_is_worth_a_turn_when_its_record_is_there(void **state)
{
	static const unsigned char hello[] = {0x16, 3, 1, 1, 2};

	(void)state;
	assert_true(kw_handshakes_is_partial(hello, 0));
	for (size_t length = 1; length <= sizeof(hello); length++)
		assert_true(kw_handshakes_is_partial(hello, length));
	assert_true(kw_handshakes_is_partial(hello, 5 + 0x102 - 1));
	assert_false(kw_handshakes_is_partial(hello, 5 + 0x102));
	assert_false(kw_handshakes_is_partial((const unsigned char *)"GET", 1));
}

static void whoever_has_guessed_gives_way(void **state)
{
	struct kw_client *guesser = NULL, *newcomer, *refused;

	(void)state;
	for (int i = 0; i < KW_CHECKS_WAITING; i++) {
		guesser = add(1, KW_CLIENT_SERVED);
		guesser->checks = 1 + (unsigned int)i;
		kw_checks_wait(&clients, guesser, &refused);
		assert_null(refused);
	}
	newcomer = add(1, KW_CLIENT_SERVED);
	kw_checks_wait(&clients, newcomer, &refused);
	assert_ptr_equal(refused, guesser);
	assert_int_equal(guesser->check, KW_CHECK_NEVER);
	assert_ptr_equal(kw_checks_next(&clients, &guesses), newcomer);
	newcomer = add(1, KW_CLIENT_SERVED);
	newcomer->checks = 9;
	kw_checks_wait(&clients, newcomer, &refused);
	assert_ptr_equal(refused, newcomer);
}

static void nobody_jumps_the_queue_of_his_address(void **state)
{
	struct kw_client *waiting = add(1, KW_CLIENT_SERVED), *late = add(1, KW_CLIENT_SERVED);
	struct kw_client *other = add(2, KW_CLIENT_SERVED), *refused;

	(void)state;
	assert_true(kw_checks_may(&clients, &guesses, late));
	kw_checks_wait(&clients, waiting, &refused);
	assert_false(kw_checks_may(&clients, &guesses, late));
	assert_true(kw_checks_may(&clients, &guesses, other));
	waiting->check = KW_CHECK_TURN;
	assert_true(kw_checks_may(&clients, &guesses, waiting));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_address_with_most_places_loses_one, begin, end),
		cmocka_unit_test_setup_teardown(of_one_address_idle_clients_go_first, begin, end),
		cmocka_unit_test_setup_teardown(a_newcomer_has_the_next_handshake, begin, end),
		cmocka_unit_test_setup_teardown(handshakes_end_with_their_time, begin, end),
		cmocka_unit_test(a_hello_is_worth_a_turn_when_its_record_is_there),
		cmocka_unit_test_setup_teardown(whoever_has_guessed_gives_way, begin, end),
		cmocka_unit_test_setup_teardown(nobody_jumps_the_queue_of_his_address, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
