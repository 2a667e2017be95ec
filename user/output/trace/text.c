/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "event/container.h"

#define RED "\033[1;31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"
#define INDENT 14 /* width of the time and the space after it */
#define TIME_TEXT 32
#define REASON_WIDTH 22 /* length of the longest reason's name */

static const struct unit {
	uint64_t below; /* ns; durations below this are printed in this unit */
	uint64_t size;  /* ns */
	unsigned int decimals;
	const char *name;
} units[] = {
	{KW_US, 1, 0, "ns"},
	{KW_MS, KW_US, 0, "us"},
	{KW_S, KW_MS, 1, "ms"},
	{10 * KW_S, KW_S, 3, "s"},
	{100 * KW_S, KW_S, 2, "s"},
	{1000 * KW_S, KW_S, 1, "s"},
	{6000 * KW_S, 60 * KW_S, 1, "min"},
	{UINT64_MAX, 3600 * KW_S, 1, "h"},
};

struct kw_duration kw_duration(uint64_t ns)
{
	const struct unit *unit = units;
	struct kw_duration duration;
	uint64_t steps, per_unit = 1;
	unsigned int decimals;

	while (ns >= unit->below && unit->below != UINT64_MAX)
		unit++;
	for (decimals = 0; decimals < unit->decimals; decimals++)
		per_unit *= 10;
	steps = ns / (unit->size / per_unit);
	for (; decimals && steps % 10 == 0; decimals--, per_unit /= 10)
		steps /= 10;
	if (decimals)
		snprintf(duration.text, sizeof(duration.text), "%" PRIu64 ".%0*" PRIu64 " %s", steps / per_unit,
			 (int)decimals, steps % per_unit, unit->name);
	else
		snprintf(duration.text, sizeof(duration.text), "%" PRIu64 " %s", steps, unit->name);
	return duration;
}

struct kw_duration kw_duration_about(double seconds)
{
	uint64_t ns = seconds > 0 ? (uint64_t)(seconds * 1e9 + 0.5) : 0, step = 1;

	while (ns / step >= 10000)
		step *= 10;
	return kw_duration((ns + step / 2) / step * step);
}

void kw_text_duration(uint64_t ns, char ret_text[KW_DURATION_TEXT])
{
	strcpy(ret_text, kw_duration(ns).text);
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

/* Prints the beginning of every line: time, service and role. */
static void print_head(FILE *file, const struct kw_clock *clock, uint64_t time,
		       const struct kw_service *service, __u8 role)
{
	char when[TIME_TEXT];

	time_of_day(clock, time, when);
	fprintf(file, "%s  %-24s %-7s ", when, service->name, kw_role_name(role));
}

/* Prints @text, padded to @width, in @colour; NULL means no colour. */
static void print_coloured(FILE *file, const char *colour, int width, const char *text)
{
	if (colour)
		fprintf(file, "%s%-*s%s", colour, width, text, PLAIN);
	else
		fprintf(file, "%-*s", width, text);
}

static void print_loss(FILE *file, uint32_t lost, const struct kw_text_style *style)
{
	fputs(", ", file);
	print_coloured(file, style->colour ? RED : NULL, 0, "premature");
	fprintf(file, ", %" PRIu32 " lost", lost);
}

/* Prints where the socket's owner runs: network namespace, process, container, cgroup. */
static void print_place(FILE *file, const struct kw_record *record)
{
	const struct kw_identity *identity = &record->event->connection->identity;
	struct kw_container container;

	kw_container_find(record->cgroup, &container);
	fprintf(file, "%*snetns %" PRIu32, INDENT, "", (uint32_t)identity->netns);
	if (identity->pid)
		fprintf(file, ", pid %" PRIu32, (uint32_t)identity->pid);
	if (container.id[0])
		fprintf(file, ", container %s", container.id);
	if (container.runtime)
		fprintf(file, " (%s)", container.runtime);
	if (container.pod[0])
		fprintf(file, ", pod %s", container.pod);
	if (record->cgroup)
		fprintf(file, ", cgroup %s", record->cgroup);
	fputc('\n', file);
}

/* Prints the sentences of evidence, then the addresses and the id, by which one finds the connection elsewhere. */
static void print_evidence(FILE *file, const struct kw_record *record, const struct kw_text_style *style)
{
	const struct kw_identity *identity = &record->event->connection->identity;
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT];

	if (style->colour)
		fputs(DIM, file);
	for (size_t i = 0; i < record->evidence->count; i++)
		fprintf(file, "%*s%s\n", INDENT, "", record->evidence->sentences[i]);
	kw_endpoint_print(identity->local, identity->local_port, local);
	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	kw_record_id(identity, id);
	fprintf(file, "%*slocal %s, remote %s, id %s\n", INDENT, "", local, remote, id);
	if (style->evidence)
		print_place(file, record);
	if (style->colour)
		fputs(PLAIN, file);
}

