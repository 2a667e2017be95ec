/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of an ELF file for this processor, and the bytes that it leads to. The file may be anybody's: nothing in it is believed. */
#ifndef KEEPWATCH_TLS_HEADER_H
#define KEEPWATCH_TLS_HEADER_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads @size bytes at @offset of the file that @fd is open on; its position is not used. Returns whether they are all there. */
bool kw_header_read_at(int fd, uint64_t offset, void *to, size_t size);

/* Reads the header. Returns whether it is that of a 64-bit ELF file for this processor. */
bool kw_header_read(int fd, Elf64_Ehdr *ret_header);

/* The offset in the file of the byte that is loaded at @address, by one of @count segments that have all of these @flags (PF_X and so on);
 * 0: none of them loads it. */
uint64_t kw_header_offset(const Elf64_Phdr *segments, size_t count, uint64_t address, uint32_t flags);

#endif
