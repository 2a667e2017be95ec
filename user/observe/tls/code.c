/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/code.h"

#include <capstone/capstone.h>

#define INSTRUCTIONS_MOST 64 /* of a function that are looked at */
#define ALIASES_MOST 4       /* registers that hold the first argument at the same time */

/* The names of things that differ between processors. */
struct machine {
	cs_arch arch;
	cs_mode mode;
	unsigned int arguments[5]; /* registers: System V ABI for AMD64, 3.2.3; AAPCS64, 6.8 */
	unsigned int stack;
};

static const struct machine machines[] = {
	[KW_MACHINE_X86_64] = {CS_ARCH_X86,
			       CS_MODE_64,
			       {X86_REG_RDI, X86_REG_RSI, X86_REG_RDX, X86_REG_RCX, X86_REG_R8},
			       X86_REG_RSP},
	[KW_MACHINE_ARM64] = {CS_ARCH_ARM64,
			      CS_MODE_ARM,
			      {ARM64_REG_X0, ARM64_REG_X1, ARM64_REG_X2, ARM64_REG_X3, ARM64_REG_X4},
			      ARM64_REG_SP},
};

/* ---- one instruction after the other ---------------------------------------------------------------- */

struct walk {
	const struct machine *machine;
	csh handle;
	cs_insn *one;
	const uint8_t *bytes;
	size_t left;
	uint64_t at;
	unsigned int steps;
	unsigned int aliases[ALIASES_MOST]; /* registers that hold the first argument; 0: none */
};

static bool begin(const struct kw_code *code, struct walk *walk)
{
	*walk = (struct walk){&machines[code->machine], .bytes = code->bytes, .left = code->size,
			      .at = code->at};
	walk->aliases[0] = walk->machine->arguments[0];
	if (cs_open(walk->machine->arch, walk->machine->mode, &walk->handle) != CS_ERR_OK)
		return false;
	cs_option(walk->handle, CS_OPT_DETAIL, CS_OPT_ON);
	walk->one = cs_malloc(walk->handle);
	if (!walk->one)
		cs_close(&walk->handle);
	return walk->one;
}

static void end(struct walk *walk)
{
	cs_free(walk->one, 1);
	cs_close(&walk->handle);
}

/* The next instruction in the order in which they stand: branches are not followed. */
static bool next(struct walk *walk)
{
	return walk->steps++ < INSTRUCTIONS_MOST &&
	       cs_disasm_iter(walk->handle, &walk->bytes, &walk->left, &walk->at, walk->one);
}

static bool writes(const struct walk *walk, unsigned int reg)
{
	cs_regs read, written;
	uint8_t reads, count;

	if (cs_regs_access(walk->handle, walk->one, read, &reads, written, &count) != CS_ERR_OK)
		return true;
	for (unsigned int i = 0; i < count; i++)
		if (written[i] == reg)
			return true;
	return false;
}

static bool is_alias(const struct walk *walk, unsigned int reg)
{
	for (unsigned int i = 0; i < ALIASES_MOST; i++)
		if (reg && walk->aliases[i] == reg)
			return true;
	return false;
}

/* ---- operands --------------------------------------------------------------------------------------- */

/* An operand, as far as both processors have it. */
struct operand {
	unsigned int reg;  /* or 0 */
	unsigned int base; /* of a place in memory; or 0 */
	int64_t offset;
	unsigned int size; /* bytes; 0: as its register has */
};

static struct operand x86_operand(const cs_x86_op *op)
{
	if (op->type == X86_OP_REG)
		return (struct operand){.reg = op->reg, .size = op->size};
	if (op->type == X86_OP_MEM && op->mem.index == X86_REG_INVALID && op->mem.segment == X86_REG_INVALID)
		return (struct operand){.base = op->mem.base, .offset = op->mem.disp, .size = op->size};
	return (struct operand){0};
}

static struct operand arm64_operand(const cs_arm64_op *op)
{
	if (op->type == ARM64_OP_REG)
		return (struct operand){.reg = op->reg,
					.size = op->reg >= ARM64_REG_W0 && op->reg <= ARM64_REG_W30 ? 4 : 8};
	if (op->type == ARM64_OP_MEM && op->mem.index == ARM64_REG_INVALID)
		return (struct operand){.base = op->mem.base, .offset = op->mem.disp};
	return (struct operand){0};
}

/* The operand @index of the instruction in hand; empty if there is none. */
static struct operand operand(const struct walk *walk, unsigned int index)
{
	const cs_detail *detail = walk->one->detail;

	if (walk->machine->arch == CS_ARCH_X86)
		return index < detail->x86.op_count ? x86_operand(&detail->x86.operands[index])
						    : (struct operand){0};
	return index < detail->arm64.op_count ? arm64_operand(&detail->arm64.operands[index])
					      : (struct operand){0};
}

static int64_t immediate(const struct walk *walk, unsigned int index)
{
	const cs_detail *detail = walk->one->detail;

	if (walk->machine->arch == CS_ARCH_X86)
		return index < detail->x86.op_count && detail->x86.operands[index].type == X86_OP_IMM
			       ? detail->x86.operands[index].imm
			       : 0;
	return index < detail->arm64.op_count && detail->arm64.operands[index].type == ARM64_OP_IMM
		       ? detail->arm64.operands[index].imm
		       : 0;
}

