/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/lines.h"

#include <inttypes.h>
#include <string.h>

#include "base/timestamp.h"
#include "base/words.h"
#include "event/names.h"
#include "output/page/format.h"
#include "output/top/table.h"

#define INDENT 2
#define REASON_WIDTH 23 /* length of the longest reason's name */

static const unsigned int looks[KW_SEVERITY_MAX] = {KW_LOOK_INFO, KW_LOOK_WARNING, KW_LOOK_CRITICAL};

/* ---- head and foot ---- */

/* The order, role and filter that the user has chosen, as far as they are not the usual. Returns the columns taken. */
static int put_choice(struct kw_canvas *canvas, int column, const struct kw_top_state *state)
{
	const struct kw_top_choice *choice = &state->choice;
	int at = column;

	if (choice->sort != KW_TOP_BY_WORST || choice->reversed)
		at += kw_canvas_print(canvas, 0, at, KW_LOOK_INFO, "  sorted by %s%s",
				      kw_top_column_name(choice->sort), choice->reversed ? ", reversed" : "");
	if (choice->role != KW_ROLE_UNKNOWN)
		at += kw_canvas_print(canvas, 0, at, KW_LOOK_INFO, "  %ss only", kw_role_name(choice->role));
	if (choice->filter[0])
		at += kw_canvas_print(canvas, 0, at, KW_LOOK_INFO, "  filter \"%s\"", choice->filter);
	if (state->is_paused)
		at += kw_canvas_print(canvas, 0, at, KW_LOOK_WARNING, "  paused");
	return at - column;
}

void kw_top_line_head(struct kw_canvas *canvas, const struct kw_top_model *model,
		      const struct kw_top_state *state)
{
	char observed[KW_DURATION_TEXT], window[KW_DURATION_TEXT], at[KW_TIME_OF_DAY];
	uint64_t lost = kw_losses_all(&model->losses);
	int column;

	kw_page_span(model->observed, observed);
	kw_page_span(model->window, window);
	kw_time_of_day(&model->clock, model->now, at);
	column = kw_canvas_put(canvas, 0, 0, canvas->width, KW_LOOK_STRONG, model->host);
	column += kw_canvas_print(canvas, 0, column, KW_LOOK_PLAIN, "  observed %s, %.8s", observed, at);
	put_choice(canvas, column, state);
	column = kw_canvas_print(canvas, 1, 0, KW_LOOK_PLAIN, "open %s, idle %s  requests %s/s  reuse %s  ",
				 kw_top_count(model->open).text, kw_top_count(model->idle).text,
				 kw_top_rate(model->requests).text, kw_top_share(model->reuse).text);
	column += kw_canvas_print(canvas, 1, column, model->lost ? KW_LOOK_CRITICAL : KW_LOOK_PLAIN, "lost %s",
				  kw_top_count(model->lost).text);
	column += kw_canvas_print(canvas, 1, column, KW_LOOK_PLAIN, " in %s  ", window);
	kw_canvas_print(canvas, 1, column, lost ? KW_LOOK_WARNING : KW_LOOK_PLAIN, "events lost %s",
			kw_top_count(lost).text);
}

void kw_top_line_foot(struct kw_canvas *canvas, const struct kw_top_state *state)
{
	int row = canvas->height - 1;
	const char *keys = state->depth ? "Enter open  Esc back  Up/Down move  p pause  ? help  q back"
					: "Enter open  Tab list  s sort  I invert  / filter  r role  p pause  "
					  "? help  q end";

	if (state->is_filtering) {
		kw_canvas_print(canvas, row, 0, KW_LOOK_STRONG, "Filter: %s_", state->choice.filter);
	} else if (state->message) {
		kw_canvas_put(canvas, row, 0, canvas->width, KW_LOOK_WARNING, state->message);
	} else {
		kw_canvas_look(canvas, row, KW_LOOK_BAR);
		kw_canvas_put(canvas, row, 0, canvas->width, KW_LOOK_BAR, keys);
	}
}

/* ---- titles ---- */

static void put_findings_title(struct kw_canvas *canvas, int row, const struct kw_top_model *model,
			       size_t shown)
{
	size_t counts[KW_SEVERITY_MAX] = {0};
	int column = kw_canvas_put(canvas, row, 0, canvas->width, KW_LOOK_STRONG, "Findings:");

	for (size_t i = 0; i < shown; i++)
		counts[model->findings[model->shown[KW_TOP_SECTION_FINDINGS].items[i]].finding.severity]++;
	for (int severity = KW_SEVERITY_MAX - 1; severity >= 0; severity--)
		if (counts[severity])
			column += kw_canvas_print(canvas, row, column, looks[severity], " %zu %s",
						  counts[severity], kw_severity_name(severity));
	if (model->more_findings)
		kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, " and %zu more", model->more_findings);
	else if (!shown)
		kw_canvas_put(canvas, row, column, canvas->width, KW_LOOK_GOOD, " none");
}

static void put_count(struct kw_canvas *canvas, int row, int column, size_t shown, size_t all)
{
	if (shown == all)
		kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, " %zu", shown);
	else
		kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, " %zu of %zu", shown, all);
}

static void put_closes_title(struct kw_canvas *canvas, int row, const struct kw_top_model *model, size_t shown)
{
	int column = kw_canvas_put(canvas, row, 0, canvas->width, KW_LOOK_STRONG, "Latest premature closes:");

	if (!shown)
		kw_canvas_put(canvas, row, column, canvas->width, KW_LOOK_GOOD, " none");
	else
		put_count(canvas, row, column, shown, model->closes_so_far);
}

