/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/metrics/metrics.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory_stream.h"
#include "event/http2_names.h"
#include "event/names.h"
#include "event/tls_names.h"
#include "finding/assess.h"
#include "output/metrics/exposition.h"
#include "output/metrics/self.h"

#define LABELS 1024 /* enough for the longest service name with every byte escaped, and the other labels */

/* ---- metrics by service ---- */

/* One service. All are made ready before a line is written, because the output is ordered by family and not by service. */
struct service {
	const struct kw_service_counters *counters;
	const struct kw_upstreams *upstreams;
	struct kw_traffic traffic; /* of the whole observation */
	char labels[LABELS];
};

/* A service's labels, with further ones appended. */
struct labels {
	char text[LABELS];
};

static struct labels with(const char *labels, const char *name, const char *value)
{
	struct labels more;

	strcpy(more.text, labels);
	kw_exposition_label(more.text, sizeof(more.text), name, value);
	return more;
}

static void count(struct kw_exposition *out, const char *labels, const char *name, const char *value,
		  uint64_t number)
{
	kw_exposition_integer(out, with(labels, name, value).text, (int64_t)number);
}

static bool is_empty(const uint64_t *buckets, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (buckets[i])
			return false;
	return true;
}

/* Exposes every second bound (1, 2.5 and 5 of a decade) and the last one, to save series at each service. Leaves out
 * a histogram without samples, because it would take twenty-five lines to show nothing. */
static void times(struct kw_exposition *out, const char *labels, enum kw_histogram which,
		  const struct kw_times *times)
{
	double bounds[KW_HISTOGRAM_BUCKETS];
	uint64_t buckets[KW_HISTOGRAM_BUCKETS] = {0};
	size_t count = 0;

	if (is_empty(times->buckets, KW_HISTOGRAM_BUCKETS))
		return;
	for (int i = 0; i < KW_HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = kw_histogram_bounds[which][i];

		buckets[count] += times->buckets[i];
		if (bound != KW_NEVER && (i % 2 == 0 || kw_histogram_bounds[which][i + 1] == KW_NEVER))
			bounds[count++] = (double)bound / 1e9;
	}
	kw_exposition_histogram(
		out, labels,
		&(struct kw_exposed_histogram){bounds, buckets, count + 1, (double)times->sum / 1e9});
}

static void write_opened(struct kw_exposition *out, const struct service *service)
{
	kw_exposition_integer(out, service->labels, (int64_t)service->traffic.opened);
}

static void write_preexisting(struct kw_exposition *out, const struct service *service)
{
	kw_exposition_integer(out, service->labels, (int64_t)service->traffic.preexisting);
}

static void write_open(struct kw_exposition *out, const struct service *service)
{
	kw_exposition_integer(out, service->labels, service->counters->open);
}

static void write_half_closed(struct kw_exposition *out, const struct service *service)
{
	kw_exposition_integer(out, service->labels, service->counters->half_closed);
}

static void write_closed(struct kw_exposition *out, const struct service *service)
{
	for (int reason = 0; reason < KW_REASON_LABELS; reason++)
		for (int closer = 0; closer < KW_CLOSER_MAX; closer++) {
			const char *name = reason == KW_REASON_LOST ? "lost" : kw_reason_name(reason);

			if (service->traffic.closed[reason][closer])
				count(out, with(service->labels, "reason", name).text, "closer",
				      kw_closer_name(closer), service->traffic.closed[reason][closer]);
		}
}

static void write_connect_failures(struct kw_exposition *out, const struct service *service)
{
	for (int reason = 0; reason < KW_CONNECT_FAILURES; reason++)
		if (service->traffic.failed[reason])
			count(out, service->labels, "reason", kw_reason_name(reason),
			      service->traffic.failed[reason]);
}

/* The series of the keep-alive race exist from the start, with value 0, because rate() needs a value before the first
 * loss. */
static bool is_race(const struct service *service, int reason, int retryable)
{
	if (service->counters->service.role == KW_ROLE_SERVER)
		return reason == KW_REASON_LATE && retryable == KW_RETRYABLE_UNKNOWN;
	return reason == KW_REASON_STALE_REUSE;
}

