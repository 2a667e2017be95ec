/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arithmetic.h"
#include "base/cleanup.h"
#include "base/sanitize.h"

/* ---- counts of one end ---- */

static uint64_t count_open(const struct kw_assessment *service)
{
	return service->counters->open > 0 ? (uint64_t)service->counters->open : 0;
}

static uint64_t count_idle(const struct kw_assessment *service)
{
	int64_t idle = service->counters->open - service->counters->busy;

	return idle > 0 ? (uint64_t)idle : 0;
}

static uint64_t count_streams(const struct kw_assessment *service)
{
	return service->counters->streams > 0 ? (uint64_t)service->counters->streams : 0;
}

static uint64_t all_requests(const struct kw_traffic *traffic)
{
	return kw_traffic_requests(traffic) + traffic->exchanges;
}

static uint64_t count_requests_so_far(const struct kw_assessment *service)
{
	return kw_window_count(&service->counters->window, all_requests);
}

static uint64_t count_closes_so_far(const struct kw_assessment *service)
{
	return kw_window_count(&service->counters->window, kw_traffic_closed);
}

/* ---- a row ---- */

static void add_protocol(struct kw_top_service *row, const char *name)
{
	size_t length = strlen(row->protocol);

	snprintf(row->protocol + length, sizeof(row->protocol) - length, "%s%s", length ? "," : "", name);
}

static void find_protocols(struct kw_top_service *row, const struct kw_assessment *service)
{
	const struct kw_window_statistics *sum = &service->sum;

	if (sum->traffic.requests[1])
		add_protocol(row, "1.1");
	if (sum->traffic.requests[0])
		add_protocol(row, "1.0");
	if (kw_speaks_h2c(sum))
		add_protocol(row, "h2c");
	if (kw_speaks_h2(sum))
		add_protocol(row, "h2");
	if (kw_speaks_tls(sum))
		add_protocol(row, "tls");
}

static void add_end(struct kw_top_service *row, const struct kw_assessment *end)
{
	size_t length = strlen(row->name);

	snprintf(row->name + length, sizeof(row->name) - length, "%s%s", length ? ", " : "",
		 end->counters->service.name);
	if (row->end_count < KW_TOP_ENDS)
		row->ends[row->end_count++] = end->counters->service;
}

static void find_reasons(struct kw_top_service *row, const struct kw_assessment *service)
{
	row->top = KW_REASON_MAX;
	for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++) {
		row->reasons[reason] = kw_traffic_closed_for(&service->sum.traffic, reason);
		if (row->reasons[reason] &&
		    (row->top == KW_REASON_MAX || row->reasons[reason] > row->reasons[row->top]))
			row->top = reason;
	}
}

static void find_numbers(struct kw_top_service *row, const struct kw_assessment *service)
{
	const struct kw_window_statistics *sum = &service->sum;
	bool tls = sum->traffic.exchanges;
	uint64_t exchanges = kw_exchanges(sum);

	row->requests_each = (struct kw_top_number){row->connections, tls, kw_exchanges_per_connection(sum)};
	row->reuse = (struct kw_top_number){exchanges, tls,
					    exchanges ? (double)kw_reused(sum) / (double)exchanges : 0};
	row->timeout =
		(struct kw_top_number){service->has_timeout, service->server_idle.known, service->timeout};
	row->margin =
		(struct kw_top_number){service->has_margin, tls || service->server_idle.known, service->margin};
	row->has_advertised = service->counters->has_advertised_timeout;
	row->advertised = service->counters->advertised_timeout;
}

static void make_row(const struct kw_overview *overview, const struct kw_assessment *service,
		     struct kw_rates *rates, struct kw_top_service *row)
{
	const struct kw_assessment *end = NULL;
	struct kw_rates_result rate;

