/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/front_end.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observe/tail_calls.h"
#include "observe/uring.h"

#define ENOTSUPP 524 /* include/linux/errno.h: one of the kernel's own, which strerror() does not know */

/* Where a section's programs are attached. */
static const struct prefix {
	const char *text;
	enum bpf_attach_type type;
} prefixes[] = {
	{"tp_btf/", BPF_TRACE_RAW_TP},
	{"fexit/", BPF_TRACE_FEXIT},
	{"fentry/", BPF_TRACE_FENTRY},
	{"iter/", BPF_TRACE_ITER},
};

static const char *const names[KW_FRONT_END_MAX] = {"any", "tracepoint", "trampoline"};

const char *kw_front_end_name(enum kw_front_end front_end)
{
	return names[front_end];
}

void kw_missing_hook_text(const struct kw_missing_hook *missing, char *ret_text, unsigned long size)
{
	if (missing->error == -ESRCH || missing->error == -ENOENT)
		snprintf(ret_text, size, "this kernel has no such hook");
	else if (missing->error == -ENODATA)
		snprintf(ret_text, size, "this kernel's type information lacks a type that is read there");
	else if (missing->error == -EPERM || missing->error == -EACCES)
		snprintf(ret_text, size, "this kernel does not allow this hook (%s)",
			 strerror(-missing->error));
	else if (missing->error == -ENOTSUPP)
		snprintf(
			ret_text, size,
			"this kernel lets no program follow its own functions, as those for arm64 do from 6.4 on");
	else
		snprintf(ret_text, size, "no program can be attached to this hook (%s)",
			 strerror(-missing->error));
}

/* ---- what this kernel needs --------------------------------------------------------------------------- */

/* Until 6.4, sendfile and splice go by functions of their own. */
static bool has_sendpage(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "tcp_sendpage", BTF_KIND_FUNC) > 0;
}

/* Until 6.9, the tracepoint tcp_send_reset is silent where no full socket is left: a late request that meets
 * none shows only in the functions around it. With the change came the tracepoint's third argument, a reason. */
static bool resets_are_hidden(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_tcp_send_reset", BTF_KIND_TYPEDEF);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	while (type && !btf_is_func_proto(type))
		type = btf_is_typedef(type) || btf_is_ptr(type) ? btf__type_by_id(btf, type->type) : NULL;
	return type && btf_vlen(type) < 4; /* the first one is the tracepoint's own */
}

/* Things that both front ends do not see by themselves, most of them on older kernels only, with the hook that shows each. */
static const struct addition {
	const char *section;
	const char *purpose;
	bool (*needed)(const struct btf *btf);
	const char *(*missing_type)(const struct btf *btf); /* NULL: it reads none of its own */
} additions[KW_ADDITIONS] = {
	{"fexit/tcp_sendpage", "bytes that sendfile sends", has_sendpage, NULL},
	{"fentry/tcp_v4_send_reset", "late requests after the socket is gone (IPv4)", resets_are_hidden, NULL},
	{"fentry/tcp_v6_send_reset", "late requests after the socket is gone (IPv6)", resets_are_hidden, NULL},
	{"tp_btf/io_uring_submit_req", "bytes that io_uring sends and receives", kw_uring_exists,
	 kw_uring_missing_type},
};

static const struct addition *addition_of(const char *section)
{
	for (size_t i = 0; i < KW_ADDITIONS; i++)
		if (strcmp(additions[i].section, section) == 0)
			return &additions[i];
	return NULL;
}

/* Programs for libraries are no part of a front end: see tls/attacher.h. */
static bool is_for_libraries(const char *section)
{
	return strcmp(section, "uprobe") == 0 || strcmp(section, "uretprobe") == 0;
}

static bool is_iterator(const char *section)
{
	return strncmp(section, "iter/", strlen("iter/")) == 0;
}

/* Iterators run when they are asked to; programs that others go on in are run by these; the witness is attached at times. */
static bool is_held(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	return is_iterator(section) || is_for_libraries(section) || kw_tail_calls_reach(program) ||
	       strcmp(section, KW_WITNESS_HOOK) == 0;
}

bool kw_front_end_has_twin(const struct bpf_object *object, const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);
	struct bpf_program *other;

	if (is_iterator(section) || is_for_libraries(section) || kw_tail_calls_reach(program))
		return false;
	bpf_object__for_each_program(other, object)
	{
		if (other != program && !kw_tail_calls_reach(other) &&
		    strcmp(bpf_program__section_name(other), section) == 0)
			return true;
	}
	return false;
}

