/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/config_parcel.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define NOTHING UINT32_MAX /* the length of a text that is NULL */

static void put_number(FILE *file, uint32_t number)
{
	fwrite(&number, sizeof(number), 1, file);
}

static void put_text(FILE *file, const char *text, size_t length)
{
	put_number(file, text ? (uint32_t)length : NOTHING);
	if (text)
		fwrite(text, 1, length, file);
}

static void put_file(FILE *file, const struct kw_web_file *named)
{
	put_text(file, named->path, named->path ? strlen(named->path) : 0);
	put_text(file, named->text, named->length);
}

int kw_web_config_pack(const struct kw_web_config *config, char **ret_bytes, size_t *ret_length)
{
	_cleanup_free_ char *bytes = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&bytes, &length);

	if (!file)
		return -ENOMEM;
	put_number(file, config->tls_line);
	put_number(file, config->client);
	put_number(file, config->tls12);
	put_number(file, config->tls13);
	put_file(file, &config->cert);
	put_file(file, &config->key);
	put_file(file, &config->client_ca);
	put_number(file, (uint32_t)config->client_san_count);
	for (size_t i = 0; i < config->client_san_count; i++)
		put_text(file, config->client_sans[i], strlen(config->client_sans[i]));
	put_number(file, (uint32_t)config->user_count);
	for (size_t i = 0; i < config->user_count; i++) {
		put_text(file, config->users[i].name, strlen(config->users[i].name));
		put_text(file, config->users[i].hash, strlen(config->users[i].hash));
	}
	if (fclose(file) != 0)
		return -ENOMEM;
	*ret_bytes = TAKE_PTR(bytes);
	*ret_length = length;
	return 0;
}

/* The bytes that are still to be read. After a fault all that is read is 0 or NULL. */
struct parcel {
	const char *at;
	size_t left;
	int fault;
};

static uint32_t take_number(struct parcel *parcel)
{
	uint32_t number;

	if (parcel->left < sizeof(number) && !parcel->fault)
		parcel->fault = -EBADMSG;
	if (parcel->fault)
		return 0;
	memcpy(&number, parcel->at, sizeof(number));
	parcel->at += sizeof(number);
	parcel->left -= sizeof(number);
	return number;
}

static char *take_text(struct parcel *parcel, size_t *ret_length)
{
	uint32_t length = take_number(parcel);
	char *text;

	if (parcel->fault || length == NOTHING)
		return NULL;
	text = length > parcel->left ? NULL : malloc((size_t)length + 1);
	if (!text) {
		parcel->fault = length > parcel->left ? -EBADMSG : -ENOMEM;
		return NULL;
	}
	memcpy(text, parcel->at, length);
	text[length] = '\0';
	parcel->at += length;
	parcel->left -= length;
	if (ret_length)
		*ret_length = length;
	return text;
}

static void take_file(struct parcel *parcel, struct kw_web_file *file)
{
	file->path = take_text(parcel, NULL);
	file->text = take_text(parcel, &file->length);
}

/* So many members follow, each of @least bytes. */
static size_t take_count(struct parcel *parcel, size_t least)
{
	size_t count = take_number(parcel);

	if (count > parcel->left / least)
		parcel->fault = -EBADMSG;
	return parcel->fault ? 0 : count;
}

static void take_sans(struct parcel *parcel, struct kw_web_config *config)
{
	size_t count = take_count(parcel, sizeof(uint32_t));

	config->client_sans = count ? calloc(count, sizeof(*config->client_sans)) : NULL;
	if (count && !config->client_sans)
		parcel->fault = -ENOMEM;
	while (!parcel->fault && config->client_san_count < count) {
		char *name = take_text(parcel, NULL);

		if (name)
			config->client_sans[config->client_san_count++] = name;
		else if (!parcel->fault)
			parcel->fault = -EBADMSG;
	}
}

static void take_user(struct parcel *parcel, struct kw_web_user *user)
{
	_cleanup_free_ char *hash = NULL;

	user->name = take_text(parcel, NULL);
	hash = take_text(parcel, NULL);
	if (user->name && hash && strlen(hash) < sizeof(user->hash))
		strcpy(user->hash, hash);
	else if (!parcel->fault)
		parcel->fault = -EBADMSG;
}

static void take_users(struct parcel *parcel, struct kw_web_config *config)
{
	size_t count = take_count(parcel, 2 * sizeof(uint32_t));

	config->users = count ? calloc(count, sizeof(*config->users)) : NULL;
	if (count && !config->users)
		parcel->fault = -ENOMEM;
	while (!parcel->fault && config->user_count < count)
		take_user(parcel, &config->users[config->user_count++]);
}

int kw_web_config_unpack(const char *bytes, size_t length, struct kw_web_config *ret_config)
{
	_cleanup_(kw_web_config_free) struct kw_web_config config = {0};
	struct parcel parcel = {.at = bytes, .left = length};

	config.tls_line = take_number(&parcel);
	config.client = take_number(&parcel);
	config.tls12 = take_number(&parcel);
	config.tls13 = take_number(&parcel);
	take_file(&parcel, &config.cert);
	take_file(&parcel, &config.key);
	take_file(&parcel, &config.client_ca);
	take_sans(&parcel, &config);
	take_users(&parcel, &config);
	if (!parcel.fault && (parcel.left || config.client >= KW_WEB_CLIENT_MAX))
		parcel.fault = -EBADMSG;
	if (parcel.fault)
		return parcel.fault;
	*ret_config = TAKE_STRUCT(config);
	return 0;
}
