/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/programs.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/event.h"
#include "keepwatch.skel.h"
#include "keepwatch_old.skel.h"
#include "observe/tls/files.h"

_Static_assert(sizeof(struct keepwatch_bpf__bss) == sizeof(struct keepwatch_old_bpf__bss) &&
		       sizeof(struct keepwatch_bpf__rodata) == sizeof(struct keepwatch_old_bpf__rodata),
	       "both builds have the same variables");

/* Does the kernel have this value of an enum of include/uapi/linux/bpf.h? */
static bool has_value(const struct btf *btf, const char *type_name, const char *name)
{
	int id = btf__find_by_name_kind(btf, type_name, BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (__u32 i = 0; type && i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), name) == 0)
			return true;
	return false;
}

static bool is_old(const struct btf *btf)
{
	return btf && !has_value(btf, "bpf_func_id", "BPF_FUNC_loop");
}

/* How many arguments a function of the kernel takes; 0 if that is not known. */
static __u32 arguments_of(const struct btf *btf, const char *function)
{
	int id = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : 0;
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_type *prototype = type ? btf__type_by_id(btf, type->type) : NULL;

	return prototype ? btf_vlen(prototype) : 0;
}

/* The same as keepwatch_bpf__open(), with the other build. */
static struct keepwatch_bpf *open_old(void)
{
	struct keepwatch_bpf *skel = calloc(1, sizeof(*skel));
	int r = skel ? keepwatch_bpf__create_skeleton(skel) : -ENOMEM;

	if (r == 0) {
		skel->skeleton->data = keepwatch_old_bpf__elf_bytes(&skel->skeleton->data_sz);
		r = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	if (r == 0)
		return skel;
	keepwatch_bpf__destroy(skel);
	errno = -r;
	return NULL;
}

bool kw_programs_can_read_libraries(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool can = btf && has_value(btf, "bpf_attach_type", "BPF_TRACE_UPROBE_MULTI");

	btf__free(btf);
	return can;
}

void kw_programs_want_libraries(struct keepwatch_bpf *skel, bool wanted)
{
	struct bpf_program *programs[] = {skel->progs.kw_library_begin,  skel->progs.kw_library_call,
					  skel->progs.kw_library_return, skel->progs.kw_go_read,
					  skel->progs.kw_go_encrypt,     skel->progs.kw_go_sent};
	struct bpf_map *maps[] = {skel->maps.plaintexts,
				  skel->maps.plaintext_blank,
				  skel->maps.randoms,
				  skel->maps.processes,
				  skel->maps.asks,
				  skel->maps.library_calls,
				  skel->maps.plaintext_http2,
				  skel->maps.plaintext_streams,
				  skel->maps.nowhere};

	skel->rodata->kw_reads_libraries = wanted;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		bpf_program__set_autoload(programs[i], wanted);
		bpf_program__set_autoattach(programs[i], false);
		bpf_program__set_expected_attach_type(programs[i], (enum bpf_attach_type)KW_UPROBE_MULTI);
	}
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		bpf_map__set_autocreate(maps[i], wanted);
}

struct keepwatch_bpf *kw_programs_open_for(const struct btf *types)
{
	struct keepwatch_bpf *skel = is_old(types) ? open_old() : keepwatch_bpf__open();
	__u32 arguments = arguments_of(types, "tcp_recvmsg");

	if (skel && arguments)
		skel->rodata->kw_recvmsg_arguments = arguments;
	if (skel)
		kw_programs_want_libraries(skel, false);
	return skel;
}

struct keepwatch_bpf *kw_programs_open(void)
{
	struct btf *types = btf__load_vmlinux_btf();
	struct keepwatch_bpf *skel = kw_programs_open_for(types);

	btf__free(types);
	return skel;
}
