/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/duration.h"
#include "base/timestamp.h"
#include "base/words.h"
#include "event/container.h"
#include "event/http2_names.h"
#include "judge/http2.h"

#define RED "\033[1;31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"
#define INDENT 14       /* width of the time and the space after it */
#define REASON_WIDTH 23 /* length of the longest reason's name */

/* Prints the beginning of every line: time, service and role. */
static void print_head(FILE *file, const struct kw_clock *clock, uint64_t time,
		       const struct kw_service *service, __u8 role)
{
	char when[KW_TIME_OF_DAY];

	kw_time_of_day(clock, time, when);
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
	kw_connection_id(identity, id);
	fprintf(file, "%*slocal %s, remote %s, id %s\n", INDENT, "", local, remote, id);
	if (style->evidence)
		print_place(file, record);
	if (style->colour)
		fputs(PLAIN, file);
}

/* Within TLS their number is inferred. */
static void print_requests(FILE *file, const struct kw_http *http)
{
	char inferred[16];

	if (http->protocol != HTTP1_PROTOCOL_TLS) {
		fprintf(file, "%5" PRIu32, (uint32_t)http->counts.requests);
		return;
	}
	snprintf(inferred, sizeof(inferred), "~%" PRIu32, (uint32_t)http->counts.requests_begun);
	fprintf(file, "%5s", inferred);
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
	if (kw_http2_retryable(&verdict->facts.streams))
		fprintf(file, ", %" PRIu32 " retryable", kw_http2_retryable(&verdict->facts.streams));
}

static void print_forwarded(FILE *file, const struct kw_forwarded *found)
{
	for (size_t i = 0; i < found->count; i++)
		fprintf(file, "%s%s", i ? ", " : "", found->names[i]);
}

int kw_text_connection(FILE *file, const struct kw_record *record, const struct kw_text_style *style)
{
	const struct kw_event_connection *event = record->event->connection;
	const struct kw_verdict *verdict = record->verdict;
	uint64_t end = verdict ? verdict->closed : event->header.time;
	char duration[KW_DURATION_TEXT] = "?";

	if (!event->identity.preexisting && end >= event->opened)
		kw_duration_print(end - event->opened, duration);
	print_head(file, &record->clock, end, record->service, event->identity.role);
	print_requests(file, &event->http);
	fprintf(file, " req %10s  ", duration);
	if (verdict)
		print_reason(file, verdict, style);
	else
		fprintf(file, "still open");
	if (record->forwarded && record->forwarded->count) {
		fputs(", forwarded hop-by-hop ", file);
		print_forwarded(file, record->forwarded);
	}
	fputc('\n', file);
	if (verdict && (style->evidence || verdict->premature == KW_PREMATURE_YES))
		print_evidence(file, record, style);
	return ferror(file) ? -EIO : 0;
}

static void print_stream(FILE *file, const struct kw_event_exchange *stream, const char *duration,
			 const char *wait)
{
	fprintf(file, "%5s %-4" PRIu32 "%10s  ", "no.", (uint32_t)stream->number, duration);
	if (stream->status)
		fprintf(file, "status %u, first byte after %s", stream->status, wait);
	else
		fputs("no status that was understood", file);
	if (stream->reset_by)
		fprintf(file, ", reset by the %s (%s)", kw_http2_side_name(stream->reset_by - 1U),
			kw_http2_code_name(stream->reset_code));
	fputc('\n', file);
}

int kw_text_exchange(FILE *file, const struct kw_event_exchange *exchange, const struct kw_service *service,
		     const struct kw_clock *clock)
{
	char wait[KW_DURATION_TEXT], duration[KW_DURATION_TEXT];

	kw_duration_print(exchange->wait, wait);
	kw_duration_print(exchange->duration, duration);
	print_head(file, clock, exchange->started + exchange->duration, service, exchange->identity.role);
	if (exchange->is_stream)
		print_stream(file, exchange, duration, wait);
	else
		fprintf(file, "%5s %-4" PRIu32 "%10s  status %u, %s request, first byte after %s\n", "no.",
			(uint32_t)exchange->number, duration, exchange->status,
			kw_method_name(exchange->method), wait);
	return ferror(file) ? -EIO : 0;
}

