/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations as people read them: "20 us", "5.5 ms", "2.01 s", "5.003 s", "16.6 min". */
#ifndef KEEPWATCH_DURATION_H
#define KEEPWATCH_DURATION_H

#include <stdint.h>

#define KW_DURATION_TEXT 32

struct kw_duration {
	char text[KW_DURATION_TEXT];
};

/* Formats a measured duration with four digits at most. Cuts digits instead of rounding, so that the text never exceeds the
 * true time. */
struct kw_duration kw_duration(uint64_t ns);

/* Formats a mean, a limit or a setting: rounded to four digits. Negative numbers count as 0. */
struct kw_duration kw_duration_about(double seconds);

/* kw_duration() into a buffer. */
void kw_duration_print(uint64_t ns, char ret_text[KW_DURATION_TEXT]);

#endif
