/* SPDX-License-Identifier: BSD-2-Clause */
/* The other end of a connection whose two ends are both on this host: as much of its verdict as this end may lack. A RST
 * does not say whether the server had the request, a FIN does not say whether its sender goes on reading, and of FINs that
 * cross each end believes that its own came first: the two ends together know. */
#ifndef KEEPWATCH_FAR_END_H
#define KEEPWATCH_FAR_END_H

#include <stdbool.h>
#include <stdint.h>

#include "judge/terms.h"

struct kw_far_end {
	uint64_t closed; /* the first act, as that end saw it, monotonic ns: where FINs cross, its own */
	uint32_t lost_requests;
	uint32_t above; /* HTTP/2: streams that are open above the last one of the server's GOAWAY */
	enum kw_closer closer;
	enum kw_manner manner;
	enum kw_phase phase;
	enum kw_reason reason;
	enum kw_premature premature;
	bool certain;      /* that end's verdict is; else only the times count */
	bool late_request; /* the server's end: it closed while idle, and a request lay unread */
	bool crossed;      /* both sides sent their FIN before either had the other's */
};

/* How far the other end decided a verdict. */
enum kw_far_part {
	KW_FAR_NONE,
	KW_FAR_ORDER,    /* it shows whose FIN was first */
	KW_FAR_ARRIVAL,  /* it shows whether the server had the request */
	KW_FAR_CONFIRMS, /* both ends say the same, and it is certain */
	KW_FAR_DECIDES,  /* it saw why, and this end did not */
};

#endif
