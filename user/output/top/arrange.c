/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/arrange.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is shown ---- */

static bool has_part(const char *text, const struct kw_top_choice *choice)
{
	return !choice->filter[0] || strcasestr(text, choice->filter);
}

static bool is_role(uint32_t role, const struct kw_top_choice *choice)
{
	return choice->role == KW_ROLE_UNKNOWN || role == choice->role;
}

static bool is_service_shown(const struct kw_top_service *service, const struct kw_top_choice *choice)
{
	return (service->end_count > 1 || is_role(service->ends[0].role, choice)) &&
	       (has_part(service->name, choice) || has_part(service->comm, choice));
}

static bool is_finding_shown(const struct kw_top_finding *finding, const struct kw_top_choice *choice)
{
	return is_role(finding->service.role, choice) &&
	       (has_part(finding->who, choice) || has_part(kw_finding_name(finding->finding.id), choice));
}

/* A row has a name for each end, and a close has that of its own end alone, so the row decides. */
static bool is_in_rows(const struct kw_top_model *model, const struct kw_service *service)
{
	const struct kw_top_list *rows = &model->shown[KW_TOP_SECTION_SERVICES];

	for (size_t i = 0; i < rows->count; i++)
		if (kw_top_is_of(&model->services[rows->items[i]], service))
			return true;
	return false;
}

static bool is_close_shown(const struct kw_top_model *model, const struct kw_premature_close *close,
			   const struct kw_top_choice *choice)
{
	return is_role(close->service.role, choice) &&
	       (has_part(close->service.name, choice) || is_in_rows(model, &close->service));
}

static bool is_gateway_shown(const struct kw_latest_gateway *gateway, const struct kw_top_choice *choice)
{
	return is_role(gateway->service.role, choice) &&
	       (has_part(gateway->service.name, choice) || has_part(gateway->upstream.name, choice));
}

static bool is_shown(const struct kw_top_model *model, enum kw_top_section section, size_t at,
		     const struct kw_top_choice *choice)
{
	switch (section) {
	case KW_TOP_SECTION_FINDINGS:
		return is_finding_shown(&model->findings[at], choice);
	case KW_TOP_SECTION_SERVICES:
		return is_service_shown(&model->services[at], choice);
	case KW_TOP_SECTION_CLOSES:
		return is_close_shown(model, &model->closes[at], choice);
	default:
		return is_gateway_shown(&model->gateways[at], choice);
	}
}

/* ---- the order of services ---- */

struct order {
	const struct kw_top_model *model;
	const struct kw_top_choice *choice;
};

/* Numbers sort from the largest down, because one looks for the most; what is not known comes last. */
static int compare_doubles(double a, double b)
{
	return (a < b) - (a > b);
}

static int compare_counts(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare_numbers(struct kw_top_number a, struct kw_top_number b)
{
	if (a.known != b.known)
		return a.known ? -1 : 1;
	return a.known ? compare_doubles(a.value, b.value) : 0;
}

/* The narrowest margin first. */
static int compare_margins(struct kw_top_number a, struct kw_top_number b)
{
	return a.known && b.known ? -compare_numbers(a, b) : compare_numbers(a, b);
}

static int compare_reasons(const struct kw_top_service *a, const struct kw_top_service *b)
{
	if (a->top == KW_REASON_MAX || b->top == KW_REASON_MAX)
		return (a->top == KW_REASON_MAX) - (b->top == KW_REASON_MAX);
	return strcmp(kw_reason_name(a->top), kw_reason_name(b->top));
}

static int compare_by(enum kw_top_column column, const struct kw_top_service *a, const struct kw_top_service *b)
{
	switch (column) {
	case KW_TOP_BY_SERVICE:
		return strcmp(a->name, b->name);
	case KW_TOP_BY_ROLE:
		return strcmp(kw_top_role(a), kw_top_role(b));
	case KW_TOP_BY_PROTOCOL:
		return strcmp(a->protocol, b->protocol);
	case KW_TOP_BY_OPEN:
		return compare_counts(a->open, b->open);
	case KW_TOP_BY_IDLE:
		return compare_counts(a->idle, b->idle);
	case KW_TOP_BY_STREAMS:
		return compare_counts(a->streams, b->streams);
	case KW_TOP_BY_REQUESTS:
		return compare_doubles(a->requests, b->requests);
	case KW_TOP_BY_REUSE:
		return compare_numbers(a->reuse, b->reuse);
	case KW_TOP_BY_CLOSES:
		return compare_doubles(a->closes, b->closes);
	case KW_TOP_BY_LOST:
		return compare_counts(a->lost, b->lost);
	case KW_TOP_BY_TIMEOUT:
		return compare_numbers(a->timeout, b->timeout);
	case KW_TOP_BY_MARGIN:
		return compare_margins(a->margin, b->margin);
	case KW_TOP_BY_REASON:
		return compare_reasons(a, b);
	default:
		return 0;
	}
}

/* The index in the model decides what the column leaves open: the report's order. */
static int compare_services(const void *left, const void *right, void *context)
{
	const struct order *order = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int compared = compare_by(order->choice->sort, &order->model->services[a], &order->model->services[b]);

	if (compared == 0)
		compared = a < b ? -1 : 1;
	return order->choice->reversed ? -compared : compared;
}

/* ---- the whole ---- */

static size_t count_of(const struct kw_top_model *model, enum kw_top_section section)
{
	switch (section) {
	case KW_TOP_SECTION_FINDINGS:
		return model->finding_count;
	case KW_TOP_SECTION_SERVICES:
		return model->service_count;
	case KW_TOP_SECTION_CLOSES:
		return model->close_count;
	default:
		return model->gateway_count;
	}
}

static void choose(struct kw_top_model *model, enum kw_top_section section, const struct kw_top_choice *choice)
{
	struct kw_top_list *list = &model->shown[section];
	size_t count = count_of(model, section);

	list->count = 0;
	for (size_t i = 0; i < count; i++)
		if (is_shown(model, section, i, choice))
			list->items[list->count++] = (uint32_t)i;
}

void kw_top_arrange(struct kw_top_model *model, const struct kw_top_choice *choice)
{
	struct order order = {model, choice};
	struct kw_top_list *services = &model->shown[KW_TOP_SECTION_SERVICES];

	choose(model, KW_TOP_SECTION_SERVICES, choice); /* first, because closes go with their rows */
	choose(model, KW_TOP_SECTION_FINDINGS, choice);
	choose(model, KW_TOP_SECTION_CLOSES, choice);
	choose(model, KW_TOP_SECTION_GATEWAYS, choice);
	if (services->count)
		qsort_r(services->items, services->count, sizeof(*services->items), compare_services, &order);
}
