/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/pairer.h"

#include "base/standard_output.h"
#include "output/trace/pair.h"

_Static_assert(KW_REASON_MAX + KW_PATH_MAX <= 64, "a mask of reasons holds those of the path too");

void kw_pairer_open(struct kw_pairer *pairer, const struct kw_tracer_settings *settings,
		    const struct kw_pairer_host *hosts)
{
	*pairer = (struct kw_pairer){.settings = *settings, .hosts = hosts};
	pairer->style.colour = kw_output_has_colour();
	pairer->style.evidence = settings->evidence;
}

/* A record and what it points to. */
struct end {
	struct kw_record record;
	struct kw_evidence evidence;
	struct kw_service service;
};

static struct kw_pair_end describe(const struct kw_pairer *pairer, const struct kw_across_end *from,
				   struct end *ret_end)
{
	const struct kw_pairer_host *host = &pairer->hosts[from->host];

	if (!from->present)
		return (struct kw_pair_end){0};
	if (from->verdict)
		kw_evidence_write(from->verdict, &ret_end->evidence);
	kw_service_name(pairer->settings.namer, &from->event.connection->identity, from->cgroup,
			&ret_end->service);
	ret_end->record = (struct kw_record){.event = &from->event,
					     .verdict = from->verdict,
					     .evidence = from->verdict ? &ret_end->evidence : NULL,
					     .service = &ret_end->service,
					     .forwarded = from->forwarded,
					     .cgroup = from->cgroup,
					     .clock = *host->source.clock};
	return (struct kw_pair_end){host->label, &ret_end->record};
}

static bool is_premature(const struct kw_across_end *end)
{
	return end->verdict && end->verdict->premature == KW_PREMATURE_YES;
}

static bool has_reason(const struct kw_tracer_settings *settings, const struct kw_pair_record *record)
{
	const struct kw_verdict *verdict = kw_pair_speaker(record)->verdict;
	enum kw_path_reason path = record->path->reason;

	if (!settings->reasons)
		return true;
	if (path != KW_PATH_NONE)
		return settings->reasons >> (KW_REASON_MAX + path) & 1;
	return verdict && settings->reasons >> verdict->reason & 1;
}

/* A connection that was open at both ends is wanted as one that was open at its only end is. */
static bool is_wanted(const struct kw_pairer *pairer, const struct kw_across_pair *pair,
		      const struct kw_pair_record *record)
{
	bool closed = pair->client.verdict || pair->server.verdict;

	if (!closed && !pairer->settings.open && pair->path.reason == KW_PATH_NONE)
		return false;
	if (pairer->settings.premature && !is_premature(&pair->client) && !is_premature(&pair->server))
		return false;
	return has_reason(&pairer->settings, record);
}

static int flush(struct kw_pairer *pairer, int r)
{
	if (r == 0)
		return 0;
	r = kw_output_flush(r);
	pairer->reader_gone = r == KW_OUTPUT_ENOUGH;
	return r;
}

int kw_pairer_take(void *context, const struct kw_across_pair *pair)
{
	struct kw_pairer *pairer = context;
	struct end client = {0}, server = {0};
	struct kw_pair_record record = {.client = describe(pairer, &pair->client, &client),
					.server = describe(pairer, &pair->server, &server),
					.path = &pair->path};
	int r;

	if (!is_wanted(pairer, pair, &record))
		return 0;
	r = pairer->settings.json ? kw_pair_json(stdout, &record)
				  : kw_pair_text(stdout, &record, &pairer->style);
	pairer->printed++;
	r = flush(pairer, r);
	return r == 0 && pairer->printed == pairer->settings.count ? KW_OUTPUT_ENOUGH : r;
}

bool kw_pairer_has_enough(const struct kw_pairer *pairer)
{
	return pairer->reader_gone || (pairer->settings.count && pairer->printed >= pairer->settings.count);
}

int kw_pairer_finish(struct kw_pairer *pairer)
{
	int r = pairer->reader_gone ? 0 : kw_output_flush(0);

	return r < 0 ? r : 0;
}
