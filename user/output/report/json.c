/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/json.h"
#include "base/sanitize.h"
#include "base/timestamp.h"
#include "event/names.h"
#include "output/report/print.h"

#define SCHEMA 1
#define DIGITS 12

/* ---- findings ---- */

static json_t *number_value(const struct kw_number *number)
{
	switch (number->kind) {
	case KW_NUMBER_COUNT:
		return json_integer((json_int_t)number->value);
	case KW_NUMBER_TEXT:
		return json_string(number->text);
	case KW_NUMBER_NULL:
		return json_null();
	default:
		return json_real(number->value);
	}
}

json_t *kw_report_examples(const struct kw_examples *examples)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < examples->count; i++) {
		struct kw_identity identity = {.cookie = examples->list[i].cookie,
					       .generation = examples->list[i].generation};
		char id[KW_ID_TEXT];

		kw_connection_id(&identity, id);
		kw_json_append(&list, json_string(id));
	}
	return list;
}

json_t *kw_report_numbers(const struct kw_finding *finding)
{
	json_t *numbers = json_object();

	for (size_t i = 0; i < finding->number_count; i++)
		kw_json_set(&numbers, finding->numbers[i].name, number_value(&finding->numbers[i]));
	return numbers;
}

json_t *kw_report_advice(const struct kw_finding *finding)
{
	json_t *advice = json_array();

	for (size_t i = 0; i < finding->advice_count; i++)
		kw_json_append(&advice, json_string(finding->advice[i]));
	return advice;
}

/* The text report and the page name both ends in the finding's headline, which JSON has not. */
static json_t *summary(const struct kw_overview_finding *entry)
{
	const struct kw_service_counters *clients = entry->service->counters, *server;
	char comm[3 * KW_COMM];

	if (!entry->other)
		return json_string(entry->finding->summary);
	server = entry->other->counters;
	if (clients->service.role != KW_ROLE_CLIENT) {
		server = clients;
		clients = entry->other->counters;
	}
	kw_sanitize(clients->comm, sizeof(clients->comm), comm, sizeof(comm));
	return json_sprintf("%s Seen from both ends: client %s to %s, server %s.", entry->finding->summary,
			    comm[0] ? comm : "?", clients->service.name, server->service.name);
}

static json_t *finding_object(const struct kw_overview_finding *entry)
{
	const struct kw_finding *finding = entry->finding;
	const struct kw_service *service = &entry->service->counters->service;
	json_t *object = json_object();

	kw_json_set(&object, "id", json_string(kw_finding_name(finding->id)));
	kw_json_set(&object, "severity", json_string(kw_severity_name(finding->severity)));
	kw_json_set(&object, "role", json_string(kw_role_name(service->role)));
	kw_json_set(&object, "service", json_string(service->name));
	if (service->peer[0])
		kw_json_set(&object, "peer", json_string(service->peer));
	kw_json_set(&object, "summary", summary(entry));
	kw_json_set(&object, "advice", kw_report_advice(finding));
	kw_json_set(&object, "numbers", kw_report_numbers(finding));
	kw_json_set(&object, "examples", kw_report_examples(&finding->examples));
	return object;
}

/* ---- services ---- */

static json_t *reasons(const struct kw_window_statistics *sum)
{
	json_t *object = json_object();

	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
		if (kw_traffic_closed_for(&sum->traffic, reason))
			kw_json_set(&object, kw_reason_name(reason),
				    kw_json_integer(kw_traffic_closed_for(&sum->traffic, reason)));
	return object;
}

static json_t *drains(const struct kw_assessment *service, const struct kw_clock *clock)
{
	json_t *list = json_array();

	for (size_t i = 0; i < service->drain_count; i++) {
		char at[KW_TIMESTAMP];

		kw_timestamp(clock, service->drains[i].first, at);
		kw_json_append(&list, json_pack("{s:s, s:I, s:I}", "at", at, "closed",
						(json_int_t)service->drains[i].closed, "lost_requests",
						(json_int_t)service->drains[i].lost));
	}
	return list;
}

static json_t *support(const struct kw_inferred *inferred)
{
	if (!inferred->known)
		return json_null();
	return json_pack("{s:I, s:f}", "count", (json_int_t)inferred->count, "share", inferred->share);
}

static json_t *reuse_times(const struct kw_window_statistics *sum)
{
	uint64_t most = sum->reuse_idle_max;

	if (!kw_reused(sum))
		return json_null();
	return json_pack("{s:f, s:f, s:f}", "p50",
			 kw_overview_quantile(sum->traffic.reuse_idle.buckets, KW_HISTOGRAM_IDLE, 0.5, most),
			 "p99",
			 kw_overview_quantile(sum->traffic.reuse_idle.buckets, KW_HISTOGRAM_IDLE, 0.99, most),
			 "max", (double)most / 1e9);
}

