/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/json.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "event/container.h"
#include "base/sanitize.h"

#define SCHEMA 1

/* 15 digits hide the rounding of a double. Nanoseconds within a year would need 16. */
#define FORMAT (JSON_COMPACT | JSON_REAL_PRECISION(15))

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

static json_t *integer(uint64_t number)
{
	return json_integer((json_int_t)number);
}

static json_t *integer_or_null(bool known, uint64_t number)
{
	return known ? integer(number) : json_null();
}

static json_t *string_or_null(const char *text)
{
	return text && text[0] ? json_string(text) : json_null();
}

/* RFC 3339 in UTC, with nanoseconds; null for a time that is not known. */
static json_t *timestamp(const struct kw_clock *clock, uint64_t monotonic)
{
	uint64_t ns = monotonic + (uint64_t)clock->offset;
	time_t whole = (time_t)(ns / KW_S);
	struct tm utc;
	char text[64];
	size_t length;

	if (!monotonic || !gmtime_r(&whole, &utc))
		return json_null();
	length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + length, sizeof(text) - length, ".%09uZ", (unsigned int)(ns % KW_S));
	return json_string(text);
}

static json_t *endpoint(const uint8_t address[KW_ADDRESS], uint16_t port)
{
	char text[KW_ENDPOINT_TEXT];

	kw_endpoint_print(address, port, text);
	return json_string(text);
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
	return json_pack("{s:o, s:o, s:o}", "keep_alive", integer(directives->keep_alive), "close",
			 integer(directives->close), "upgrade", integer(directives->upgrade));
}

static json_t *advertised(const struct kw_http *http)
{
	if (!http->has_timeout && !http->has_max)
		return json_null();
	return json_pack("{s:o, s:o}", "timeout_s", integer_or_null(http->has_timeout, http->timeout), "max",
			 integer_or_null(http->has_max, http->max));
}

static json_t *hop_by_hop(const struct kw_event_lived *lived)
{
	json_t *names = json_array();

	for (int i = 0; lived && i < KW_NAMES && lived->names[i].name[0]; i++) {
		char name[HTTP1_WORD + 1];

		kw_sanitize(lived->names[i].name, HTTP1_WORD, name, sizeof(name));
		json_array_append_new(names, json_string(name));
	}
	return names;
}

static json_t *errors(uint32_t bits)
{
	json_t *names = json_array();

	for (int i = 0; i < HTTP1_ERROR_MAX; i++)
		if (bits & 1 << i)
			json_array_append_new(names, json_string(kw_http_error_name(i)));
	return names;
}

static json_t *sentences(const struct kw_evidence *evidence)
{
	json_t *list = json_array();

	for (size_t i = 0; i < evidence->count; i++)
		json_array_append_new(list, json_string(evidence->sentences[i]));
	return list;
}

static json_t *application_error(const struct kw_http *http)
{
	if (http->app_error > 0)
		return string_or_null(strerrorname_np(http->app_error));
	return http->flags & KW_HTTP_EOF_READ ? json_string("EOF") : json_null();
}

/* ---- the connection record, in the order of its keys ---- */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

/* The time of opening is unknown for a connection that was open before the observer started. */
static void add_times(json_t *object, const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	uint64_t opened = event->identity.preexisting ? 0 : event->opened;
	uint64_t closed = record->verdict ? record->verdict->closed : 0;

	set(object, "opened", timestamp(&record->clock, opened));
	set(object, "closed", timestamp(&record->clock, closed));
	set(object, "duration_s", seconds_or_null(opened && closed >= opened, closed - opened));
}

static void add_identity(json_t *object, const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	const struct kw_identity *identity = &event->identity;
	struct kw_container container;
	char comm[3 * KW_COMM];

	kw_container_find(record->cgroup, &container);
	kw_sanitize(identity->comm, KW_COMM, comm, sizeof(comm));
	set(object, "role",
	    string_or_null(identity->role == KW_ROLE_UNKNOWN ? NULL : kw_role_name(identity->role)));
	set(object, "local", endpoint(identity->local, identity->local_port));
	set(object, "remote", endpoint(identity->remote, identity->remote_port));
	set(object, "netns", integer_or_null(identity->netns, identity->netns));
	set(object, "pid", integer_or_null(identity->pid, identity->pid));
	set(object, "comm", string_or_null(comm));
	set(object, "cgroup", string_or_null(record->cgroup));
	set(object, "container", string_or_null(container.id));
	if (container.pod[0])
		set(object, "pod", json_string(container.pod));
	set(object, "service", json_string(record->service->name));
	set(object, "protocol", json_string(kw_record_protocol(&event->http)));
	set(object, "preexisting", json_boolean(identity->preexisting));
}

static void add_traffic(json_t *object, const struct kw_http *http)
{
	set(object, "requests", integer(http->counts.requests));
	set(object, "responses", integer(http->counts.responses));
	set(object, "tx_bytes", integer(http->tx_bytes));
	set(object, "rx_bytes", integer(http->rx_bytes));
	set(object, "blind_bytes", integer(http->blind_bytes));
}

