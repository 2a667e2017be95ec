/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/exports.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "observe/tls/header.h"

/* Most of each that are read; files have some ten of the first, thirty of the second, forty of the third. */
#define SEGMENTS_MOST 64
#define ENTRIES_MOST 128
#define SECTIONS_MOST 512
#define NAME_MOST 64  /* bytes of a function's name */
#define CHAIN_MOST 64 /* functions that share a bucket of the hash table; one or two do */

struct file {
	int fd;
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS_MOST];
	size_t count; /* of segments */
	/* Of the dynamic linker's tables, where they are in the file; 0: it has none. */
	uint64_t hashes;
	uint64_t symbols;
	uint64_t names;
};

static bool begin(int fd, struct file *file)
{
	*file = (struct file){.fd = fd};
	if (!kw_header_read(fd, &file->header) || file->header.e_phentsize != sizeof(Elf64_Phdr))
		return false;
	file->count = file->header.e_phnum < SEGMENTS_MOST ? file->header.e_phnum : SEGMENTS_MOST;
	return kw_header_read_at(fd, file->header.e_phoff, file->segments, file->count * sizeof(Elf64_Phdr));
}

static bool has_symbols(const struct file *file)
{
	Elf64_Shdr sections[SECTIONS_MOST];
	size_t count = file->header.e_shnum < SECTIONS_MOST ? file->header.e_shnum : SECTIONS_MOST;

	if (file->header.e_shentsize != sizeof(Elf64_Shdr) ||
	    !kw_header_read_at(file->fd, file->header.e_shoff, sections, count * sizeof(Elf64_Shdr)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			return true;
	return false;
}

static uint64_t offset_of(const struct file *file, uint64_t address)
{
	return kw_header_offset(file->segments, file->count, address, 0);
}

/* Finds the tables of the dynamic linker. */
static void find_tables(struct file *file)
{
	Elf64_Dyn entries[ENTRIES_MOST];

	for (size_t i = 0; i < file->count; i++) {
		const Elf64_Phdr *segment = &file->segments[i];
		size_t count = segment->p_filesz / sizeof(Elf64_Dyn);

		count = count < ENTRIES_MOST ? count : ENTRIES_MOST;
		if (segment->p_type != PT_DYNAMIC ||
		    !kw_header_read_at(file->fd, segment->p_offset, entries, count * sizeof(Elf64_Dyn)))
			continue;
		for (size_t k = 0; k < count && entries[k].d_tag != DT_NULL; k++) {
			uint64_t at = offset_of(file, entries[k].d_un.d_ptr);

			file->hashes = entries[k].d_tag == DT_GNU_HASH ? at : file->hashes;
			file->symbols = entries[k].d_tag == DT_SYMTAB ? at : file->symbols;
			file->names = entries[k].d_tag == DT_STRTAB ? at : file->names;
		}
	}
}

/* ---- the hash table: https://sourceware.org/legacy-ml/binutils/2006-10/msg00377.html ------------------ */

struct table {
	uint32_t buckets;
	uint32_t first; /* index of the first symbol that is in the table */
	uint32_t words; /* of the filter, 64 bits each */
	uint32_t shift; /* of the filter's second bit */
};

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

/* Two bits of a word are set for each name that is there. */
static bool passes_filter(int fd, uint64_t at, const struct table *table, uint32_t hash)
{
	uint64_t word, bits = 1ULL << hash % 64 | 1ULL << (hash >> table->shift % 32) % 64;

	return kw_header_read_at(fd, at + sizeof(*table) + (uint64_t)(hash / 64 % table->words) * sizeof(word),
				 &word, sizeof(word)) &&
	       (word & bits) == bits;
}

/* The index of the symbol with this hash; 0: there is none, or its bucket is too long. */
static uint32_t look_up(int fd, uint64_t at, const struct table *table, uint32_t hash)
{
	uint64_t buckets = at + sizeof(*table) + (uint64_t)table->words * sizeof(uint64_t);
	uint64_t chains = buckets + (uint64_t)table->buckets * sizeof(uint32_t);
	uint32_t chain[CHAIN_MOST], index;
	ssize_t got;

	if (!kw_header_read_at(fd, buckets + (uint64_t)(hash % table->buckets) * sizeof(index), &index,
			       sizeof(index)) ||
	    index < table->first)
		return 0;
	got = pread(fd, chain, sizeof(chain),
		    (off_t)(chains + (uint64_t)(index - table->first) * sizeof(*chain)));
	for (uint32_t i = 0; got > 0 && i < (size_t)got / sizeof(*chain); i++) {
		if ((chain[i] | 1) == (hash | 1))
			return index + i;
		if (chain[i] & 1) /* the last of its bucket */
			return 0;
	}
	return 0;
}

static uint32_t index_of(const struct file *file, const struct table *table, const char *name)
{
	uint32_t hash = hash_of(name);

	return passes_filter(file->fd, file->hashes, table, hash) ? look_up(file->fd, file->hashes, table, hash)
								  : 0;
}

static bool read_table(struct file *file, struct table *ret_table)
{
	find_tables(file);
	return file->hashes && kw_header_read_at(file->fd, file->hashes, ret_table, sizeof(*ret_table)) &&
	       ret_table->words && ret_table->buckets;
}

enum kw_exports kw_exports_look(int fd, const char *const *names, size_t count)
{
	struct table table;
	struct file file;

	if (!begin(fd, &file))
		return KW_EXPORTS_NO_ELF;
	if (has_symbols(&file))
		return KW_EXPORTS_MAYBE;
	if (!read_table(&file, &table))
		return file.header.e_type == ET_DYN ? KW_EXPORTS_MAYBE : KW_EXPORTS_NONE;
	for (size_t i = 0; i < count; i++)
		if (index_of(&file, &table, names[i]))
			return KW_EXPORTS_MAYBE;
	return KW_EXPORTS_NONE;
}

/* The function that the symbol with this index is; 0: it is none, or has another name. */
static uint64_t function_at(const struct file *file, uint32_t index, const char *name)
{
	char own[NAME_MOST];
	Elf64_Sym symbol;
	ssize_t got;

	if (!kw_header_read_at(file->fd, file->symbols + (uint64_t)index * sizeof(symbol), &symbol,
			       sizeof(symbol)) ||
	    ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF)
		return 0;
	got = pread(file->fd, own, sizeof(own), (off_t)(file->names + symbol.st_name));
	if (got <= (ssize_t)strlen(name) || memcmp(own, name, strlen(name) + 1) != 0)
		return 0;
	return offset_of(file, symbol.st_value);
}

bool kw_exports_find(int fd, const char *const *names, size_t count, uint64_t *ret_offsets)
{
	struct table table;
	struct file file;

	if (!begin(fd, &file) || !read_table(&file, &table) || !file.symbols || !file.names)
		return false;
	for (size_t i = 0; i < count; i++) {
		uint32_t index = index_of(&file, &table, names[i]);

		ret_offsets[i] = index ? function_at(&file, index, names[i]) : 0;
	}
	return true;
}

bool kw_exports_has_symbols(int fd)
{
	struct file file;

	return begin(fd, &file) && has_symbols(&file);
}
