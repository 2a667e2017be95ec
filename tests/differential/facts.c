/* SPDX-License-Identifier: BSD-2-Clause */
/* facts machine|http_parser: reads streams, one a line, and writes what is in each as a JSON object a line.
 * A line is "requests" or "responses", "closed" or "open", methods separated by commas or "-", and the bytes in
 * hexadecimal or "-". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "facts.h"

static void print(const struct facts *facts)
{
	printf("{\"messages\":[");
	for (size_t i = 0; i < facts->count; i++) {
		const struct fact *fact = &facts->messages[i];

		printf("%s{\"version\":%u,\"status\":%u,\"persistent\":%s,\"body\":%llu,\"end\":", i ? "," : "",
		       fact->version, fact->status, fact->persistent ? "true" : "false",
		       (unsigned long long)fact->body);
		if (fact->complete)
			printf("%zu}", fact->end);
		else
			printf("null}");
	}
	printf("],\"refused\":%s}\n", facts->refused ? "true" : "false");
}

/* Turns hexadecimal digits into bytes, in place. Returns how many. */
static size_t decode(char *text)
{
	size_t n = 0;

	for (; text[2 * n] && text[2 * n] != '-'; n++) {
		char digits[3] = {text[2 * n], text[2 * n + 1], 0};

		text[n] = strtoul(digits, NULL, 16);
	}
	return n;
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;

	if (argc != 2 || (strcmp(argv[1], "machine") != 0 && strcmp(argv[1], "http_parser") != 0)) {
		fputs("usage: facts machine|http_parser\n", stderr);
		return 2;
	}
	while (getline(&line, &room, stdin) > 0) {
		struct facts facts;
		struct stream stream = {.responses = !strcmp(strtok(line, " \n"), "responses")};
		char *bytes;

		stream.closed = !strcmp(strtok(NULL, " \n"), "closed");
		stream.methods = strtok(NULL, " \n");
		if (!strcmp(stream.methods, "-"))
			stream.methods = "";
		bytes = strtok(NULL, " \n");
		stream.length = decode(bytes);
		stream.bytes = (const uint8_t *)bytes;
		if (!strcmp(argv[1], "machine"))
			facts_by_machine(&stream, &facts);
		else
			facts_by_http_parser(&stream, &facts);
		print(&facts);
	}
	free(line);
	return 0;
}
