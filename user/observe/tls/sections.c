/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "observe/tls/header.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool read_headers(struct kw_sections *sections)
{
	const Elf64_Ehdr *header = &sections->header;

	if (!kw_header_read(sections->fd, &sections->header) || header->e_phentsize != sizeof(Elf64_Phdr) ||
	    header->e_shentsize != sizeof(Elf64_Shdr))
		return false;
	sections->segment_count = least(header->e_phnum, KW_SEGMENTS_MOST);
	sections->section_count = least(header->e_shnum, KW_SECTIONS_MOST);
	return kw_header_read_at(sections->fd, header->e_phoff, sections->segments,
				 sections->segment_count * sizeof(Elf64_Phdr)) &&
	       kw_header_read_at(sections->fd, header->e_shoff, sections->sections,
				 sections->section_count * sizeof(Elf64_Shdr));
}

static bool read_names(struct kw_sections *sections)
{
	const Elf64_Shdr *names = &sections->sections[sections->header.e_shstrndx % KW_SECTIONS_MOST];

	if (sections->header.e_shstrndx >= sections->section_count)
		return false;
	sections->names_size = least(names->sh_size, KW_SECTION_NAMES_MOST);
	return kw_header_read_at(sections->fd, names->sh_offset, sections->names, sections->names_size);
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
	return kw_header_offset(sections->segments, sections->segment_count, address, PF_X);
}
