/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <jansson.h>

#include "base/sanitize.h"
#include "base/timestamp.h"
#include "event/names.h"
#include "output/report/print.h"

#define SCHEMA 1
#define FORMAT (JSON_COMPACT | JSON_REAL_PRECISION(12))

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new_nocheck(object, key, value);
}

static json_t *integer(uint64_t number)
{
	return json_integer((json_int_t)number);
}

static json_t *real_or_null(bool known, double number)
{
	return known ? json_real(number) : json_null();
}

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

static json_t *examples(const struct kw_examples *examples)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < examples->count; i++) {
		struct kw_identity identity = {.cookie = examples->list[i].cookie,
					       .generation = examples->list[i].generation};
		char id[KW_ID_TEXT];

		kw_connection_id(&identity, id);
		json_array_append_new(list, json_string(id));
	}
	return list;
}

static json_t *finding_object(const struct kw_overview_finding *entry)
{
	const struct kw_finding *finding = entry->finding;
	const struct kw_service *service = &entry->service->counters->service;
	json_t *object = json_object(), *numbers = json_object(), *advice = json_array();

	for (size_t i = 0; i < finding->number_count; i++)
		set(numbers, finding->numbers[i].name, number_value(&finding->numbers[i]));
	for (size_t i = 0; i < finding->advice_count; i++)
		json_array_append_new(advice, json_string(finding->advice[i]));
	set(object, "id", json_string(kw_finding_name(finding->id)));
	set(object, "severity", json_string(kw_severity_name(finding->severity)));
	set(object, "role", json_string(kw_role_name(service->role)));
	set(object, "service", json_string(service->name));
	if (service->peer[0])
		set(object, "peer", json_string(service->peer));
	set(object, "summary", json_string(finding->summary));
	set(object, "advice", advice);
	set(object, "numbers", numbers);
	set(object, "examples", examples(&finding->examples));
	return object;
}

/* ---- services ---- */

static json_t *reasons(const struct kw_window_statistics *sum)
{
	json_t *object = json_object();

	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
		if (kw_traffic_closed_for(&sum->traffic, reason))
			set(object, kw_reason_name(reason),
			    integer(kw_traffic_closed_for(&sum->traffic, reason)));
	return object;
}

static json_t *drains(const struct kw_assessment *service, const struct kw_clock *clock)
{
	json_t *list = json_array();

	for (size_t i = 0; i < service->drain_count; i++) {
		char at[KW_TIMESTAMP];

		kw_timestamp(clock, service->drains[i].first, at);
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "at", at, "closed",
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

	if (!sum->traffic.reused)
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

static void add_traffic(json_t *object, const struct kw_assessment *service)
{
	const struct kw_window_statistics *sum = &service->sum;

	set(object, "connections", integer(kw_traffic_seen(&sum->traffic)));
	set(object, "requests", integer(kw_traffic_requests(&sum->traffic)));
	set(object, "requests_per_connection",
	    real_or_null(kw_traffic_seen(&sum->traffic), kw_requests_per_connection(sum)));
	set(object, "reuse_ratio",
	    real_or_null(kw_traffic_requests(&sum->traffic),
			 kw_traffic_requests(&sum->traffic)
				 ? (double)sum->traffic.reused / (double)kw_traffic_requests(&sum->traffic)
				 : 0));
	set(object, "premature", integer(sum->premature));
	set(object, "reasons", reasons(sum));
	set(object, "lost_requests", integer(kw_traffic_lost(&sum->traffic)));
}

static void add_timeouts(json_t *object, const struct kw_assessment *service)
{
	const struct kw_service_counters *counters = service->counters;

	set(object, "advertised_timeout_s",
	    counters->has_advertised_timeout ? integer(counters->advertised_timeout) : json_null());
	set(object, "inferred_idle_timeout_s",
	    real_or_null(service->server_idle.known, service->server_idle.seconds));
	set(object, "inferred_support", support(&service->server_idle));
	set(object, "client_idle_timeout_s",
	    real_or_null(service->client_idle.known, service->client_idle.seconds));
	set(object, "safe_margin_s", real_or_null(service->has_margin, service->margin));
}

static json_t *service_object(const struct kw_assessment *service, const struct kw_clock *clock)
{
	const struct kw_service_counters *counters = service->counters;
	json_t *object = json_object();
	char comm[3 * KW_COMM];

	kw_sanitize(counters->comm, sizeof(counters->comm), comm, sizeof(comm));
	set(object, "role", json_string(kw_role_name(counters->service.role)));
	set(object, "service", json_string(counters->service.name));
	if (counters->service.peer[0])
		set(object, "peer", json_string(counters->service.peer));
	set(object, "comm", comm[0] ? json_string(comm) : json_null());
	add_traffic(object, service);
	add_timeouts(object, service);
	set(object, "drains", drains(service, clock));
	set(object, "idle_reuse_s", reuse_times(&service->sum));
	set(object, "idle_close_s", close_times(&service->sum.close_idle));
	set(object, "wait_s", wait_times(&service->sum));
	return object;
}

int kw_report_json(FILE *file, const struct kw_overview *overview, const struct kw_clock *clock)
{
	json_t *object = json_object(), *findings = json_array(), *services = json_array();
	int r = 0;

	for (size_t i = 0; i < overview->finding_count; i++)
		json_array_append_new(findings, finding_object(&overview->findings[i]));
	for (size_t i = 0; i < overview->service_count; i++)
		json_array_append_new(services, service_object(&overview->services[i], clock));
	set(object, "type", json_string("report"));
	set(object, "schema", json_integer(SCHEMA));
	set(object, "observed_s", json_real(overview->observed));
	set(object, "healthy", json_boolean(overview->healthy));
	set(object, "lost_events", integer(overview->lost_events));
	set(object, "closing",
	    json_pack("{s:I, s:I}", "connections", (json_int_t)overview->closing.connections, "requests",
		      (json_int_t)overview->closing.requests));
	set(object, "findings", findings);
	set(object, "services", services);
	if (!object || json_object_size(object) != 8)
		r = -ENOMEM;
	else if (json_dumpf(object, file, FORMAT) < 0 || fputc('\n', file) == EOF)
		r = -EIO;
	json_decref(object);
	return r;
}
