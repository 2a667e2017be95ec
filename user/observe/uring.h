/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring, as far as the kernel side can follow it: by a hook of its own, which Linux has from 6.3 on, and by types of the
 * kernel's that its BTF must describe. */
#ifndef KEEPWATCH_URING_H
#define KEEPWATCH_URING_H

#include <stdbool.h>

struct bpf_object;
struct btf;

/* Has the kernel that @btf describes io_uring at all? */
bool kw_uring_exists(const struct btf *btf);

/* The first type that the kernel side reads of a request and that @btf lacks; NULL: it has all. */
const char *kw_uring_missing_type(const struct btf *btf);

/* Nobody will note requests: their map in @object, which must not be loaded yet, takes no memory. */
void kw_uring_spare(const struct bpf_object *object);

#endif
