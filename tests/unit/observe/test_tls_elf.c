/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files whose tables are larger than those of programs: they cost little, whatever they say of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "observe/tls/elf.h"

#define SIZE (64L << 20) /* of the file; most of it is a hole */
#define TABLES 0x1000    /* where section headers begin, */
#define BYTES 0x100000   /* and the contents of sections */
#define ROOM 256         /* MiB that reading may take */

static const Elf64_Half own = KW_MACHINE_OWN == KW_MACHINE_X86_64 ? EM_X86_64 : EM_AARCH64;
static const char *const names[] = {"found"};

static Elf64_Ehdr header_with(Elf64_Half sections)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = own,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shoff = TABLES,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = sections};

	return header;
}

static void put(int fd, uint64_t at, const void *bytes, size_t size)
{
	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), (ssize_t)size);
}

static void put_section(int fd, unsigned int number, Elf64_Shdr section)
{
	put(fd, TABLES + number * sizeof(section), &section, sizeof(section));
}

/* A file for these sections; none is in it yet. All of it is one segment of code. */
static int file_with(Elf64_Ehdr header)
{
	Elf64_Phdr segment = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = SIZE, .p_filesz = SIZE};
	int fd = memfd_create("library", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	put(fd, 0, &header, sizeof(header));
	put(fd, sizeof(header), &segment, sizeof(segment));
	return fd;
}

/* A table of symbols, which section 2 has the names of. */
static Elf64_Shdr table(uint64_t size)
{
	return (Elf64_Shdr){.sh_type = SHT_DYNSYM,
			    .sh_offset = BYTES,
			    .sh_size = size,
			    .sh_link = 2,
			    .sh_entsize = sizeof(Elf64_Sym)};
}

/* Symbol 1 is the function that is looked for, and lies at 0x500. */
static void put_function(int fd)
{
	Elf64_Sym symbol = {.st_name = 1,
			    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
			    .st_shndx = 1,
			    .st_value = SIZE + 0x500};

	put(fd, BYTES + sizeof(symbol), &symbol, sizeof(symbol));
	put(fd, SIZE / 2 + 1, "found", 6);
}

static Elf64_Shdr strings(uint64_t size)
{
	return (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = SIZE / 2, .sh_size = size};
}

/* Reads and closes the file. Returns where the function lies; 0: nowhere. */
static uint64_t read_file(int fd)
{
	uint64_t offset;

	assert_int_equal(kw_elf_functions(fd, names, 1, &offset), 0);
	close(fd);
	return offset;
}

static long most_memory(void) /* MiB, of all time until now */
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss / 1024;
}

static void a_function_is_found_in_a_table_of_many_megabytes(void **state)
{
	int fd = file_with(header_with(3));

	(void)state;
	put_section(fd, 1, table(24 << 20));
	put_section(fd, 2, strings(16 << 20));
	put_function(fd);
	assert_int_equal(read_file(fd), 0x500);
}

static void names_that_do_not_end_are_not_read(void **state)
{
	int fd = file_with(header_with(3));

	(void)state;
	put_section(fd, 1, table(480));
	put_section(fd, 2, strings(6));
	put_function(fd);
	assert_int_equal(read_file(fd), 0);
}

static void compressed_names_are_not_read(void **state)
{
	Elf64_Shdr compressed = strings(4096);
	Elf64_Chdr about = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = 1ULL << 40, .ch_addralign = 1};
	int fd = file_with(header_with(3));

	(void)state;
	compressed.sh_flags = SHF_COMPRESSED;
	put_section(fd, 1, table(480));
	put_section(fd, 2, compressed);
	put_function(fd);
	put(fd, SIZE / 2, &about, sizeof(about));
	assert_int_equal(read_file(fd), 0);
}

static void many_large_tables_take_no_more_memory_than_a_few(void **state)
{
	const unsigned int count = 1000;
	int fd = file_with(header_with((Elf64_Half)count));
	long before = most_memory();

	(void)state;
	for (unsigned int i = 1; i < count; i++)
		put_section(fd, i, i == 2 ? strings(1 << 20) : table(SIZE - BYTES));
	put_function(fd);
	read_file(fd);
	assert_in_range(most_memory() - before, 0, ROOM);
}

/* Their number may stand elsewhere if there are more than a header can say: then the library would make room for all. */
static void files_of_a_million_sections_are_no_libraries(void **state)
{
	static const Elf64_Half counts[] = {0, 0xff00, 1025};
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		int fd = file_with(header_with(counts[i]));

		put_section(fd, 0, (Elf64_Shdr){.sh_size = 1000000});
		assert_int_equal(kw_elf_functions(fd, names, 1, &offset), -ENOEXEC);
		close(fd);
	}
}

static void files_of_others_are_no_libraries(void **state)
{
	Elf64_Ehdr headers[] = {header_with(3), header_with(3), header_with(3)};
	uint64_t offset;

	(void)state;
	headers[0].e_machine = EM_S390;
	headers[1].e_ident[EI_CLASS] = ELFCLASS32;
	headers[2].e_ident[EI_DATA] = ELFDATA2MSB;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		int fd = file_with(headers[i]);

		assert_int_equal(kw_elf_functions(fd, names, 1, &offset), -ENOEXEC);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_large_tables_take_no_more_memory_than_a_few),
		cmocka_unit_test(a_function_is_found_in_a_table_of_many_megabytes),
		cmocka_unit_test(names_that_do_not_end_are_not_read),
		cmocka_unit_test(compressed_names_are_not_read),
		cmocka_unit_test(files_of_a_million_sections_are_no_libraries),
		cmocka_unit_test(files_of_others_are_no_libraries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
