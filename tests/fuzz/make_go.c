/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the first programs of Go for fuzz_libraries: make_go FOLDER. One has each form of the table of functions; each fault that code may
 * have is in one, too. */
#include <stdio.h>

#include "tests/fuzz/check.h"
#include "tests/unit/observe/go_program.h"

#define PATH 512

static void write_program(const char *folder, enum go_form form, enum go_fault fault)
{
	static struct go_program program;
	char path[PATH];
	FILE *file;

	go_make(&program, form, fault);
	snprintf(path, sizeof(path), "%s/go-%d-%d", folder, (int)form, (int)fault);
	file = fopen(path, "we");
	CHECK(file && fwrite(program.bytes, sizeof(program.bytes), 1, file) == 1 && fclose(file) == 0);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	for (enum go_form form = 0; form < GO_FORMS; form++)
		write_program(argv[1], form, GO_SOUND);
	for (enum go_fault fault = GO_SOUND + 1; fault < GO_FAULTS; fault++)
		write_program(argv[1], GO_1_20, fault);
	return 0;
}
