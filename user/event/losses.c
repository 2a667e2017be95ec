/* SPDX-License-Identifier: BSD-2-Clause */
#include "event/losses.h"

uint64_t kw_unseen_lost(const struct kw_event_unseen *unseen)
{
	return unseen->openings + unseen->closes;
}

void kw_losses_note(struct kw_losses *losses, const struct kw_event *event)
{
	if (event->totals)
		losses->dropped = kw_totals_lost(&event->totals->totals);
	if (event->unseen)
		losses->unseen = kw_unseen_lost(event->unseen);
}

uint64_t kw_losses_all(const struct kw_losses *losses)
{
	return losses->dropped + losses->unseen;
}

/* A larger buffer helps only where something was on its way. */
const char *kw_losses_hint(const struct kw_losses *losses)
{
	if (!losses->unseen)
		return "a larger --ring-size may help";
	if (!losses->dropped)
		return "the kernel showed them to no program";
	return "the kernel showed some of them to no program; a larger --ring-size may help with the others";
}
