/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/tracer.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/standard_output.h"

/* The record that was printed goes out behind the name of its host: as the first key of the object, or of the line. */
static int print_host(struct kw_tracer *tracer)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = kw_memory_stream_take(&tracer->line, &text, &length);

	if (r < 0)
		return r;
	if (!length)
		r = 0;
	else if (tracer->settings.json)
		r = kw_json_host(stdout, tracer->settings.host, text);
	else if (fprintf(stdout, "%-16s %s", tracer->settings.host, text) < 0)
		r = -EIO;
	if (r < 0)
		return r;
	r = kw_memory_stream_open(&tracer->line);
	tracer->out = tracer->line.file;
	return r;
}

/* In a live run each line goes out at once; in a replay the output is buffered. */
static int flush(struct kw_tracer *tracer, int r)
{
	if (r == 0 && tracer->settings.host)
		r = print_host(tracer);
	if (r == 0 && !tracer->settings.at_once)
		return 0;
	r = kw_output_flush(r);
	tracer->reader_gone = r == KW_OUTPUT_ENOUGH;
	return r;
}

static bool is_wanted(const struct kw_tracer_settings *settings, const struct kw_verdict *verdict)
{
	if (settings->premature && verdict->premature != KW_PREMATURE_YES)
		return false;
	return !settings->reasons || settings->reasons >> verdict->reason & 1;
}

static int print_connection(struct kw_tracer *tracer, const struct kw_event *event,
			    const struct kw_verdict *verdict)
{
	const struct kw_identity *identity = &event->connection->identity;
	struct kw_evidence evidence;
	struct kw_forwarded forwarded;
	struct kw_service service;
	struct kw_record record = {
		.event = event,
		.verdict = verdict,
		.forwarded = &forwarded,                /* cppcheck-suppress uninitvar; is written below */
		.evidence = verdict ? &evidence : NULL, /* cppcheck-suppress uninitvar; is written below */
		.service = &service,
		.cgroup = kw_source_cgroup(&tracer->source, identity->cgroup),
		.clock = *tracer->source.clock,
	};

	if (verdict)
		kw_evidence_write(verdict, &evidence);
	kw_audit_of(&tracer->audit, event->connection, &forwarded);
	kw_service_name(tracer->settings.namer, identity, record.cgroup, &service);
	if (tracer->settings.json)
		return flush(tracer, kw_json_connection(tracer->out, &record));
	return flush(tracer, kw_text_connection(tracer->out, &record, &tracer->style));
}

static int on_closed(struct kw_tracer *tracer, const struct kw_event *event, const struct kw_verdict *verdict)
{
	int r;

	tracer->summary.connections++;
	tracer->summary.tainted += event->connection->http.taints != 0;
	if (!is_wanted(&tracer->settings, verdict))
		return 0;
	r = print_connection(tracer, event, verdict);
	tracer->printed++;
	return r == 0 && tracer->printed == tracer->settings.count ? KW_OUTPUT_ENOUGH : r;
}

static int on_exchange(struct kw_tracer *tracer, const struct kw_event_exchange *exchange)
{
	struct kw_service service;

	if (tracer->settings.json)
		return flush(tracer, kw_json_exchange(tracer->out, exchange));
	kw_service_name(tracer->settings.namer, &exchange->identity, NULL, &service);
	return flush(tracer, kw_text_exchange(tracer->out, exchange, &service, tracer->source.clock));
}

/* The record that this amends was printed before, or filtered out; its reason is not known here. */
static int on_late(struct kw_tracer *tracer, const struct kw_event_late *late)
{
	struct kw_service service;

	if (tracer->settings.reasons)
		return 0;
	if (tracer->settings.json)
		return flush(tracer, kw_json_amend(tracer->out, late));
	kw_service_name(tracer->settings.namer, &late->identity, NULL, &service);
	return flush(tracer, kw_text_late(tracer->out, late, &service, tracer->source.clock, &tracer->style));
}

/* These are printed like premature closes, whatever is asked for; with --reason only those with such a cause. */
static int on_gateway(struct kw_tracer *tracer, const struct kw_gateway_error *error)
{
	const struct kw_identity *identity = &error->event.identity;
	struct kw_service service;
	struct kw_gateway_record record = {.error = error,
					   .service =
						   &service, /* cppcheck-suppress uninitvar; is written below */
					   .namer = tracer->settings.namer,
					   .clock = tracer->source.clock};

	if (tracer->settings.reasons &&
	    !(error->cause && tracer->settings.reasons >> error->cause->verdict.reason & 1))
		return 0;
	kw_service_name(tracer->settings.namer, identity, kw_source_cgroup(&tracer->source, identity->cgroup),
			&service);
	if (tracer->settings.json)
		return flush(tracer, kw_json_gateway(tracer->out, &record));
	return flush(tracer, kw_text_gateway(tracer->out, &record, &tracer->style));
}

