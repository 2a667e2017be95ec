/* SPDX-License-Identifier: BSD-2-Clause */
/* keepwatch check --tls: the files that would get probes in each process, and those that would not. */
#ifndef KEEPWATCH_CHECK_TLS_H
#define KEEPWATCH_CHECK_TLS_H

/* Prints a line for each file of a process that speaks TLS, as far as it is known. */
void kw_check_tls(void);

#endif