static json_t *close_times(const struct kw_sketch *close)
{
	if (!close->count)
		return json_null();
	return json_pack("{s:f, s:f, s:f}", "p50", (double)kw_sketch_quantile(close, 0.5) / 1e6, "p99",
			 (double)kw_sketch_quantile(close, 0.99) / 1e6, "max", (double)close->most / 1e6);
}

static json_t *wait_times(const struct kw_window_statistics *sum)
{
	double half = kw_overview_quantile(sum->traffic.wait.buckets, KW_HISTOGRAM_WAIT, 0.5, 0);

	if (half == 0)
		return json_null();
	return json_pack("{s:f, s:f}", "p50", half, "p99",
			 kw_overview_quantile(sum->traffic.wait.buckets, KW_HISTOGRAM_WAIT, 0.99, 0));
}

static void add_traffic(json_t **object, const struct kw_assessment *service)
{
	const struct kw_window_statistics *sum = &service->sum;

	kw_json_set(object, "connections", kw_json_integer(kw_traffic_seen(&sum->traffic)));
	kw_json_set(object, "requests", kw_json_integer(kw_traffic_requests(&sum->traffic)));
	kw_json_set(object, "requests_per_connection",
		    kw_json_real_or_null(kw_traffic_seen(&sum->traffic), kw_requests_per_connection(sum)));
	kw_json_set(object, "reuse_ratio",
		    kw_json_real_or_null(kw_traffic_requests(&sum->traffic),
					 kw_traffic_requests(&sum->traffic)
						 ? (double)sum->traffic.reused /
							   (double)kw_traffic_requests(&sum->traffic)
						 : 0));
	kw_json_set(object, "premature", kw_json_integer(sum->premature));
	kw_json_set(object, "reasons", reasons(sum));
	kw_json_set(object, "lost_requests", kw_json_integer(kw_traffic_lost(&sum->traffic)));
}

static void add_timeouts(json_t **object, const struct kw_assessment *service)
{
	const struct kw_service_counters *counters = service->counters;

	kw_json_set(object, "advertised_timeout_s",
		    counters->has_advertised_timeout ? kw_json_integer(counters->advertised_timeout)
						     : json_null());
	kw_json_set(object, "inferred_idle_timeout_s",
		    kw_json_real_or_null(service->server_idle.known, service->server_idle.seconds));
	kw_json_set(object, "inferred_support", support(&service->server_idle));
	kw_json_set(object, "client_idle_timeout_s",
		    kw_json_real_or_null(service->client_idle.known, service->client_idle.seconds));
	kw_json_set(object, "safe_margin_s", kw_json_real_or_null(service->has_margin, service->margin));
}

static json_t *service_object(const struct kw_assessment *service, const struct kw_clock *clock)
{
	const struct kw_service_counters *counters = service->counters;
	json_t *object = json_object();
	char comm[3 * KW_COMM];

	kw_sanitize(counters->comm, sizeof(counters->comm), comm, sizeof(comm));
	kw_json_set(&object, "role", json_string(kw_role_name(counters->service.role)));
	kw_json_set(&object, "service", json_string(counters->service.name));
	if (counters->service.peer[0])
		kw_json_set(&object, "peer", json_string(counters->service.peer));
	kw_json_set(&object, "comm", comm[0] ? json_string(comm) : json_null());
	add_traffic(&object, service);
	add_timeouts(&object, service);
	kw_json_set(&object, "drains", drains(service, clock));
	kw_json_set(&object, "idle_reuse_s", reuse_times(&service->sum));
	kw_json_set(&object, "idle_close_s", close_times(&service->sum.close_idle));
	kw_json_set(&object, "wait_s", wait_times(&service->sum));
	return object;
}

int kw_report_json(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock)
{
	json_t *object = json_object(), *findings = json_array(), *services = json_array();

	for (size_t i = 0; i < overview->finding_count; i++)
		kw_json_append(&findings, finding_object(&overview->findings[i]));
	for (size_t i = 0; i < overview->service_count; i++)
		kw_json_append(&services, service_object(&overview->services[i], clock));
	kw_json_set(&object, "type", json_string("report"));
	kw_json_set(&object, "schema", json_integer(SCHEMA));
	kw_json_set(&object, "observed_s", json_real(overview->observed));
	kw_json_set(&object, "healthy", json_boolean(overview->healthy));
	kw_json_set(&object, "lost_events", kw_json_integer(kw_losses_all(&overview->losses)));
	kw_json_set(&object, "closing",
		    json_pack("{s:I, s:I}", "connections", (json_int_t)overview->closing.connections,
			      "requests", (json_int_t)overview->closing.requests));
	kw_json_set(&object, "findings", findings);
	kw_json_set(&object, "services", services);
	return kw_json_write_line(file, object, DIGITS);
}
