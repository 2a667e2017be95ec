/* SPDX-License-Identifier: BSD-2-Clause */
/* The headers of an ELF file for this processor: its sections by name, and where in the file code lies. A few reads of some bytes,
 * whatever the size of the file, because all files that processes map are looked at. The file may be anybody's: nothing in it is
 * believed. */
#ifndef KEEPWATCH_TLS_SECTIONS_H
#define KEEPWATCH_TLS_SECTIONS_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most of each that are read: programs have some 10 and some 40. */
#define KW_SEGMENTS_MOST 64
#define KW_SECTIONS_MOST 512
#define KW_SECTION_NAMES_MOST (64 << 10) /* bytes of all names */

struct kw_sections {
	int fd; /* the caller's */
	Elf64_Ehdr header;
	Elf64_Phdr segments[KW_SEGMENTS_MOST];
	Elf64_Shdr sections[KW_SECTIONS_MOST];
	size_t segment_count;
	size_t section_count;
	char names[KW_SECTION_NAMES_MOST + 1]; /* a 0 is the last */
	size_t names_size;                     /* bytes, but for the last */
};

/* Reads the file that @fd is open on, at any position. Returns memory that the caller frees; NULL: it is no ELF file for this processor,
 * or has no sections, or there is no memory. */
struct kw_sections *kw_sections_read(int fd);

/* The section with this name; NULL: there is none. */
const Elf64_Shdr *kw_section(const struct kw_sections *sections, const char *name);

/* The offset in the file of the code that is loaded at @address; 0: none of it is. */
uint64_t kw_section_offset(const struct kw_sections *sections, uint64_t address);

#endif
