/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/page/format.h"

#include <math.h>
#include <string.h>

#include "base/timestamp.h"
#include "event/names.h"
#include "output/page/html.h"

bool kw_page_is_seconds(const char *name)
{
	size_t length = strlen(name);

	return length > 2 && strcmp(name + length - 2, "_s") == 0;
}

void kw_page_words(FILE *file, const char *name)
{
	size_t length = strlen(name) - (kw_page_is_seconds(name) ? 2 : 0);

	for (size_t i = 0; i < length; i++) {
		char letter = name[i] == '_' ? ' ' : name[i];

		fputc(i == 0 && letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter, file);
	}
}

void kw_page_seconds(FILE *file, double seconds)
{
	fprintf(file, "%s%s", seconds < 0 ? "-" : "", kw_duration_about(fabs(seconds)).text);
}

void kw_page_span(uint64_t ns, char ret_text[KW_DURATION_TEXT])
{
	if (ns < 100 * KW_S)
		snprintf(ret_text, KW_DURATION_TEXT, "%.0f s", (double)ns / 1e9);
	else
		kw_duration_print(ns, ret_text);
}

void kw_page_time(FILE *file, const struct kw_clock *clock, uint64_t monotonic)
{
	char at[KW_TIMESTAMP];

	kw_timestamp(clock, monotonic, at);
	fprintf(file, "<time datetime=\"%s\">%.12s</time>", at, at + strlen("2026-01-01T"));
}

void kw_page_who(FILE *file, const struct kw_service_counters *counters)
{
	char comm[KW_COMM + 1] = "";

	memcpy(comm, counters->comm, sizeof(counters->comm));
	fputs("<bdi class=\"name\">", file);
	kw_html_text(file, counters->service.name);
	fprintf(file, "</bdi> <span class=\"role\">%s", kw_role_name(counters->service.role));
	if (counters->service.role == KW_ROLE_CLIENT && comm[0]) {
		fputs(" <bdi>", file);
		kw_html_text(file, comm);
		fputs("</bdi>", file);
	}
	if (counters->service.peer[0]) {
		fputs(", from <bdi>", file);
		kw_html_text(file, counters->service.peer);
		fputs("</bdi>", file);
	}
	fputs("</span>", file);
}

void kw_page_id(FILE *file, uint64_t cookie, uint32_t generation)
{
	struct kw_identity identity = {.cookie = cookie, .generation = generation};
	char id[KW_ID_TEXT];

	kw_connection_id(&identity, id);
	fprintf(file, "<code>%s</code>", id);
}
