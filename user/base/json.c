/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json.h"

#include <errno.h>

void kw_json_set(json_t **object, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(*object, key, value) == 0)
		return;
	json_decref(*object);
	*object = NULL;
}

void kw_json_append(json_t **list, json_t *value)
{
	if (json_array_append_new(*list, value) == 0)
		return;
	json_decref(*list);
	*list = NULL;
}

json_t *kw_json_integer(uint64_t number)
{
	return json_integer((json_int_t)number);
}

json_t *kw_json_integer_or_null(bool known, uint64_t number)
{
	return known ? kw_json_integer(number) : json_null();
}

json_t *kw_json_real_or_null(bool known, double number)
{
	return known ? json_real(number) : json_null();
}

json_t *kw_json_string_or_null(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

int kw_json_write_line(FILE *file, json_t *object, int digits)
{
	int r = 0;

	if (!object)
		return -ENOMEM;
	if (json_dumpf(object, file, JSON_COMPACT | JSON_REAL_PRECISION(digits)) < 0 ||
	    fputc('\n', file) == EOF)
		r = -EIO;
	json_decref(object);
	return r;
}

int kw_json_host(FILE *file, const char *host, const char *text)
{
	json_t *name = json_string(host);
	bool failed;

	if (!name)
		return -ENOMEM;
	failed = fputs("{\"host\":", file) == EOF || json_dumpf(name, file, JSON_ENCODE_ANY) < 0 ||
		 fprintf(file, ",%s", text + 1) < 0;
	json_decref(name);
	return failed ? -EIO : 0;
}
