/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/json.h"

#include <string.h>

#include "base/json.h"
#include "base/sanitize.h"
#include "base/timestamp.h"
#include "event/container.h"
#include "event/http2_names.h"
#include "output/trace/json_http2.h"
#include "output/trace/json_tls.h"

#define SCHEMA KW_JSON_SCHEMA
#define DIGITS KW_JSON_DIGITS

/* ---- values: what is unknown is null ---- */

static json_t *seconds(uint64_t ns)
{
	return json_real((double)ns / 1e9);
}

static json_t *seconds_or_null(bool known, uint64_t ns)
{
	return known ? seconds(ns) : json_null();
}

static json_t *signed_seconds(int64_t ns)
{
	return ns == KW_DURATION_UNKNOWN ? json_null() : json_real((double)ns / 1e9);
}

/* null for a time that is not known. */
static json_t *timestamp(const struct kw_clock *clock, uint64_t monotonic)
{
	char text[KW_TIMESTAMP];

	if (!monotonic)
		return json_null();
	kw_timestamp(clock, monotonic, text);
	return json_string(text);
}

static json_t *endpoint(const uint8_t address[KW_ADDRESS], uint16_t port)
{
	char text[KW_ENDPOINT_TEXT];

	kw_endpoint_print(address, port, text);
	return json_string(text);
}

/* null for a connection whose beginning was not seen. */
static json_t *flow(const struct kw_event_connection *event)
{
	char text[KW_FLOW_TEXT];

	return kw_json_string_or_null(kw_flow_print(event, text) ? text : NULL);
}

static json_t *announced(uint8_t by, uint8_t how)
{
	if (by == KW_ANNOUNCED_NONE)
		return json_null();
	return json_pack("{s:s, s:s}", "by", by == KW_ANNOUNCED_BY_CLIENT ? "client" : "server", "how",
			 kw_announced_how_name(how));
}

static json_t *directives(const struct kw_directives *directives)
{
	return json_pack("{s:o, s:o, s:o}", "keep_alive", kw_json_integer(directives->keep_alive), "close",
			 kw_json_integer(directives->close), "upgrade", kw_json_integer(directives->upgrade));
}

static json_t *advertised(const struct kw_http *http)
{
	if (!http->has_timeout && !http->has_max)
		return json_null();
	return json_pack("{s:o, s:o}", "timeout_s", kw_json_integer_or_null(http->has_timeout, http->timeout),
			 "max", kw_json_integer_or_null(http->has_max, http->max));
}

static json_t *hop_by_hop(const struct kw_event_history *history)
{
	json_t *names = json_array();

	for (int i = 0; history && i < KW_NAMES && history->names[i].name[0]; i++) {
		char name[HTTP1_WORD + 1];

		if ((history->name_kinds >> i * KW_NAME_KINDS & KW_NAME_ALL) == KW_NAME_AS_FIELD)
			continue; /* Connection did not list it here */
		kw_sanitize(history->names[i].name, HTTP1_WORD, name, sizeof(name));
		kw_json_append(&names, json_string(name));
	}
	return names;
}

static json_t *forwarded(const struct kw_forwarded *forwarded)
{
	json_t *names = json_array();

	for (size_t i = 0; forwarded && i < forwarded->count; i++)
		kw_json_append(&names, json_string(forwarded->names[i]));
	return names;
}

static json_t *errors(uint32_t bits)
{
	json_t *names = json_array();

	for (int i = 0; i < HTTP1_ERROR_MAX; i++)
		if (bits & 1 << i)
			kw_json_append(&names, json_string(kw_http_error_name(i)));
	return names;
}

static json_t *sentences(const struct kw_evidence *evidence)
{
	json_t *list = json_array();

	for (size_t i = 0; i < evidence->count; i++)
		kw_json_append(&list, json_string(evidence->sentences[i]));
	return list;
}

static json_t *application_error(const struct kw_http *http)
{
	if (http->app_error > 0)
		return kw_json_string_or_null(strerrorname_np(http->app_error));
	return http->flags & KW_HTTP_EOF_READ ? json_string("EOF") : json_null();
}

/* ---- the connection record, in the order of its keys ---- */

