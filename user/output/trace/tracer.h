/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as lines on standard output, as `trace` prints them: live, or from a file. */
#ifndef KEEPWATCH_TRACER_H
#define KEEPWATCH_TRACER_H

#include "output/trace/json.h"
#include "observe/observer.h"
#include "command/options.h"
#include "event/source.h"
#include "output/trace/text.h"

struct kw_tracer {
	const struct kw_options *options;
	struct kw_source source;
	struct kw_text_style style;
	struct kw_summary summary;
	bool at_once;     /* each line is handed to the reader as it is written */
	uint64_t printed; /* closes */
	bool reader_gone; /* standard output is a closed pipe */
};

/* @options must outlive the tracer; it owns nothing. */
void kw_tracer_open(struct kw_tracer *tracer, const struct kw_options *options, struct kw_source source,
		    bool at_once);

/* @tracer must not move in memory while the sink is in use. */
struct kw_sink kw_tracer_sink(struct kw_tracer *tracer);

/* The last line. 0 or -errno, which has been logged. */
int kw_tracer_finish(struct kw_tracer *tracer);

#endif
