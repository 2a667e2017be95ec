/* SPDX-License-Identifier: BSD-2-Clause */
/* The sentences about an HTTP/2 connection: its GOAWAY, its streams, its PINGs. */
#ifndef KEEPWATCH_EVIDENCE_HTTP2_H
#define KEEPWATCH_EVIDENCE_HTTP2_H

#include "judge/sentences.h"

/* Writes what decided, for the reasons that only HTTP/2 has; nothing for others. */
void kw_http2_say_lead(struct kw_writer *w);

/* Writes which side sent FIN or RST, and how many streams were open. */
void kw_http2_say_act(struct kw_writer *w);

/* Writes how else streams ended, which fields were sent that HTTP/2 forbids, and which frames were not seen. */
void kw_http2_say_more(struct kw_writer *w);

#endif
