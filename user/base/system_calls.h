/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls that are left to a process after its start, each with the arguments that it uses. The filter holds for code
 * of others too that has got into the process, so a call is judged by the harm that it can do, not by the use that this
 * program makes of it. */
#ifndef KEEPWATCH_SYSTEM_CALLS_H
#define KEEPWATCH_SYSTEM_CALLS_H

#include <linux/futex.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* A call that is allowed. */
struct kw_system_call {
	int call;
	unsigned int count; /* of the arguments; 0: whatever they are */
	struct scmp_arg_cmp arguments[3];
};

#define KW_CALL(name)                                                                                          \
	{                                                                                                      \
		SCMP_SYS(name), 0,                                                                             \
		{                                                                                              \
			{                                                                                      \
				0                                                                              \
			}                                                                                      \
		}                                                                                              \
	}
#define KW_CALL_IF(name, ...)                                                                                  \
	{                                                                                                      \
		SCMP_SYS(name), sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) / sizeof(struct scmp_arg_cmp),    \
		{                                                                                              \
			__VA_ARGS__                                                                            \
		}                                                                                              \
	}

/* The kernel takes the lower half of an argument that is an int, so that the upper half must not decide. */
#define KW_INT 0xffffffffU
#define KW_IS_WITH(index, value, flags)                                                                        \
	{                                                                                                      \
		index, SCMP_CMP_MASKED_EQ, KW_INT & ~(uint32_t)(flags), (uint32_t)(value)                      \
	}
#define KW_IS(index, value) KW_IS_WITH(index, value, 0)
#define KW_ONLY(index, flags) KW_IS_WITH(index, 0, flags)
#define KW_IS_NULL(index)                                                                                      \
	{                                                                                                      \
		index, SCMP_CMP_EQ, 0, 0                                                                       \
	}

#define KW_SENDING (MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE)
#define KW_WAITING (FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)

/* Waiting for and waking threads of its own. */
#define KW_CALLS_OF_FUTEX                                                                                      \
	KW_CALL_IF(futex, KW_IS_WITH(1, FUTEX_WAIT, KW_WAITING)),                                              \
		KW_CALL_IF(futex, KW_IS_WITH(1, FUTEX_WAKE, KW_WAITING)),                                      \
		KW_CALL_IF(futex, KW_IS_WITH(1, FUTEX_WAIT_BITSET, KW_WAITING))

/* No code: memory that can be written is never run. */
#define KW_CALLS_OF_MEMORY                                                                                     \
	KW_CALL(brk), KW_CALL(munmap), KW_CALL(mremap), KW_CALL_IF(mmap, KW_ONLY(2, PROT_READ | PROT_WRITE)),  \
		KW_CALL_IF(mprotect, KW_ONLY(2, PROT_READ | PROT_WRITE)),                                      \
		KW_CALL_IF(madvise, KW_IS(2, MADV_DONTNEED)), KW_CALL_IF(madvise, KW_IS(2, MADV_FREE))

/* Installs the filter of the process that observes, for good and for all threads. It depends on the descriptors that are open
 * now: which of them are files that are being written. @lowers_rights: files that the user names are opened with fewer
 * capabilities (see user_file.h), which takes a call more. @has_screen: the process
 * draws on its terminal, so it asks for its size and sets its modes. 0 or -errno, and that has been logged. */
int kw_system_calls_narrow(bool lowers_rights, bool has_screen);

/* Allows these calls alone, and abort(). Else as above. */
int kw_system_calls_allow(const struct kw_system_call *allowed, size_t count);

/* Forbids one call on one descriptor, whatever a filter that follows allows. 0 or -errno, and that has been logged. */
int kw_system_calls_forbid(int call, int fd);

/* Adds @action for one call to @filter, if @count @arguments (0 to 6) are as they should be. A call that this processor does
 * not have (libseccomp numbers it below 0) is left out, because nobody can make it. 0 or -errno. */
int kw_system_calls_add(scmp_filter_ctx filter, uint32_t action, int call, unsigned int count,
			const struct scmp_arg_cmp *arguments);

#endif