static void write_lost_requests(struct kw_exposition *out, const struct service *service)
{
	static const char *const names[KW_RETRYABLE_MAX] = {"yes", "no", "unknown"};

	for (int reason = 0; reason < KW_REASON_LABELS; reason++) {
		const char *name = reason == KW_REASON_LATE ? "late_request" : kw_reason_name(reason);

		for (int retryable = 0; retryable < KW_RETRYABLE_MAX; retryable++)
			if (service->traffic.lost_requests[reason][retryable] ||
			    is_race(service, reason, retryable))
				count(out, with(service->labels, "reason", name).text, "retryable",
				      names[retryable], service->traffic.lost_requests[reason][retryable]);
	}
}

static void count_gateway(struct kw_exposition *out, const struct service *service, unsigned int status,
			  const char *upstream, const char *reason, uint64_t number)
{
	struct labels labels;
	char code[8];

	if (!number)
		return;
	snprintf(code, sizeof(code), "%u", status);
	labels = with(with(service->labels, "code", code).text, "upstream", upstream);
	count(out, labels.text, "reason", reason, number);
}

static void write_gateway_errors(struct kw_exposition *out, const struct service *service)
{
	const struct kw_gateway_counts *counts = &service->traffic.gateway_errors;

	for (int i = 0; i < KW_GATEWAY_ROWS; i++) {
		const struct kw_gateway_row *row = &counts->rows[i];

		count_gateway(out, service, row->status, kw_upstream_name(service->upstreams, row->upstream),
			      row->reason == KW_REASON_NONE ? "none" : kw_reason_name(row->reason), row->count);
	}
	for (unsigned int i = 0; i < KW_GATEWAY_STATUSES; i++)
		count_gateway(out, service, KW_GATEWAY_STATUS + i, "other", "other", counts->more[i]);
}

static void write_requests(struct kw_exposition *out, const struct service *service)
{
	static const char *const names[KW_VERSIONS] = {"1.0", "1.1", "2", "unknown"};

	for (int i = 0; i < KW_VERSIONS; i++)
		if (i < KW_VERSION_2 || service->traffic.requests[i])
			count(out, service->labels, "version", names[i], service->traffic.requests[i]);
}

static void write_reused(struct kw_exposition *out, const struct service *service)
{
	kw_exposition_integer(out, service->labels, (int64_t)service->traffic.reused);
}

static void write_responses(struct kw_exposition *out, const struct service *service)
{
	static const char *const names[KW_CODES] = {"1xx", "2xx", "3xx", "4xx", "5xx", "unknown"};

	for (int i = 0; i < KW_CODES; i++)
		if (i < KW_CODES - 1 || service->counters->codes[i])
			count(out, service->labels, "code", names[i], service->counters->codes[i]);
}

static void write_connection_requests(struct kw_exposition *out, const struct service *service)
{
	double bounds[KW_REQUESTS_BUCKETS - 1];

	if (is_empty(service->counters->connection_requests, KW_REQUESTS_BUCKETS))
		return;
	for (int i = 0; i < KW_REQUESTS_BUCKETS - 1; i++)
		bounds[i] = kw_requests_bounds[i];
	kw_exposition_histogram(out, service->labels,
				&(struct kw_exposed_histogram){
					bounds, service->counters->connection_requests, KW_REQUESTS_BUCKETS,
					(double)service->counters->connection_requests_sum});
}

static void write_duration(struct kw_exposition *out, const struct service *service)
{
	times(out, service->labels, KW_HISTOGRAM_IDLE, &service->counters->duration);
}

static void write_reuse_idle(struct kw_exposition *out, const struct service *service)
{
	times(out, service->labels, KW_HISTOGRAM_IDLE, &service->traffic.reuse_idle);
}

static void write_close_idle(struct kw_exposition *out, const struct service *service)
{
	for (int closer = 0; closer < KW_CLOSER_MAX; closer++)
		times(out, with(service->labels, "closer", kw_closer_name(closer)).text, KW_HISTOGRAM_IDLE,
		      &service->counters->close_idle[closer]);
}

static void write_wait(struct kw_exposition *out, const struct service *service)
{
	times(out, service->labels, KW_HISTOGRAM_WAIT, &service->traffic.wait);
}

static void write_lateness(struct kw_exposition *out, const struct service *service)
{
	times(out, service->labels, KW_HISTOGRAM_WAIT, &service->counters->lateness);
}

