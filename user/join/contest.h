/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors and failures where each may belong to several of the others. */
#ifndef KEEPWATCH_CONTEST_H
#define KEEPWATCH_CONTEST_H

#include "join/work.h"

#define KW_CONTEST 32

struct kw_contest {
	struct kw_match *errors[KW_CONTEST];
	struct kw_failure_key *keys[KW_CONTEST];
	size_t error_count, key_count;
	bool crowded; /* there are more */
};

/* Adds to a contest of all zeros: the errors that compete with this one, those that compete with them, and so on. */
void kw_contest_gather(const struct kw_work *work, struct kw_match *match, struct kw_contest *contest);

#endif
