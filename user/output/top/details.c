/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/details.h"

#include <inttypes.h>
#include <string.h>

#include "base/sanitize.h"
#include "base/timestamp.h"
#include "base/words.h"
#include "base/wrap.h"
#include "event/names.h"
#include "judge/evidence.h"
#include "output/report/print.h"
#include "output/top/table.h"

static void title(FILE *file, const char *text)
{
	fprintf(file, "%c%s\n", KW_TOP_TITLE, text);
}

static void print_points(FILE *file, int width, const char *heading,
			 const char *const points[KW_EXPLANATION_POINTS])
{
	fputc('\n', file);
	title(file, heading);
	for (int i = 0; i < KW_EXPLANATION_POINTS && points[i]; i++)
		kw_wrap(file, width, "  - ", points[i]);
}

/* The same text as `keepwatch explain` prints. */
static void print_explanation(FILE *file, const struct kw_top_frame *frame, int width)
{
	const struct kw_explanation *page = frame->explanation;

	title(file, frame->topic);
	kw_wrap(file, width, "  ", page->summary);
	fputc('\n', file);
	title(file, "What it means");
	kw_wrap(file, width, "  ", page->meaning);
	print_points(file, width, "What causes it", page->causes);
	print_points(file, width, "What to do", page->actions);
}

/* ---- one connection ---- */

/* By which one finds the connection in logs and records. */
static void print_identity(FILE *file, const struct kw_identity *identity)
{
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT], comm[KW_TOP_COMM];

	kw_endpoint_print(identity->local, identity->local_port, local);
	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	kw_connection_id(identity, id);
	kw_sanitize(identity->comm, sizeof(identity->comm), comm, sizeof(comm));
	fprintf(file, "  local %s, remote %s\n  id %s, netns %" PRIu32 "\n", local, remote, id,
		identity->netns);
	if (identity->pid)
		fprintf(file, "  process %s, pid %" PRIu32 "\n", comm, identity->pid);
}

static void print_container(FILE *file, const struct kw_container *container)
{
	if (container->id[0])
		fprintf(file, "  container %s\n", container->id);
	if (container->pod[0])
		fprintf(file, "  pod %s\n", container->pod);
}

static void print_evidence(FILE *file, const struct kw_evidence *evidence, int width)
{
	for (size_t i = 0; i < evidence->count; i++)
		kw_wrap(file, width, "  - ", evidence->sentences[i]);
}

static void print_verdict(FILE *file, const struct kw_verdict *verdict)
{
	fprintf(file, "%c%s, by %s", verdict->premature == KW_PREMATURE_YES ? KW_TOP_ALARM : KW_TOP_TITLE,
		kw_reason_name(verdict->reason), kw_closer_name(verdict->closer));
	if (verdict->manner != KW_MANNER_UNKNOWN)
		fprintf(file, " (%s)", kw_manner_name(verdict->manner));
	if (verdict->premature == KW_PREMATURE_YES)
		fprintf(file, ", premature, %" PRIu32 " lost", verdict->lost_requests);
	fprintf(file, ", %s\n", kw_confidence_name(verdict->confidence));
}

static void print_life(FILE *file, const struct kw_premature_close *close)
{
	const struct kw_event_connection *event = &close->kept.connection;
	bool tls = event->http.protocol == HTTP1_PROTOCOL_TLS;
	uint32_t requests = tls ? event->http.counts.requests_begun : event->http.counts.requests;

	fprintf(file, "  %s, %s%" PRIu32 " request%s", kw_protocol_name(&event->http), tls ? "~" : "", requests,
		kw_plural(requests));
	if (!event->identity.preexisting && close->time >= event->opened)
		fprintf(file, " in %s", kw_duration(close->time - event->opened).text);
	fputc('\n', file);
}

static void print_close(FILE *file, const struct kw_top_model *model, const struct kw_premature_close *close,
			int width)
{
	struct kw_evidence evidence = {.count = 0};
	char at[KW_TIMESTAMP];

	kw_timestamp(&model->clock, close->time, at);
	fprintf(file, "%cConnection of %s (%s)\n  closed at %s\n", KW_TOP_TITLE, close->service.name,
		kw_role_name(close->service.role), at);
	if (!close->late)
		print_life(file, close);
	fputc('\n', file);
	if (close->late)
		fprintf(file, "%clate_request, premature, 1 lost\n", KW_TOP_ALARM);
	else
		print_verdict(file, &close->kept.verdict);
	kw_top_close_evidence(close, &evidence);
	print_evidence(file, &evidence, width);
	fputc('\n', file);
	title(file, "The connection");
	print_identity(file, &close->kept.connection.identity);
	print_container(file, &close->container);
	fprintf(file, "\n%cEnter explains the reason.\n", KW_TOP_QUIET);
}

