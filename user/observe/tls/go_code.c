/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/go_code.h"

#include "observe/tls/capstone.h"

#define FIRST_MOST 8        /* instructions that look whether the stack suffices */
#define BETWEEN_MOST 8      /* that may stand between a call and what is done with its result */
#define STACK_LIMIT 16      /* offset in a goroutine's structure: src/runtime/runtime2.go, g.stackguard0 */
#define SLOT_MOST (1 << 15) /* bytes */

/* ---- one instruction after the other ---------------------------------------------------------------- */

/* Registers: src/cmd/compile/abi-internal.md. */
struct machine {
	cs_arch arch;
	cs_mode mode;
	unsigned int first;     /* argument */
	unsigned int second;    /* result */
	unsigned int goroutine; /* its structure's address */
	unsigned int stack;
};

static const struct machine machines[] = {
	[KW_MACHINE_X86_64] = {CS_ARCH_X86, CS_MODE_64, X86_REG_RAX, X86_REG_RBX, X86_REG_R14, X86_REG_RSP},
	[KW_MACHINE_ARM64] = {CS_ARCH_ARM64, CS_MODE_ARM, ARM64_REG_X0, ARM64_REG_X1, ARM64_REG_X28,
			      ARM64_REG_SP},
};

struct walk {
	const struct machine *machine;
	csh handle;
	cs_insn *one; /* the instruction in hand */
	const uint8_t *bytes;
	size_t left;
	uint64_t at;
};

static bool begin(const struct kw_code *code, struct walk *walk)
{
	*walk = (struct walk){&machines[code->machine], .bytes = code->bytes, .left = code->size,
			      .at = code->at};
	if (!kw_capstone_begin(walk->machine->arch, walk->machine->mode, &walk->handle, &walk->one))
		return false;
	/* Capstone does not know each instruction of arm64, where all have the same length. */
	if (walk->machine->arch == CS_ARCH_ARM64)
		kw_capstone.option(walk->handle, CS_OPT_SKIPDATA, CS_OPT_ON);
	return true;
}

static void end(struct walk *walk)
{
	kw_capstone_end(walk->handle, walk->one);
}

/* The next instruction in the order in which they stand. One that is not known has no operands. */
static bool next(struct walk *walk)
{
	return kw_capstone.disasm_iter(walk->handle, &walk->bytes, &walk->left, &walk->at, walk->one);
}

static bool is_x86(const struct walk *walk)
{
	return walk->machine->arch == CS_ARCH_X86;
}

static bool is_in_group(const struct walk *walk, uint8_t group)
{
	return walk->one->id && kw_capstone.insn_group(walk->handle, walk->one, group);
}

/* ---- operands --------------------------------------------------------------------------------------- */

/* An operand, as far as both processors have it. */
struct operand {
	unsigned int reg;  /* or 0 */
	unsigned int base; /* of a place in memory; or 0 */
	int64_t offset;    /* of that place, */
	int64_t immediate; /* or the number itself */
	bool is_immediate;
	bool is_written;
};

static struct operand x86_operand(const cs_x86_op *op)
{
	bool written = op->access & CS_AC_WRITE;

	if (op->type == X86_OP_REG)
		return (struct operand){.reg = op->size == 8 ? op->reg : 0, .is_written = written};
	if (op->type == X86_OP_IMM)
		return (struct operand){.immediate = op->imm, .is_immediate = true};
	if (op->type == X86_OP_MEM && op->mem.index == X86_REG_INVALID && op->mem.segment == X86_REG_INVALID)
		return (struct operand){.base = op->mem.base, .offset = op->mem.disp, .is_written = written};
	return (struct operand){0};
}

static struct operand arm64_operand(const cs_arm64_op *op)
{
	if (op->type == ARM64_OP_REG)
		return (struct operand){.reg = op->reg, .is_written = op->access & CS_AC_WRITE};
	if (op->type == ARM64_OP_IMM)
		return (struct operand){.immediate = op->imm, .is_immediate = true};
	if (op->type == ARM64_OP_MEM && op->mem.index == ARM64_REG_INVALID)
		return (struct operand){.base = op->mem.base, .offset = op->mem.disp};
	return (struct operand){0};
}

