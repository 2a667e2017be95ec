/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define RED "\033[1;31m"
#define PLAIN "\033[0m"
#define TIME_TEXT 32

void kw_text_duration(uint64_t ns, char ret_text[KW_DURATION_TEXT])
{
	if (ns < KW_MS)
		snprintf(ret_text, KW_DURATION_TEXT, "%u us", (unsigned int)(ns / KW_US));
	else if (ns < KW_S)
		snprintf(ret_text, KW_DURATION_TEXT, "%.1f ms", (double)ns / (double)KW_MS);
	else if (ns < 100 * KW_S)
		snprintf(ret_text, KW_DURATION_TEXT, "%.3f s", (double)ns / (double)KW_S);
	else if (ns < 6000 * KW_S)
		snprintf(ret_text, KW_DURATION_TEXT, "%.1f min", (double)ns / (60.0 * (double)KW_S));
	else
		snprintf(ret_text, KW_DURATION_TEXT, "%.1f h", (double)ns / (3600.0 * (double)KW_S));
}

/* Local time of day, to the millisecond. */
static void time_of_day(const struct kw_clock *clock, uint64_t monotonic, char ret_text[TIME_TEXT])
{
	uint64_t ns = monotonic + (uint64_t)clock->offset;
	time_t whole = (time_t)(ns / KW_S);
	struct tm local;
	size_t length;

	localtime_r(&whole, &local);
	length = strftime(ret_text, TIME_TEXT, "%H:%M:%S", &local);
	snprintf(ret_text + length, TIME_TEXT - length, ".%03u", (unsigned int)(ns % KW_S / KW_MS));
}

static void print_evidence(FILE *file, const struct kw_evidence *evidence)
{
	for (size_t i = 0; i < evidence->count; i++)
		fprintf(file, "%14s%s\n", "", evidence->sentences[i]);
}

static void print_reason(FILE *file, const struct kw_verdict *verdict, bool colour)
{
	bool stands_out = colour && verdict->premature == KW_PREMATURE_YES;

	fprintf(file, "%s%-22s%s  by %s", stands_out ? RED : "", kw_reason_name(verdict->reason),
		stands_out ? PLAIN : "", kw_closer_name(verdict->closer));
	if (verdict->manner != KW_MANNER_UNKNOWN)
		fprintf(file, " (%s)", kw_manner_name(verdict->manner));
	if (verdict->premature == KW_PREMATURE_YES)
		fprintf(file, ", %spremature%s, %" PRIu32 " lost", stands_out ? RED : "",
			stands_out ? PLAIN : "", verdict->lost_requests);
}

int kw_text_connection(FILE *file, const struct kw_record *record, const struct kw_text_style *style)
{
	const struct kw_event_connection *event = record->event->connection;
	const struct kw_verdict *verdict = record->verdict;
	uint64_t end = verdict ? verdict->closed : event->header.time;
	char duration[KW_DURATION_TEXT] = "?", when[TIME_TEXT];

	if (!event->identity.preexisting && end >= event->opened)
		kw_text_duration(end - event->opened, duration);
	time_of_day(&record->clock, end, when);
	fprintf(file, "%s  %-24s %-7s %5" PRIu32 " req %10s  ", when, record->service->name,
		kw_role_name(event->identity.role), (uint32_t)event->http.counts.requests, duration);
	if (verdict)
		print_reason(file, verdict, style->colour);
	else
		fprintf(file, "still open");
	fputc('\n', file);
	if (verdict && (style->evidence || verdict->premature == KW_PREMATURE_YES))
		print_evidence(file, record->evidence);
	return ferror(file) ? -EIO : 0;
}

int kw_text_exchange(FILE *file, const struct kw_event_exchange *exchange, const struct kw_service *service,
		     const struct kw_clock *clock)
{
	char wait[KW_DURATION_TEXT], duration[KW_DURATION_TEXT], when[TIME_TEXT];

	kw_text_duration(exchange->wait, wait);
	kw_text_duration(exchange->duration, duration);
	time_of_day(clock, exchange->started + exchange->duration, when);
	fprintf(file, "%s  %-24s %-7s  no. %-4" PRIu32 " %10s  status %u, %s request, first byte after %s\n",
		when, service->name, kw_role_name(exchange->identity.role), (uint32_t)exchange->number,
		duration, exchange->status, kw_method_name(exchange->method), wait);
	return ferror(file) ? -EIO : 0;
}

int kw_text_late(FILE *file, const struct kw_event_late *late, const struct kw_service *service,
		 const struct kw_clock *clock, const struct kw_text_style *style)
{
	char after[KW_DURATION_TEXT], when[TIME_TEXT], remote[KW_ENDPOINT_TEXT];
	uint64_t time = late->header.time;

	kw_text_duration(time > late->closed ? time - late->closed : 0, after);
	kw_endpoint_print(late->identity.remote, late->identity.remote_port, remote);
	time_of_day(clock, time, when);
	fprintf(file, "%s  %-24s %-7s  %slate request%s of %s came %s after the close, premature, 1 lost\n",
		when, service->name, kw_role_name(late->identity.role), style->colour ? RED : "",
		style->colour ? PLAIN : "", remote, after);
	return ferror(file) ? -EIO : 0;
}
