/* SPDX-License-Identifier: BSD-2-Clause */
/* The probes of a Go program: of made ones, whose tables have the forms of all versions, and of such that somebody has broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "go_program.h"
#include "observe/tls/go_code.h"
#include "observe/tls/probes.h"

#define FLIPS 4000

static int read_bytes(const uint8_t *bytes, size_t size, struct kw_probes *probes)
{
	int fd = memfd_create("program", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	r = kw_probes_of(&(struct kw_tls_library){.fd = fd, .path = "program"}, probes);
	close(fd);
	return r;
}

static int read_program(const struct go_program *program, struct kw_probes *probes)
{
	return read_bytes(program->bytes, sizeof(program->bytes), probes);
}

/* The cookie of the only probe for a program at a place. */
static uint64_t cookie_of(const struct kw_probes *probes, enum kw_probe_program program, uint64_t at)
{
	uint64_t cookie = 0;
	size_t count = 0;

	for (size_t i = 0; i < probes->count; i++) {
		if (probes->list[i].program != program || probes->list[i].offset != at)
			continue;
		cookie = probes->list[i].cookie;
		count++;
	}
	assert_int_equal(count, 1);
	return cookie;
}

static void check_place(const struct go_program *program, uint64_t cookie, uint64_t at)
{
	assert_int_equal(KW_PROBE_SLOT(cookie), GO_SLOT);
	assert_int_equal(at + (uint64_t)(int64_t)KW_PROBE_METHOD(cookie), program->functions[GO_TCP_READ]);
}

static void programs_of_all_versions_show_their_places(void **state)
{
	(void)state;
	for (enum go_form form = 0; form < GO_FORMS; form++) {
		struct go_program program;
		struct kw_probes probes;
		uint64_t cookie;

		go_make(&program, form, GO_SOUND);
		assert_int_equal(read_program(&program, &probes), 0);
		assert_int_equal(probes.count, 5);
		cookie = cookie_of(&probes, KW_PROBE_GO_READ, program.move);
		check_place(&program, cookie, program.move);
		assert_int_equal(KW_PROBE_INPUT(cookie), GO_LAST_OF_INPUT - 72);
		check_place(&program, cookie_of(&probes, KW_PROBE_GO_ENCRYPT, program.encrypt),
			    program.encrypt);
		check_place(&program, cookie_of(&probes, KW_PROBE_GO_SENT, program.jump), program.jump);
		cookie_of(&probes, KW_PROBE_BEGIN, program.checks[GO_CLIENT]);
		cookie_of(&probes, KW_PROBE_BEGIN, program.checks[GO_SERVER]);
		assert_int_equal(probes.list[probes.count - 1].program, KW_PROBE_BEGIN);
	}
}

static struct kw_code code_of(const struct go_program *program, enum go_function function)
{
	uint64_t at = program->functions[function];

	return (struct kw_code){program->machine, at, program->bytes + at, GO_STEP};
}

static void code_of_both_processors_is_read(void **state)
{
	static const enum kw_machine machines[] = {KW_MACHINE_X86_64, KW_MACHINE_ARM64};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct go_program program;
		struct kw_code read, write, destroy;

		go_make_for(&program, machines[i], GO_1_20, GO_SOUND);
		read = code_of(&program, GO_READ);
		write = code_of(&program, GO_WRITE_RECORD);
		destroy = code_of(&program, GO_DESTROY);
		assert_int_equal(kw_go_code_check(&read), program.checks[GO_READ]);
		assert_int_equal(kw_go_code_slot(&read), GO_SLOT);
		assert_int_equal(kw_go_code_unset(&read), GO_LAST_OF_INPUT);
		assert_int_equal(kw_go_code_call(&read, program.functions[GO_MEMMOVE]), program.move);
		assert_int_equal(kw_go_code_call(&read, program.functions[GO_ENCRYPT]), 0);
		assert_int_equal(kw_go_code_slot(&write), GO_SLOT);
		assert_int_equal(kw_go_code_call(&write, program.functions[GO_ENCRYPT]), program.encrypt);
		assert_int_equal(kw_go_code_jump(&write, kw_go_code_call(&write, program.functions[GO_WRITE])),
				 program.jump);
		assert_int_equal(kw_go_code_unset(&destroy), 16);
		assert_int_equal(kw_go_code_slot(&destroy), KW_CODE_UNKNOWN);
	}
}

