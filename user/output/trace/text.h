/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as lines that a person reads at a glance. */
#ifndef KEEPWATCH_TEXT_H
#define KEEPWATCH_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "output/trace/record.h"

struct kw_text_style {
	bool colour;   /* for a terminal: what is premature, or may be, stands out; evidence does not */
	bool evidence; /* an indented line for each sentence of evidence, whatever the verdict */
};

/* One line: time, service, role, requests, duration, reason, closer and manner; what was lost. Premature ones
 * are always followed by their evidence, each sentence indented on its own line, and the addresses and the id.
 * Returns 0, or -EIO with errno set. */
int kw_text_connection(FILE *file, const struct kw_record *record, const struct kw_text_style *style);

/* @service names the exchange's connection. */
int kw_text_exchange(FILE *file, const struct kw_event_exchange *exchange, const struct kw_service *service,
		     const struct kw_clock *clock);

/* What is learnt of a connection after its line was printed: a request, and how long after the close it came. */
int kw_text_late(FILE *file, const struct kw_event_late *late, const struct kw_service *service,
		 const struct kw_clock *clock, const struct kw_text_style *style);

#define KW_CLOSING_TEXT 128

/* "3 connections are closing and not final yet, ...": false, and nothing is written, if there are none. */
bool kw_text_closing(const struct kw_unfinished *closing, char ret_text[KW_CLOSING_TEXT]);

#endif
