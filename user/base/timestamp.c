/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/timestamp.h"

#include <stdio.h>
#include <time.h>

void kw_timestamp(const struct kw_clock *clock, uint64_t monotonic, char ret_text[KW_TIMESTAMP])
{
	uint64_t ns = monotonic + (uint64_t)clock->offset;
	time_t whole = (time_t)(ns / KW_S);
	struct tm utc = {0};
	size_t length;

	gmtime_r(&whole, &utc);
	length = strftime(ret_text, KW_TIMESTAMP, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(ret_text + length, KW_TIMESTAMP - length, ".%09uZ", (unsigned int)(ns % KW_S));
}

void kw_time_of_day(const struct kw_clock *clock, uint64_t monotonic, char ret_text[KW_TIME_OF_DAY])
{
	uint64_t ns = monotonic + (uint64_t)clock->offset;
	time_t whole = (time_t)(ns / KW_S);
	struct tm local;
	size_t length;

	localtime_r(&whole, &local);
	length = strftime(ret_text, KW_TIME_OF_DAY, "%H:%M:%S", &local);
	snprintf(ret_text + length, KW_TIME_OF_DAY - length, ".%03u", (unsigned int)(ns % KW_S / KW_MS));
}
