/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/passwords.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define DIGEST 32 /* of SHA-256 */

struct kw_web_auth {
	const struct kw_web_user *users;
	size_t count;
	uint8_t key[DIGEST];
	struct crypt_data scratch;
	struct remembered {
		bool is_there;
		uint8_t digest[DIGEST]; /* of the password */
	} remembered[];                 /* indexed like users */
};

/* The digests stay good because their key is kept. */
static void remember_on(struct kw_web_auth *auth, const struct kw_web_auth *before)
{
	memcpy(auth->key, before->key, sizeof(auth->key));
	for (size_t i = 0; i < auth->count; i++)
		for (size_t k = 0; k < before->count; k++)
			if (strcmp(auth->users[i].name, before->users[k].name) == 0 &&
			    strcmp(auth->users[i].hash, before->users[k].hash) == 0)
				auth->remembered[i] = before->remembered[k];
}

int kw_web_auth_open(const struct kw_web_user *users, size_t count, const struct kw_web_auth *before,
		     struct kw_web_auth **ret_auth)
{
	_cleanup_(kw_web_auth_closep) struct kw_web_auth *auth =
		calloc(1, sizeof(*auth) + count * sizeof(auth->remembered[0]));

	if (!auth)
		return kw_log_error(-ENOMEM, "out of memory");
	auth->users = users;
	auth->count = count;
	if (before)
		remember_on(auth, before);
	else if (gnutls_rnd(GNUTLS_RND_KEY, auth->key, sizeof(auth->key)) < 0)
		return kw_log_error(-EIO, "cannot get random numbers");
	*ret_auth = TAKE_PTR(auth);
	return 0;
}

void kw_web_auth_close(struct kw_web_auth *auth)
{
	free(auth);
}

static int digest(const struct kw_web_auth *auth, const char *text, uint8_t ret_digest[DIGEST])
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, auth->key, sizeof(auth->key), text, strlen(text),
				ret_digest);
}

/* Finds the user of a name. For an unknown name, picks one by a keyed hash, so that bcrypt runs anyway and the time
 * does not reveal which names exist. */
static size_t user_of(const struct kw_web_auth *auth, const char *name, bool *ret_known)
{
	uint8_t of_name[DIGEST];
	uint32_t number = 0;

	*ret_known = true;
	for (size_t i = 0; i < auth->count; i++)
		if (strcmp(auth->users[i].name, name) == 0)
			return i;
	*ret_known = false;
	if (digest(auth, name, of_name) == 0)
		memcpy(&number, of_name, sizeof(number));
	return number % auth->count;
}

/* Runs bcrypt, which is slow on purpose. */
static bool is_password(struct kw_web_auth *auth, const char *hash, const char *password)
{
	const char *made = crypt_r(password, hash, &auth->scratch);
	bool same = made && strlen(made) == strlen(hash) && gnutls_memcmp(made, hash, strlen(hash)) == 0;

	explicit_bzero(&auth->scratch, sizeof(auth->scratch));
	return same;
}

/* Processor time, so that nobody is charged for the time that a busy machine gave to others. */
static uint64_t cpu_time(void)
{
	struct timespec spent = {0};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * KW_S + (uint64_t)spent.tv_nsec;
}

enum kw_web_answer kw_web_auth_ask(struct kw_web_auth *auth, struct kw_budget *budget,
				   const struct kw_source_address *address, const char *name,
				   const char *password)
{
	uint64_t begin = cpu_time();
	uint8_t asked[DIGEST];
	bool known, right;
	size_t user = user_of(auth, name, &known);
	struct remembered *remembered = &auth->remembered[user];

	if (digest(auth, password, asked) < 0)
		return KW_WEB_LATER;
	if (known && remembered->is_there && gnutls_memcmp(remembered->digest, asked, DIGEST) == 0)
		return KW_WEB_WELCOME;
	if (!budget || !kw_budget_allows(budget, address, kw_clock_monotonic()))
		return KW_WEB_LATER;
	right = is_password(auth, auth->users[user].hash, password);
	kw_budget_charge(budget, address, kw_clock_monotonic(), cpu_time() - begin);
	if (!known || !right)
		return KW_WEB_WRONG;
	*remembered = (struct remembered){.is_there = true};
	memcpy(remembered->digest, asked, DIGEST);
	return KW_WEB_WELCOME;
}
