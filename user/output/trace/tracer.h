/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints events as the lines of `trace` on standard output. Live runs and replays use it alike. */
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
	bool at_once;     /* flush after each line */
	uint64_t printed; /* number of closes printed */
	bool reader_gone; /* the reader has closed the pipe of standard output */
};

/* @options must outlive the tracer; it owns nothing. */
void kw_tracer_open(struct kw_tracer *tracer, const struct kw_options *options, struct kw_source source,
		    bool at_once);

/* @tracer must not move in memory while the sink is in use. */
struct kw_sink kw_tracer_sink(struct kw_tracer *tracer);

/* Prints the last line. Returns 0, or -errno after logging it. */
int kw_tracer_finish(struct kw_tracer *tracer);

#endif
