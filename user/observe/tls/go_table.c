/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/go_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "observe/tls/go_code.h"
#include "observe/tls/header.h"
#include "observe/tls/sections.h"

#define TABLE_MOST (128u << 20) /* bytes; programs have some 20 MiB */
#define WANTED_MOST 16
#define PREFIX_MOST (64 << 10) /* bytes of C's code that may lie before Go's */
#define CODE_STEP 16           /* bytes to which Go's code is aligned at least */

/* ---- the table -------------------------------------------------------------------------------------- */

/* How the table begins. */
#define MAGIC_1_16 0xfffffffa
#define MAGIC_1_18 0xfffffff0
#define MAGIC_1_20 0xfffffff1
#define HEADER 72 /* bytes, of the longest form */

struct table {
	uint8_t *bytes;
	size_t size;
	uint64_t count; /* of functions */
	uint64_t
		text; /* address that functions are counted from; 0: it does not say, but for Go 1.16 and 1.17 */
	uint64_t names; /* offset of the functions' names */
	uint64_t names_end;
	uint64_t entries; /* offset of the list of functions; their descriptions lie behind it */
	size_t width;     /* bytes of a number in that list */
	bool absolute;    /* functions are not counted from the beginning of the code */
};

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* The second half of the header's first 8 bytes: two zeros, the least length of an instruction, and the size of an address. */
static bool is_header(const uint8_t *at)
{
	const uint8_t step = KW_MACHINE_OWN == KW_MACHINE_X86_64 ? 1 : 4;
	uint32_t magic = get32(at);

	return (magic == MAGIC_1_16 || magic == MAGIC_1_18 || magic == MAGIC_1_20) && !at[4] && !at[5] &&
	       at[6] == step && at[7] == 8;
}

/* Numbers of 8 bytes follow: functions, files, from 1.18 on the beginning of the code, then where parts of the table lie: names of
 * functions, units, files, lines, functions. */
static int read_header(struct table *table)
{
	const uint8_t *at = table->bytes;
	size_t more;

	if (table->size < HEADER || !is_header(at))
		return -ENOTSUP;
	table->absolute = get32(at) == MAGIC_1_16;
	more = table->absolute ? 0 : 8;
	table->width = table->absolute ? 8 : 4;
	table->count = get64(at + 8);
	table->text = table->absolute ? 0 : get64(at + 24);
	table->names = get64(at + 24 + more);
	table->names_end = get64(at + 32 + more);
	table->entries = get64(at + 56 + more);
	if (table->names > table->names_end || table->names_end > table->size || table->entries > table->size ||
	    table->count >= (table->size - table->entries) / (2 * table->width))
		return -ENOTSUP;
	return 0;
}

/* A linker that is not Go's may have put the table among other constants that are relocated: searches for its header. */
static size_t find_header(const uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at + HEADER <= size; at += 8)
		if (is_header(bytes + at) && !(get64(bytes + at + 8) >> 32))
			return at;
	return size;
}

static const Elf64_Shdr *table_section(const struct kw_sections *file)
{
	const Elf64_Shdr *section = kw_section(file, ".gopclntab");

	if (!section)
		section = kw_section(file, ".data.rel.ro.gopclntab");
	if (!section && kw_section(file, ".note.go.buildid"))
		section = kw_section(file, ".data.rel.ro");
	return section;
}

/* @table: whose bytes are the caller's to free, whatever this returns. */
static int read_table(const struct kw_sections *file, struct table *table)
{
	const Elf64_Shdr *section = table_section(file);
	size_t at;

	if (!section)
		return -ENOENT;
	if (section->sh_type != SHT_PROGBITS || section->sh_size > TABLE_MOST)
		return -ENOTSUP;
	table->size = section->sh_size;
	table->bytes = malloc(table->size ? table->size : 1);
	if (!table->bytes)
		return -ENOMEM;
	if (!kw_header_read_at(file->fd, section->sh_offset, table->bytes, table->size))
		return -ENOTSUP;
	at = find_header(table->bytes, table->size);
	table->size -= at;
	memmove(table->bytes, table->bytes + at, table->size);
	return read_header(table);
}

/* ---- functions -------------------------------------------------------------------------------------- */

/* A function that is looked for. */
struct wanted {
	uint64_t name; /* offset among the names, */
	bool is_named; /* if it is there */
	bool is_found;
	uint64_t entry; /* see struct table's text */
	uint64_t size;
};

/* Finds the offset of a name among all names. */
static void find_name(const struct table *table, const char *name, struct wanted *wanted)
{
	const char *names = (const char *)table->bytes + table->names, *at = names;
	size_t size = table->names_end - table->names, length = strlen(name) + 1;

	while ((at = memmem(at, size - (size_t)(at - names), name, length))) {
		if (at == names || !at[-1]) {
			wanted->is_named = true;
			wanted->name = (uint64_t)(at - names);
			return;
		}
		at++;
	}
}

