/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/field_names.h"

#include <string.h>

#define FIRST_END_TO_END 9

/* Registered HTTP fields: the hop-by-hop ones, and end-to-end ones that Connection sometimes lists by mistake. */
const char *const kw_field_names[KW_FIELDS] = {
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
	"keep-alive",
	"proxy-authenticate",
	"proxy-authorization",
	"proxy-connection",
	"http2-settings",
	[FIRST_END_TO_END] = "authorization",
	"cache-control",
	"content-encoding",
	"content-length",
	"content-type",
	"cookie",
	"date",
	"expect",
	"forwarded",
	"host",
	"server",
	"via",
	"x-forwarded-for",
	"x-forwarded-proto",
	"other",
};

int kw_field_of(const char name[HTTP1_WORD])
{
	int i = 0;

	while (i < KW_FIELDS - 1 && strncmp(kw_field_names[i], name, HTTP1_WORD) != 0)
		i++;
	return i;
}

bool kw_field_is_end_to_end(int field)
{
	return field >= FIRST_END_TO_END && field < KW_FIELDS - 1;
}
