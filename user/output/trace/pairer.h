/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the connections of several hosts as pairs on standard output, those that are asked for. */
#ifndef KEEPWATCH_TRACE_PAIRER_H
#define KEEPWATCH_TRACE_PAIRER_H

#include "event/source.h"
#include "join/across.h"
#include "output/trace/tracer.h"

/* A host, as it is shown. */
struct kw_pairer_host {
	const char *label; /* safe to print */
	struct kw_source source;
};

struct kw_pairer {
	struct kw_tracer_settings settings; /* its reasons: also 1 << (KW_REASON_MAX + enum kw_path_reason) */
	const struct kw_pairer_host *hosts; /* by number; must outlive the pairer */
	struct kw_text_style style;
	uint64_t printed;
	bool reader_gone;
};

void kw_pairer_open(struct kw_pairer *pairer, const struct kw_tracer_settings *settings,
		    const struct kw_pairer_host *hosts);

/* Prints a pair if it is wanted. @context: the pairer. Returns as a sink does. */
int kw_pairer_take(void *context, const struct kw_across_pair *pair);

/* No more pairs are wanted. */
bool kw_pairer_has_enough(const struct kw_pairer *pairer);

/* 0, or -errno after logging it. */
int kw_pairer_finish(struct kw_pairer *pairer);

#endif