	add_end(row, service);
	while ((end = kw_overview_next_end(overview, service, end)))
		add_end(row, end);
	kw_sanitize(service->counters->comm, sizeof(service->counters->comm), row->comm, sizeof(row->comm));
	find_protocols(row, service);
	row->open = kw_overview_count(overview, service, count_open);
	row->idle = kw_least(row->open, kw_overview_count(overview, service, count_idle));
	row->streams = kw_overview_count(overview, service, count_streams);
	row->lost = kw_overview_count(overview, service, kw_count_lost);
	row->premature = kw_overview_count(overview, service, kw_count_premature);
	row->closed = kw_overview_count(overview, service, kw_count_closed);
	row->connections = kw_overview_count(overview, service, kw_count_connections);
	rate = kw_rates_take(rates, &service->counters->service,
			     kw_overview_count(overview, service, count_requests_so_far),
			     kw_overview_count(overview, service, count_closes_so_far));
	row->requests = rate.requests;
	row->closes = rate.closes;
	find_numbers(row, service);
	find_reasons(row, service);
}

static int make_rows(const struct kw_top_source *source, const struct kw_overview *overview,
		     struct kw_top_model *model)
{
	model->services = calloc(overview->row_count + 1, sizeof(*model->services));
	if (!model->services)
		return -ENOMEM;
	kw_rates_begin(source->rates, source->aggregate->started, source->aggregate->now);
	for (size_t i = 0; i < overview->service_count; i++)
		if (kw_overview_has_row(overview, &overview->services[i]))
			make_row(overview, &overview->services[i], source->rates,
				 &model->services[model->service_count++]);
	kw_rates_end(source->rates);
	return 0;
}

/* ---- findings ---- */

static void add_who(char ret_who[KW_TOP_NAME], const struct kw_assessment *service)
{
	const struct kw_service_counters *counters = service->counters;
	size_t length = strlen(ret_who);
	char comm[KW_TOP_COMM] = "";

	if (counters->service.role == KW_ROLE_CLIENT)
		kw_sanitize(counters->comm, sizeof(counters->comm), comm, sizeof(comm));
	snprintf(ret_who + length, KW_TOP_NAME - length, "%s%s (%s%s%s%s%s)", length ? ", " : "",
		 counters->service.name, kw_role_name(counters->service.role), comm[0] ? " " : "", comm,
		 counters->service.peer[0] ? ", from " : "", counters->service.peer);
}

static int copy_findings(const struct kw_overview *overview, struct kw_top_model *model)
{
	size_t count = kw_least(overview->finding_count, KW_TOP_FINDINGS);

	model->findings = calloc(count + 1, sizeof(*model->findings));
	if (!model->findings)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct kw_overview_finding *from = &overview->findings[i];
		struct kw_top_finding *to = &model->findings[i];

		to->service = from->service->counters->service;
		to->finding = *from->finding;
		add_who(to->who, from->service);
		if (from->other)
			add_who(to->who, from->other);
	}
	model->finding_count = count;
	model->more_findings = overview->finding_count - count;
	return 0;
}

/* ---- closes and gateways' errors ---- */

static int copy_closes(const struct kw_premature_closes *closes, struct kw_top_model *model)
{
	const struct kw_premature_close *close;

	model->closes = calloc(KW_PREMATURE_KEPT, sizeof(*model->closes));
	if (!model->closes)
		return -ENOMEM;
	model->closes_so_far = closes->count;
	while ((close = kw_premature_latest(closes, (uint32_t)model->close_count)))
		kw_premature_copy(close, &model->closes[model->close_count++]);
	return 0;
}

/* The latest of those that came before number @before; NULL: there is none. */
static const struct kw_premature_close *latest_before(const struct kw_latest *latest, uint64_t before,
						      uint64_t *ret_number)
{
	size_t at = KW_LATEST_CLOSES;

	*ret_number = 0;
	for (size_t i = 0; i < KW_LATEST_CLOSES; i++)
		if (latest->numbers[i] > *ret_number && latest->numbers[i] < before) {
			at = i;
			*ret_number = latest->numbers[i];
		}
	return at < KW_LATEST_CLOSES ? &latest->closes[at] : NULL;
}

static int copy_latest(const struct kw_latest *latest, struct kw_top_model *model)
{
	const struct kw_premature_close *close;
	uint64_t number = UINT64_MAX;

	model->latest = calloc(KW_LATEST_CLOSES, sizeof(*model->latest));
	if (!model->latest)
		return -ENOMEM;
	while ((close = latest_before(latest, number, &number)))
		kw_premature_copy(close, &model->latest[model->latest_count++]);
	return 0;
}