/* An entry of the list of functions: where the code begins, and where its description lies, which begins with the first number again, and
 * the name. */
static bool read_entry(const struct table *table, uint64_t index, uint64_t *ret_entry, uint64_t *ret_name)
{
	const uint8_t *at = table->bytes + table->entries + index * 2 * table->width;
	uint64_t description = table->width == 8 ? get64(at + 8) : get32(at + 4);

	*ret_entry = table->width == 8 ? get64(at) : get32(at);
	if (description > table->size - table->entries ||
	    table->size - table->entries - description < table->width + 4)
		return false;
	*ret_name = get32(table->bytes + table->entries + description + table->width);
	return true;
}

static void note_function(struct wanted *wanted, size_t count, uint64_t name, uint64_t entry, uint64_t next)
{
	for (size_t i = 0; i < count; i++) {
		if (!wanted[i].is_named || wanted[i].is_found || wanted[i].name != name || next <= entry)
			continue;
		wanted[i].is_found = true;
		wanted[i].entry = entry;
		wanted[i].size = next - entry;
	}
}

/* One entry more, without a function, says where the last one ends. */
static void find_functions(const struct table *table, struct wanted *wanted, size_t count)
{
	uint64_t entry, next, name;

	for (uint64_t i = 0; i < table->count; i++) {
		const uint8_t *behind = table->bytes + table->entries + (i + 1) * 2 * table->width;

		if (!read_entry(table, i, &entry, &name))
			continue;
		next = table->width == 8 ? get64(behind) : get32(behind);
		note_function(wanted, count, name, entry, next);
	}
}

/* ---- where the code lies ---------------------------------------------------------------------------- */

/* Do the functions lie where they do if the code begins at @text? */
static bool is_text(const struct kw_sections *file, const struct wanted *wanted, size_t checked, uint64_t text)
{
	size_t count = 0;

	for (size_t i = 0; i < checked; i++) {
		uint8_t bytes[KW_GO_CODE_BEGIN];
		uint64_t at = kw_section_offset(file, text + wanted[i].entry);
		const struct kw_code code = {KW_MACHINE_OWN, at, bytes, sizeof(bytes)};

		if (!wanted[i].is_found)
			continue;
		if (!at || !kw_header_read_at(file->fd, at, bytes, sizeof(bytes)) || !kw_go_code_check(&code))
			return false;
		count++;
	}
	return count > 0;
}

static bool find_text(const struct kw_sections *file, const struct table *table, const struct wanted *wanted,
		      size_t checked, uint64_t *ret_text)
{
	const Elf64_Shdr *section = kw_section(file, ".text");

	*ret_text = table->text;
	if (table->absolute || table->text)
		return is_text(file, wanted, checked, table->text);
	for (uint64_t at = 0; section && at < PREFIX_MOST && at < section->sh_size; at += CODE_STEP) {
		*ret_text = section->sh_addr + at;
		if (is_text(file, wanted, checked, *ret_text))
			return true;
	}
	return false;
}

static int locate(const struct kw_sections *file, const struct table *table, const struct wanted *wanted,
		  size_t count, size_t checked, struct kw_go_function *ret_functions)
{
	bool any = false;
	uint64_t text;

	for (size_t i = 0; i < count; i++)
		any |= wanted[i].is_found;
	if (!any)
		return -ENOENT;
	if (!find_text(file, table, wanted, checked, &text))
		return -ENOTSUP;
	for (size_t i = 0; i < count; i++)
		if (wanted[i].is_found)
			ret_functions[i] = (struct kw_go_function){
				kw_section_offset(file, text + wanted[i].entry), wanted[i].size};
	return 0;
}

int kw_go_functions(int fd, const char *const *names, size_t count, size_t checked,
		    struct kw_go_function *ret_functions)
{
	_cleanup_free_ struct kw_sections *file = kw_sections_read(fd);
	struct wanted wanted[WANTED_MOST] = {0};
	struct table table = {0};
	int r;

	memset(ret_functions, 0, count * sizeof(*ret_functions));
	if (!file || count > WANTED_MOST || checked > count)
		return -ENOENT;
	r = read_table(file, &table);
	if (r == 0) {
		for (size_t i = 0; i < count; i++)
			find_name(&table, names[i], &wanted[i]);
		find_functions(&table, wanted, count);
		r = locate(file, &table, wanted, count, checked, ret_functions);
	}
	free(table.bytes);
	return r;
}
