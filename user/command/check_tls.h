/* SPDX-License-Identifier: BSD-2-Clause */
/* keepwatch check --tls: which files of which processes would get probes, and which would not. */
#ifndef KEEPWATCH_CHECK_TLS_H
#define KEEPWATCH_CHECK_TLS_H

/* Prints a line for each file of a process that speaks TLS, as far as it is known. */
void kw_check_tls(void);

#endif
