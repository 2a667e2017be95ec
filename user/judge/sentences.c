/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/sentences.h"

#include <stdarg.h>
#include <stdio.h>

void kw_say(struct kw_writer *w, const char *format, ...)
{
	va_list arguments;

	if (w->out->count == KW_EVIDENCE_SENTENCES)
		return;
	va_start(arguments, format);
	vsnprintf(w->out->sentences[w->out->count++], KW_EVIDENCE_LENGTH, format, arguments);
	va_end(arguments);
}

struct kw_duration kw_signed_duration(int64_t ns)
{
	return kw_duration(ns > 0 ? (uint64_t)ns : 0);
}
