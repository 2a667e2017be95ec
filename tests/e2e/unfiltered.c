/* SPDX-License-Identifier: BSD-2-Clause */
/* Preloaded for valgrind: no filter of system calls. Valgrind's own needs, memory that is executable, the
 * filter would deny it. */
int seccomp_load(void *ctx);

int seccomp_load(void *ctx)
{
	(void)ctx;
	return 0;
}
