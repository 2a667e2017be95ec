/* SPDX-License-Identifier: BSD-2-Clause */
/* Visits every network namespace of the host. */
#ifndef KEEPWATCH_NETNS_H
#define KEEPWATCH_NETNS_H

/* Calls @visit once within each network namespace that a process lives in or that is mounted somewhere, the own
 * one included, and returns to the own one. A namespace that cannot be entered is logged and passed over. 0, or
 * the first result of @visit below 0. */
int kw_netns_each(int (*visit)(void *context), void *context);

#endif