static int copy_gateways(const struct kw_latest *latest, struct kw_top_model *model)
{
	model->gateway_count = kw_least(latest->gateway_count, KW_LATEST_GATEWAYS);
	model->gateways = calloc(model->gateway_count + 1, sizeof(*model->gateways));
	if (!model->gateways)
		return -ENOMEM;
	for (size_t i = 0; i < model->gateway_count; i++)
		kw_latest_copy_gateway(&latest->gateways[(latest->gateway_count - 1 - i) % KW_LATEST_GATEWAYS],
				       &model->gateways[i]);
	return 0;
}

/* ---- the whole ---- */

static void sum_up(const struct kw_top_source *source, const struct kw_overview *overview,
		   struct kw_top_model *model)
{
	const struct kw_aggregate *aggregate = source->aggregate;
	uint64_t all = overview->requests + overview->exchanges;
	uint64_t reused = kw_overview_sum(overview, kw_count_reused) +
			  kw_overview_sum(overview, kw_count_exchanges_reused);

	kw_sanitize(source->host, strlen(source->host), model->host, sizeof(model->host));
	model->clock = source->clock;
	model->now = aggregate->now;
	model->observed = kw_less(aggregate->now, aggregate->started);
	model->window =
		aggregate->window && aggregate->window < model->observed ? aggregate->window : model->observed;
	model->losses = overview->losses;
	model->closing = overview->closing;
	model->premature = overview->premature;
	model->lost = kw_overview_sum(overview, kw_count_lost);
	model->reuse = (struct kw_top_number){all, overview->exchanges, all ? (double)reused / (double)all : 0};
	for (size_t i = 0; i < model->service_count; i++) {
		model->open += model->services[i].open;
		model->idle += model->services[i].idle;
		model->requests += model->services[i].requests;
	}
}

static int open_lists(struct kw_top_model *model)
{
	const size_t counts[KW_TOP_SECTIONS] = {
		[KW_TOP_SECTION_FINDINGS] = model->finding_count,
		[KW_TOP_SECTION_SERVICES] = model->service_count,
		[KW_TOP_SECTION_CLOSES] = model->close_count,
		[KW_TOP_SECTION_GATEWAYS] = model->gateway_count,
	};

	for (int i = 0; i < KW_TOP_SECTIONS; i++) {
		model->shown[i].items = calloc(counts[i] + 1, sizeof(*model->shown[i].items));
		if (!model->shown[i].items)
			return -ENOMEM;
	}
	return 0;
}

int kw_top_model_make(const struct kw_top_source *source, struct kw_top_model *ret_model)
{
	_cleanup_(kw_overview_free) struct kw_overview overview = {0};
	_cleanup_(kw_top_model_close) struct kw_top_model model = {0};
	int r = kw_overview_make(source->aggregate, &overview);

	if (r == 0)
		r = make_rows(source, &overview, &model);
	if (r == 0)
		r = copy_findings(&overview, &model);
	if (r == 0)
		r = copy_closes(source->closes, &model);
	if (r == 0)
		r = copy_latest(source->latest, &model);
	if (r == 0)
		r = copy_gateways(source->latest, &model);
	if (r == 0)
		r = open_lists(&model);
	if (r < 0)
		return r;
	sum_up(source, &overview, &model);
	*ret_model = TAKE_STRUCT(model);
	return 0;
}

void kw_top_model_close(struct kw_top_model *model)
{
	free(model->services);
	free(model->findings);
	free(model->closes);
	free(model->latest);
	free(model->gateways);
	for (int i = 0; i < KW_TOP_SECTIONS; i++)
		free(model->shown[i].items);
	*model = (struct kw_top_model){0};
}

bool kw_top_is_of(const struct kw_top_service *service, const struct kw_service *end)
{
	for (size_t i = 0; i < service->end_count; i++)
		if (memcmp(&service->ends[i], end, sizeof(*end)) == 0)
			return true;
	return false;
}

const struct kw_top_service *kw_top_service_find(const struct kw_top_model *model,
						 const struct kw_service *service)
{
	for (size_t i = 0; i < model->service_count; i++)
		if (memcmp(&model->services[i].ends[0], service, sizeof(*service)) == 0)
			return &model->services[i];
	return NULL;
}

const char *kw_top_role(const struct kw_top_service *service)
{
	return service->end_count > 1 ? "both" : kw_role_name(service->ends[0].role);
}
