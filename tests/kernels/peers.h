/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KEEPWATCH_TESTS_PEERS_H
#define KEEPWATCH_TESTS_PEERS_H

#include <stddef.h>
#include <sys/types.h>

/* Says what failed, with errno and the line of the script, and exits. */
void peers_fail(const char *what) __attribute__((noreturn));

/* @result, unless it is negative: that fails. */
long peers_checked(long result, const char *what);

/* Moves all @size bytes by the system call of this name, @piece bytes a call or a segment; 0: all at once. */
void peers_send(int fd, const char *call, size_t piece, char *data, size_t size);
void peers_receive(int fd, const char *call, size_t piece, char *data, size_t size);

#endif
