/* SPDX-License-Identifier: BSD-2-Clause */
/* The section of the page with the latest premature closes, each with all that one would put into a ticket. */
#include <inttypes.h>
#include <string.h>

#include "base/duration.h"
#include "event/names.h"
#include "judge/evidence.h"
#include "output/explain/pages.h"
#include "output/page/html.h"
#include "output/page/sections.h"

/* The sentences of a close. For a late request the kernel reports only its time, so there is one sentence. */
static void gather_sentences(const struct kw_premature_close *close, struct kw_evidence *ret_evidence)
{
	char late_by[KW_DURATION_TEXT];

	if (!close->late) {
		kw_evidence_write(&close->kept.verdict, ret_evidence);
		return;
	}
	kw_duration_print(close->late_by, late_by);
	ret_evidence->count = 1;
	snprintf(ret_evidence->sentences[0], KW_EVIDENCE_LENGTH,
		 "a request arrived %s after the server had closed the idle connection", late_by);
}

/* Writes addresses and ids, by which one finds the connection in logs and records. */
static void write_identity(FILE *file, const struct kw_premature_close *close)
{
	const struct kw_identity *identity = &close->kept.connection.identity;
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], comm[KW_COMM + 1] = "";

	memcpy(comm, identity->comm, sizeof(identity->comm));
	kw_endpoint_print(identity->local, identity->local_port, local);
	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	fprintf(file, "<p class=\"more\"><code>%s</code> %s <code>%s</code>", local,
		identity->role == KW_ROLE_CLIENT ? "to" : "from", remote);
	if (identity->pid) {
		fputs(", <bdi class=\"name\">", file);
		kw_html_text(file, comm);
		fprintf(file, "</bdi> (pid %" PRIu32 ")", identity->pid);
	}
	if (close->container.id[0])
		fprintf(file, ", container <code>%s</code>", close->container.id);
	if (close->container.pod[0])
		fprintf(file, ", pod <code>%s</code>", close->container.pod);
	fprintf(file, ", netns %" PRIu32 ", id ", identity->netns);
	kw_page_id(file, identity->cookie, identity->generation);
	fputs("</p>", file);
}

/* Writes the meaning of the reason, as `keepwatch explain` has it. A late request is the keep-alive race
 * (stale_reuse) seen from the server's end. */
static void write_meaning(FILE *file, const struct kw_premature_close *close)
{
	enum kw_reason reason = close->late ? KW_REASON_STALE_REUSE : close->kept.verdict.reason;

	fputs("<p>", file);
	kw_html_text(file, kw_explanation_of_reason(reason)->meaning);
	fprintf(file, " <code>keepwatch explain %s</code></p>\n", kw_reason_name(reason));
}

static void write_verdict(FILE *file, const struct kw_verdict *verdict)
{
	fprintf(file, "<b class=\"reason\">%s</b> <span>by %s", kw_reason_name(verdict->reason),
		kw_closer_name(verdict->closer));
	if (verdict->manner != KW_MANNER_UNKNOWN)
		fprintf(file, " (%s)", kw_manner_name(verdict->manner));
	fprintf(file, ", %" PRIu32 " lost, %s</span>", verdict->lost_requests,
		kw_confidence_name(verdict->confidence));
}

/* Writes a line with the decisive sentence; a click opens the other sentences. */
static void write_close(FILE *file, const struct kw_premature_close *close, const struct kw_clock *clock,
			uint64_t now, bool open)
{
	struct kw_evidence evidence = {.count = 0};
	char id[KW_ID_TEXT], age[KW_DURATION_TEXT];

	gather_sentences(close, &evidence);
	kw_connection_id(&close->kept.connection.identity, id);
	fprintf(file, "<li><details data-key=\"%s%s\"%s><summary>", id, close->late ? " late" : "",
		open ? " open" : "");
	kw_page_time(file, clock, close->time);
	kw_page_span(now > close->time ? now - close->time : 0, age);
	fprintf(file, " <span class=\"age\">%s ago</span> ", age);
	if (close->late)
		fputs("<b class=\"reason\">late_request</b> <span>1 lost</span>", file);
	else
		write_verdict(file, &close->kept.verdict);
	fputs(" <bdi class=\"name\">", file);
	kw_html_text(file, close->service.name);
	fprintf(file, "</bdi> <span class=\"role\">%s</span>\n<span class=\"gist\">",
		kw_role_name(close->service.role));
	kw_html_text(file, evidence.count ? evidence.sentences[0] : "");
	fputs("</span></summary>\n<ul>", file);
	for (size_t i = 1; i < evidence.count; i++) {
		fputs("<li>", file);
		kw_html_text(file, evidence.sentences[i]);
		fputs("</li>", file);
	}
	fputs("</ul>\n", file);
	write_meaning(file, close);
	write_identity(file, close);
	fputs("</details></li>\n", file);
}

void kw_page_closes(FILE *file, const struct kw_premature_closes *closes, const struct kw_clock *clock,
		    uint64_t now)
{
	const struct kw_premature_close *close;

	fputs("<section id=\"closes\" aria-labelledby=\"closes-title\">\n"
	      "<h2 id=\"closes-title\">Last premature closes</h2>\n",
	      file);
	if (!closes->count)
		fputs("<p class=\"none\">None: no close lost or cut a request.</p>\n", file);
	else
		fprintf(file,
			"<p class=\"none\">The latest %d of %" PRIu64 " since the start; times are UTC.</p>\n",
			closes->count < KW_PREMATURE_KEPT ? (int)closes->count : KW_PREMATURE_KEPT,
			closes->count);
	fputs(closes->count ? "<ol class=\"closes\">\n" : "", file);
	for (uint32_t back = 0; (close = kw_premature_latest(closes, back)); back++)
		write_close(file, close, clock, now, back == 0);
	fputs(closes->count ? "</ol>\n</section>\n" : "</section>\n", file);
}
