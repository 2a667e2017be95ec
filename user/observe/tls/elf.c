/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/elf.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SYMBOLS_MOST (1 << 20) /* of one table: programs with a library linked into them have some 100,000 */
#define HEADERS_MOST 1024

/* The names that are looked for. */
struct search {
	Elf *elf;
	const char *const *names;
	size_t count;
	uint64_t *offsets;
};

/* The offset in the file of the code that is loaded at @address; 0 if there is none. */
static uint64_t offset_of(Elf *elf, uint64_t address)
{
	size_t count = 0;
	GElf_Phdr header;

	if (elf_getphdrnum(elf, &count) < 0)
		return 0;
	for (size_t i = 0; i < count && i < HEADERS_MOST; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD && (header.p_flags & PF_X) &&
		    address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz)
			return address - header.p_vaddr + header.p_offset;
	return 0;
}

static void note_symbol(const struct search *search, const char *name, const GElf_Sym *symbol)
{
	if (!name || GELF_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF)
		return;
	for (size_t i = 0; i < search->count; i++)
		if (strcmp(name, search->names[i]) == 0)
			search->offsets[i] = offset_of(search->elf, symbol->st_value);
}

static void read_table(const struct search *search, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Sym symbol;

	for (size_t i = 0; i < count && i < SYMBOLS_MOST; i++)
		if (gelf_getsym(data, (int)i, &symbol))
			note_symbol(search, elf_strptr(search->elf, header->sh_link, symbol.st_name), &symbol);
}

static bool is_for_us(Elf *elf)
{
	const GElf_Half machine = KW_MACHINE_OWN == KW_MACHINE_X86_64 ? EM_X86_64 : EM_AARCH64;
	GElf_Ehdr header;

	return elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 && gelf_getehdr(elf, &header) &&
	       header.e_machine == machine;
}

int kw_elf_functions(int fd, const char *const *names, size_t count, uint64_t *ret_offsets)
{
	struct search search = {NULL, names, count, ret_offsets};
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int r = -ENOEXEC;

	memset(ret_offsets, 0, count * sizeof(*ret_offsets));
	if (elf_version(EV_CURRENT) == EV_NONE)
		return r;
	search.elf = elf_begin(fd, ELF_C_READ, NULL);
	if (search.elf && is_for_us(search.elf)) {
		while ((section = elf_nextscn(search.elf, section)))
			if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
				read_table(&search, section, &header);
		r = 0;
	}
	elf_end(search.elf);
	return r;
}

void kw_elf_code(int fd, uint64_t offset, struct kw_elf_code *ret_code)
{
	ssize_t got = offset ? pread(fd, ret_code->bytes, sizeof(ret_code->bytes), (off_t)offset) : 0;

	ret_code->code = (struct kw_code){KW_MACHINE_OWN, offset, ret_code->bytes, got > 0 ? (size_t)got : 0};
}