static void write_directives_of(struct kw_exposition *out, const char *labels, const char *message,
				const struct kw_directives_total *total)
{
	struct labels of = with(labels, "message", message);

	count(out, of.text, "directive", "keep-alive", total->keep_alive);
	count(out, of.text, "directive", "close", total->close);
	count(out, of.text, "directive", "upgrade", total->upgrade);
	count(out, of.text, "directive", "none", total->none);
}

static void write_directives(struct kw_exposition *out, const struct service *service)
{
	write_directives_of(out, service->labels, "request", &service->counters->request);
	write_directives_of(out, service->labels, "response", &service->counters->response);
}

static void write_fields(struct kw_exposition *out, const struct service *service)
{
	for (int i = 0; i < KW_FIELDS; i++)
		if (service->counters->fields[i])
			count(out, service->labels, "field", kw_field_names[i], service->counters->fields[i]);
}

static void write_forwarded(struct kw_exposition *out, const struct service *service)
{
	static const char *const directions[] = {[HTTP1_REQUESTS] = "request", [HTTP1_RESPONSES] = "response"};

	for (int direction = 0; direction < 2; direction++)
		for (int i = 0; i < KW_FIELDS; i++)
			if (service->traffic.forwarded.fields[direction][i])
				count(out, with(service->labels, "direction", directions[direction]).text,
				      "field", kw_field_names[i],
				      service->traffic.forwarded.fields[direction][i]);
}

static void write_advertised(struct kw_exposition *out, const struct service *service)
{
	if (service->counters->has_advertised_timeout)
		kw_exposition_integer(out, service->labels, service->counters->advertised_timeout);
}

static void write_protocols(struct kw_exposition *out, const struct service *service)
{
	for (int i = 0; i < KW_PROTOCOL_MAX; i++)
		if (service->counters->protocols[i])
			count(out, service->labels, "protocol", kw_protocol_names[i],
			      service->counters->protocols[i]);
}

static void write_inferred_closes(struct kw_exposition *out, const struct service *service)
{
	kw_exposition_integer(out, service->labels, (int64_t)service->counters->inferred);
}

static void write_tls_handshakes(struct kw_exposition *out, const struct service *service)
{
	for (int result = 0; result < KW_TLS_RESULT_MAX; result++)
		for (unsigned int version = 0; version < KW_TLS_VERSIONS; version++)
			if (service->counters->tls.handshakes[result][version])
				count(out, with(service->labels, "result", kw_tls_result_name(result)).text,
				      "version", kw_tls_counted_version(version),
				      service->counters->tls.handshakes[result][version]);
}

/* Codes that are not assigned have one name, so their counts are one number. */
static void write_tls_alerts(struct kw_exposition *out, const struct service *service)
{
	static const char *const sides[] = {"client", "server"};

	for (int side = 0; side < 2; side++) {
		const uint64_t *alerts = service->counters->tls.alerts[side];
		struct labels of = with(service->labels, "by", sides[side]);
		uint64_t others = 0;

		for (int code = 0; code < KW_TLS_ALERTS; code++) {
			const char *name = kw_tls_alert_name((uint8_t)code);

			if (strcmp(name, "other") == 0)
				others += alerts[code];
			else if (alerts[code])
				count(out, of.text, "alert", name, alerts[code]);
		}
		if (others)
			count(out, of.text, "alert", "other", others);
	}
}

static const char *const http2_sides[] = {[HTTP2_CLIENT] = "client", [HTTP2_SERVER] = "server"};

static void write_streams_open(struct kw_exposition *out, const struct service *service)
{
	if (service->counters->streams || service->traffic.requests[KW_VERSION_2])
		kw_exposition_integer(out, service->labels, service->counters->streams);
}

static void write_streams_reset(struct kw_exposition *out, const struct service *service)
{
	for (int by = 0; by < 2; by++)
		for (unsigned int code = 0; code < HTTP2_CODES; code++)
			if (service->counters->http2.resets[by][code])
				count(out, with(service->labels, "by", http2_sides[by]).text, "code",
				      kw_http2_code_name(code), service->counters->http2.resets[by][code]);
}

