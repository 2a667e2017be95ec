/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tls/code.h"

#include "observe/tls/capstone.h"

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
	return kw_capstone_begin(walk->machine->arch, walk->machine->mode, &walk->handle, &walk->one);
}

static void end(struct walk *walk)
{
	kw_capstone_end(walk->handle, walk->one);
}

/* The next instruction in the order in which they stand: branches are not followed. */
static bool next(struct walk *walk)
{
	return walk->steps++ < INSTRUCTIONS_MOST &&
	       kw_capstone.disasm_iter(walk->handle, &walk->bytes, &walk->left, &walk->at, walk->one);
}

static bool writes(const struct walk *walk, unsigned int reg)
{
	cs_regs read, written;
	uint8_t reads, count;

	if (kw_capstone.regs_access(walk->handle, walk->one, read, &reads, written, &count) != CS_ERR_OK)
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

/* Capstone 4 counts no instruction of arm64 among calls. */
static bool is_call(const struct walk *walk)
{
	return walk->machine->arch == CS_ARCH_X86
		       ? walk->one->id == X86_INS_CALL
		       : walk->one->id == ARM64_INS_BL || walk->one->id == ARM64_INS_BLR;
}

/* Is a register the same after a call? */
static bool survives(const struct walk *walk, unsigned int reg)
{
	if (walk->machine->arch == CS_ARCH_ARM64)
		return reg >= ARM64_REG_X19 && reg <= ARM64_REG_X28;
	return reg == X86_REG_RBX || reg == X86_REG_RBP || (reg >= X86_REG_R12 && reg <= X86_REG_R15);
}

/* Follows the first argument from register to register. */
static void follow_argument(struct walk *walk)
{
	struct operand to = operand(walk, 0), from = operand(walk, 1);
	bool copied = is_move(walk) && to.reg && is_alias(walk, from.reg);

	for (unsigned int i = 0; i < ALIASES_MOST; i++)
		if (walk->aliases[i] &&
		    (writes(walk, walk->aliases[i]) || (is_call(walk) && !survives(walk, walk->aliases[i]))))
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
	struct operand to = operand(walk, 0), from = operand(walk, 1);

	if (walk->machine->arch == CS_ARCH_ARM64)
		return walk->one->id == ARM64_INS_ADD && is_alias(walk, from.reg) ? immediate(walk, 2) : -1;
	if (walk->one->id == X86_INS_LEA && is_alias(walk, from.base))
		return from.offset;
	return walk->one->id == X86_INS_ADD && is_alias(walk, to.reg) && !from.reg && !from.base
		       ? immediate(walk, 1)
		       : -1;
}

/* The field that it loads. */
static int64_t load_in(const struct walk *walk, uint32_t size)
{
	struct operand to = operand(walk, 0), from = operand(walk, 1);
	bool loads = walk->machine->arch == CS_ARCH_X86 ? walk->one->id == X86_INS_MOV
							: walk->one->id == ARM64_INS_LDR;

	return loads && to.reg && to.size == size && is_alias(walk, from.base) ? from.offset : -1;
}

/* ---- branches --------------------------------------------------------------------------------------- */

#define BRANCHES_MOST 8 /* of one function that are followed */

/* The ways through a function that are still to be walked. */
struct ways {
	struct walk walks[BRANCHES_MOST];
	size_t count;
};

/* Sets the beginning of the way on which a jump goes on. Returns whether the instruction in hand is a jump that leads forward within the
 * code. */
static bool branch_in(const struct kw_code *code, const struct walk *walk, struct walk *ret_way)
{
	bool x86 = walk->machine->arch == CS_ARCH_X86;
	unsigned int count = x86 ? walk->one->detail->x86.op_count : walk->one->detail->arm64.op_count;
	uint64_t to = count ? (uint64_t)immediate(walk, count - 1) : 0;

	if (!kw_capstone.insn_group(walk->handle, walk->one, CS_GRP_JUMP) || is_call(walk) || to < walk->at ||
	    to >= code->at + code->size)
		return false;
	*ret_way = *walk;
	ret_way->bytes = code->bytes + (to - code->at);
	ret_way->left = code->size - (to - code->at);
	ret_way->at = to;
	return true;
}

/* The first that lies from @from to @to, on one way; ways that branch off are added. @size: 0 for an address that is taken. */
static uint32_t find_on_way(const struct kw_code *code, struct walk walk, uint32_t from, uint32_t to,
			    uint32_t size, struct ways *ways)
{
	while (next(&walk)) {
		int64_t at = size ? load_in(&walk, size) : address_in(&walk);

		if (at >= (int64_t)from && at <= (int64_t)to)
			return (uint32_t)at;
		follow_argument(&walk);
		if (ways->count < BRANCHES_MOST && branch_in(code, &walk, &ways->walks[ways->count]))
			ways->count++;
	}
	return KW_CODE_UNKNOWN;
}

static uint32_t find_field(const struct kw_code *code, uint32_t from, uint32_t to, uint32_t size)
{
	uint32_t found = KW_CODE_UNKNOWN;
	struct ways ways = {.count = 1};
	struct walk walk;

	if (!begin(code, &walk))
		return found;
	ways.walks[0] = walk;
	for (size_t i = 0; i < ways.count && found == KW_CODE_UNKNOWN; i++)
		found = find_on_way(code, ways.walks[i], from, to, size, &ways);
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

/* Has the instruction in hand a field of 4 bytes as its operand @index? */
static bool is_field(const struct walk *walk, unsigned int index, struct operand *ret_field)
{
	*ret_field = operand(walk, index);
	return is_alias(walk, ret_field->base) && ret_field->offset >= 0;
}

static bool is_compare(const struct walk *walk)
{
	return walk->machine->arch == CS_ARCH_X86 ? walk->one->id == X86_INS_CMP
						  : walk->one->id == ARM64_INS_CMP;
}

uint32_t kw_code_compared(const struct kw_code *code, int64_t value)
{
	uint32_t found = KW_CODE_UNKNOWN, loaded_at = 0;
	unsigned int loaded = 0;
	struct operand field;
	struct walk walk;

	if (!begin(code, &walk))
		return found;
	while (found == KW_CODE_UNKNOWN && next(&walk)) {
		bool compares = is_compare(&walk) && immediate(&walk, 1) == value;

		if (compares && is_field(&walk, 0, &field) && field.size == 4)
			found = (uint32_t)field.offset;
		else if (compares && loaded && operand(&walk, 0).reg == loaded)
			found = loaded_at;
		else if (load_in(&walk, 4) >= 0) {
			loaded = operand(&walk, 0).reg;
			loaded_at = (uint32_t)load_in(&walk, 4);
		} else if (loaded && writes(&walk, loaded))
			loaded = 0;
		follow_argument(&walk);
	}
	end(&walk);
	return found;
}

/* Does the instruction in hand store @reg where the second argument points to? */
static bool stores(const struct walk *walk, unsigned int reg)
{
	bool x86 = walk->machine->arch == CS_ARCH_X86;
	struct operand place = operand(walk, x86 ? 0 : 1), value = operand(walk, x86 ? 1 : 0);

	return (x86 ? is_move(walk) : walk->one->id == ARM64_INS_STR) && value.reg == reg &&
	       place.base == walk->machine->arguments[1] && place.offset == 0;
}

uint32_t kw_code_stored_address(const struct kw_code *code)
{
	uint32_t found = KW_CODE_UNKNOWN;
	unsigned int holder = 0; /* the register that has the address @at */
	int64_t at = -1;
	struct walk walk;

	if (!begin(code, &walk))
		return found;
	while (found == KW_CODE_UNKNOWN && next(&walk) && !writes(&walk, walk.machine->arguments[1])) {
		int64_t taken = address_in(&walk);

		if (holder && stores(&walk, holder) && at < KW_CODE_UNKNOWN)
			found = (uint32_t)at;
		else if (taken >= 0) {
			holder = operand(&walk, 0).reg;
			at = taken;
		} else if (holder && writes(&walk, holder))
			holder = 0;
		follow_argument(&walk);
	}
	end(&walk);
	return found;
}

/* From here on the walk follows what the register holds, in place of the first argument. */
static void follow_instead(struct walk *walk, unsigned int reg)
{
	for (unsigned int i = 0; i < ALIASES_MOST; i++)
		walk->aliases[i] = i ? 0 : reg;
}

bool kw_code_behind(const struct kw_code *code, uint32_t from, struct kw_code_path *ret_path)
{
	struct kw_code_path path = {KW_CODE_UNKNOWN, KW_CODE_UNKNOWN};
	struct walk walk;

	if (!begin(code, &walk))
		return false;
	while (path.field == KW_CODE_UNKNOWN && next(&walk)) {
		int64_t at = path.pointer == KW_CODE_UNKNOWN ? load_in(&walk, 8) : address_in(&walk);

		if (path.pointer != KW_CODE_UNKNOWN && at >= 0 && at < KW_CODE_UNKNOWN)
			path.field = (uint32_t)at;
		if (path.pointer == KW_CODE_UNKNOWN && at >= (int64_t)from && at < KW_CODE_UNKNOWN) {
			path.pointer = (uint32_t)at;
			follow_instead(&walk, operand(&walk, 0).reg);
		} else {
			follow_argument(&walk);
		}
	}
	end(&walk);
	*ret_path = path;
	return path.field != KW_CODE_UNKNOWN;
}

/* ---- the function that is called -------------------------------------------------------------------- */

static bool is_in_group(const struct walk *walk, unsigned int group)
{
	return kw_capstone.insn_group(walk->handle, walk->one, (uint8_t)group);
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

		if (is_call(&walk)) {
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

/* Does the instruction in hand go on elsewhere, whatever was before? */
static bool is_jump(const struct walk *walk)
{
	if (walk->machine->arch == CS_ARCH_X86)
		return walk->one->id == X86_INS_JMP;
	return walk->one->id == ARM64_INS_B && walk->one->detail->arm64.cc == ARM64_CC_INVALID;
}

static bool is_return(const struct walk *walk)
{
	return walk->machine->arch == CS_ARCH_X86 ? walk->one->id == X86_INS_RET
						  : walk->one->id == ARM64_INS_RET;
}

bool kw_code_only_jumps(const struct kw_code *code)
{
	bool jumps = false, other = false;
	struct walk walk;

	if (!begin(code, &walk))
		return false;
	while (!jumps && !other && next(&walk)) {
		jumps = is_jump(&walk) && immediate(&walk, 0);
		other = !jumps && (is_in_group(&walk, CS_GRP_JUMP) || is_call(&walk) || is_return(&walk));
		for (unsigned int i = 0; i < 3; i++)
			other |= !jumps && writes(&walk, walk.machine->arguments[i]);
	}
	end(&walk);
	return jumps;
}

uint64_t kw_code_shifted(const struct kw_code *code)
{
	bool shifted = false;
	uint64_t target = 0;
	struct walk walk;

	if (!begin(code, &walk))
		return 0;
	while (!target && next(&walk)) {
		uint64_t to = is_jump(&walk) ? (uint64_t)immediate(&walk, 0) : 0;

		if (is_move(&walk) && operand(&walk, 0).reg == walk.machine->arguments[2])
			shifted = operand(&walk, 1).reg == walk.machine->arguments[1];
		if (to && (to < code->at || to >= code->at + code->size))
			target = to;
	}
	end(&walk);
	return shifted ? target : 0;
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
