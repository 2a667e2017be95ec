/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/accept_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define GROUP "TcpExt:"
#define COUNTER "ListenOverflows"
#define LINE_MOST 8192

/* Which word of a line of names it is; -1 if it is none. */
static int column_of(char *names)
{
	char *rest = NULL;
	int place = 0;

	for (const char *word = strtok_r(names, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest), place++)
		if (strcmp(word, COUNTER) == 0)
			return place;
	return -1;
}

static uint64_t word_at(char *values, int place)
{
	char *rest = NULL;
	const char *word = strtok_r(values, " \n", &rest);

	for (; word && place > 0; place--)
		word = strtok_r(NULL, " \n", &rest);
	return word ? strtoull(word, NULL, 10) : 0;
}

/* Two lines for each group: names, then values. */
uint64_t kw_listen_overflows_in(FILE *file)
{
	char names[LINE_MOST], values[LINE_MOST];

	while (fgets(names, sizeof(names), file) && fgets(values, sizeof(values), file)) {
		int place = strncmp(names, GROUP, strlen(GROUP)) == 0 ? column_of(names) : -1;

		if (place >= 0)
			return word_at(values, place);
	}
	return 0;
}

uint64_t kw_listen_overflows(void)
{
	_cleanup_file_ FILE *file = fopen("/proc/net/netstat", "re");

	return file ? kw_listen_overflows_in(file) : 0;
}