static void write_goaways(struct kw_exposition *out, const struct service *service)
{
	static const char *const names[] = {"no", "yes"};

	for (int by = 0; by < 2; by++)
		for (unsigned int code = 0; code < HTTP2_CODES; code++)
			for (int graceful = 0; graceful < 2; graceful++) {
				uint64_t number = service->counters->http2.goaways[by][code][graceful];
				struct labels side = with(service->labels, "by", http2_sides[by]);

				if (number)
					count(out, with(side.text, "code", kw_http2_code_name(code)).text,
					      "graceful", names[graceful], number);
			}
}

static void write_peak_streams(struct kw_exposition *out, const struct service *service)
{
	const struct kw_http2_counts *counts = &service->counters->http2;
	double bounds[KW_PEAK_BUCKETS - 1];

	if (is_empty(counts->peaks, KW_PEAK_BUCKETS))
		return;
	for (int i = 0; i < KW_PEAK_BUCKETS - 1; i++)
		bounds[i] = kw_peak_bounds[i];
	kw_exposition_histogram(out, service->labels,
				&(struct kw_exposed_histogram){bounds, counts->peaks, KW_PEAK_BUCKETS,
							       (double)counts->peaks_sum});
}

static void write_forbidden_fields(struct kw_exposition *out, const struct service *service)
{
	for (unsigned int i = 0; i < KW_FORBIDDEN_FIELDS; i++) {
		uint64_t number = service->counters->http2.fields[HTTP2_CLIENT][i] +
				  service->counters->http2.fields[HTTP2_SERVER][i];

		if (number)
			count(out, service->labels, "field", kw_http2_field_name(HTTP2_NAME_CONNECTION + i),
			      number);
	}
}

struct family {
	const char *name; /* a counter's without "_total" */
	const char *type;
	const char *help;
	void (*write)(struct kw_exposition *out, const struct service *service);
};

static const struct family families[] = {
	{"keepwatch_connections_opened", KW_TYPE_COUNTER,
	 "Connections established while keepwatch was observing.", write_opened},
	{"keepwatch_connections_preexisting", KW_TYPE_COUNTER,
	 "Connections that were open when keepwatch started.", write_preexisting},
	{"keepwatch_connections_open", KW_TYPE_GAUGE,
	 "Connections open now: opened plus preexisting, minus closed.", write_open},
	{"keepwatch_connections_half_closed", KW_TYPE_GAUGE,
	 "Connections whose peer has sent its FIN and that this side has not closed.", write_half_closed},
	{"keepwatch_connections_closed", KW_TYPE_COUNTER,
	 "Connections closed, by reason and by the side that closed first.", write_closed},
	{"keepwatch_connect_failures", KW_TYPE_COUNTER,
	 "Connection attempts that failed, by reason; no other metric counts them.", write_connect_failures},
	{"keepwatch_lost_requests", KW_TYPE_COUNTER,
	 "Requests that got no complete final response, by the reason of the close.", write_lost_requests},
	{"keepwatch_gateway_errors", KW_TYPE_COUNTER,
	 "Responses with status 502, 503 or 504, by the service behind the gateway that failed it and how.",
	 write_gateway_errors},
	{"keepwatch_requests", KW_TYPE_COUNTER,
	 "Requests whose head was complete, by HTTP version; streams are those of version 2.", write_requests},
	{"keepwatch_reused_requests", KW_TYPE_COUNTER,
	 "Requests on a connection that had carried a request before.", write_reused},
	{"keepwatch_responses", KW_TYPE_COUNTER, "Final responses, by class; class 1xx holds only status 101.",
	 write_responses},
	{"keepwatch_connection_requests", KW_TYPE_HISTOGRAM,
	 "Requests that a connection had carried when it closed.", write_connection_requests},
	{"keepwatch_connection_duration_seconds", KW_TYPE_HISTOGRAM,
	 "Time from the establishment of a connection to its close.", write_duration},
	{"keepwatch_reuse_idle_seconds", KW_TYPE_HISTOGRAM,
	 "Time that a connection had been idle when its next request began.", write_reuse_idle},
	{"keepwatch_close_idle_seconds", KW_TYPE_HISTOGRAM,
	 "Time that an idle connection had been idle when it was closed.", write_close_idle},
	{"keepwatch_response_wait_seconds", KW_TYPE_HISTOGRAM,
	 "Time from the last byte of a request to the first byte of its response.", write_wait},
	{"keepwatch_stale_reuse_lateness_seconds", KW_TYPE_HISTOGRAM,
	 "Time by which a request came too late, after the server's FIN.", write_lateness},
	{"keepwatch_directives", KW_TYPE_COUNTER, "Messages by the connection fields that they carried.",
	 write_directives},
	{"keepwatch_hop_by_hop_fields", KW_TYPE_COUNTER, "Fields that a Connection field listed as hop-by-hop.",
	 write_fields},
	{"keepwatch_forwarded_hop_by_hop", KW_TYPE_COUNTER,
	 "Connections on which a program sent on a field that was meant for the connection before only.",
	 write_forwarded},
	{"keepwatch_advertised_timeout_seconds", KW_TYPE_GAUGE,
	 "Timeout in the latest Keep-Alive field of a response.", write_advertised},
	{"keepwatch_protocol_connections", KW_TYPE_COUNTER,
	 "Connections closed, by the protocol that they carried.", write_protocols},
	{"keepwatch_connections_closed_inferred", KW_TYPE_COUNTER,
	 "Connections closed whose reason is inferred, as all of TLS are.", write_inferred_closes},
	{"keepwatch_tls_handshakes", KW_TYPE_COUNTER, "TLS handshakes, by their result and the version chosen.",
	 write_tls_handshakes},
	{"keepwatch_tls_alerts", KW_TYPE_COUNTER, "TLS handshakes that an alert ended, by its sender and name.",
	 write_tls_alerts},
	{"keepwatch_streams_open", KW_TYPE_GAUGE, "Streams of HTTP/2 that are open now.", write_streams_open},
	{"keepwatch_streams_reset", KW_TYPE_COUNTER,
	 "Streams that were reset before they were finished, by the side that did it and its code.",
	 write_streams_reset},
	{"keepwatch_goaways", KW_TYPE_COUNTER,
	 "HTTP/2 connections on which a side sent GOAWAY, by the side, its code, and whether it announced another one.",
	 write_goaways},
	{"keepwatch_connection_peak_streams", KW_TYPE_HISTOGRAM,
	 "Most streams that were open at once on a connection, at its close.", write_peak_streams},
	{"keepwatch_forbidden_fields", KW_TYPE_COUNTER,
	 "HTTP/2 connections on which a side sent a field that HTTP/2 forbids.", write_forbidden_fields},
};