void kw_front_end_hold(const struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		if (is_held(program))
			bpf_program__set_autoattach(program, false);
	}
}

/* The front end that a program belongs to; KW_FRONT_END_ANY: to all. */
static enum kw_front_end front_end_of(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program);

	if (bpf_program__autoload(program) || addition_of(section) || is_iterator(section) ||
	    is_for_libraries(section))
		return KW_FRONT_END_ANY;
	return strncmp(section, "fexit/", strlen("fexit/")) == 0 ? KW_FRONT_END_TRAMPOLINE
								 : KW_FRONT_END_TRACEPOINT;
}

/* ---- trying --------------------------------------------------------------------------------------------- */

/* Attaches a program that does nothing, and takes it off again. An iterator is refused when it is loaded, or not at
 * all. */
static int try_attach(enum bpf_attach_type type, const char *function)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int id = libbpf_find_vmlinux_btf_id(function, type);
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = type, .attach_btf_id = (__u32)id);
	_cleanup_fd_ int program = -1;
	_cleanup_fd_ int link = -1;

	if (id < 0)
		return id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "kw_try", "GPL", nothing, 2, &options);
	if (program < 0 || type == BPF_TRACE_ITER)
		return program < 0 ? program : 0;
	link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? link : 0;
}

static int try_section(const char *section)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i].text);

		if (strncmp(section, prefixes[i].text, length) == 0)
			return try_attach(prefixes[i].type, section + length);
	}
	return -EINVAL;
}

/* The first hook of a front end that cannot be attached to. */
struct kw_missing_hook kw_front_end_missing(const struct bpf_object *object, enum kw_front_end front_end)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *section = bpf_program__section_name(program);
		int r = front_end_of(program) == front_end && !kw_tail_calls_reach(program)
				? try_section(section)
				: 0;

		if (r < 0)
			return (struct kw_missing_hook){section, r};
	}
	return (struct kw_missing_hook){0};
}

/* ---- choosing ------------------------------------------------------------------------------------------- */

static int try_addition(const struct addition *addition, const struct btf *btf)
{
	int r = try_section(addition->section);

	return r == 0 && addition->missing_type && addition->missing_type(btf) ? -ENODATA : r;
}

static void choose_additions(struct bpf_object *object, struct kw_front_end_choice *choice)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *section = bpf_program__section_name(program);
		const struct addition *addition = addition_of(section);
		struct kw_addition *chosen = &choice->addition[choice->additions];
		int r;

		if (!addition || !btf || !addition->needed(btf))
			continue;
		r = try_addition(addition, btf);
		*chosen = (struct kw_addition){addition->purpose, {r < 0 ? section : NULL, r}};
		choice->additions++;
		bpf_program__set_autoload(program, r == 0);
	}
	btf__free(btf);
}

/* Of the programs that can sweep over the connections, in the order of the object: the first that the kernel takes. */
static void choose_sweep(struct bpf_object *object, struct kw_front_end_choice *choice)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *section = bpf_program__section_name(program);
		int r;

		if (bpf_program__autoload(program) || !is_iterator(section))
			continue;
		r = try_section(section);
		if (r == 0) {
			choice->sweep = section;
			bpf_program__set_autoload(program, true);
			return;
		}
		choice->sweep_missing = (struct kw_missing_hook){section, r};
	}
}

int kw_front_end_choose(struct bpf_object *object, enum kw_front_end wanted,
			struct kw_front_end_choice *ret_choice)
{
	struct kw_front_end_choice choice = {0};
	struct bpf_program *program;

	for (enum kw_front_end i = KW_FRONT_END_ANY + 1; i < KW_FRONT_END_MAX && !choice.chosen; i++) {
		struct kw_missing_hook missing;

		if (wanted != KW_FRONT_END_ANY && wanted != i)
			continue;
		missing = kw_front_end_missing(object, i);
		if (missing.hook)
			choice.missing = missing;
		else
			choice.chosen = i;
	}
	if (choice.chosen) {
		choose_additions(object, &choice);
		choose_sweep(object, &choice);
		if (!bpf_program__autoload(bpf_object__find_program_by_name(object, "kw_submit")))
			kw_uring_spare(object);
	}
	*ret_choice = choice;
	if (!choice.chosen)
		return -EOPNOTSUPP;
	bpf_object__for_each_program(program, object)
	{
		if (front_end_of(program) == choice.chosen)
			bpf_program__set_autoload(program, true);
	}
	kw_tail_calls_choose(object);
	return 0;
}