static int print_gateways(struct kw_tracer *tracer)
{
	struct kw_gateway_error error;
	int r = 0;

	while (r == 0 && kw_gateway_next(&tracer->gateway, &error))
		r = on_gateway(tracer, &error);
	return r;
}

/* The record that this amends was printed before, unless only certain records are asked for. */
static int on_forwarded(struct kw_tracer *tracer, const struct kw_forwarded *found)
{
	const struct kw_identity *identity = &found->identity;
	struct kw_service service;

	if (!found->after || tracer->settings.reasons || tracer->settings.premature)
		return 0;
	if (tracer->settings.json)
		return flush(tracer, kw_json_forwarded(tracer->out, found));
	kw_service_name(tracer->settings.namer, identity, kw_source_cgroup(&tracer->source, identity->cgroup),
			&service);
	return flush(tracer,
		     kw_text_forwarded(tracer->out, found, &service, tracer->source.clock, &tracer->style));
}

static int print_forwarded(struct kw_tracer *tracer)
{
	struct kw_forwarded found;
	int r = 0;

	while (r == 0 && kw_audit_next(&tracer->audit, &found))
		r = on_forwarded(tracer, &found);
	return r;
}

static int print_event(struct kw_tracer *tracer, const struct kw_event *event, const struct kw_verdict *verdict)
{
	kw_losses_note(&tracer->summary.losses, event);
	if (event->totals)
		tracer->summary.closing = event->totals->unfinished;
	else if (event->exchange)
		return tracer->settings.exchanges ? on_exchange(tracer, event->exchange) : 0;
	else if (event->late)
		return on_late(tracer, event->late);
	else if (verdict)
		return on_closed(tracer, event, verdict);
	else if (event->connection && event->connection->report == KW_REPORT_OPEN && tracer->settings.open)
		return print_connection(tracer, event, NULL);
	return 0;
}

static void log_losses(const struct kw_losses *losses)
{
	uint64_t lost = kw_losses_all(losses);

	if (lost)
		kw_log(KW_LOG_WARNING, "%llu events were lost: %s", (unsigned long long)lost,
		       kw_losses_hint(losses));
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_tracer *tracer = context;
	int r;

	kw_audit_take(&tracer->audit, event);
	r = print_event(tracer, event, verdict);
	if (r == 0)
		r = print_forwarded(tracer);
	kw_gateway_take(&tracer->gateway, event, verdict);
	return r == 0 ? print_gateways(tracer) : r;
}

/* Warns of connections that are still closing, because their records would come after the last line. */
static void log_closing(const struct kw_unfinished *closing)
{
	char text[KW_CLOSING_TEXT];

	if (kw_text_closing(closing, text))
		kw_log(KW_LOG_WARNING, "%s", text);
}

int kw_tracer_finish(struct kw_tracer *tracer)
{
	int r;

	if (tracer->reader_gone)
		return 0;
	kw_gateway_end(&tracer->gateway);
	r = print_gateways(tracer);
	if (r != 0)
		return r < 0 ? r : 0;
	if (tracer->settings.json)
		r = flush(tracer, kw_json_summary(tracer->out, &tracer->summary));
	else
		log_losses(&tracer->summary.losses);
	log_closing(&tracer->summary.closing);
	r = kw_output_flush(r);
	return r < 0 ? r : 0;
}

int kw_tracer_open(struct kw_tracer *tracer, const struct kw_tracer_settings *settings, struct kw_source source)
{
	*tracer = (struct kw_tracer){.settings = *settings, .source = source};
	tracer->out = stdout;
	tracer->style.colour = kw_output_has_colour();
	tracer->style.evidence = settings->evidence;
	if (settings->host && kw_memory_stream_open(&tracer->line) < 0)
		return kw_log_error(-ENOMEM, "out of memory");
	if (settings->host)
		tracer->out = tracer->line.file;
	if (kw_audit_open(&tracer->audit) < 0 || kw_gateway_open(&tracer->gateway) < 0)
		return kw_log_error(-ENOMEM, "out of memory");
	return 0;
}

void kw_tracer_close(struct kw_tracer *tracer)
{
	kw_gateway_close(&tracer->gateway);
	kw_audit_close(&tracer->audit);
	kw_memory_stream_close(&tracer->line);
}

struct kw_sink kw_tracer_sink(struct kw_tracer *tracer)
{
	return (struct kw_sink){.context = tracer, .event = on_event};
}
