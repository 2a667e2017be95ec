/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/sections.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observe/tls/code.h"

bool kw_section_read(int fd, uint64_t offset, void *to, size_t size)
{
	return offset <= INT64_MAX && pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

static bool is_for_us(const Elf64_Ehdr *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_machine == (KW_MACHINE_OWN == KW_MACHINE_X86_64 ? EM_X86_64 : EM_AARCH64) &&
	       header->e_phentsize == sizeof(Elf64_Phdr) && header->e_shentsize == sizeof(Elf64_Shdr);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool read_headers(struct kw_sections *sections)
{
	const Elf64_Ehdr *header = &sections->header;

	if (!kw_section_read(sections->fd, 0, &sections->header, sizeof(sections->header)) ||
	    !is_for_us(header))
		return false;
	sections->segment_count = least(header->e_phnum, KW_SEGMENTS_MOST);
	sections->section_count = least(header->e_shnum, KW_SECTIONS_MOST);
	return kw_section_read(sections->fd, header->e_phoff, sections->segments,
			       sections->segment_count * sizeof(Elf64_Phdr)) &&
	       kw_section_read(sections->fd, header->e_shoff, sections->sections,
			       sections->section_count * sizeof(Elf64_Shdr));
}

static bool read_names(struct kw_sections *sections)
{
	const Elf64_Shdr *names = &sections->sections[sections->header.e_shstrndx % KW_SECTIONS_MOST];

	if (sections->header.e_shstrndx >= sections->section_count)
		return false;
	sections->names_size = least(names->sh_size, KW_SECTION_NAMES_MOST);
	return kw_section_read(sections->fd, names->sh_offset, sections->names, sections->names_size);
}

struct kw_sections *kw_sections_read(int fd)
{
	_cleanup_free_ struct kw_sections *sections = calloc(1, sizeof(*sections));

	if (!sections)
		return NULL;
	sections->fd = fd;
	return read_headers(sections) && read_names(sections) ? TAKE_PTR(sections) : NULL;
}

const Elf64_Shdr *kw_section(const struct kw_sections *sections, const char *name)
{
	for (size_t i = 0; i < sections->section_count; i++)
		if (sections->sections[i].sh_name < sections->names_size &&
		    strcmp(sections->names + sections->sections[i].sh_name, name) == 0)
			return &sections->sections[i];
	return NULL;
}

uint64_t kw_section_offset(const struct kw_sections *sections, uint64_t address)
{
	for (size_t i = 0; i < sections->segment_count; i++) {
		const Elf64_Phdr *segment = &sections->segments[i];

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return address - segment->p_vaddr + segment->p_offset;
	}
	return 0;
}
