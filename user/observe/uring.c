/* SPDX-License-Identifier: BSD-2-Clause */
#include "observe/uring.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stddef.h>

/* The same as in kw_knows_uring() of bpf/uring.bpf.h, which looks for none of them where one is missing. */
static const char *const types[] = {"io_kiocb", "io_cqe",          "io_ring_ctx", "io_sr_msg",
				    "io_rw",    "io_async_msghdr", "io_async_rw", "io_worker"};

bool kw_uring_exists(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "btf_trace_io_uring_create", BTF_KIND_TYPEDEF) > 0;
}

const char *kw_uring_missing_type(const struct btf *btf)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (btf__find_by_name_kind(btf, types[i], BTF_KIND_STRUCT) < 0)
			return types[i];
	return NULL;
}

void kw_uring_spare(const struct bpf_object *object)
{
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "uring"), 1);
}
