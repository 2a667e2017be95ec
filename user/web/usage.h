/* SPDX-License-Identifier: BSD-2-Clause */
/* The resources that the process of the port takes, measured by itself, where no file can be opened any more. */
#ifndef KEEPWATCH_WEB_USAGE_H
#define KEEPWATCH_WEB_USAGE_H

#include "base/process.h"

struct kw_usage {
	int statm;    /* /proc/self/statm */
	uint64_t fds; /* open without clients */
};

/* Call it when everything is open, and before the rights to do so are given up. */
void kw_usage_open(struct kw_usage *usage);

/* Fills in all but max_fds and start_seconds; fields that cannot be read are 0. */
void kw_usage_read(const struct kw_usage *usage, unsigned int clients, struct kw_process *ret_process);

#endif
