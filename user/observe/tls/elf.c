/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/elf.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "observe/tls/exports.h"
#include "observe/tls/header.h"

/* Most of each that the library is asked to read of one file; large programs have some fifty sections, and 100,000 functions. */
#define SEGMENTS_MOST 64
#define SECTIONS_MOST 1024
#define TABLES_MOST (192 << 20) /* bytes of all tables */

/* The names that are looked for. */
struct search {
	Elf *elf;
	const char *const *names;
	size_t count;
	uint64_t *offsets;
	uint64_t left; /* bytes of tables that may still be read */
};

/* The offset in the file of the code that is loaded at @address; 0 if there is none. */
static uint64_t offset_of(Elf *elf, uint64_t address)
{
	size_t count = 0;
	GElf_Phdr header;

	if (elf_getphdrnum(elf, &count) < 0)
		return 0;
	for (size_t i = 0; i < count && i < SEGMENTS_MOST; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD && (header.p_flags & PF_X) &&
		    address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz)
			return address - header.p_vaddr + header.p_offset;
	return 0;
}

static void note_symbol(const struct search *search, const char *name, const Elf64_Sym *symbol)
{
	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF)
		return;
	for (size_t i = 0; i < search->count; i++)
		if (strcmp(name, search->names[i]) == 0)
			search->offsets[i] = offset_of(search->elf, symbol->st_value);
}

/* The bytes of a section, as they stand in the file; NULL if it has none, or too many. A compressed section may become any size, and is
 * not read. */
static const Elf_Data *read_section(struct search *search, Elf_Scn *section)
{
	const Elf_Data *data;
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header) || header.sh_flags & SHF_COMPRESSED ||
	    header.sh_type == SHT_NOBITS || header.sh_size > search->left)
		return NULL;
	search->left -= header.sh_size;
	data = elf_rawdata(section, NULL);
	return data && data->d_buf && data->d_size ? data : NULL;
}

static void read_table(struct search *search, Elf_Scn *section, const GElf_Shdr *header)
{
	const Elf_Data *symbols = read_section(search, section);
	const Elf_Data *strings =
		symbols ? read_section(search, elf_getscn(search->elf, header->sh_link)) : NULL;
	const char *text = strings ? strings->d_buf : NULL;
	Elf64_Sym symbol;

	if (!text || text[strings->d_size - 1] != '\0')
		return;
	for (size_t i = 0; i < symbols->d_size / sizeof(symbol); i++) {
		memcpy(&symbol, (const uint8_t *)symbols->d_buf + i * sizeof(symbol), sizeof(symbol));
		if (symbol.st_name < strings->d_size)
			note_symbol(search, text + symbol.st_name, &symbol);
	}
}

/* Reads the tables of one type: SHT_DYNSYM has the functions that a file exports, SHT_SYMTAB all, and most files lack it. */
static void read_tables(struct search *search, GElf_Word type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	for (size_t i = 0; i < SECTIONS_MOST && (section = elf_nextscn(search->elf, section)); i++)
		if (gelf_getshdr(section, &header) && header.sh_type == type)
			read_table(search, section, &header);
}

/* Asks the file's header before the library does, because that makes room for all sections at once, whatever their number. */
static bool is_for_us(int fd)
{
	Elf64_Ehdr header;

	return kw_header_read(fd, &header) && header.e_phnum <= SEGMENTS_MOST &&
	       header.e_shnum <= SECTIONS_MOST &&
	       (header.e_shnum || !header.e_shoff); /* none of many, whose number stands elsewhere */
}

int kw_elf_functions(int fd, const char *const *names, size_t count, uint64_t *ret_offsets)
{
	struct search search = {NULL, names, count, ret_offsets, TABLES_MOST};
	bool known;

	memset(ret_offsets, 0, count * sizeof(*ret_offsets));
	if (!is_for_us(fd) || elf_version(EV_CURRENT) == EV_NONE)
		return -ENOEXEC;
	known = kw_exports_find(fd, names, count, ret_offsets);
	if (known && (ret_offsets[0] || !kw_exports_has_symbols(fd)))
		return 0;
	search.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!search.elf)
		return -ENOEXEC;
	if (!known)
		read_tables(&search, SHT_DYNSYM);
	if (!ret_offsets[0])
		read_tables(&search, SHT_SYMTAB);
	elf_end(search.elf);
	return 0;
}

void kw_elf_code(int fd, uint64_t offset, struct kw_elf_code *ret_code)
{
	ssize_t got = offset ? pread(fd, ret_code->bytes, sizeof(ret_code->bytes), (off_t)offset) : 0;

	ret_code->code = (struct kw_code){KW_MACHINE_OWN, offset, ret_code->bytes, got > 0 ? (size_t)got : 0};
}
