/* SPDX-License-Identifier: BSD-2-Clause */
/* Software is known by the names of its processes, odd ones too, or by a section of its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gelf.h>

#include "finding/software.h"

static void processes_with_odd_names_are_known(void **state)
{
	static const struct {
		char comm[KW_COMM];
		const char *called;
	} rows[] = {
		{"cache-main", " (Varnish)"}, {"hypercorn", " (hypercorn)"}, {"puma 6.4.2 (tcp", " (Puma)"},
		{"squid", " (Squid)"},        {"php-fpm8.2", " (PHP-FPM)"},  {"envoy", " (Envoy)"},
		{"traefik", " (Traefik)"},    {"java", " (Java)"},           {"jsvc", " (Tomcat)"},
		{"tomcat10", " (Tomcat)"},    {"nginx", " (nginx)"},         {"cached", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(kw_software_of(rows[i].comm, NULL)->called, rows[i].called);
}

/* An ELF file with one section of this name. */
static void write_elf(const char *path, const char *section_name)
{
	FILE *file = fopen(path, "w+");
	char names[64] = "";
	Elf_Scn *section, *strings;
	Elf_Data *data;
	GElf_Ehdr header;
	GElf_Shdr head;
	Elf *elf;

	assert_non_null(file);
	elf_version(EV_CURRENT);
	elf = elf_begin(fileno(file), ELF_C_WRITE, NULL);
	gelf_newehdr(elf, ELFCLASS64);
	gelf_getehdr(elf, &header);
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_version = EV_CURRENT;
	section = elf_newscn(elf);
	strings = elf_newscn(elf);
	header.e_shstrndx = (GElf_Half)elf_ndxscn(strings);
	gelf_update_ehdr(elf, &header);
	snprintf(names + 1, sizeof(names) - 1, "%s", section_name);
	data = elf_newdata(strings);
	*data = (Elf_Data){.d_buf = names, .d_size = sizeof(names), .d_align = 1, .d_version = EV_CURRENT};
	gelf_getshdr(section, &head);
	head.sh_name = 1;
	head.sh_type = SHT_NOTE;
	gelf_update_shdr(section, &head);
	gelf_getshdr(strings, &head);
	head.sh_type = SHT_STRTAB;
	gelf_update_shdr(strings, &head);
	assert_true(elf_update(elf, ELF_C_WRITE) > 0);
	elf_end(elf);
	fclose(file);
}

static void go_binaries_are_known_by_their_build_id(void **state)
{
	char path[] = "/tmp/keepwatch-elf-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_false(kw_is_go_binary(path)); /* empty */
	write_elf(path, ".note.go.buildid");
	assert_true(kw_is_go_binary(path));
	write_elf(path, ".note.gnu.build-id");
	assert_false(kw_is_go_binary(path));
	assert_int_equal(truncate(path, 70), 0);
	assert_false(kw_is_go_binary(path));
	unlink(path);
	assert_false(kw_is_go_binary(path));
	assert_false(kw_is_go_binary("/proc/self/exe"));
	assert_false(kw_is_go_binary("/dev/zero"));
}

static void a_name_of_a_go_program_has_gos_settings(void **state)
{
	struct kw_programs programs = {.go = {"api-server"}, .count = 1};
	char nginx[KW_COMM] = "nginx", api[KW_COMM] = "api-server", other[KW_COMM] = "api-server2";

	(void)state;
	assert_non_null(strstr(kw_software_of(api, &programs)->server_idle, "http.Server.IdleTimeout"));
	assert_string_equal(kw_software_of(api, &programs)->called, " (Go)");
	assert_false(kw_software_is_known(kw_software_of(api, NULL)));
	assert_false(kw_software_is_known(kw_software_of(other, &programs)));
	assert_string_equal(kw_software_of(nginx, &programs)->called, " (nginx)");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_with_odd_names_are_known),
		cmocka_unit_test(go_binaries_are_known_by_their_build_id),
		cmocka_unit_test(a_name_of_a_go_program_has_gos_settings),
	};

	return cmocka_run_group_tests_name("software", tests, NULL, NULL);
}
