/* SPDX-License-Identifier: BSD-2-Clause */
/* The build of the programs fits the kernel's types: whether it has bpf_loop(), and how many arguments tcp_recvmsg() takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <string.h>

/* The skeleton names types of the events. */
#include "include/event.h"
#include "keepwatch.skel.h"
#include "observe/programs.h"

/* Types of a kernel whose newest helper is @helper, and whose tcp_recvmsg() takes @arguments. */
static struct btf *types_with(const char *helper, int arguments)
{
	struct btf *types = btf__new_empty();
	int number, prototype;

	assert_non_null(types);
	number = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
	assert_true(number > 0);
	assert_true(btf__add_enum(types, "bpf_func_id", 4) > 0);
	assert_int_equal(btf__add_enum_value(types, "BPF_FUNC_unspec", 0), 0);
	assert_int_equal(btf__add_enum_value(types, helper, 181), 0);
	prototype = btf__add_func_proto(types, number);
	for (int i = 0; i < arguments; i++)
		assert_int_equal(btf__add_func_param(types, "argument", number), 0);
	assert_true(btf__add_func(types, "tcp_recvmsg", BTF_FUNC_GLOBAL, prototype) > 0);
	return types;
}

/* The build for kernels without bpf_loop() has an array to go through instead. */
static bool is_old(const struct keepwatch_bpf *skel)
{
	return bpf_object__find_map_by_name(skel->obj, "rounds") != NULL;
}

static void check(struct btf *types, bool old, __u32 arguments)
{
	struct keepwatch_bpf *skel = kw_programs_open_for(types);

	assert_non_null(skel);
	assert_int_equal(is_old(skel), old);
	assert_int_equal(skel->rodata->kw_recvmsg_arguments, arguments);
	keepwatch_bpf__destroy(skel);
	btf__free(types);
}

static void a_kernel_without_loops_gets_the_other_build(void **state)
{
	(void)state;
	check(types_with("BPF_FUNC_for_each_map_elem", 6), true, 6);
}

static void a_kernel_with_loops_gets_the_usual_build_whatever_its_functions_take(void **state)
{
	(void)state;
	check(types_with("BPF_FUNC_loop", 6), false, 6);
	check(types_with("BPF_FUNC_loop", 4), false, 4);
}

static void without_types_the_usual_build_is_opened(void **state)
{
	(void)state;
	check(NULL, false, 5);
}

static bool is_named(struct bpf_object *object, const char *program)
{
	return bpf_object__find_program_by_name(object, program) != NULL;
}

static void both_builds_have_the_same_programs_and_maps(void **state)
{
	struct btf *types = types_with("BPF_FUNC_for_each_map_elem", 6);
	struct keepwatch_bpf *usual = kw_programs_open_for(NULL), *old = kw_programs_open_for(types);
	struct bpf_program *program;
	struct bpf_map *map;
	int more = 0;

	(void)state;
	bpf_object__for_each_program(program, usual->obj)
		assert_true(is_named(old->obj, bpf_program__name(program)));
	bpf_object__for_each_program(program, old->obj)
		assert_true(is_named(usual->obj, bpf_program__name(program)));
	bpf_object__for_each_map(map, old->obj) more +=
		bpf_object__find_map_by_name(usual->obj, bpf_map__name(map)) == NULL;
	assert_int_equal(more, 1);
	keepwatch_bpf__destroy(usual);
	keepwatch_bpf__destroy(old);
	btf__free(types);
}

static bool may_go_on(const struct bpf_program *program)
{
	const struct bpf_insn *code = bpf_program__insns(program);

	for (size_t i = 0; i < bpf_program__insn_cnt(program); i++)
		if (code[i].code == (BPF_JMP | BPF_CALL) && !code[i].src_reg &&
		    code[i].imm == BPF_FUNC_tail_call)
			return true;
	return false;
}

/* Others of their kind share a stack with all threads of a processor: see KW_ON_THREADS_STACK. */
static void programs_of_probes_run_on_their_threads_stack(void **state)
{
	struct keepwatch_bpf *skel = kw_programs_open_for(NULL);
	struct bpf_program *program;
	int count = 0;

	(void)state;
	assert_non_null(skel);
	bpf_object__for_each_program(program, skel->obj)
	{
		if (bpf_program__type(program) != BPF_PROG_TYPE_KPROBE)
			continue;
		count++;
		if (!may_go_on(program))
			fail_msg("%s lacks KW_ON_THREADS_STACK", bpf_program__name(program));
	}
	assert_true(count >= 3);
	keepwatch_bpf__destroy(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_without_loops_gets_the_other_build),
		cmocka_unit_test(a_kernel_with_loops_gets_the_usual_build_whatever_its_functions_take),
		cmocka_unit_test(without_types_the_usual_build_is_opened),
		cmocka_unit_test(both_builds_have_the_same_programs_and_maps),
		cmocka_unit_test(programs_of_probes_run_on_their_threads_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