void kw_top_line_title(struct kw_canvas *canvas, int row, const struct kw_top_model *model,
		       enum kw_top_section section)
{
	size_t shown = model->shown[section].count;
	int column;

	if (section == KW_TOP_SECTION_FINDINGS) {
		put_findings_title(canvas, row, model, shown);
	} else if (section == KW_TOP_SECTION_SERVICES) {
		column = kw_canvas_put(canvas, row, 0, canvas->width, KW_LOOK_STRONG, "Services:");
		put_count(canvas, row, column, shown, model->service_count);
	} else if (section == KW_TOP_SECTION_CLOSES) {
		put_closes_title(canvas, row, model, shown);
	} else {
		column = kw_canvas_put(canvas, row, 0, canvas->width, KW_LOOK_STRONG, "Gateway errors:");
		put_count(canvas, row, column, shown, model->gateway_count);
	}
}

/* ---- items ---- */

void kw_top_line_finding(struct kw_canvas *canvas, int row, const struct kw_top_finding *shown)
{
	const struct kw_finding *finding = &shown->finding;
	int column = INDENT;

	column += kw_canvas_print(canvas, row, column, looks[finding->severity], "%s: %s",
				  kw_severity_name(finding->severity), kw_finding_name(finding->id));
	kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, "  %s", shown->who);
	kw_canvas_put(canvas, row + 1, 2 * INDENT, canvas->width, KW_LOOK_PLAIN, finding->summary);
}

static int put_time(struct kw_canvas *canvas, int row, const struct kw_clock *clock, uint64_t time)
{
	char at[KW_TIME_OF_DAY];

	kw_time_of_day(clock, time, at);
	return INDENT + kw_canvas_print(canvas, row, INDENT, KW_LOOK_PLAIN, "%s  ", at);
}

/* ", by server (fin)", and the loss. */
static int put_end(struct kw_canvas *canvas, int row, int column, const struct kw_premature_close *close)
{
	const struct kw_verdict *verdict = &close->kept.verdict;
	int at = column;

	if (close->late)
		return kw_canvas_put(canvas, row, column, canvas->width, KW_LOOK_PLAIN, "1 lost");
	at += kw_canvas_print(canvas, row, at, KW_LOOK_PLAIN, "by %s", kw_closer_name(verdict->closer));
	if (verdict->manner != KW_MANNER_UNKNOWN)
		at += kw_canvas_print(canvas, row, at, KW_LOOK_PLAIN, " (%s)", kw_manner_name(verdict->manner));
	if (verdict->premature == KW_PREMATURE_YES)
		at += kw_canvas_print(canvas, row, at, KW_LOOK_CRITICAL, ", %" PRIu32 " lost",
				      verdict->lost_requests);
	return at - column;
}

static int put_reason(struct kw_canvas *canvas, int row, int column, const struct kw_premature_close *close)
{
	kw_canvas_put(canvas, row, column, REASON_WIDTH,
		      kw_top_close_is_premature(close) ? KW_LOOK_CRITICAL : KW_LOOK_PLAIN,
		      kw_top_close_reason(close));
	return REASON_WIDTH + 1;
}

static const char *decisive(const struct kw_premature_close *close, struct kw_evidence *evidence)
{
	evidence->count = 0;
	kw_top_close_evidence(close, evidence);
	return evidence->count ? evidence->sentences[0] : "";
}

void kw_top_line_close(struct kw_canvas *canvas, int row, const struct kw_clock *clock,
		       const struct kw_premature_close *close)
{
	struct kw_evidence evidence;
	int time = put_time(canvas, row, clock, close->time), column = time;

	column += put_reason(canvas, row, column, close);
	column += kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, "%s (%s)  ", close->service.name,
				  kw_role_name(close->service.role));
	put_end(canvas, row, column, close);
	kw_canvas_put(canvas, row + 1, time, canvas->width, KW_LOOK_DIM, decisive(close, &evidence));
}

void kw_top_line_close_of(struct kw_canvas *canvas, int row, const struct kw_clock *clock,
			  const struct kw_premature_close *close)
{
	const struct kw_identity *identity = &close->kept.connection.identity;
	char remote[KW_ENDPOINT_TEXT];
	struct kw_evidence evidence;
	int column = put_time(canvas, row, clock, close->time);

	column += put_reason(canvas, row, column, close);
	column += put_end(canvas, row, column, close);
	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	column += kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, "  %s %s  ",
				  identity->role == KW_ROLE_CLIENT ? "to" : "from", remote);
	kw_canvas_put(canvas, row, column, canvas->width, KW_LOOK_DIM, decisive(close, &evidence));
}

void kw_top_line_gateway(struct kw_canvas *canvas, int row, const struct kw_clock *clock,
			 const struct kw_latest_gateway *gateway)
{
	const struct kw_verdict *cause = &gateway->cause.verdict;
	int column = put_time(canvas, row, clock, gateway->event.header.time);

	column += kw_canvas_print(canvas, row, column, KW_LOOK_CRITICAL, "%u", gateway->event.status);
	column += kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, " by %s: ", gateway->service.name);
	if (gateway->has_cause)
		kw_canvas_print(canvas, row, column, KW_LOOK_PLAIN, "%s: %s, by %s", gateway->upstream.name,
				kw_reason_name(cause->reason), kw_closer_name(cause->closer));
	else
		kw_canvas_put(canvas, row, column, canvas->width, KW_LOOK_PLAIN,
			      gateway->is_passed ? "a server behind it answered so itself"
						 : "no connection behind it is known to have failed");
}
