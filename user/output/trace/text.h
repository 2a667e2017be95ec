/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints records as lines for people. */
#ifndef KEEPWATCH_TEXT_H
#define KEEPWATCH_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "output/trace/record.h"

struct kw_text_style {
	bool colour;   /* for a terminal: premature closes stand out, evidence is dimmed */
	bool evidence; /* print the evidence of every close, not only of premature ones */
};

/* Prints one line: time, service, role, requests, duration, reason, closer, manner, and the loss. After a premature
 * close come its evidence, each sentence indented on its own line, the addresses and the id. Returns 0, or -EIO with
 * errno set. */
int kw_text_connection(FILE *file, const struct kw_record *record, const struct kw_text_style *style);

/* @service names the exchange's connection. */
int kw_text_exchange(FILE *file, const struct kw_event_exchange *exchange, const struct kw_service *service,
		     const struct kw_clock *clock);

/* Prints a request that arrived after its connection's line was printed, and how long after the close it came. */
int kw_text_late(FILE *file, const struct kw_event_late *late, const struct kw_service *service,
		 const struct kw_clock *clock, const struct kw_text_style *style);

/* Prints hop-by-hop fields that turned out to have been sent on after their connection's line was printed. */
int kw_text_forwarded(FILE *file, const struct kw_forwarded *found, const struct kw_service *service,
		      const struct kw_clock *clock, const struct kw_text_style *style);

/* Prints a gateway's error and the connection that caused it, with the evidence. */
int kw_text_gateway(FILE *file, const struct kw_gateway_record *record, const struct kw_text_style *style);

#define KW_CLOSING_TEXT 128

/* Writes "3 connections are closing and not final yet, ...". Returns false, after writing nothing, if there are none.
 */
bool kw_text_closing(const struct kw_unfinished *closing, char ret_text[KW_CLOSING_TEXT]);

#endif
