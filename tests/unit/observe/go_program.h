/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a file that looks like a Go program: its functions do nothing but show what is looked for in their code, and its table of functions
 * has the form of one of Go's versions. */
#ifndef KEEPWATCH_TESTS_GO_PROGRAM_H
#define KEEPWATCH_TESTS_GO_PROGRAM_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "observe/tls/code.h"

enum go_function {
	GO_READ,
	GO_WRITE_RECORD,
	GO_CLIENT,
	GO_SERVER,
	GO_ENCRYPT,
	GO_WRITE,
	GO_DESTROY,
	GO_TCP_READ,
	GO_MEMMOVE,
	GO_FUNCTIONS,
};

static const char *const go_names[GO_FUNCTIONS] = {
	"crypto/tls.(*Conn).Read",
	"crypto/tls.(*Conn).writeRecordLocked",
	"crypto/tls.(*Conn).clientHandshake",
	"crypto/tls.(*Conn).serverHandshake",
	"crypto/tls.(*halfConn).encrypt",
	"crypto/tls.(*Conn).write",
	"internal/poll.(*FD).destroy",
	"net.(*TCPConn).Read",
	"runtime.memmove",
};

enum go_form {
	GO_1_16,
	GO_1_18,
	GO_1_20,
	GO_1_26, /* does not say where the code begins */
	GO_FORMS,
};

/* Faults that code may have. */
enum go_fault {
	GO_SOUND,
	GO_UNCHECKED,   /* a function does not look whether its stack suffices, or in another way */
	GO_TWO_MOVES,   /* plaintext is copied at two places */
	GO_OVERWRITTEN, /* the place on the stack is used for something else too */
	GO_NOT_KEPT,    /* the connection is not kept on the stack */
	GO_OTHER_JUMP,  /* something else is done between the call and the jump */
	GO_ELSEWHERE,   /* the descriptor is in another place */
	GO_FAULTS,
};

#define GO_SIZE 8192
#define GO_TEXT 0x400000 /* address and */
#define GO_CODE 0x1000   /* offset of .text */
#define GO_PREFIX 0x100  /* bytes before Go's code in it */
#define GO_STEP 128      /* bytes of a function */
#define GO_TABLE 0x1800
#define GO_NAMES_AT 72 /* in the table */
#define GO_LIST_AT 768
#define GO_SLOT 0x70
#define GO_LAST_OF_INPUT 0x2c0

struct go_program {
	uint8_t bytes[GO_SIZE];
	enum kw_machine machine;
	enum go_form form;
	enum go_fault fault;
	uint64_t functions[GO_FUNCTIONS];                   /* offsets in the file */
	uint64_t move, encrypt, jump, checks[GO_FUNCTIONS]; /* places for probes */
	size_t at;                                          /* of the next instruction */
};

/* ---- instructions: Intel SDM volume 2; Arm Architecture Reference Manual, C6 ---------------------------- */

static bool go_is_x86(const struct go_program *program)
{
	return program->machine == KW_MACHINE_X86_64;
}

static void go_bytes(struct go_program *program, const char *bytes, size_t size)
{
	memcpy(program->bytes + program->at, bytes, size);
	program->at += size;
}

static void go_word(struct go_program *program, uint32_t word)
{
	memcpy(program->bytes + program->at, &word, sizeof(word));
	program->at += sizeof(word);
}

/* cmp rsp, [r14 + 16]; jbe -- ldr x16, [x28, #16]; cmp sp, x16; b.ls */
static void go_check(struct go_program *program, enum go_function function)
{
	if (program->fault == GO_UNCHECKED && function == GO_WRITE)
		return;
	if (go_is_x86(program)) {
		go_bytes(program, "\x49\x3b\x66\x10", 4);
		program->checks[function] = program->at;
		go_bytes(program, "\x0f\x86\x40\x00\x00\x00", 6);
		return;
	}
	go_word(program, 0xf9400b90);
	go_word(program, 0xeb3063ff);
	program->checks[function] = program->at;
	go_word(program, 0x54000209);
}

/* mov [rsp + 0x70], rax -- str x0, [sp, #0x70] */
static void go_keep(struct go_program *program)
{
	if (program->fault == GO_NOT_KEPT)
		return;
	if (go_is_x86(program))
		go_bytes(program, "\x48\x89\x44\x24\x70", 5);
	else
		go_word(program, 0xf9003be0);
}