/* The time of opening is unknown for a connection that was open before the observer started. */
static void add_times(json_t **object, const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	uint64_t opened = event->identity.preexisting ? 0 : event->opened;
	uint64_t closed = record->verdict ? record->verdict->closed : 0;

	kw_json_set(object, "opened", timestamp(&record->clock, opened));
	kw_json_set(object, "closed", timestamp(&record->clock, closed));
	kw_json_set(object, "duration_s", seconds_or_null(opened && closed >= opened, closed - opened));
}

static void add_identity(json_t **object, const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	const struct kw_identity *identity = &event->identity;
	struct kw_container container;
	char comm[3 * KW_COMM];

	kw_container_find(record->cgroup, &container);
	kw_sanitize(identity->comm, KW_COMM, comm, sizeof(comm));
	kw_json_set(object, "role",
		    kw_json_string_or_null(identity->role == KW_ROLE_UNKNOWN ? NULL
									     : kw_role_name(identity->role)));
	kw_json_set(object, "local", endpoint(identity->local, identity->local_port));
	kw_json_set(object, "remote", endpoint(identity->remote, identity->remote_port));
	kw_json_set(object, "flow", flow(event));
	kw_json_set(object, "netns", kw_json_integer_or_null(identity->netns, identity->netns));
	kw_json_set(object, "pid", kw_json_integer_or_null(identity->pid, identity->pid));
	kw_json_set(object, "comm", kw_json_string_or_null(comm));
	kw_json_set(object, "cgroup", kw_json_string_or_null(record->cgroup));
	kw_json_set(object, "container", kw_json_string_or_null(container.id));
	if (container.pod[0])
		kw_json_set(object, "pod", json_string(container.pod));
	kw_json_set(object, "service", json_string(record->service->name));
	kw_json_set(object, "protocol", json_string(kw_protocol_name(&event->http)));
	kw_json_set(object, "preexisting", json_boolean(identity->preexisting));
}

/* Within TLS they cannot be seen. */
static void add_traffic(json_t **object, const struct kw_http *http)
{
	bool seen = http->protocol != HTTP1_PROTOCOL_TLS;

	kw_json_set(object, "requests", kw_json_integer_or_null(seen, http->counts.requests));
	kw_json_set(object, "responses", kw_json_integer_or_null(seen, http->counts.responses));
	kw_json_set(object, "tx_bytes", kw_json_integer(http->tx_bytes));
	kw_json_set(object, "rx_bytes", kw_json_integer(http->rx_bytes));
	kw_json_set(object, "blind_bytes", kw_json_integer(http->blind_bytes));
}

/* Adds how the connection ended; all values are null while it is open. */
static void add_verdict(json_t **object, const struct kw_record *record)
{
	static const char *const keys[] = {"closer",    "manner",        "phase",      "reason",
					   "premature", "lost_requests", "confidence", "evidence"};
	const struct kw_verdict *verdict = record->verdict;

	if (!verdict) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			kw_json_set(object, keys[i], json_null());
		return;
	}
	kw_json_set(object, "closer", json_string(kw_closer_name(verdict->closer)));
	kw_json_set(object, "manner",
		    kw_json_string_or_null(
			    verdict->manner == KW_MANNER_UNKNOWN ? NULL : kw_manner_name(verdict->manner)));
	kw_json_set(object, "phase",
		    kw_json_string_or_null(verdict->phase == KW_PHASE_UNKNOWN ? NULL
									      : kw_phase_name(verdict->phase)));
	kw_json_set(object, "reason", json_string(kw_reason_name(verdict->reason)));
	kw_json_set(object, "premature",
		    verdict->premature == KW_PREMATURE_UNKNOWN
			    ? json_null()
			    : json_boolean(verdict->premature == KW_PREMATURE_YES));
	kw_json_set(
		object, "lost_requests",
		kw_json_integer_or_null(verdict->premature != KW_PREMATURE_UNKNOWN, verdict->lost_requests));
	kw_json_set(object, "confidence", json_string(kw_confidence_name(verdict->confidence)));
	kw_json_set(object, "evidence", sentences(record->evidence));
}

static json_t *body_size(const struct kw_verdict *verdict, uint64_t bytes)
{
	return kw_json_integer_or_null(verdict && bytes != KW_BODY_UNKNOWN, bytes);
}

