/* SPDX-License-Identifier: BSD-2-Clause */
/* The other judge of HTTP/2 connections: `http2_facts read < CALLS`, `http2_facts make SEED > CALLS`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/differential/http2/facts.h"

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "read") == 0)
		return facts_read();
	if (argc == 3 && strcmp(argv[1], "make") == 0)
		return facts_make((unsigned int)atoi(argv[2]));
	fputs("usage: http2_facts read < CALLS\n       http2_facts make SEED > CALLS\n", stderr);
	return 2;
}