static void service_labels(const struct kw_service *service, char ret_labels[LABELS])
{
	ret_labels[0] = '\0';
	kw_exposition_label(ret_labels, LABELS, "role", kw_role_name(service->role));
	kw_exposition_label(ret_labels, LABELS, "service", service->name);
	if (service->peer[0])
		kw_exposition_label(ret_labels, LABELS, "peer", service->peer);
}

static int write_services(struct kw_exposition *out, const struct kw_aggregate *aggregate)
{
	size_t count = HASH_COUNT(aggregate->services), at = 0;
	_cleanup_free_ struct service *services = calloc(count ? count : 1, sizeof(*services));

	if (!services)
		return -ENOMEM;
	for (const struct kw_service_counters *counters = aggregate->services; counters;
	     counters = counters->hh.next) {
		struct service *service = &services[at++];

		service->counters = counters;
		service->upstreams = &aggregate->upstreams;
		kw_window_total(&counters->window, &service->traffic);
		service_labels(&counters->service, service->labels);
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		kw_exposition_family(out, families[i].name, families[i].type, families[i].help);
		for (size_t k = 0; k < count; k++)
			families[i].write(out, &services[k]);
	}
	return 0;
}

/* ---- what is concluded ---- */

static void write_inferred(struct kw_exposition *out, const char *labels, const struct kw_assessment *service)
{
	if (service->server_idle.known)
		kw_exposition_real(out, with(labels, "side", "server").text, service->server_idle.seconds);
	if (service->client_idle.known)
		kw_exposition_real(out, with(labels, "side", "client").text, service->client_idle.seconds);
}

static void write_margin(struct kw_exposition *out, const char *labels, const struct kw_assessment *service)
{
	if (service->has_margin)
		kw_exposition_real(out, labels, service->margin);
}

static void write_drains(struct kw_exposition *out, const char *labels, const struct kw_assessment *service)
{
	kw_exposition_integer(out, labels, (int64_t)service->counters->drains.count);
}

static bool holds(const struct kw_assessment *service, enum kw_finding_id id, enum kw_severity severity)
{
	for (size_t i = 0; i < service->finding_count; i++)
		if (service->findings[i].id == id && service->findings[i].severity == severity)
			return true;
	return false;
}