/* mov [rsp + 0x70], rcx -- str x2, [sp, #0x70] */
static void go_overwrite(struct go_program *program)
{
	if (go_is_x86(program))
		go_bytes(program, "\x48\x89\x4c\x24\x70", 5);
	else
		go_word(program, 0xf9003be2);
}

/* Returns where it stands. */
static uint64_t go_call(struct go_program *program, enum go_function callee)
{
	uint64_t at = program->at;
	int64_t distance = (int64_t)(program->functions[callee] - at);

	if (go_is_x86(program)) {
		go_bytes(program, "\xe8", 1);
		go_word(program, (uint32_t)(distance - 5));
	} else {
		go_word(program, 0x94000000 | ((uint32_t)(distance / 4) & 0x3ffffff));
	}
	return at;
}

/* nop; test rbx, rbx; jne -- nop; cbnz x1. Returns where the jump stands. */
static uint64_t go_jump(struct go_program *program)
{
	uint64_t at;

	if (go_is_x86(program))
		go_bytes(program, "\x90\x48\x85\xdb", 4);
	else
		go_word(program, 0xd503201f);
	if (program->fault == GO_OTHER_JUMP)
		go_overwrite(program);
	at = program->at;
	if (go_is_x86(program))
		go_bytes(program, "\x75\x02", 2);
	else
		go_word(program, 0xb5000041);
	return at;
}

/* mov qword [rsi + at], -1 -- mov x1, #-1; str x1, [x3, #at] */
static void go_unset(struct go_program *program, uint32_t at)
{
	if (go_is_x86(program)) {
		go_bytes(program, "\x48\xc7\x86", 3);
		go_word(program, at);
		go_word(program, 0xffffffff);
	} else {
		go_word(program, 0x92800001);
		go_word(program, 0xf9000061 | at / 8 << 10);
	}
}

static void go_return(struct go_program *program)
{
	if (go_is_x86(program))
		go_bytes(program, "\xc3", 1);
	else
		go_word(program, 0xd65f03c0);
}

/* ---- functions --------------------------------------------------------------------------------------- */

static void go_put_read(struct go_program *program)
{
	go_unset(program, GO_LAST_OF_INPUT);
	program->move = go_call(program, GO_MEMMOVE);
	if (program->fault == GO_TWO_MOVES)
		go_call(program, GO_MEMMOVE);
	if (program->fault == GO_OVERWRITTEN)
		go_overwrite(program);
}

static void go_put_write(struct go_program *program)
{
	program->encrypt = go_call(program, GO_ENCRYPT);
	go_call(program, GO_WRITE);
	program->jump = go_jump(program);
}

static void go_put_functions(struct go_program *program)
{
	for (enum go_function i = 0; i < GO_FUNCTIONS; i++)
		program->functions[i] = GO_CODE + GO_PREFIX + i * GO_STEP;
	for (enum go_function i = 0; i < GO_FUNCTIONS; i++) {
		program->at = program->functions[i];
		if (i < GO_TCP_READ)
			go_check(program, i);
		if (i == GO_READ || i == GO_WRITE_RECORD)
			go_keep(program);
		if (i == GO_READ)
			go_put_read(program);
		if (i == GO_WRITE_RECORD)
			go_put_write(program);
		if (i == GO_DESTROY)
			go_unset(program, program->fault == GO_ELSEWHERE ? 24 : 16);
		go_return(program);
	}
}

/* ---- the table --------------------------------------------------------------------------------------- */

static void go_put64(struct go_program *program, size_t at, uint64_t value)
{
	memcpy(program->bytes + at, &value, sizeof(value));
}

static void go_put32(struct go_program *program, size_t at, uint32_t value)
{
	memcpy(program->bytes + at, &value, sizeof(value));
}

