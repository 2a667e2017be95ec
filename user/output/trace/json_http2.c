/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/trace/json_http2.h"

#include "base/json.h"
#include "event/http2_names.h"
#include "judge/http2.h"

static json_t *limit(const struct kw_http2_side *side)
{
	return kw_json_integer_or_null(side->limited, side->max_concurrent);
}

static json_t *name(const char *name)
{
	return json_string(name ? name : "other");
}

static json_t *goaway(const struct kw_http2_facts *http2, const struct kw_streams *streams)
{
	enum http2_direction direction = HTTP2_CLIENT;
	const struct kw_http2_side *side = kw_http2_goaway(http2, streams, &direction);

	if (!side)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:o}", "by", kw_http2_side_name(direction), "last_stream",
			 kw_json_integer(side->goaway_id), "code", name(kw_http2_code_name(side->goaway_code)),
			 "count", kw_json_integer(side->goaways), "graceful", side->graceful, "debug",
			 name(kw_http2_debug_name(side->goaway_debug)));
}

/* Of both sides; the evidence says who sent which. */
static json_t *forbidden(const struct kw_http2_facts *http2)
{
	unsigned int fields = http2->sides[HTTP2_CLIENT].fields | http2->sides[HTTP2_SERVER].fields;
	json_t *names = json_array();

	for (unsigned int field = 0; field < HTTP2_NAME_MAX; field++)
		if (fields & HTTP2_FORBIDDEN & 1 << field)
			kw_json_append(&names, name(kw_http2_field_name(field)));
	return names;
}

static void add_streams(json_t **object, const struct kw_http2_facts *http2, const struct kw_streams *streams)
{
	const struct kw_http2_side *client = &http2->sides[HTTP2_CLIENT];
	const struct kw_http2_side *server = &http2->sides[HTTP2_SERVER];

	kw_json_set(object, "streams", kw_json_integer(client->begun));
	kw_json_set(object, "peak", kw_json_integer(client->peak));
	kw_json_set(object, "answered", kw_json_integer(server->answered));
	kw_json_set(object, "trailers_only", kw_json_integer(server->trailers_only));
	kw_json_set(object, "refused", kw_json_integer(streams->refused));
	kw_json_set(object, "cancelled", kw_json_integer(streams->cancelled));
	kw_json_set(object, "cut", kw_json_integer(streams->cut));
	kw_json_set(object, "retryable", kw_json_integer(kw_http2_retryable(streams)));
	kw_json_set(object, "max_concurrent",
		    json_pack("{s:o, s:o}", "client", limit(client), "server", limit(server)));
}

json_t *kw_json_http2(const struct kw_event_connection *event, const struct kw_verdict *verdict)
{
	const struct kw_http2_facts *http2 = kw_http2_facts_of(event);
	struct kw_streams streams;
	json_t *object;

	if (!http2)
		return json_null();
	if (verdict && verdict->facts.http2)
		streams = verdict->facts.streams;
	else
		kw_http2_count(http2, &streams);
	object = json_object();
	add_streams(&object, http2, &streams);
	kw_json_set(&object, "goaway", goaway(http2, &streams));
	kw_json_set(&object, "pings",
		    json_pack("{s:o, s:o}", "client", kw_json_integer(http2->sides[HTTP2_CLIENT].pings),
			      "server", kw_json_integer(http2->sides[HTTP2_SERVER].pings)));
	kw_json_set(
		&object, "unanswered_pings",
		kw_json_integer((uint64_t)streams.unanswered[HTTP2_CLIENT] + streams.unanswered[HTTP2_SERVER]));
	kw_json_set(&object, "forbidden_fields", forbidden(http2));
	return object;
}
