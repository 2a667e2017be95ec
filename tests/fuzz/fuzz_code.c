/* SPDX-License-Identifier: BSD-2-Clause */
/* Fuzzes the reader of machine code, for both processors: what it finds lies within the code that it was given, whatever follows that.
 *
 * An input is a byte that chooses the processor, and a function's code. */
#include <stdlib.h>
#include <string.h>

#include "observe/tls/code.h"
#include "observe/tls/elf.h"
#include "tests/fuzz/check.h"

#define AT 0x100000

static void check_fields(const struct kw_code *code)
{
	uint32_t address = kw_code_address(code, 8);

	CHECK(address == kw_code_address(code, 8));
	CHECK(address == KW_CODE_UNKNOWN || address >= 8);
	for (uint32_t size = 4; size <= 8; size += 4) {
		uint32_t at = kw_code_load(code, 8, size);

		CHECK(at == KW_CODE_UNKNOWN || (at >= 8 && kw_code_loads(code, at, size)));
	}
}

static void check_callee(const struct kw_code *code)
{
	struct kw_callee callee;

	if (kw_code_callee(code, &callee))
		CHECK(callee.at && (callee.result == 0 || (callee.result >= 3 && callee.result <= 5)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct kw_code code = {.at = AT};
	uint8_t *bytes;

	if (!n || n - 1 > KW_ELF_CODE)
		return 0;
	bytes = malloc(n - 1 ? n - 1 : 1); /* of their own, so that a look behind them is seen */
	CHECK(bytes);
	memcpy(bytes, data + 1, n - 1);
	code.machine = data[0] % 2 ? KW_MACHINE_ARM64 : KW_MACHINE_X86_64;
	code.bytes = bytes;
	code.size = n - 1;
	check_fields(&code);
	check_callee(&code);
	kw_code_is_emulated(&code);
	free(bytes);
	return 0;
}
