/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints events as the lines of `trace` on standard output. Live runs and replays use it alike. */
#ifndef KEEPWATCH_TRACER_H
#define KEEPWATCH_TRACER_H

#include "base/memory_stream.h"
#include "event/source.h"
#include "join/audit.h"
#include "join/gateway.h"
#include "judge/sink.h"
#include "output/trace/json.h"
#include "output/trace/text.h"

struct kw_tracer_settings {
	const struct kw_namer *namer; /* names the services; must outlive the tracer */
	const char *
		host; /* is printed in front of each record, because there are several; NULL: it is not; must outlive it too */
	bool json;
	bool at_once;     /* each line is handed to the reader as it is written */
	bool evidence;    /* for every connection; premature ones always have theirs */
	bool exchanges;   /* print a line for each request and response too */
	bool open;        /* print connections that are still open at the end */
	bool premature;   /* print premature closes only */
	uint64_t reasons; /* print only these: 1 << enum kw_reason; 0 means all */
	uint64_t count;   /* stop after so many closes; 0 means no limit */
};

struct kw_tracer {
	struct kw_tracer_settings settings;
	struct kw_source source;
	FILE *out;                    /* standard output, or the stream below */
	struct kw_memory_stream line; /* with a host: the record that is being printed; owned */
	struct kw_text_style style;
	struct kw_summary summary;
	struct kw_gateway gateway; /* errors of gateways and their causes; owned */
	struct kw_audit audit;     /* hop-by-hop fields that were sent on; owned */
	uint64_t printed;          /* number of closes printed */
	bool reader_gone;          /* the reader has closed the pipe of standard output */
};

/* -ENOMEM, and that has been logged. */
int kw_tracer_open(struct kw_tracer *tracer, const struct kw_tracer_settings *settings,
		   struct kw_source source);

void kw_tracer_close(struct kw_tracer *tracer);

/* @tracer must not move in memory while the sink is in use. */
struct kw_sink kw_tracer_sink(struct kw_tracer *tracer);

/* Prints the errors of gateways that wait for their cause, and the last line. Returns 0, or -errno after logging it. */
int kw_tracer_finish(struct kw_tracer *tracer);

#endif