/* ---- an error of a gateway ---- */

static void print_cause(FILE *file, const struct kw_latest_gateway *gateway, int width)
{
	struct kw_evidence evidence = {.count = 0};

	if (!gateway->has_cause) {
		kw_wrap(file, width, "  ",
			gateway->is_passed ? "A server behind it answered so itself, and that was passed on."
					   : "No connection to another server is known to have failed.");
		return;
	}
	fprintf(file, "%cCaused by a connection to %s (%s)\n", KW_TOP_TITLE, gateway->upstream.name,
		kw_confidence_name(gateway->confidence));
	print_verdict(file, &gateway->cause.verdict);
	kw_evidence_write(&gateway->cause.verdict, &evidence);
	print_evidence(file, &evidence, width);
	print_identity(file, &gateway->cause.connection.identity);
	fprintf(file, "\n%cEnter explains the reason.\n", KW_TOP_QUIET);
}

static void print_gateway(FILE *file, const struct kw_top_model *model, const struct kw_latest_gateway *gateway,
			  int width)
{
	const struct kw_event_gateway *event = &gateway->event;
	char at[KW_TIMESTAMP];

	kw_timestamp(&model->clock, event->header.time, at);
	fprintf(file, "%c%s answered with status %u\n  at %s, exchange %" PRIu32 " of its connection",
		KW_TOP_ALARM, gateway->service.name, event->status, at, event->number);
	if (event->started && event->started <= event->header.time)
		fprintf(file, ", %s after the request began",
			kw_duration(event->header.time - event->started).text);
	fputc('\n', file);
	print_identity(file, &event->identity);
	fputc('\n', file);
	print_cause(file, gateway, width);
}

/* ---- a finding ---- */

static void print_number(FILE *file, const struct kw_number *number)
{
	fprintf(file, "  %-32s ", number->name);
	switch (number->kind) {
	case KW_NUMBER_TEXT:
		fprintf(file, "%s\n", number->text);
		break;
	case KW_NUMBER_NULL:
		fputs("not known\n", file);
		break;
	case KW_NUMBER_SHARE:
		fprintf(file, "%.1f%%\n", 100 * number->value);
		break;
	case KW_NUMBER_COUNT:
		fprintf(file, "%.0f\n", number->value);
		break;
	default:
		fprintf(file, "%.4g\n", number->value);
		break;
	}
}

static void print_finding(FILE *file, const struct kw_top_finding *shown, int width)
{
	const struct kw_finding *finding = &shown->finding;

	fprintf(file, "%c%s: %s\n", finding->severity == KW_SEVERITY_CRITICAL ? KW_TOP_ALARM : KW_TOP_TITLE,
		kw_severity_name(finding->severity), kw_finding_name(finding->id));
	kw_wrap(file, width, "  ", shown->who);
	fputc('\n', file);
	kw_wrap(file, width, "  ", finding->summary);
	fputc('\n', file);
	title(file, "What to change");
	for (size_t i = 0; i < finding->advice_count; i++)
		kw_wrap(file, width, "  - ", finding->advice[i]);
	fputc('\n', file);
	title(file, "Numbers");
	for (size_t i = 0; i < finding->number_count; i++)
		print_number(file, &finding->numbers[i]);
	kw_report_examples_text(file, &finding->examples, "  ");
	fprintf(file, "\n%cEnter explains the finding.\n", KW_TOP_QUIET);
}

/* ---- a service ---- */

static void print_reasons(FILE *file, const struct kw_top_service *service, int width)
{
	char text[KW_REASON_MAX * 48] = "";
	bool shown[KW_REASON_MAX] = {false};
	size_t length = 0;

	for (;;) {
		enum kw_reason most = KW_REASON_MAX;

		for (enum kw_reason reason = 0; reason < KW_REASON_MAX; reason++)
			if (!shown[reason] && service->reasons[reason] &&
			    (most == KW_REASON_MAX || service->reasons[reason] > service->reasons[most]))
				most = reason;
		if (most == KW_REASON_MAX)
			break;
		shown[most] = true;
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s %" PRIu64,
					   length ? ", " : "", kw_reason_name(most), service->reasons[most]);
	}
	kw_wrap(file, width, "  closed for ", length ? text : "no reason yet: all are open");
}

