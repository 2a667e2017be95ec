/* SPDX-License-Identifier: BSD-2-Clause */
/* The finding about programs that send on what was meant for one connection only. */
#include <inttypes.h>
#include <string.h>

#include "base/words.h"
#include "finding/assess.h"

/* Where a program that sends messages on removes a field from requests, and from responses. */
static const struct stripping {
	const char *comm;     /* the beginning of its process's name */
	const char *requests; /* follow the word "set" */
	const char *responses;
} strippings[] = {
	{"nginx", "proxy_set_header NAME \"\"", "proxy_hide_header NAME"},
	{"haproxy", "http-request del-header NAME", "http-response del-header NAME"},
	{"apache2", "RequestHeader unset NAME", "Header unset NAME"},
	{"httpd", "RequestHeader unset NAME", "Header unset NAME"},
	{"cache-main", "unset bereq.http.NAME in vcl_backend_fetch",
	 "unset beresp.http.NAME in vcl_backend_response"},
	{"varnishd", "unset bereq.http.NAME in vcl_backend_fetch",
	 "unset beresp.http.NAME in vcl_backend_response"},
	{"squid", "request_header_access NAME deny all", "reply_header_access NAME deny all"},
	{"caddy", "header_up -NAME in reverse_proxy", "header_down -NAME in reverse_proxy"},
	{"envoy", "request_headers_to_remove", "response_headers_to_remove"},
	{"traefik", "customRequestHeaders of the headers middleware, with an empty value",
	 "customResponseHeaders of the headers middleware, with an empty value"},
};

static const struct stripping *stripping_of(const char comm[KW_COMM])
{
	for (size_t i = 0; i < sizeof(strippings) / sizeof(strippings[0]); i++)
		if (strncmp(comm, strippings[i].comm, strlen(strippings[i].comm)) == 0)
			return &strippings[i];
	return NULL;
}

/* Lists the fields, by their names as far as these were kept. */
static void tell_fields(struct kw_finding *f, const struct kw_forwarded_counts *counts,
			enum http1_direction direction)
{
	const char *between = ": ";

	for (int i = 0; i < KW_FIELDS - 1; i++) {
		if (!counts->fields[direction][i])
			continue;
		kw_finding_summarise(f, "%s%s", between, kw_field_names[i]);
		between = ", ";
	}
	for (int i = 0; i < KW_FORWARDED_NAMES && counts->others[i][0]; i++) {
		kw_finding_summarise(f, "%s%s", between, counts->others[i]);
		between = ", ";
	}
}

/* A program keeps connections for less time than a field that it sends on promises: clients that believe it lose requests. */
static bool is_promise_broken(const struct kw_assessment *a)
{
	const struct kw_window_statistics *sum = &a->sum;
	bool shorter = sum->not_drained.early ||
		       (a->server_idle.known && sum->traffic.forwarded.timeout > a->server_idle.seconds);

	return a->counters->service.role == KW_ROLE_SERVER && sum->traffic.forwarded.timeout && shorter &&
	       (sum->not_drained.races || kw_traffic_closed_for(&sum->traffic, KW_REASON_STALE_REUSE));
}

static void advise(const struct kw_assessment *a, struct kw_finding *f, enum http1_direction direction)
{
	const struct stripping *stripping = stripping_of(a->counters->comm);
	bool requests = direction == HTTP1_REQUESTS;

	if (stripping)
		kw_finding_advise(
			f,
			"Let the program remove each of these fields from %s before it sends them on: set %s.",
			requests ? "requests" : "responses",
			requests ? stripping->requests : stripping->responses);
	else
		kw_finding_advise(
			f,
			"Let the program remove Connection, every field that Connection lists, Keep-Alive, "
			"Proxy-Connection, TE and Upgrade from %s before it sends them on.",
			requests ? "requests" : "responses");
}

bool kw_raise_forwards_hop_by_hop(const struct kw_assessment *a, struct kw_finding *f)
{
	const struct kw_forwarded_counts *counts = &a->sum.traffic.forwarded;
	bool client = a->counters->service.role == KW_ROLE_CLIENT;
	enum http1_direction direction = client ? HTTP1_REQUESTS : HTTP1_RESPONSES;

	if (!counts->connections)
		return false;
	f->severity = is_promise_broken(a) ? KW_SEVERITY_CRITICAL : KW_SEVERITY_WARNING;
	kw_finding_count(f, "connections", counts->connections);
	kw_finding_count_or_null(f, "forwarded_timeout_s", counts->timeout, counts->timeout);
	kw_finding_seconds(f, "server_idle_timeout_s", !client && a->server_idle.known, a->server_idle.seconds);
	kw_finding_summarise(
		f, "On %" PRIu64 " connection%s, %s carried fields that were meant for the connection before",
		counts->connections, kw_plural(counts->connections), client ? "requests" : "responses");
	tell_fields(f, counts, direction);
	kw_finding_summarise(f, ".");
	if (is_promise_broken(a))
		kw_finding_summarise(f,
				     " Keep-Alive: timeout=%" PRIu32
				     " among them is a promise of the server behind, "
				     "which this program does not keep, and requests met its close.",
				     counts->timeout);
	advise(a, f, direction);
	return true;
}