static void code_that_does_not_show_all_gets_no_probe(void **state)
{
	(void)state;
	for (enum go_fault fault = GO_SOUND + 1; fault < GO_FAULTS; fault++) {
		struct go_program program;
		struct kw_probes probes;

		go_make(&program, GO_1_20, fault);
		assert_int_equal(read_program(&program, &probes), -ENOTSUP);
	}
}

/* Go's linker leaves out functions that nobody calls. */
static void a_program_may_lack_functions(void **state)
{
	struct go_program program;
	struct kw_probes probes;

	(void)state;
	go_make(&program, GO_1_20, GO_SOUND);
	strstr((char *)memmem(program.bytes, GO_SIZE, go_names[GO_SERVER], strlen(go_names[GO_SERVER])),
	       "server")[0] = 'x';
	assert_int_equal(read_program(&program, &probes), 0);
	assert_int_equal(probes.count, 4);
	*(char *)memmem(program.bytes, GO_SIZE, go_names[GO_CLIENT], strlen(go_names[GO_CLIENT])) = 'x';
	assert_int_equal(read_program(&program, &probes), -ENOTSUP);
	*(char *)memmem(program.bytes, GO_SIZE, go_names[GO_READ], strlen(go_names[GO_READ])) = 'x';
	assert_int_equal(read_program(&program, &probes), -ENOENT);
}

static void a_table_among_other_constants_is_found(void **state)
{
	struct go_program program;
	struct kw_probes probes;

	(void)state;
	go_make(&program, GO_1_20, GO_SOUND);
	memcpy(program.bytes + 256, "\0.text\0.data.rel.ro\0.note.go.buildid", 37);
	go_put_section(&program, 2, 7, 0, GO_TABLE - 64, GO_SIZE - GO_TABLE + 64);
	go_put_section(&program, 3, 20, 0, 256, 37);
	assert_int_equal(read_program(&program, &probes), 0);
	assert_int_equal(probes.count, 5);
}

static void a_program_that_was_cut_does_no_harm(void **state)
{
	struct go_program program;
	struct kw_probes probes;

	(void)state;
	for (enum go_form form = 0; form < GO_FORMS; form++) {
		go_make(&program, form, GO_SOUND);
		for (size_t size = 0; size < GO_SIZE; size += 37)
			assert_true(read_bytes(program.bytes, size, &probes) < 0);
	}
}

/* The next place to change: all words of the headers, of the file and of the table, and some of the rest. */
static size_t next_place(size_t at)
{
	if (at == 768)
		return GO_TABLE;
	return at < 768 || (at >= GO_TABLE && at < GO_TABLE + GO_NAMES_AT) ? at + 4 : at + 44;
}

static void numbers_that_lead_away_do_no_harm(void **state)
{
	static const uint64_t numbers[] = {0, 0xffffffff, GO_SIZE, INT64_MAX - 0x1000, UINT64_MAX - 0x100};
	struct go_program program;
	struct kw_probes probes;

	(void)state;
	for (enum go_form form = 0; form < GO_FORMS; form++) {
		for (size_t at = 0; at + 8 <= GO_SIZE; at = next_place(at)) {
			for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
				go_make(&program, form, GO_SOUND);
				go_put64(&program, at, numbers[i]);
				assert_true(read_program(&program, &probes) <= 0);
			}
		}
	}
}

static void a_program_that_was_changed_does_no_harm(void **state)
{
	struct go_program program;
	struct kw_probes probes;

	(void)state;
	srandom(1);
	for (size_t i = 0; i < FLIPS; i++) {
		if (i % 8 == 0)
			go_make(&program, (enum go_form)(i / 8 % GO_FORMS), GO_SOUND);
		program.bytes[(size_t)random() % GO_SIZE] = (uint8_t)random();
		assert_true(read_program(&program, &probes) <= 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_of_all_versions_show_their_places),
		cmocka_unit_test(code_of_both_processors_is_read),
		cmocka_unit_test(code_that_does_not_show_all_gets_no_probe),
		cmocka_unit_test(a_program_may_lack_functions),
		cmocka_unit_test(a_table_among_other_constants_is_found),
		cmocka_unit_test(a_program_that_was_cut_does_no_harm),
		cmocka_unit_test(numbers_that_lead_away_do_no_harm),
		cmocka_unit_test(a_program_that_was_changed_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
