/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The counts of the calls that the kernel side makes, as calls.bpf.c keeps them and calls.c reads them. */
#ifndef KEEPWATCH_CALLS_H
#define KEEPWATCH_CALLS_H

#include "../../include/types.h"

/* By number, as in enum bpf_func_id of linux/bpf.h. */
#define KW_HELPERS 256 /* more than there are */
#define KW_HELPER_LOOP 181
#define KW_HELPER_TAIL_CALL 12

struct kw_calls {
	__u32 pid; /* whose calls count, as a thread group; 0: nobody's. User space sets it for one system call a time */
	__u32 reserved;
	__u64 entries;   /* of functions: programs, callbacks and calls of functions that are not inlined */
	__u64 callbacks; /* rounds of bpf_loop() */
	__u64 helpers[KW_HELPERS];
};

#endif