/* The operand @index of the instruction in hand; empty if there is none. */
static struct operand operand(const struct walk *walk, unsigned int index)
{
	const cs_detail *detail = walk->one->id ? walk->one->detail : NULL;

	if (detail && is_x86(walk) && index < detail->x86.op_count)
		return x86_operand(&detail->x86.operands[index]);
	if (detail && !is_x86(walk) && index < detail->arm64.op_count)
		return arm64_operand(&detail->arm64.operands[index]);
	return (struct operand){0};
}

static bool writes(const struct walk *walk, unsigned int reg)
{
	cs_regs read, written;
	uint8_t reads, count;

	if (!walk->one->id ||
	    kw_capstone.regs_access(walk->handle, walk->one, read, &reads, written, &count) != CS_ERR_OK)
		return true;
	for (unsigned int i = 0; i < count; i++)
		if (written[i] == reg)
			return true;
	return false;
}

/* ---- where the stack is checked --------------------------------------------------------------------- */

/* Does the instruction in hand read where the goroutine's stack ends? */
static bool reads_limit(const struct walk *walk)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct operand place = operand(walk, i);

		if (place.base == walk->machine->goroutine && place.offset == STACK_LIMIT)
			return walk->one->id ==
			       (is_x86(walk) ? (unsigned int)X86_INS_CMP : (unsigned int)ARM64_INS_LDR);
	}
	return false;
}

static bool is_condition(const struct walk *walk)
{
	if (is_x86(walk))
		return is_in_group(walk, CS_GRP_JUMP) && walk->one->id != X86_INS_JMP;
	return walk->one->id == ARM64_INS_B && walk->one->detail->arm64.cc != ARM64_CC_INVALID &&
	       walk->one->detail->arm64.cc != ARM64_CC_AL;
}

uint64_t kw_go_code_check(const struct kw_code *code)
{
	uint64_t found = 0;
	bool read = false;
	struct walk walk;

	if (!begin(code, &walk))
		return 0;
	for (unsigned int i = 0; !found && i < FIRST_MOST && next(&walk); i++) {
		if (read && is_condition(&walk))
			found = walk.one->address;
		read |= reads_limit(&walk);
	}
	end(&walk);
	return found;
}

/* ---- where an argument is kept ---------------------------------------------------------------------- */

/* The place on the stack where the instruction in hand stores a register of 8 bytes; -1: none. On arm64 one may store two. */
static int64_t stored(const struct walk *walk, unsigned int reg)
{
	unsigned int id = walk->one->id;
	struct operand place = operand(walk, is_x86(walk) ? 0 : id == ARM64_INS_STP ? 2 : 1);
	bool stores = is_x86(walk) ? id == X86_INS_MOV && place.is_written
				   : id == ARM64_INS_STR || id == ARM64_INS_STP;

	if (!stores || place.base != walk->machine->stack)
		return -1;
	if (operand(walk, is_x86(walk) ? 1 : 0).reg == reg)
		return place.offset;
	return id == ARM64_INS_STP && !is_x86(walk) && operand(walk, 1).reg == reg ? place.offset + 8 : -1;
}

/* Does it store anything there? */
static bool stores_at(const struct walk *walk, int64_t at)
{
	unsigned int id = walk->one->id;
	struct operand place = operand(walk, is_x86(walk) ? 0 : id == ARM64_INS_STP ? 2 : 1);

	if (place.base != walk->machine->stack)
		return false;
	if (is_x86(walk))
		return place.is_written && place.offset == at;
	return (id == ARM64_INS_STR && place.offset == at) ||
	       (id == ARM64_INS_STP && (place.offset == at || place.offset + 8 == at));
}

/* The place on the stack where the argument is kept first, before anything is called. */
static int64_t find_slot(struct walk *walk)
{
	int64_t slot = -1;

	while (slot < 0 && next(walk)) {
		slot = stored(walk, walk->machine->first);
		if (is_in_group(walk, CS_GRP_CALL) || (slot < 0 && writes(walk, walk->machine->first)))
			break;
	}
	return slot > 0 && slot < SLOT_MOST ? slot : -1;
}