/* Adds how the connection ended; all values are null while it is open. */
static void add_verdict(json_t *object, const struct kw_record *record)
{
	static const char *const keys[] = {"closer",    "manner",        "phase",      "reason",
					   "premature", "lost_requests", "confidence", "evidence"};
	const struct kw_verdict *verdict = record->verdict;

	if (!verdict) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			set(object, keys[i], json_null());
		return;
	}
	set(object, "closer", json_string(kw_closer_name(verdict->closer)));
	set(object, "manner",
	    string_or_null(verdict->manner == KW_MANNER_UNKNOWN ? NULL : kw_manner_name(verdict->manner)));
	set(object, "phase",
	    string_or_null(verdict->phase == KW_PHASE_UNKNOWN ? NULL : kw_phase_name(verdict->phase)));
	set(object, "reason", json_string(kw_reason_name(verdict->reason)));
	set(object, "premature",
	    verdict->premature == KW_PREMATURE_UNKNOWN ? json_null()
						       : json_boolean(verdict->premature == KW_PREMATURE_YES));
	set(object, "lost_requests",
	    integer_or_null(verdict->premature != KW_PREMATURE_UNKNOWN, verdict->lost_requests));
	set(object, "confidence", json_string(kw_confidence_name(verdict->confidence)));
	set(object, "evidence", sentences(record->evidence));
}

static json_t *body_size(const struct kw_verdict *verdict, uint64_t bytes)
{
	return integer_or_null(verdict && bytes != KW_BODY_UNKNOWN, bytes);
}

static void add_facts(json_t *object, const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	const struct kw_verdict *verdict = record->verdict;
	const struct kw_http *http = &event->http;

	set(object, "idle_at_close_s", verdict ? signed_seconds(verdict->idle_at_close) : json_null());
	set(object, "idle_max_s", seconds_or_null(http->counts.reused && http->idle_max, http->idle_max));
	set(object, "waited_s", verdict ? signed_seconds(verdict->waited) : json_null());
	set(object, "stalled_s", verdict ? signed_seconds(verdict->stalled) : json_null());
	set(object, "body_bytes", body_size(verdict, verdict ? verdict->body_bytes : 0));
	set(object, "body_declared", body_size(verdict, verdict ? verdict->body_declared : 0));
	set(object, "late_by_s", verdict ? signed_seconds(verdict->late_by) : json_null());
	set(object, "announced", announced(http->announced_by, http->announced_how));
	set(object, "advertised", advertised(http));
	set(object, "overrun", json_boolean(http->flags & KW_HTTP_OVERRUN));
	set(object, "close_ignored", json_boolean(http->flags & KW_HTTP_CLOSE_IGNORED));
	set(object, "late_request", json_boolean(verdict && verdict->late_request));
	set(object, "unread_data", json_boolean(verdict && verdict->unread_data));
	set(object, "hop_by_hop", hop_by_hop(record->event->lived));
	set(object, "directives",
	    json_pack("{s:o, s:o}", "request", directives(&http->counts.request), "response",
		      directives(&http->counts.response)));
	set(object, "last_status", integer_or_null(http->last_status, http->last_status));
	set(object, "app_error", application_error(http));
	set(object, "retransmits", integer(event->closing.retransmits));
	set(object, "srtt_us", integer_or_null(event->closing.srtt_us, event->closing.srtt_us));
	set(object, "errors", errors(http->errors));
}

/* ---- lines ---- */

static int write_line(FILE *file, json_t *object)
{
	int r = 0;

	if (!object)
		return -ENOMEM;
	if (json_dumpf(object, file, FORMAT) < 0 || fputc('\n', file) == EOF)
		r = -EIO;
	json_decref(object);
	return r;
}

int kw_json_connection(FILE *file, const struct kw_record *record)
{
	const struct kw_event_connection *event = record->event->connection;
	char id[KW_ID_TEXT];
	json_t *object;

	kw_record_id(&event->identity, id);
	object = json_pack("{s:s, s:i, s:s}", "type", record->verdict ? "connection" : "open", "schema", SCHEMA,
			   "id", id);
	add_times(object, record);
	add_identity(object, record);
	add_traffic(object, &event->http);
	add_verdict(object, record);
	add_facts(object, record);
	return write_line(file, object);
}

int kw_json_exchange(FILE *file, const struct kw_event_exchange *exchange)
{
	char id[KW_ID_TEXT];

	kw_record_id(&exchange->identity, id);
	return write_line(file, json_pack("{s:s, s:s, s:i, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
					  "type", "exchange", "id", id, "n", (int)exchange->number, "status",
					  integer_or_null(exchange->status, exchange->status), "http",
					  exchange->version ? "1.1" : "1.0", "method",
					  kw_method_name(exchange->method), "wait_s", seconds(exchange->wait),
					  "duration_s", seconds(exchange->duration), "idle_before_s",
					  seconds_or_null(exchange->number > 1, exchange->idle_before),
					  "request_bytes", integer(exchange->request_bytes), "response_bytes",
					  integer(exchange->response_bytes), "announced",
					  announced(exchange->announced_by, exchange->announced_how)));
}

/* Prints the change to a record after a late request; each segment that came too late counts as one lost request. */
int kw_json_amend(FILE *file, const struct kw_event_late *late)
{
	char id[KW_ID_TEXT];

	kw_record_id(&late->identity, id);
	return write_line(file, json_pack("{s:s, s:i, s:s, s:b, s:b, s:i}", "type", "amend", "schema", SCHEMA,
					  "id", id, "late_request", 1, "premature", 1, "lost_requests", 1));
}

int kw_json_summary(FILE *file, const struct kw_summary *summary)
{
	return write_line(file, json_pack("{s:s, s:o, s:o, s:o}", "type", "summary", "connections",
					  integer(summary->connections), "lost_events",
					  integer(summary->lost_events), "tainted", integer(summary->tainted)));
}
