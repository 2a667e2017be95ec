/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/pair.h"

#include <errno.h>
#include <inttypes.h>

#include "base/duration.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "output/trace/json.h"

#define INDENT 14 /* width of the time and the space after it */
#define RED "\033[1;31m"
#define PLAIN "\033[0m"

const struct kw_record *kw_pair_speaker(const struct kw_pair_record *pair)
{
	return pair->path->speaker == KW_ROLE_SERVER ? pair->server.record : pair->client.record;
}

const char *kw_pair_reason(const struct kw_pair_record *pair)
{
	const struct kw_record *speaker = kw_pair_speaker(pair);

	if (pair->path->reason != KW_PATH_NONE)
		return kw_path_reason_name(pair->path->reason);
	return speaker->verdict ? kw_reason_name(speaker->verdict->reason) : "open";
}

/* The path's own sentences, or those of the end that speaks; NULL if that end is open. */
static const struct kw_evidence *evidence_of(const struct kw_pair_record *pair)
{
	return pair->path->reason != KW_PATH_NONE ? &pair->path->evidence : kw_pair_speaker(pair)->evidence;
}

/* ---- JSON ---- */

static json_t *record_of(const struct kw_pair_end *end)
{
	json_t *object, *record;

	if (!end->record)
		return json_null();
	object = json_object();
	record = kw_json_connection_object(end->record);
	kw_json_set(&object, "host", json_string(end->host));
	if (object && (!record || json_object_update(object, record) < 0)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(record);
	return object;
}

static json_t *duration(int64_t ns)
{
	return kw_json_real_or_null(ns != KW_DURATION_UNKNOWN, (double)ns / 1e9);
}

static json_t *path_of(const struct kw_path *path)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "nat", path->both ? json_boolean(path->nat) : json_null(),
			 "delay_s", duration(path->delay), "idle_failed_s", duration(path->idle_failed),
			 "idle_worked_s", duration(path->idle_worked));
}

static json_t *sentences(const struct kw_evidence *evidence)
{
	json_t *list = json_array();

	for (size_t i = 0; evidence && i < evidence->count; i++)
		kw_json_append(&list, json_string(evidence->sentences[i]));
	return list;
}

static const char *confidence_of(const struct kw_pair_record *pair)
{
	const struct kw_verdict *verdict = kw_pair_speaker(pair)->verdict;

	if (pair->path->reason != KW_PATH_NONE)
		return kw_confidence_name(KW_CONFIDENCE_CERTAIN);
	return verdict ? kw_confidence_name(verdict->confidence) : NULL;
}

static bool agreement_is_known(const struct kw_pair_record *pair)
{
	return pair->path->both && pair->client.record->verdict && pair->server.record->verdict;
}

int kw_pair_json(FILE *file, const struct kw_pair_record *pair)
{
	const struct kw_path *path = pair->path;
	char flow[KW_FLOW_TEXT];
	bool known = kw_flow_print(kw_pair_speaker(pair)->event->connection, flow);
	json_t *object = json_pack("{s:s, s:i}", "type", "pair", "schema", KW_JSON_SCHEMA);

	kw_json_set(&object, "flow", kw_json_string_or_null(known ? flow : NULL));
	kw_json_set(&object, "client", record_of(&pair->client));
	kw_json_set(&object, "server", record_of(&pair->server));
	kw_json_set(&object, "agree", agreement_is_known(pair) ? json_boolean(path->agree) : json_null());
	kw_json_set(&object, "path", path_of(path));
	kw_json_set(&object, "reason", json_string(kw_pair_reason(pair)));
	kw_json_set(&object, "confidence", kw_json_string_or_null(confidence_of(pair)));
	kw_json_set(&object, "evidence", sentences(evidence_of(pair)));
	return kw_json_write_line(file, object, KW_JSON_DIGITS);
}

/* ---- text ---- */

static const char *host_of(const struct kw_pair_end *end)
{
	return end->record ? end->host : "?";
}

static void print_head(FILE *file, const struct kw_pair_record *pair)
{
	const struct kw_record *speaker = kw_pair_speaker(pair);
	const struct kw_event_connection *event = speaker->event->connection;
	uint64_t end = speaker->verdict ? speaker->verdict->closed : event->header.time;
	char when[KW_TIME_OF_DAY], lasted[KW_DURATION_TEXT] = "?";

	kw_time_of_day(&speaker->clock, end, when);
	if (!event->identity.preexisting && end >= event->opened)
		kw_duration_print(end - event->opened, lasted);
	fprintf(file, "%s  %s > %s  %-24s %5" PRIu32 " req %10s  ", when, host_of(&pair->client),
		host_of(&pair->server),
		pair->server.record ? pair->server.record->service->name : speaker->service->name,
		(uint32_t)event->http.counts.requests, lasted);
}

/* The path's reasons stand out, as premature closes do. */
static void print_reason(FILE *file, const struct kw_pair_record *pair, const struct kw_text_style *style)
{
	const struct kw_verdict *verdict = kw_pair_speaker(pair)->verdict;
	bool path = pair->path->reason != KW_PATH_NONE;
	bool loud = style->colour && (path || (verdict && verdict->premature == KW_PREMATURE_YES));

	fprintf(file, "%s%s%s", loud ? RED : "", kw_pair_reason(pair), loud ? PLAIN : "");
	if (path)
		fputs(", by the path", file);
	else if (verdict)
		fprintf(file, ", by %s (%s)", kw_closer_name(verdict->closer), kw_manner_name(verdict->manner));
	if (verdict && verdict->lost_requests)
		fprintf(file, ", %" PRIu32 " lost", verdict->lost_requests);
	if (agreement_is_known(pair) && !path && !pair->path->agree)
		fputs(", the ends disagree", file);
	fputc('\n', file);
}

static void print_end(FILE *file, const char *role, const struct kw_pair_end *end)
{
	const struct kw_identity *identity;
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT];

	if (!end->record)
		return;
	identity = &end->record->event->connection->identity;
	kw_endpoint_print(identity->local, identity->local_port, local);
	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	kw_connection_id(identity, id);
	fprintf(file, "%*s%s on %s: local %s, remote %s, id %s, %s\n", INDENT, "", role, end->host, local,
		remote, id, end->record->verdict ? kw_reason_name(end->record->verdict->reason) : "open");
}

int kw_pair_text(FILE *file, const struct kw_pair_record *pair, const struct kw_text_style *style)
{
	const struct kw_verdict *verdict = kw_pair_speaker(pair)->verdict;
	const struct kw_evidence *evidence = evidence_of(pair);

	print_head(file, pair);
	print_reason(file, pair, style);
	if (style->evidence || pair->path->reason != KW_PATH_NONE ||
	    (verdict && verdict->premature == KW_PREMATURE_YES)) {
		for (size_t i = 0; evidence && i < evidence->count; i++)
			fprintf(file, "%*s%s\n", INDENT, "", evidence->sentences[i]);
		print_end(file, "client", &pair->client);
		print_end(file, "server", &pair->server);
	}
	return ferror(file) ? -EIO : 0;
}