static void print_reason(FILE *file, const struct kw_verdict *verdict, const struct kw_text_style *style)
{
	const char *colour = NULL;

	if (style->colour && verdict->premature != KW_PREMATURE_NO)
		colour = verdict->premature == KW_PREMATURE_YES ? RED : YELLOW;
	print_coloured(file, colour, REASON_WIDTH, kw_reason_name(verdict->reason));
	fprintf(file, "  by %s", kw_closer_name(verdict->closer));
	if (verdict->manner != KW_MANNER_UNKNOWN)
		fprintf(file, " (%s)", kw_manner_name(verdict->manner));
	if (verdict->premature == KW_PREMATURE_YES)
		print_loss(file, verdict->lost_requests, style);
}

int kw_text_connection(FILE *file, const struct kw_record *record, const struct kw_text_style *style)
{
	const struct kw_event_connection *event = record->event->connection;
	const struct kw_verdict *verdict = record->verdict;
	uint64_t end = verdict ? verdict->closed : event->header.time;
	char duration[KW_DURATION_TEXT] = "?";

	if (!event->identity.preexisting && end >= event->opened)
		kw_text_duration(end - event->opened, duration);
	print_head(file, &record->clock, end, record->service, event->identity.role);
	fprintf(file, "%5" PRIu32 " req %10s  ", (uint32_t)event->http.counts.requests, duration);
	if (verdict)
		print_reason(file, verdict, style);
	else
		fprintf(file, "still open");
	fputc('\n', file);
	if (verdict && (style->evidence || verdict->premature == KW_PREMATURE_YES))
		print_evidence(file, record, style);
	return ferror(file) ? -EIO : 0;
}

int kw_text_exchange(FILE *file, const struct kw_event_exchange *exchange, const struct kw_service *service,
		     const struct kw_clock *clock)
{
	char wait[KW_DURATION_TEXT], duration[KW_DURATION_TEXT];

	kw_text_duration(exchange->wait, wait);
	kw_text_duration(exchange->duration, duration);
	print_head(file, clock, exchange->started + exchange->duration, service, exchange->identity.role);
	fprintf(file, "%5s %-4" PRIu32 "%10s  status %u, %s request, first byte after %s\n", "no.",
		(uint32_t)exchange->number, duration, exchange->status, kw_method_name(exchange->method), wait);
	return ferror(file) ? -EIO : 0;
}

int kw_text_late(FILE *file, const struct kw_event_late *late, const struct kw_service *service,
		 const struct kw_clock *clock, const struct kw_text_style *style)
{
	char after[KW_DURATION_TEXT], remote[KW_ENDPOINT_TEXT];
	uint64_t time = late->header.time;

	kw_text_duration(time > late->closed ? time - late->closed : 0, after);
	kw_endpoint_print(late->identity.remote, late->identity.remote_port, remote);
	print_head(file, clock, time, service, late->identity.role);
	fprintf(file, "%5s req %10s  ", "+1", after);
	print_coloured(file, style->colour ? RED : NULL, REASON_WIDTH, "late_request");
	fprintf(file, "  from %s after the close", remote);
	print_loss(file, 1, style);
	fputc('\n', file);
	return ferror(file) ? -EIO : 0;
}

bool kw_text_closing(const struct kw_unfinished *closing, char ret_text[KW_CLOSING_TEXT])
{
	bool one = closing->connections == 1;
	int length;

	if (!closing->connections)
		return false;
	length = snprintf(ret_text, KW_CLOSING_TEXT, "%u connection%s closing and not final yet",
			  closing->connections, one ? " is" : "s are");
	if (closing->requests)
		snprintf(ret_text + length, KW_CLOSING_TEXT - (size_t)length,
			 ": %u request%s on %s may be lost", closing->requests,
			 closing->requests == 1 ? "" : "s", one ? "it" : "them");
	return true;
}
