/* SPDX-License-Identifier: BSD-2-Clause */
/* Passwords: who is let in, what is remembered, and that guessing takes a bounded part of the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "web/passwords.h"

#define MANY 1000000

static struct kw_web_user users[2] = {{.name = (char *)"alice"}, {.name = (char *)"bob"}};

/* Cheap ones, so that not all time is spent here. */
static int make_users(void **state)
{
	static const char *const passwords[] = {"secret", "s\xc3\xa4nger:7"};
	static const char *const kinds[] = {"$2b$", "$2y$"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *salt = crypt_gensalt(kinds[i], 4, NULL, 0);

		snprintf(users[i].hash, sizeof(users[i].hash), "%s", crypt(passwords[i], salt));
	}
	return 0;
}

static const struct kw_source_address here = {{1}}, there = {{2}};
static struct kw_budget budget;

/* A fresh one for a few questions: however slow this machine, they are looked at. */
static struct kw_web_auth *opened(void)
{
	struct kw_web_auth *auth;

	budget = (struct kw_budget)KW_GUESSES;
	assert_int_equal(kw_web_auth_open(users, 2, NULL, &auth), 0);
	return auth;
}

static enum kw_web_answer ask(struct kw_web_auth *auth, const char *name, const char *password)
{
	return kw_web_auth_ask(auth, &budget, &here, name, password);
}

static void only_the_right_password_is_welcome(void **state)
{
	static const struct {
		const char *name, *password;
		enum kw_web_answer answer;
	} rows[] = {
		{"alice", "secret", KW_WEB_WELCOME},
		{"bob", "s\xc3\xa4nger:7", KW_WEB_WELCOME},
		{"alice", "Secret", KW_WEB_WRONG},
		{"alice", "secret ", KW_WEB_WRONG},
		{"alice", "secre", KW_WEB_WRONG},
		{"alice", "", KW_WEB_WRONG},
		{"alice", "s\xc3\xa4nger:7", KW_WEB_WRONG},
		{"bob", "secret", KW_WEB_WRONG},
		{"Alice", "secret", KW_WEB_WRONG},
		{"", "secret", KW_WEB_WRONG},
		{"", "", KW_WEB_WRONG},
		{"alice", users[0].hash, KW_WEB_WRONG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kw_web_auth *auth = opened();

		for (int round = 0; round < 2; round++) /* what is remembered is right as well */
			if (ask(auth, rows[i].name, rows[i].password) != rows[i].answer)
				fail_msg("%s %s", rows[i].name, rows[i].password);
		kw_web_auth_close(auth);
	}
}

/* Whatever users there are: the hash that it is held against is somebody's, and his password may be guessed. */
static void a_name_that_is_not_there_has_no_right_password(void **state)
{
	(void)state;
	for (char name[] = "a"; name[0] <= 'z'; name[0]++) {
		struct kw_web_auth *auth = opened();

		assert_int_equal(ask(auth, name, "secret"), KW_WEB_WRONG);
		assert_int_equal(ask(auth, name, "s\xc3\xa4nger:7"), KW_WEB_WRONG);
		kw_web_auth_close(auth);
	}
}

/* How many wrong ones are looked at before the next has to wait. */
static int guesses(struct kw_web_auth *auth, const char *name)
{
	for (int i = 0; i < MANY; i++)
		if (ask(auth, name, "wrong") == KW_WEB_LATER)
			return i;
	return MANY;
}

static void whoever_guesses_has_to_wait_and_holds_up_nobody_who_is_known(void **state)
{
	struct kw_web_auth *auth = opened();

	(void)state;
	assert_int_equal(ask(auth, "alice", "secret"), KW_WEB_WELCOME);
	assert_in_range(guesses(auth, "alice"), 0, MANY - 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ask(auth, "alice", "secret"), KW_WEB_WELCOME);
	kw_web_auth_close(auth);
}

static void a_name_that_is_not_there_costs_a_guess_as_well(void **state)
{
	struct kw_web_auth *auth = opened();

	(void)state;
	assert_in_range(guesses(auth, "nobody"), 1, MANY - 1);
	kw_web_auth_close(auth);
}

static void who_had_to_wait_is_looked_at_in_the_end(void **state)
{
	struct kw_web_auth *auth = opened();
	enum kw_web_answer answer;

	(void)state;
	assert_in_range(guesses(auth, "alice"), 1, MANY - 1);
	do {
		usleep(1000);
		answer = ask(auth, "bob", "s\xc3\xa4nger:7");
	} while (answer == KW_WEB_LATER);
	assert_int_equal(answer, KW_WEB_WELCOME);
	kw_web_auth_close(auth);
}

/* However much time there is: that is for somebody else to give. */
static void without_a_budget_only_what_is_remembered_is_welcome(void **state)
{
	struct kw_web_auth *auth = opened();

	(void)state;
	assert_int_equal(kw_web_auth_ask(auth, NULL, &here, "alice", "secret"), KW_WEB_LATER);
	assert_int_equal(ask(auth, "alice", "secret"), KW_WEB_WELCOME);
	assert_int_equal(kw_web_auth_ask(auth, NULL, &here, "alice", "secret"), KW_WEB_WELCOME);
	assert_int_equal(kw_web_auth_ask(auth, NULL, &here, "alice", "wrong"), KW_WEB_LATER);
	kw_web_auth_close(auth);
}

static void guesses_from_one_address_leave_another_its_turn(void **state)
{
	struct kw_web_auth *auth = opened();

	(void)state;
	assert_in_range(guesses(auth, "alice"), 1, MANY - 1);
	assert_int_equal(kw_web_auth_ask(auth, &budget, &there, "alice", "secret"), KW_WEB_WELCOME);
	kw_web_auth_close(auth);
}

/* And only for a user whose hash is the same as before. */
static void passwords_are_remembered_on(void **state)
{
	struct kw_web_user changed[2] = {users[1], users[0]};
	struct kw_web_auth *auth = opened(), *next;

	(void)state;
	assert_int_equal(ask(auth, "alice", "secret"), KW_WEB_WELCOME);
	assert_int_equal(ask(auth, "bob", "s\xc3\xa4nger:7"), KW_WEB_WELCOME);
	assert_in_range(guesses(auth, "alice"), 0, MANY - 1);
	snprintf(changed[0].hash, sizeof(changed[0].hash), "%s", users[0].hash);
	assert_int_equal(kw_web_auth_open(changed, 2, auth, &next), 0);
	kw_web_auth_close(auth);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ask(next, "alice", "secret"), KW_WEB_WELCOME);
	assert_in_range(guesses(next, "nobody"), 0, MANY - 1);
	assert_int_not_equal(ask(next, "bob", "s\xc3\xa4nger:7"), KW_WEB_WELCOME);
	kw_web_auth_close(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_right_password_is_welcome),
		cmocka_unit_test(a_name_that_is_not_there_has_no_right_password),
		cmocka_unit_test(whoever_guesses_has_to_wait_and_holds_up_nobody_who_is_known),
		cmocka_unit_test(a_name_that_is_not_there_costs_a_guess_as_well),
		cmocka_unit_test(who_had_to_wait_is_looked_at_in_the_end),
		cmocka_unit_test(guesses_from_one_address_leave_another_its_turn),
		cmocka_unit_test(passwords_are_remembered_on),
		cmocka_unit_test(without_a_budget_only_what_is_remembered_is_welcome),
	};

	return cmocka_run_group_tests(tests, make_users, NULL);
}