static void add_facts(json_t **object, const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	const struct kw_verdict *verdict = record->verdict;
	const struct kw_http *http = &event->http;

	kw_json_set(object, "idle_at_close_s", verdict ? signed_seconds(verdict->idle_at_close) : json_null());
	kw_json_set(object, "idle_max_s", seconds_or_null(http->idle_max, http->idle_max));
	kw_json_set(object, "waited_s", verdict ? signed_seconds(verdict->waited) : json_null());
	kw_json_set(object, "stalled_s", verdict ? signed_seconds(verdict->stalled) : json_null());
	kw_json_set(object, "body_bytes", body_size(verdict, verdict ? verdict->body_bytes : 0));
	kw_json_set(object, "body_declared", body_size(verdict, verdict ? verdict->body_declared : 0));
	kw_json_set(object, "late_by_s", verdict ? signed_seconds(verdict->late_by) : json_null());
	kw_json_set(object, "announced", announced(http->announced_by, http->announced_how));
	kw_json_set(object, "advertised", advertised(http));
	kw_json_set(object, "overrun", json_boolean(http->flags & KW_HTTP_OVERRUN));
	kw_json_set(object, "close_ignored", json_boolean(http->flags & KW_HTTP_CLOSE_IGNORED));
	kw_json_set(object, "late_request", json_boolean(verdict && verdict->late_request));
	kw_json_set(object, "unread_data", json_boolean(verdict && verdict->unread_data));
	kw_json_set(object, "hop_by_hop", hop_by_hop(record->event->history));
	kw_json_set(object, "forwarded_hop_by_hop", forwarded(record->forwarded));
	kw_json_set(object, "directives",
		    json_pack("{s:o, s:o}", "request", directives(&http->counts.request), "response",
			      directives(&http->counts.response)));
	kw_json_set(object, "last_status", kw_json_integer_or_null(http->last_status, http->last_status));
	kw_json_set(object, "app_error", application_error(http));
	kw_json_set(object, "retransmits", kw_json_integer(event->closing.retransmits));
	kw_json_set(object, "srtt_us", kw_json_integer_or_null(event->closing.srtt_us, event->closing.srtt_us));
	kw_json_set(object, "errors", errors(http->errors));
}

/* ---- lines ---- */

json_t *kw_json_connection_object(const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	char id[KW_ID_TEXT];
	json_t *object;

	kw_connection_id(&event->identity, id);
	object = json_pack("{s:s, s:i, s:s}", "type", record->verdict ? "connection" : "open", "schema", SCHEMA,
			   "id", id);
	add_times(&object, record);
	add_identity(&object, record);
	add_traffic(&object, &event->http);
	add_verdict(&object, record);
	add_facts(&object, record);
	kw_json_set(&object, "tls", kw_json_tls(event));
	kw_json_set(&object, "http2", kw_json_http2(event, record->verdict));
	return object;
}

int kw_json_connection(FILE *file, const struct kw_record *record)
{
	return kw_json_write_line(file, kw_json_connection_object(record), DIGITS);
}

/* The side that reset a stream, and its code; null if neither did. */
static json_t *reset_of(const struct kw_event_exchange *stream)
{
	if (!stream->reset_by)
		return json_null();
	return json_pack("{s:s, s:s}", "by", kw_http2_side_name(stream->reset_by - 1U), "code",
			 kw_http2_code_name(stream->reset_code));
}

static json_t *stream_of(const struct kw_event_exchange *stream, const char *id)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "type", "exchange", "id", id, "n",
			 kw_json_integer(stream->number), "status",
			 kw_json_integer_or_null(stream->status, stream->status), "http", "2", "stream",
			 kw_json_integer(2 * (uint64_t)stream->number - 1), "wait_s",
			 seconds_or_null(stream->started, stream->wait), "duration_s",
			 seconds_or_null(stream->started, stream->duration), "reset", reset_of(stream));
}

