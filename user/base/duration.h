/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations as people read them: "20 us", "5.5 ms", "2.01 s", "5.003 s", "16.6 min". */
#ifndef KEEPWATCH_DURATION_H
#define KEEPWATCH_DURATION_H

#include <stdint.h>

#define KW_DURATION_TEXT 32

struct kw_duration {
	char text[KW_DURATION_TEXT];
};

/* A measured duration, to four digits at most. It is cut, not rounded, so that it never claims more than it was. */
struct kw_duration kw_duration(uint64_t ns);

/* A mean, a limit or a setting: rounded to four digits. A number below 0 counts as 0. */
struct kw_duration kw_duration_about(double seconds);

/* kw_duration() into a buffer. */
void kw_duration_print(uint64_t ns, char ret_text[KW_DURATION_TEXT]);

#endif
