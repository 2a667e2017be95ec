/* SPDX-License-Identifier: BSD-2-Clause */
/* The finished texts that the port answers with. A text serves for KW_TEXT_FRESH, so however many clients ask, at most ten
 * of each form are written per second. */
#ifndef KEEPWATCH_WEB_TEXTS_H
#define KEEPWATCH_WEB_TEXTS_H

#include <stdbool.h>

#include "include/units.h"
#include "web/link.h"
#include "web/metrics_reply.h"

#define KW_TEXT_FRESH (100 * KW_MS)

/* Begins with all zeros but for the first field. */
struct kw_texts {
	const struct kw_link *link;
	struct kw_text {
		char *text; /* owned; ends with a NUL that @length does not count; NULL: there is none */
		size_t length;
		uint64_t taken; /* monotonic ns */
		bool wanted;    /* it was asked for, and has not come yet */
		struct kw_metrics_reply reply;
	} forms[KW_BOARD_FORMS];
};

bool kw_texts_are_fresh(const struct kw_texts *texts, enum kw_board form);

/* Asks for this text, unless that was done already. @process goes with it. Returns 0 or -errno. */
int kw_texts_want(struct kw_texts *texts, enum kw_board form, const struct kw_process *process);

/* Takes the text that this message is about; without one, the last one is dropped. */
void kw_texts_take(struct kw_texts *texts, const struct kw_link_message *message);

#endif