int kw_json_exchange(FILE *file, const struct kw_event_exchange *exchange)
{
	char id[KW_ID_TEXT];

	kw_connection_id(&exchange->identity, id);
	if (exchange->is_stream)
		return kw_json_write_line(file, stream_of(exchange, id), DIGITS);
	return kw_json_write_line(
		file,
		json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "type", "exchange",
			  "id", id, "n", kw_json_integer(exchange->number), "status",
			  kw_json_integer_or_null(exchange->status, exchange->status), "http",
			  exchange->version ? "1.1" : "1.0", "method", kw_method_name(exchange->method),
			  "wait_s", seconds(exchange->wait), "duration_s", seconds(exchange->duration),
			  "idle_before_s", seconds_or_null(exchange->number > 1, exchange->idle_before),
			  "request_bytes", kw_json_integer(exchange->request_bytes), "response_bytes",
			  kw_json_integer(exchange->response_bytes), "announced",
			  announced(exchange->announced_by, exchange->announced_how)),
		DIGITS);
}

/* A connection to another server that failed the gateway. */
static json_t *failure(const struct kw_kept_close *failure, const struct kw_namer *namer)
{
	const struct kw_identity *identity = &failure->connection.identity;
	const struct kw_verdict *verdict = &failure->verdict;
	struct kw_service service;
	struct kw_evidence evidence;
	char id[KW_ID_TEXT];

	kw_connection_id(identity, id);
	kw_service_name(namer, identity, NULL, &service);
	kw_evidence_write(verdict, &evidence);
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "connection", id, "service", service.name, "reason",
			 kw_reason_name(verdict->reason), "closer", kw_closer_name(verdict->closer), "evidence",
			 sentences(&evidence));
}

int kw_json_gateway(FILE *file, const struct kw_gateway_record *record)
{
	const struct kw_gateway_error *error = record->error;
	const struct kw_event_gateway *event = &error->event;
	const struct kw_identity *identity = &event->identity;
	char id[KW_ID_TEXT], comm[3 * KW_COMM];
	json_t *object, *tries = json_array();

	kw_connection_id(identity, id);
	kw_sanitize(identity->comm, KW_COMM, comm, sizeof(comm));
	for (size_t i = 0; i < error->try_count; i++)
		kw_json_append(&tries, failure(error->tries[i], record->namer));
	object = json_pack("{s:s, s:i}", "type", "gateway_error", "schema", SCHEMA);
	kw_json_set(&object, "at", timestamp(record->clock, event->header.time));
	kw_json_set(&object, "status", kw_json_integer(event->status));
	kw_json_set(&object, "connection", json_string(id));
	kw_json_set(&object, "service", json_string(record->service->name));
	kw_json_set(&object, "pid", kw_json_integer_or_null(identity->pid, identity->pid));
	kw_json_set(&object, "comm", kw_json_string_or_null(comm));
	kw_json_set(&object, "exchange", kw_json_integer(event->number));
	kw_json_set(&object, "cause", error->cause ? failure(error->cause, record->namer) : json_null());
	kw_json_set(&object, "tries", tries);
	kw_json_set(&object, "confidence", json_string(kw_confidence_name(error->confidence)));
	return kw_json_write_line(file, object, DIGITS);
}

/* Prints the change to a record after a late request; each segment that came too late counts as one lost request. */
int kw_json_amend(FILE *file, const struct kw_event_late *late)
{
	char id[KW_ID_TEXT];

	kw_connection_id(&late->identity, id);
	return kw_json_write_line(file,
				  json_pack("{s:s, s:i, s:s, s:b, s:b, s:i}", "type", "amend", "schema", SCHEMA,
					    "id", id, "late_request", 1, "premature", 1, "lost_requests", 1),
				  DIGITS);
}

int kw_json_forwarded(FILE *file, const struct kw_forwarded *found)
{
	char id[KW_ID_TEXT];

	kw_connection_id(&found->identity, id);
	return kw_json_write_line(file,
				  json_pack("{s:s, s:i, s:s, s:o}", "type", "amend", "schema", SCHEMA, "id", id,
					    "forwarded_hop_by_hop", forwarded(found)),
				  DIGITS);
}

int kw_json_summary(FILE *file, const struct kw_summary *summary)
{
	return kw_json_write_line(file,
				  json_pack("{s:s, s:o, s:o, s:o}", "type", "summary", "connections",
					    kw_json_integer(summary->connections), "lost_events",
					    kw_json_integer(kw_losses_all(&summary->losses)), "tainted",
					    kw_json_integer(summary->tainted)),
				  DIGITS);
}
