/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/kept.h"

void kw_keep_close(const struct kw_event_connection *event, const struct kw_verdict *verdict,
		   struct kw_kept_close *ret_kept)
{
	const struct kw_tls_facts *tls = verdict->facts.tls;
	const struct kw_http2_facts *http2 = verdict->facts.http2;
	const struct kw_http2_side *goaway = verdict->facts.goaway;

	ret_kept->connection = *event;
	ret_kept->connection.header.type = KW_EVENT_CONNECTION;
	ret_kept->connection.header.size = sizeof(ret_kept->connection);
	ret_kept->verdict = *verdict;
	ret_kept->verdict.facts.event = &ret_kept->connection;
	if (tls) {
		ret_kept->tls = *tls;
		ret_kept->verdict.facts.tls = &ret_kept->tls;
	}
	if (http2) {
		ret_kept->http2 = *http2;
		ret_kept->verdict.facts.http2 = &ret_kept->http2;
		if (goaway)
			ret_kept->verdict.facts.goaway = ret_kept->http2.sides + (goaway - http2->sides);
	}
}