static bool is_move(const struct walk *walk)
{
	return walk->machine->arch == CS_ARCH_X86 ? walk->one->id == X86_INS_MOV
						  : walk->one->id == ARM64_INS_MOV;
}

/* Follows the first argument from register to register. */
static void follow_argument(struct walk *walk)
{
	struct operand to = operand(walk, 0), from = operand(walk, 1);
	bool copied = is_move(walk) && to.reg && is_alias(walk, from.reg);

	for (unsigned int i = 0; i < ALIASES_MOST; i++)
		if (walk->aliases[i] && writes(walk, walk->aliases[i]))
			walk->aliases[i] = 0;
	for (unsigned int i = 0; copied && i < ALIASES_MOST; i++) {
		if (!walk->aliases[i]) {
			walk->aliases[i] = to.reg;
			return;
		}
	}
}

/* ---- fields ----------------------------------------------------------------------------------------- */

/* The field whose address the instruction in hand takes. */
static int64_t address_in(const struct walk *walk)
{
	struct operand from = operand(walk, 1);

	if (walk->one->id == X86_INS_LEA && walk->machine->arch == CS_ARCH_X86 && is_alias(walk, from.base))
		return from.offset;
	if (walk->one->id == ARM64_INS_ADD && walk->machine->arch == CS_ARCH_ARM64 && is_alias(walk, from.reg))
		return immediate(walk, 2);
	return -1;
}

/* The field that it loads. */
static int64_t load_in(const struct walk *walk, uint32_t size)
{
	struct operand to = operand(walk, 0), from = operand(walk, 1);
	bool loads = walk->machine->arch == CS_ARCH_X86 ? walk->one->id == X86_INS_MOV
							: walk->one->id == ARM64_INS_LDR;

	return loads && to.reg && to.size == size && is_alias(walk, from.base) ? from.offset : -1;
}

/* The first that lies from @from to @to. @size: 0 for an address that is taken. */
static uint32_t find_field(const struct kw_code *code, uint32_t from, uint32_t to, uint32_t size)
{
	uint32_t found = KW_CODE_UNKNOWN;
	struct walk walk;

	if (!begin(code, &walk))
		return found;
	while (found == KW_CODE_UNKNOWN && next(&walk)) {
		int64_t at = size ? load_in(&walk, size) : address_in(&walk);

		if (at >= (int64_t)from && at <= (int64_t)to)
			found = (uint32_t)at;
		follow_argument(&walk);
	}
	end(&walk);
	return found;
}

uint32_t kw_code_address(const struct kw_code *code, uint32_t from)
{
	return find_field(code, from, KW_CODE_UNKNOWN - 1, 0);
}

uint32_t kw_code_load(const struct kw_code *code, uint32_t from, uint32_t size)
{
	return find_field(code, from, KW_CODE_UNKNOWN - 1, size);
}

bool kw_code_loads(const struct kw_code *code, uint32_t at, uint32_t size)
{
	return find_field(code, at, at, size) == at;
}

/* ---- the function that is called -------------------------------------------------------------------- */

static bool is_in_group(const struct walk *walk, unsigned int group)
{
	return cs_insn_group(walk->handle, walk->one, (uint8_t)group);
}

/* Which argument does the instruction in hand set to a place on the stack? 0: none. */
static unsigned int result_in(const struct walk *walk)
{
	struct operand to = operand(walk, 0), from = operand(walk, 1);
	bool takes = is_move(walk) ? from.reg == walk->machine->stack
				   : (walk->machine->arch == CS_ARCH_X86
					      ? walk->one->id == X86_INS_LEA && from.base == X86_REG_RSP
					      : walk->one->id == ARM64_INS_ADD && from.reg == ARM64_REG_SP);

	for (unsigned int i = 2; takes && i < 5; i++)
		if (to.reg == walk->machine->arguments[i])
			return i + 1;
	return 0;
}

bool kw_code_callee(const struct kw_code *code, struct kw_callee *ret_callee)
{
	unsigned int result = 0;
	bool found = false;
	struct walk walk;

	*ret_callee = (struct kw_callee){0};
	if (!begin(code, &walk))
		return false;
	while (!found && next(&walk)) {
		unsigned int sets = result_in(&walk);

		if (is_in_group(&walk, CS_GRP_CALL)) {
			found = true;
			break;
		}
		if (is_in_group(&walk, CS_GRP_RET) || writes(&walk, walk.machine->arguments[0]) ||
		    writes(&walk, walk.machine->arguments[1]))
			break;
		result = sets ? sets : result;
	}
	if (found)
		*ret_callee = (struct kw_callee){(uint64_t)immediate(&walk, 0), result};
	end(&walk);
	return found && ret_callee->at;
}

bool kw_code_is_emulated(const struct kw_code *code)
{
	bool emulated = false;
	struct walk walk;

	if (!begin(code, &walk))
		return false;
	if (next(&walk))
		emulated = code->machine == KW_MACHINE_X86_64
				   ? (walk.one->id == X86_INS_PUSH && operand(&walk, 0).reg) ||
					     walk.one->id == X86_INS_NOP
				   : walk.one->id == ARM64_INS_NOP || walk.one->id == ARM64_INS_B;
	end(&walk);
	return emulated;
}