static void print_findings_of(FILE *file, const struct kw_top_model *model,
			      const struct kw_top_service *service)
{
	for (size_t i = 0; i < model->finding_count; i++) {
		const struct kw_finding *finding = &model->findings[i].finding;

		if (kw_top_is_of(service, &model->findings[i].service))
			fprintf(file, "%c  %s: %s\n",
				finding->severity == KW_SEVERITY_CRITICAL ? KW_TOP_ALARM : KW_TOP_TITLE,
				kw_severity_name(finding->severity), kw_finding_name(finding->id));
	}
}

static void print_service(FILE *file, const struct kw_top_model *model, const struct kw_top_frame *frame,
			  int width)
{
	const struct kw_top_service *service = kw_top_service_find(model, &frame->service);

	if (!service) {
		fprintf(file, "%c%s (%s)\n  Nothing was seen of it any more.\n", KW_TOP_TITLE,
			frame->service.name, kw_role_name(frame->service.role));
		return;
	}
	fprintf(file, "%c%s (%s%s%s)\n", KW_TOP_TITLE, service->name, kw_top_role(service),
		service->comm[0] ? " " : "", service->comm);
	fprintf(file, "  open %s, idle %s, streams %s; http %s\n", kw_top_count(service->open).text,
		kw_top_count(service->idle).text, kw_top_count(service->streams).text,
		service->protocol[0] ? service->protocol : "-");
	fprintf(file, "  requests %s/s, on each connection %s%.1f, reuse %s\n",
		kw_top_rate(service->requests).text, service->requests_each.inferred ? "~" : "",
		service->requests_each.value, kw_top_share(service->reuse).text);
	fprintf(file, "  closes %s/s; of %" PRIu64 " closes %" PRIu64 " premature, %" PRIu64 " requests lost\n",
		kw_top_rate(service->closes).text, service->closed, service->premature, service->lost);
	fprintf(file, "  idle timeout %s, advertised ", kw_top_seconds(service->timeout).text);
	if (service->has_advertised)
		fprintf(file, "%" PRIu64 " s", service->advertised);
	else
		fputs("none", file);
	fprintf(file, ", safe margin %s\n", kw_top_seconds(service->margin).text);
	print_reasons(file, service, width);
	print_findings_of(file, model, service);
}

/* ---- help ---- */

static void print_help(FILE *file, int width)
{
	static const char *const keys[][2] = {
		{"Up, Down, k, j", "move in the list; PgUp, PgDn, Home and End move further"},
		{"Tab, Shift-Tab", "go to the next list, or to the one before"},
		{"Enter",
		 "open: a service, one of its closes with the evidence, the explanation of the reason"},
		{"Esc, Backspace", "go back"},
		{"s, >, F6", "sort the services by the next column; < by the one before"},
		{"I", "invert the order"},
		{"/, \\, F4", "show only what has these letters in its name; Enter keeps them, Esc drops them"},
		{"r", "show both roles, clients alone, servers alone"},
		{"p, Z", "pause: the screen stays as it is, counting goes on"},
		{"?, h, F1", "this help"},
		{"q, F10", "go back; from the main screen, end"},
	};
	char first[32];

	title(file, "Keys");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(first, sizeof(first), "  %-16s ", keys[i][0]);
		kw_wrap(file, width, first, keys[i][1]);
	}
	fputc('\n', file);
	title(file, "Columns");
	kw_wrap(file, width, "  ",
		"idle: open connections without a request under way. req/s, closes/s: since the screen before. "
		"All other counts cover the window of the second line. reuse: requests that found their connection "
		"already used. timeout: after how much idle time the server closes. margin: that, less the longest "
		"idle time after which a connection was used again. A ~ marks numbers that are inferred. Columns "
		"that find no room are in the view of the service.");
}

void kw_top_details(FILE *file, const struct kw_top_model *model, const struct kw_top_frame *frame, int width)
{
	switch (frame->view) {
	case KW_TOP_VIEW_SERVICE:
		print_service(file, model, frame, width);
		break;
	case KW_TOP_VIEW_CLOSE:
		print_close(file, model, &frame->close, width);
		break;
	case KW_TOP_VIEW_FINDING:
		print_finding(file, &frame->finding, width);
		break;
	case KW_TOP_VIEW_GATEWAY:
		print_gateway(file, model, &frame->gateway, width);
		break;
	case KW_TOP_VIEW_EXPLANATION:
		print_explanation(file, frame, width);
		break;
	default:
		print_help(file, width);
		break;
	}
}