uint32_t kw_go_code_slot(const struct kw_code *code)
{
	struct walk walk;
	int64_t slot;

	if (!begin(code, &walk))
		return KW_CODE_UNKNOWN;
	slot = find_slot(&walk);
	while (slot >= 0 && next(&walk))
		if (stores_at(&walk, slot))
			slot = -1;
	end(&walk);
	return slot >= 0 ? (uint32_t)slot : KW_CODE_UNKNOWN;
}

/* ---- calls ------------------------------------------------------------------------------------------ */

uint64_t kw_go_code_call(const struct kw_code *code, uint64_t callee)
{
	uint64_t found = 0;
	unsigned int count = 0;
	struct walk walk;

	if (!callee || !begin(code, &walk))
		return 0;
	while (next(&walk)) {
		struct operand target = operand(&walk, 0);
		bool calls = walk.one->id ==
			     (is_x86(&walk) ? (unsigned int)X86_INS_CALL : (unsigned int)ARM64_INS_BL);

		if (!calls || !target.is_immediate || (uint64_t)target.immediate != callee)
			continue;
		found = walk.one->address;
		count++;
	}
	end(&walk);
	return count == 1 ? found : 0;
}

/* Is it the jump? On x86_64 the second result is compared with itself before, on arm64 the jump itself looks at it. */
static bool depends_on_result(const struct walk *walk, bool tested)
{
	unsigned int id = walk->one->id;

	if (is_x86(walk))
		return tested && (id == X86_INS_JE || id == X86_INS_JNE);
	return (id == ARM64_INS_CBZ || id == ARM64_INS_CBNZ) && operand(walk, 0).reg == walk->machine->second;
}

static bool tests_result(const struct walk *walk)
{
	return is_x86(walk) && walk->one->id == X86_INS_TEST && operand(walk, 0).reg == walk->machine->second &&
	       operand(walk, 1).reg == walk->machine->second;
}

uint64_t kw_go_code_jump(const struct kw_code *code, uint64_t call)
{
	bool tested = false, other = false;
	uint64_t found = 0;
	struct walk walk;

	if (!begin(code, &walk))
		return 0;
	while (next(&walk) && walk.one->address != call)
		;
	for (unsigned int i = 0; !found && !other && i < BETWEEN_MOST && next(&walk); i++) {
		bool nothing = walk.one->id ==
			       (is_x86(&walk) ? (unsigned int)X86_INS_NOP : (unsigned int)ARM64_INS_NOP);

		if (depends_on_result(&walk, tested))
			found = walk.one->address;
		tested |= tests_result(&walk);
		other = !found && !nothing && !tests_result(&walk);
	}
	end(&walk);
	return found;
}

/* ---- a field that is set to -1 ---------------------------------------------------------------------- */

/* arm64 has no store of a number: a register is set to it first. */
static bool sets_register(const struct walk *walk, unsigned int *reg)
{
	struct operand value = operand(walk, 1);
	bool sets = !is_x86(walk) && value.is_immediate &&
		    ((walk->one->id == ARM64_INS_MOV && value.immediate == -1) ||
		     (walk->one->id == ARM64_INS_MOVN && value.immediate == 0));

	if (sets)
		*reg = operand(walk, 0).reg;
	return sets;
}

static int64_t unset_by(const struct walk *walk, unsigned int reg)
{
	struct operand place = operand(walk, is_x86(walk) ? 0 : 1), value = operand(walk, is_x86(walk) ? 1 : 0);
	bool stores = is_x86(walk)
			      ? walk->one->id == X86_INS_MOV && value.is_immediate && value.immediate == -1 &&
					walk->one->detail->x86.operands[0].size == 8
			      : walk->one->id == ARM64_INS_STR && reg && value.reg == reg;

	return stores && place.base && place.base != walk->machine->stack ? place.offset : -1;
}

uint32_t kw_go_code_unset(const struct kw_code *code)
{
	unsigned int reg = 0;
	int64_t found = -1;
	struct walk walk;

	if (!begin(code, &walk))
		return KW_CODE_UNKNOWN;
	while (found < 0 && next(&walk)) {
		found = unset_by(&walk, reg);
		if (!sets_register(&walk, &reg) && reg && writes(&walk, reg))
			reg = 0;
	}
	end(&walk);
	return found >= 0 && found < KW_CODE_UNKNOWN ? (uint32_t)found : KW_CODE_UNKNOWN;
}
