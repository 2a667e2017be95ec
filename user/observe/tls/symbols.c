/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/symbols.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SYMBOLS_MOST 65536 /* of one table */
#define CODE_MOST 64       /* bytes of a function that are looked at */

static const char *const names[KW_TLS_FUNCTIONS] = {
	[KW_TLS_READ] = "SSL_read",
	[KW_TLS_READ_EX] = "SSL_read_ex",
	[KW_TLS_WRITE] = "SSL_write",
	[KW_TLS_WRITE_EX] = "SSL_write_ex",
	[KW_TLS_NEW] = "SSL_new",
	[KW_TLS_GET_RANDOM] = "SSL_get_client_random",
	[KW_TLS_IS_SERVER] = "SSL_is_server",
};

/* ---- the table -------------------------------------------------------------------------------------- */

/* The offset in the file of the code that is loaded at @address; 0 if there is none. */
static uint64_t offset_of(Elf *elf, uint64_t address)
{
	size_t count = 0;
	GElf_Phdr header;

	if (elf_getphdrnum(elf, &count) < 0)
		return 0;
	for (size_t i = 0; i < count && i < SYMBOLS_MOST; i++)
		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD && (header.p_flags & PF_X) &&
		    address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz)
			return address - header.p_vaddr + header.p_offset;
	return 0;
}

static void note_symbol(Elf *elf, const char *name, const GElf_Sym *symbol, struct kw_tls_symbols *symbols)
{
	if (!name || GELF_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF)
		return;
	for (size_t i = 0; i < KW_TLS_FUNCTIONS; i++)
		if (strcmp(name, names[i]) == 0)
			symbols->functions[i] = offset_of(elf, symbol->st_value);
}

static void read_table(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct kw_tls_symbols *symbols)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Sym symbol;

	for (size_t i = 0; i < count && i < SYMBOLS_MOST; i++)
		if (gelf_getsym(data, (int)i, &symbol))
			note_symbol(elf, elf_strptr(elf, header->sh_link, symbol.st_name), &symbol, symbols);
}

static void read_tables(Elf *elf, struct kw_tls_symbols *symbols)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
			read_table(elf, section, &header, symbols);
}

static bool is_for_us(Elf *elf)
{
	GElf_Ehdr header;

#if defined(__x86_64__)
	const GElf_Half machine = EM_X86_64;
#elif defined(__aarch64__)
	const GElf_Half machine = EM_AARCH64;
#endif
	return elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 && gelf_getehdr(elf, &header) &&
	       header.e_machine == machine;
}

/* ---- the code --------------------------------------------------------------------------------------- */

#if defined(__x86_64__)

/* Intel's manual, volume 2, chapter 2: an instruction that takes "displacement(%rdi)", in which the function has its first
 * argument. */
#define REX_W 0x48
#define LEA 0x8d
#define LOAD 0x8b
#define IS_RDI_WITH_32(byte) (((byte)&0xc7) == 0x87) /* the register that it sets may be any */
#define EAX_FROM_RDI_WITH_8 0x47
#define EAX_FROM_RDI_WITH_32 0x87

static uint32_t little(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint32_t address_of_field(const uint8_t *code, size_t size)
{
	for (size_t i = 0; i + 7 <= size; i++)
		if (code[i] == REX_W && code[i + 1] == LEA && IS_RDI_WITH_32(code[i + 2]))
			return little(code + i + 3);
	return KW_TLS_FIELD_UNKNOWN;
}

static uint32_t loaded_field(const uint8_t *code, size_t size)
{
	for (size_t i = 0; i + 6 <= size; i++) {
		if (code[i] == LOAD && code[i + 1] == EAX_FROM_RDI_WITH_8)
			return code[i + 2] < 0x80 ? code[i + 2] : KW_TLS_FIELD_UNKNOWN;
		if (code[i] == LOAD && code[i + 1] == EAX_FROM_RDI_WITH_32)
			return little(code + i + 2);
	}
	return KW_TLS_FIELD_UNKNOWN;
}

#elif defined(__aarch64__)

/* Arm's manual, C6.2: "add Xn, x0, #immediate" and "ldr w0, [x0, #immediate]". */
#define ADD_TO_X0(word) (((word)&0xffc003e0) == 0x91000000)
#define LOAD_FROM_X0(word) (((word)&0xffc003ff) == 0xb9400000)
#define IMMEDIATE(word) ((word) >> 10 & 0xfff)

static uint32_t word_at(const uint8_t *code, size_t at)
{
	uint32_t word;

	memcpy(&word, code + at, sizeof(word));
	return word;
}

static uint32_t address_of_field(const uint8_t *code, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
		if (ADD_TO_X0(word_at(code, i)))
			return IMMEDIATE(word_at(code, i));
	return KW_TLS_FIELD_UNKNOWN;
}

static uint32_t loaded_field(const uint8_t *code, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
		if (LOAD_FROM_X0(word_at(code, i)) && IMMEDIATE(word_at(code, i)))
			return IMMEDIATE(word_at(code, i)) * sizeof(uint32_t);
	return KW_TLS_FIELD_UNKNOWN;
}

#endif

/* The field that @find finds in the code of a function. */
static uint16_t field_of(int fd, uint64_t function, uint32_t (*find)(const uint8_t *code, size_t size))
{
	uint8_t code[CODE_MOST];
	ssize_t got = function ? pread(fd, code, sizeof(code), (off_t)function) : 0;
	uint32_t at = got > 0 ? find(code, (size_t)got) : KW_TLS_FIELD_UNKNOWN;

	return at < KW_TLS_FIELD_UNKNOWN ? (uint16_t)at : KW_TLS_FIELD_UNKNOWN;
}

int kw_tls_symbols_read(int fd, struct kw_tls_symbols *ret_symbols)
{
	const uint64_t *functions = ret_symbols->functions;
	Elf *elf;

	memset(ret_symbols, 0, sizeof(*ret_symbols));
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOEXEC;
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || !is_for_us(elf)) {
		elf_end(elf);
		return -ENOEXEC;
	}
	read_tables(elf, ret_symbols);
	elf_end(elf);
	if (!functions[KW_TLS_READ] || !functions[KW_TLS_WRITE] || !functions[KW_TLS_NEW])
		return -ENOENT;
	ret_symbols->random_at = field_of(fd, functions[KW_TLS_GET_RANDOM], address_of_field);
	ret_symbols->server_at = field_of(fd, functions[KW_TLS_IS_SERVER], loaded_field);
	return ret_symbols->random_at == KW_TLS_FIELD_UNKNOWN ? -ENOTSUP : 0;
}
