/* SPDX-License-Identifier: BSD-2-Clause */
#include "web/texts.h"

#include <stdlib.h>

#include "base/clock.h"

bool kw_texts_are_fresh(const struct kw_texts *texts, enum kw_board form)
{
	const struct kw_text *text = &texts->forms[form];

	return text->text && kw_clock_monotonic() < text->taken + KW_TEXT_FRESH;
}

int kw_texts_want(struct kw_texts *texts, enum kw_board form, const struct kw_process *process)
{
	struct kw_link_message message = {.board = form, .process = *process};

	if (texts->forms[form].wanted)
		return 0;
	texts->forms[form].wanted = true;
	return kw_link_send(texts->link, &message);
}

void kw_texts_take(struct kw_texts *texts, const struct kw_link_message *message)
{
	struct kw_text *text = &texts->forms[message->board];

	kw_metrics_reply_drop(&text->reply);
	free(text->text);
	text->text = NULL;
	text->length = message->length;
	text->taken = kw_clock_monotonic();
	text->wanted = false;
	if (message->result == 0 && kw_link_take(texts->link, message->board, message->length, &text->text) < 0)
		text->text = NULL;
}
