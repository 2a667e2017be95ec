/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/header.h"

#include <string.h>
#include <unistd.h>

#include "observe/tls/code.h"

bool kw_header_read_at(int fd, uint64_t offset, void *to, size_t size)
{
	return offset <= INT64_MAX && pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

bool kw_header_read(int fd, Elf64_Ehdr *ret_header)
{
	const Elf64_Half machine = KW_MACHINE_OWN == KW_MACHINE_X86_64 ? EM_X86_64 : EM_AARCH64;

	return kw_header_read_at(fd, 0, ret_header, sizeof(*ret_header)) &&
	       memcmp(ret_header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       ret_header->e_ident[EI_CLASS] == ELFCLASS64 && ret_header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       ret_header->e_machine == machine;
}

uint64_t kw_header_offset(const Elf64_Phdr *segments, size_t count, uint64_t address, uint32_t flags)
{
	for (size_t i = 0; i < count; i++) {
		const Elf64_Phdr *segment = &segments[i];

		if (segment->p_type == PT_LOAD && (segment->p_flags & flags) == flags &&
		    address >= segment->p_vaddr && address - segment->p_vaddr < segment->p_filesz)
			return address - segment->p_vaddr + segment->p_offset;
	}
	return 0;
}
