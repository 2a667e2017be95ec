/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/tail_calls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* Keys of the arrays; the numbers are the kernel side's: enum kw_next in bpf/maps.bpf.h. */
enum {
	HTTP1 = 0,
	ADOPT = 1,
	TLS = 2,
	HTTP2 = 3,
	SEEK = 4,
	LAST = 0,
};

static const struct tail_call {
	const char *array;
	__u32 key;
	const char *program;
	const char *instead; /* a program that does the same, of another hook with like arguments; or NULL */
} tail_calls[] = {
	{"after_send", HTTP1, "kw_http1", NULL},
	{"after_send", HTTP1, "kw_http1_sendmsg", NULL},
	{"after_send", ADOPT, "kw_adopt_socket", NULL},
	{"after_send", ADOPT, "kw_adopt_sendmsg", NULL},
	{"after_receive", HTTP1, "kw_http1_receive", "kw_http1"},
	{"after_receive", HTTP1, "kw_http1_recvmsg", "kw_http1_sendmsg"},
	{"after_receive", ADOPT, "kw_adopt_receive", "kw_adopt_socket"},
	{"after_receive", ADOPT, "kw_adopt_recvmsg", "kw_adopt_sendmsg"},
	{"after_send", TLS, "kw_tls_send", NULL},
	{"after_send", TLS, "kw_tls_sendmsg", NULL},
	{"after_receive", TLS, "kw_tls_receive", "kw_tls_send"},
	{"after_receive", TLS, "kw_tls_recvmsg", "kw_tls_sendmsg"},
	{"after_send", HTTP2, "kw_http2_send", NULL},
	{"after_send", HTTP2, "kw_http2_sendmsg", NULL},
	{"after_receive", HTTP2, "kw_http2_receive", "kw_http2_send"},
	{"after_receive", HTTP2, "kw_http2_recvmsg", "kw_http2_sendmsg"},
	{"after_send", SEEK, "kw_seek_send", NULL},
	{"after_send", SEEK, "kw_seek_sendmsg", NULL},
	{"after_receive", SEEK, "kw_seek_receive", "kw_seek_send"},
	{"after_receive", SEEK, "kw_seek_recvmsg", "kw_seek_sendmsg"},
	{"after_move", LAST, "kw_reconnect", NULL},
	{"after_destroy", LAST, "kw_last_record", NULL},
};

#define TAIL_CALLS (sizeof(tail_calls) / sizeof(tail_calls[0]))

bool kw_tail_calls_reach(const struct bpf_program *program)
{
	for (size_t i = 0; i < TAIL_CALLS; i++)
		if (strcmp(tail_calls[i].program, bpf_program__name(program)) == 0)
			return true;
	return false;
}

/* A program that does nothing, for the hook of @model. */
static int load_nothing(const struct bpf_program *model)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	enum bpf_attach_type type = bpf_program__expected_attach_type(model);
	const char *hook = strchr(bpf_program__section_name(model), '/');
	int id = hook ? libbpf_find_vmlinux_btf_id(hook + 1, type) : -EINVAL;
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = type, .attach_btf_id = (__u32)id);

	return id < 0 ? id : bpf_prog_load(BPF_PROG_TYPE_TRACING, "kw_try", "GPL", nothing, 2, &options);
}

/* The first program in an array decides which others may follow: of any hook until Linux 6.11, then of one with the same
 * prototype. */
static bool may_share(const struct bpf_program *one, const struct bpf_program *other)
{
	_cleanup_fd_ int array =
		bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "kw_try", sizeof(__u32), sizeof(__u32), 2, NULL);
	_cleanup_fd_ int first = load_nothing(one);
	_cleanup_fd_ int second = load_nothing(other);
	__u32 keys[] = {0, 1};

	return array >= 0 && first >= 0 && second >= 0 &&
	       bpf_map_update_elem(array, &keys[0], &first, BPF_ANY) == 0 &&
	       bpf_map_update_elem(array, &keys[1], &second, BPF_ANY) == 0;
}

void kw_tail_calls_choose(struct bpf_object *object)
{
	for (size_t i = 0; i < TAIL_CALLS; i++) {
		const char *instead = tail_calls[i].instead;
		struct bpf_program *program = bpf_object__find_program_by_name(object, tail_calls[i].program);
		const struct bpf_program *other =
			instead ? bpf_object__find_program_by_name(object, instead) : NULL;

		if (program && other && bpf_program__autoload(program) && may_share(program, other))
			bpf_program__set_autoload(program, false);
	}
}

/* The program that this kernel has for a tail call; NULL: none, because it belongs to the other front end. */
static const struct bpf_program *loaded(const struct bpf_object *object, const struct tail_call *call)
{
	const char *const names[] = {call->program, call->instead};

	for (size_t i = 0; i < 2 && names[i]; i++) {
		const struct bpf_program *program = bpf_object__find_program_by_name(object, names[i]);

		if (program && bpf_program__autoload(program))
			return program;
	}
	return NULL;
}

int kw_tail_calls_fill(const struct bpf_object *object)
{
	for (size_t i = 0; i < TAIL_CALLS; i++) {
		const struct bpf_program *program = loaded(object, &tail_calls[i]);
		int array = bpf_object__find_map_fd_by_name(object, tail_calls[i].array);
		int fd = program ? bpf_program__fd(program) : -1;

		if (program && bpf_map_update_elem(array, &tail_calls[i].key, &fd, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}