static void go_put_header(struct go_program *program, size_t names_size)
{
	static const uint32_t magics[GO_FORMS] = {0xfffffffa, 0xfffffff0, 0xfffffff1, 0xfffffff1};
	size_t at = GO_TABLE, more = program->form == GO_1_16 ? 0 : 8;

	go_put32(program, at, magics[program->form]);
	program->bytes[at + 6] = go_is_x86(program) ? 1 : 4;
	program->bytes[at + 7] = 8;
	go_put64(program, at + 8, GO_FUNCTIONS);
	if (program->form == GO_1_18 || program->form == GO_1_20)
		go_put64(program, at + 24, GO_TEXT + GO_PREFIX);
	go_put64(program, at + 24 + more, GO_NAMES_AT);
	go_put64(program, at + 32 + more, GO_NAMES_AT + names_size);
	go_put64(program, at + 56 + more, GO_LIST_AT);
}

/* One entry of the list, and the description that it leads to. */
static void go_put_entry(struct go_program *program, size_t index, uint32_t name)
{
	size_t width = program->form == GO_1_16 ? 8 : 4, list = GO_TABLE + GO_LIST_AT;
	size_t description = (GO_FUNCTIONS + 1) * 2 * width + index * 16;
	uint64_t entry = index * GO_STEP;

	if (width == 8) {
		go_put64(program, list + index * 16, GO_TEXT + GO_PREFIX + entry);
		go_put64(program, list + index * 16 + 8, description);
	} else {
		go_put32(program, list + index * 8, (uint32_t)entry);
		go_put32(program, list + index * 8 + 4, (uint32_t)description);
	}
	go_put32(program, list + description + width, name);
}

static void go_put_table(struct go_program *program)
{
	size_t size = 0;

	for (size_t i = 0; i < GO_FUNCTIONS; i++) {
		go_put_entry(program, i, (uint32_t)size);
		strcpy((char *)program->bytes + GO_TABLE + GO_NAMES_AT + size, go_names[i]);
		size += strlen(go_names[i]) + 1;
	}
	go_put_entry(program, GO_FUNCTIONS, 0);
	go_put_header(program, size);
}

/* ---- the file ---------------------------------------------------------------------------------------- */

static void go_put_section(struct go_program *program, size_t index, uint32_t name, Elf64_Addr address,
			   size_t offset, size_t size)
{
	Elf64_Shdr section = {.sh_name = name,
			      .sh_type = SHT_PROGBITS,
			      .sh_addr = address,
			      .sh_offset = offset,
			      .sh_size = size};

	memcpy(program->bytes + 512 + index * sizeof(section), &section, sizeof(section));
}

static void go_put_headers(struct go_program *program)
{
	static const char names[] = "\0.text\0.gopclntab\0.shstrtab";
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			     .e_type = ET_EXEC,
			     .e_machine = go_is_x86(program) ? EM_X86_64 : EM_AARCH64,
			     .e_version = EV_CURRENT,
			     .e_phoff = sizeof(header),
			     .e_shoff = 512,
			     .e_ehsize = sizeof(header),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 1,
			     .e_shentsize = sizeof(Elf64_Shdr),
			     .e_shnum = 4,
			     .e_shstrndx = 3};
	Elf64_Phdr segment = {.p_type = PT_LOAD,
			      .p_flags = PF_R | PF_X,
			      .p_offset = GO_CODE,
			      .p_vaddr = GO_TEXT,
			      .p_filesz = GO_TABLE - GO_CODE,
			      .p_memsz = GO_TABLE - GO_CODE};

	memcpy(program->bytes, &header, sizeof(header));
	memcpy(program->bytes + sizeof(header), &segment, sizeof(segment));
	memcpy(program->bytes + 256, names, sizeof(names));
	go_put_section(program, 1, 1, GO_TEXT, GO_CODE, GO_TABLE - GO_CODE);
	go_put_section(program, 2, 7, 0, GO_TABLE, GO_SIZE - GO_TABLE);
	go_put_section(program, 3, 18, 0, 256, sizeof(names));
}

static void go_make_for(struct go_program *program, enum kw_machine machine, enum go_form form,
			enum go_fault fault)
{
	*program = (struct go_program){.machine = machine, .form = form, .fault = fault};
	go_put_functions(program);
	go_put_table(program);
	go_put_headers(program);
}

/* For this processor. */
static void go_make(struct go_program *program, enum go_form form, enum go_fault fault)
{
	go_make_for(program, KW_MACHINE_OWN, form, fault);
}

#endif