int kw_text_late(FILE *file, const struct kw_event_late *late, const struct kw_service *service,
		 const struct kw_clock *clock, const struct kw_text_style *style)
{
	char after[KW_DURATION_TEXT], remote[KW_ENDPOINT_TEXT];
	uint64_t time = late->header.time;

	kw_duration_print(time > late->closed ? time - late->closed : 0, after);
	kw_endpoint_print(late->identity.remote, late->identity.remote_port, remote);
	print_head(file, clock, time, service, late->identity.role);
	fprintf(file, "%5s req %10s  ", "+1", after);
	print_coloured(file, style->colour ? RED : NULL, REASON_WIDTH, "late_request");
	fprintf(file, "  from %s after the close", remote);
	print_loss(file, 1, style);
	fputc('\n', file);
	return ferror(file) ? -EIO : 0;
}

int kw_text_forwarded(FILE *file, const struct kw_forwarded *found, const struct kw_service *service,
		      const struct kw_clock *clock, const struct kw_text_style *style)
{
	const struct kw_identity *identity = &found->identity;
	char remote[KW_ENDPOINT_TEXT];

	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	print_head(file, clock, found->time, service, identity->role);
	fprintf(file, "%20s  ", "");
	print_coloured(file, style->colour ? YELLOW : NULL, REASON_WIDTH, "forwarded_hop_by_hop");
	fprintf(file, "  %s %s before its close: ", identity->role == KW_ROLE_CLIENT ? "to" : "for", remote);
	print_forwarded(file, found);
	fputc('\n', file);
	return ferror(file) ? -EIO : 0;
}

static void print_failure(FILE *file, const struct kw_gateway_record *record,
			  const struct kw_kept_close *failure)
{
	struct kw_service service;

	kw_service_name(record->namer, &failure->connection.identity, NULL, &service);
	fprintf(file, "%s: %s, by %s", service.name, kw_reason_name(failure->verdict.reason),
		kw_closer_name(failure->verdict.closer));
}

static void print_passed(FILE *file, const struct kw_gateway_record *record, const struct kw_kept_close *passed)
{
	struct kw_service service;

	kw_service_name(record->namer, &passed->connection.identity, NULL, &service);
	fprintf(file, "%s answered so itself, and it was passed on", service.name);
}

/* Prints why the cause is the cause, the tries before it, and the ids by which their records are found. */
static void print_causes(FILE *file, const struct kw_gateway_record *record)
{
	const struct kw_gateway_error *error = record->error;
	struct kw_evidence evidence = {0};
	char id[KW_ID_TEXT], upstream[KW_ID_TEXT];

	if (error->cause)
		kw_evidence_write(&error->cause->verdict, &evidence);
	for (size_t i = 0; i < evidence.count; i++)
		fprintf(file, "%*s%s\n", INDENT, "", evidence.sentences[i]);
	for (size_t i = 0; i < error->try_count; i++) {
		fprintf(file, "%*stried before: ", INDENT, "");
		print_failure(file, record, error->tries[i]);
		fputc('\n', file);
	}
	kw_connection_id(&error->event.identity, id);
	fprintf(file, "%*sid %s", INDENT, "", id);
	if (error->cause) {
		kw_connection_id(&error->cause->connection.identity, upstream);
		fprintf(file, ", caused by id %s (%s)", upstream, kw_confidence_name(error->confidence));
	}
	fputc('\n', file);
}

int kw_text_gateway(FILE *file, const struct kw_gateway_record *record, const struct kw_text_style *style)
{
	const struct kw_gateway_error *error = record->error;
	const struct kw_event_gateway *event = &error->event;
	char duration[KW_DURATION_TEXT] = "?";

	if (event->started && event->started <= event->header.time)
		kw_duration_print(event->header.time - event->started, duration);
	print_head(file, record->clock, event->header.time, record->service, event->identity.role);
	fprintf(file, "%5s %-4" PRIu32 "%10s  ", "no.", (uint32_t)event->number, duration);
	print_coloured(file, style->colour ? RED : NULL, REASON_WIDTH, "gateway_error");
	fprintf(file, "  status %u, ", event->status);
	if (error->cause)
		print_failure(file, record, error->cause);
	else if (error->passed)
		print_passed(file, record, error->passed);
	else
		fputs("and no connection to another server is known to have failed", file);
	fprintf(file, "\n%s", style->colour ? DIM : "");
	print_causes(file, record);
	fputs(style->colour ? PLAIN : "", file);
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
			 ": %u request%s on %s may be lost", closing->requests, kw_plural(closing->requests),
			 one ? "it" : "them");
	return true;
}
