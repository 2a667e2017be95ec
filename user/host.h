/* SPDX-License-Identifier: BSD-2-Clause */
/* What the program needs of the host before it can load anything. */
#ifndef KEEPWATCH_HOST_H
#define KEEPWATCH_HOST_H

#include <stdbool.h>

#define KW_HOST_BTF "/sys/kernel/btf/vmlinux"

/* May this process load BPF programs and look at all processes? */
bool kw_host_is_privileged(void);

/* Does the kernel describe its types to programs, as a CO-RE program needs it? */
bool kw_host_has_btf(void);

/* Both of the above: 0, or -EOPNOTSUPP and one line has been logged that says what to do. */
int kw_host_require(void);

#endif
