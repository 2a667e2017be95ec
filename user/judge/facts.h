/* SPDX-License-Identifier: BSD-2-Clause */
/* The facts that the judge's rules ask about: a connection's raw facts, seen as those of "the client" and "the server" at the
 * moment of the closer's first act. Stream positions decide the order, because the time of an event is the time when it
 * was noticed, which may be after its consequences. */
#ifndef KEEPWATCH_JUDGE_FACTS_H
#define KEEPWATCH_JUDGE_FACTS_H

#include "judge/known.h"

/* Derives all of *ret_facts, which keeps pointers to @event and to @far (NULL: nothing is known of the other end); cannot
 * fail. */
void kw_facts_derive(const struct kw_event_connection *event, const struct kw_far_end *far,
		     struct kw_facts *ret_facts);

#endif