/* A finding that was exported once stays exported as 0 when it clears; a vanished series would look like a failed
 * scrape. */
static void write_findings(struct kw_exposition *out, const char *labels, const struct kw_assessment *service)
{
	for (enum kw_finding_id id = 0; id < KW_FINDING_MAX; id++)
		for (enum kw_severity severity = 0; severity < KW_SEVERITY_MAX; severity++)
			if (service->counters->raised[id] & 1 << severity)
				count(out, with(labels, "finding", kw_finding_name(id)).text, "severity",
				      kw_severity_name(severity), holds(service, id, severity));
}

static const struct conclusion {
	const char *name;
	const char *type;
	const char *help;
	void (*write)(struct kw_exposition *out, const char *labels, const struct kw_assessment *service);
} conclusions[] = {
	{"keepwatch_inferred_idle_timeout_seconds", KW_TYPE_GAUGE,
	 "Idle timeout, inferred from how long connections had been idle when they were closed.",
	 write_inferred},
	{"keepwatch_safe_margin_seconds", KW_TYPE_GAUGE,
	 "The server's idle timeout minus the longest idle time before a reuse.", write_margin},
	{"keepwatch_drains", KW_TYPE_COUNTER, "Times the server closed its idle connections all at once.",
	 write_drains},
	{"keepwatch_finding", KW_TYPE_GAUGE, "1 while a finding holds, 0 when it has cleared.", write_findings},
};

static void note_raised(struct kw_service_counters *counters, const struct kw_assessment *service)
{
	for (size_t i = 0; i < service->finding_count; i++)
		counters->raised[service->findings[i].id] |= (uint8_t)(1 << service->findings[i].severity);
}

/* All services are assessed before a line is written, because the output is ordered by family and not by service. */
struct assessments {
	struct kw_assessment *list; /* owned */
	size_t count;
};

static void free_assessments(struct assessments *assessments)
{
	while (assessments->count)
		kw_assessment_free(&assessments->list[--assessments->count]);
	free(assessments->list);
}

static int assess_all(struct kw_aggregate *aggregate, struct assessments *ret_assessments)
{
	size_t services = HASH_COUNT(aggregate->services);
	int r = 0;

	ret_assessments->list = calloc(services ? services : 1, sizeof(*ret_assessments->list));
	if (!ret_assessments->list)
		return -ENOMEM;
	for (struct kw_service_counters *counters = aggregate->services; counters && r == 0;
	     counters = counters->hh.next) {
		struct kw_assessment *assessment = &ret_assessments->list[ret_assessments->count];

		r = kw_assess(aggregate, counters, assessment);
		if (r < 0)
			break;
		note_raised(counters, assessment);
		ret_assessments->count++;
	}
	return r;
}

static int write_assessments(struct kw_exposition *out, struct kw_aggregate *aggregate)
{
	_cleanup_(free_assessments) struct assessments assessments = {0};
	int r = assess_all(aggregate, &assessments);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(conclusions) / sizeof(conclusions[0]); i++) {
		kw_exposition_family(out, conclusions[i].name, conclusions[i].type, conclusions[i].help);
		for (size_t k = 0; k < assessments.count; k++) {
			char labels[LABELS];

			service_labels(&assessments.list[k].counters->service, labels);
			conclusions[i].write(out, labels, &assessments.list[k]);
		}
	}
	return 0;
}

int kw_metrics_write(const struct kw_metrics *metrics, bool open_metrics, char **ret_text, size_t *ret_length)
{
	_cleanup_(kw_memory_stream_close) struct kw_memory_stream stream = {0};
	struct kw_exposition out = {.open_metrics = open_metrics};
	int r = kw_memory_stream_open(&stream);

	out.file = stream.file;
	if (r == 0)
		r = write_services(&out, metrics->aggregate);
	if (r == 0)
		r = write_assessments(&out, metrics->aggregate);
	if (r < 0)
		return r;
	kw_metrics_write_trouble(&out, metrics->aggregate);
	if (metrics->process)
		kw_metrics_write_resources(&out, metrics->process, metrics->programs, metrics->program_count);
	kw_exposition_end(&out);
	return kw_memory_stream_take(&stream, ret_text, ret_length);
}
