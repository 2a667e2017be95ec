/* SPDX-License-Identifier: BSD-2-Clause */
/* The types of the running kernel (BTF), by which programs find its tracepoints and the fields of its structures. libbpf asks for
 * them by btf__load_vmlinux_btf(), and so does keepwatch; the function stands here, in the place of libbpf's own, which reads
 * nothing but files of fixed names. From the first of these that there is:
 *   - a file that the user names (--btf);
 *   - KW_TYPES_FILE;
 *   - the kernel, by a system call that takes CAP_SYS_ADMIN, where that file is hidden.
 *
 * A file cannot stand for types that the kernel was built without: the kernel looks for a tracepoint in its own alone
 * (bpf_prog_load() in kernel/bpf/syscall.c: no program of a typed tracepoint, a function or an iterator without them), and only
 * such programs may keep state in sockets (kernel/trace/bpf_trace.c: bpf_sk_storage_get() in tracing_prog_func_proto()). */
#ifndef KEEPWATCH_KERNEL_TYPES_H
#define KEEPWATCH_KERNEL_TYPES_H

#define KW_TYPES_FILE "/sys/kernel/btf/vmlinux"

enum kw_types {
	KW_TYPES_GIVEN,  /* there: by kw_types_give() */
	KW_TYPES_READ,   /* there: by KW_TYPES_FILE */
	KW_TYPES_ASKED,  /* there: by the kernel itself */
	KW_TYPES_HIDDEN, /* not found: the file cannot be read, and the kernel not be asked */
	KW_TYPES_NONE,   /* not there: this kernel was built without them */
};

/* Takes the types from a file, raw or within an ELF file, that is read once, with the user's own rights. Where the kernel shows its
 * own, they must be the same, because the numbers of types count. 0, or a negative errno and one line has been logged. */
int kw_types_give(const char *path);

/* Where they come from. */
enum kw_types kw_types_find(void);

/* Says why there are none and what to do, as a clause. NULL: there are some. Static text. */
const char *kw_types_missing(enum kw_types types);

#endif
