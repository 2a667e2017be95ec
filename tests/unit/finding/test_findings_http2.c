/* SPDX-License-Identifier: BSD-2-Clause */
/* Findings about HTTP/2: each where it must be raised, at its boundaries, and where it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/http2_world.h"

#define LATER                                                                                                  \
	(KW_S +                                                                                                \
	 7 * KW_MS) /* connections close so much after each other, not at the same moment of each second */

static struct kw_verdict drained(void)
{
	return verdict_of(KW_REASON_GOAWAY_DRAINED, KW_CLOSER_SERVER, KW_PHASE_IDLE);
}

/* Lost @lost of the requests that the server had promised to answer; premature in any case. */
static struct kw_verdict by_goaway(enum kw_reason reason, uint32_t lost_requests)
{
	struct kw_verdict verdict = lost(verdict_of(reason, KW_CLOSER_SERVER, KW_PHASE_WAITING));

	verdict.lost_requests = lost_requests;
	return verdict;
}

/* Connections whose GOAWAY came after 20 streams, when @open more were begun, and the server took @taken of these. */
static void add_goaway(struct world *world, int count, enum kw_reason reason, uint32_t open, uint32_t taken,
		       uint32_t lost_requests)
{
	struct kw_event_http2 event = http2_event(20);

	begin_streams(&event, open);
	go_away(&event, 20 + taken, 0);
	add_http2(world, count, LATER, event, by_goaway(reason, lost_requests));
}

/* Closes of all kinds that are as they should be. */
static void add_quiet(struct world *world, int count)
{
	struct kw_event_http2 event = http2_event(30);

	add_http2(world, count, LATER, event,
		  verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	event.http2.sides[HTTP2_CLIENT].resets[HTTP2_CODE_CANCEL] = 3;
	event.http2.sides[HTTP2_CLIENT].pings = event.http2.sides[HTTP2_SERVER].pongs = 40;
	event.http2.sides[HTTP2_CLIENT].ping_gap = 10 * KW_S;
	event.http2.sides[HTTP2_CLIENT].fields = event.http2.sides[HTTP2_SERVER].fields =
		1 << HTTP2_NAME_STATUS | 1 << HTTP2_NAME_GRPC_STATUS | 1 << HTTP2_NAME_OTHER;
	event.http2.sides[HTTP2_SERVER].limited = 1;
	event.http2.sides[HTTP2_SERVER].max_concurrent = 1;
	add_http2(world, count, LATER, event,
		  verdict_of(KW_REASON_SERVER_CLOSED_IDLE, KW_CLOSER_SERVER, KW_PHASE_IDLE));
}

static void quiet_connections_raise_nothing(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	add_quiet(&world, 100);
	conclude(&world);
	assert_int_equal(world.overview.finding_count, 0);
	assert_true(world.overview.has_http);
	assert_int_equal(world.overview.requests, 200 * 30);
	close_world(&world);
}

/* ---- goaway_losses ---- */

static void requests_that_a_goaway_cut_are_critical(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add_goaway(&world, 2, KW_REASON_GOAWAY_CUT, 7, 3, 3);
	add_goaway(&world, 1, KW_REASON_GOAWAY_REFUSED, 5, 0, 0);
	conclude(&world);
	finding = first(&world, KW_FINDING_GOAWAY_LOSSES, KW_SEVERITY_CRITICAL);
	assert_number(finding, "connections", 3);
	assert_number(finding, "cut", 2);
	assert_number(finding, "lost_requests", 6);
	assert_number(finding, "retryable", 2 * 4 + 5);
	assert_number(finding, "begun_after_goaway", 0);
	assert_non_null(strstr(finding->summary, "6 of them it had promised to answer"));
	assert_advice_names(finding, "worker_shutdown_timeout"); /* the server's name is not known */
	assert_int_equal(finding->examples.count, KW_EXAMPLES);
	assert_null(
		find(&world, KW_FINDING_LOST_REQUESTS)); /* which counts only what no other finding covers */
	close_world(&world);
}

static void refused_requests_are_a_warning_that_names_the_limit(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_event_http2 event = http2_event(8);

	(void)state;
	open_world(&world);
	begin_streams(&event, 2);
	go_away(&event, 8, 0);
	event.history.connection.identity.role = KW_ROLE_SERVER; /* nginx */
	event.http2.sides[HTTP2_SERVER].resets[HTTP2_CODE_REFUSED_STREAM] = 1;
	event.http2.resets_before[HTTP2_SERVER][HTTP2_CODE_REFUSED_STREAM] = 1;
	add_http2(&world, 1, LATER, event, by_goaway(KW_REASON_STREAM_AFTER_GOAWAY, 0));
	conclude(&world);
	finding = first(&world, KW_FINDING_GOAWAY_LOSSES, KW_SEVERITY_WARNING);
	assert_number(finding, "lost_requests", 0);
	assert_number(finding, "retryable", 3);
	assert_number(finding, "begun_after_goaway", 1);
	assert_advice_names(finding, "set keepalive_requests");
	assert_null(strstr(finding->summary, "promised"));
	close_world(&world);
}

static void a_loss_at_the_limit_of_age_names_the_grace(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_event_http2 event = http2_event(1);

	(void)state;
	open_world(&world);
	begin_streams(&event, 1);
	go_away(&event, 2, 5 * KW_S);
	event.http2.sides[HTTP2_SERVER].goaway_debug = HTTP2_DEBUG_MAX_AGE;
	add_http2(&world, 1, LATER, event, by_goaway(KW_REASON_GOAWAY_CUT, 1));
	conclude(&world);
	finding = first(&world, KW_FINDING_GOAWAY_LOSSES, KW_SEVERITY_CRITICAL);
	assert_number(finding, "at_max_age", 1);
	assert_number(finding, "retryable", 0);
	assert_advice_names(finding, "MAX_CONNECTION_AGE_GRACE");
	close_world(&world);
}

/* Connections whose GOAWAY came so long before the close, and of gRPC answers with errors, at least one; the last event of a stream was
 * so long before the close too. */
static void add_ended(struct world *world, int count, uint64_t grace_ms, uint64_t quiet_ms,
		      uint32_t trailers_only)
{
	struct kw_event_http2 event = http2_event(5);

	go_away(&event, 5, grace_ms * KW_MS);
	event.http2.latest = quiet_ms * KW_MS;
	event.http2.sides[HTTP2_SERVER].trailers_only = trailers_only;
	add_http2(world, count, LATER, event, drained());
}

/* A server of gRPC ends open calls so: their streams are answered, by UNAVAILABLE. */
static void calls_that_end_with_errors_at_one_time_behind_a_goaway_are_losses(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add_ended(&world, 4, 200, 1, 1);
	add_ended(&world, 1, 200, (uint64_t)-1, 1); /* the client closes, and its stream ends behind that */
	add_ended(&world, 4, 900, 1, 1);
	conclude(&world);
	finding = first(&world, KW_FINDING_GOAWAY_LOSSES, KW_SEVERITY_WARNING);
	assert_number(finding, "ended_with_errors", 5);
	assert_number(finding, "connections", 5);
	assert_number(finding, "grace_s", 0.2);
	assert_int_equal(finding->examples.count, KW_EXAMPLES);
	assert_advice_names(finding, "MAX_CONNECTION_AGE_GRACE");
	assert_non_null(strstr(finding->summary, "On 5 connections calls of gRPC that were open 200 ms later"));
	close_world(&world);
}

/* Errors may have come before; streams that end by themselves do so at any time; and few may agree by accident. */
static void errors_on_connections_that_end_by_and_by_are_none(void **state)
{
	static const struct {
		uint64_t grace_ms, quiet_ms;
		uint32_t trailers_only;
		int count;
	} cases[] = {{200, 1, 0, 50}, {200, 150, 1, 50}, {20, 1, 1, 50}, {200, 1, 1, 4}};
	struct world world;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_world(&world);
		add_ended(&world, cases[i].count, cases[i].grace_ms, cases[i].quiet_ms, cases[i].trailers_only);
		conclude(&world);
		assert_null(find(&world, KW_FINDING_GOAWAY_LOSSES));
		close_world(&world);
	}
	open_world(&world);
	for (uint64_t i = 0; i < 50; i++)
		add_ended(&world, 1, 10 * i, 1, 1);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_GOAWAY_LOSSES));
	close_world(&world);
}

/* The judge could not say whether anything was lost. */
static void a_goaway_that_is_not_known_to_have_lost_anything_raises_nothing(void **state)
{
	struct world world;
	struct kw_verdict verdict = by_goaway(KW_REASON_GOAWAY_CUT, 3);
	struct kw_event_http2 event = http2_event(20);

	(void)state;
	open_world(&world);
	go_away(&event, 20, 0);
	verdict.premature = KW_PREMATURE_UNKNOWN;
	add_http2(&world, 1, LATER, event, verdict);
	add_http2(&world, 1, LATER, event, drained());
	conclude(&world);
	assert_null(find(&world, KW_FINDING_GOAWAY_LOSSES));
	close_world(&world);
}

/* ---- too_many_pings ---- */

static struct kw_event_http2 pinged(uint32_t pings, uint64_t gap, enum http2_debug debug)
{
	struct kw_event_http2 event = http2_event(1);

	event.http2.sides[HTTP2_CLIENT].pings = pings;
	event.http2.sides[HTTP2_CLIENT].ping_gap = gap;
	event.http2.sides[HTTP2_SERVER].pings = 1; /* the server's own do not count */
	event.http2.sides[HTTP2_SERVER].ping_gap = 1;
	go_away(&event, 1, 0);
	event.http2.sides[HTTP2_SERVER].goaway_code = HTTP2_CODE_ENHANCE_YOUR_CALM;
	event.http2.sides[HTTP2_SERVER].goaway_debug = (__u8)debug;
	return event;
}

static void too_many_pings_have_both_numbers(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_verdict verdict = verdict_of(KW_REASON_ENHANCE_YOUR_CALM, KW_CLOSER_SERVER, KW_PHASE_IDLE);

	(void)state;
	open_world(&world);
	add_http2(&world, 1, LATER, pinged(4, 300 * KW_MS, HTTP2_DEBUG_TOO_MANY_PINGS), verdict);
	add_http2(&world, 1, LATER, pinged(3, 200 * KW_MS, HTTP2_DEBUG_TOO_MANY_PINGS), verdict);
	add_http2(&world, 1, LATER, pinged(1, 0, HTTP2_DEBUG_TOO_MANY_PINGS), verdict);
	conclude(&world);
	finding = first(&world, KW_FINDING_TOO_MANY_PINGS, KW_SEVERITY_WARNING);
	assert_number(finding, "connections", 3);
	assert_number(finding, "pings", 8);
	assert_number(finding, "shortest_interval_s", 0.2);
	assert_advice_names(finding, "KEEPALIVE_TIME");
	assert_advice_names(finding, "PERMIT_KEEPALIVE_WITHOUT_CALLS");
	close_world(&world);
	open_world(&world);
	add_http2(&world, 1, LATER, pinged(1, 0, HTTP2_DEBUG_TOO_MANY_PINGS), lost(verdict));
	conclude(&world);
	finding = first(&world, KW_FINDING_TOO_MANY_PINGS, KW_SEVERITY_CRITICAL);
	assert_number(finding, "shortest_interval_s", NAN);
	assert_number(finding, "lost_requests", 1);
	assert_null(find(&world, KW_FINDING_LOST_REQUESTS));
	close_world(&world);
}

/* A flood of something else; and a GOAWAY that told a client to slow down before the connection ended for another reason. */
static void other_scoldings_are_not_about_pings(void **state)
{
	struct world world;
	struct kw_verdict verdict = verdict_of(KW_REASON_ENHANCE_YOUR_CALM, KW_CLOSER_SERVER, KW_PHASE_WAITING);

	(void)state;
	open_world(&world);
	add_http2(&world, 1, LATER, pinged(9, KW_MS, HTTP2_DEBUG_OTHER), lost(verdict));
	verdict.reason = KW_REASON_PROCESS_EXIT;
	add_http2(&world, 1, LATER, pinged(9, KW_MS, HTTP2_DEBUG_TOO_MANY_PINGS), verdict);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_TOO_MANY_PINGS));
	assert_number(find(&world, KW_FINDING_LOST_REQUESTS), "enhance_your_calm", 1);
	close_world(&world);
}

/* ---- streams_refused ---- */

static struct kw_event_http2 refused(uint32_t count, uint32_t peak, uint32_t limit)
{
	struct kw_event_http2 event = http2_event(20);

	event.http2.sides[HTTP2_SERVER].resets[HTTP2_CODE_REFUSED_STREAM] = count;
	event.http2.sides[HTTP2_SERVER].limited = limit != 0;
	event.http2.sides[HTTP2_SERVER].max_concurrent = limit;
	event.http2.sides[HTTP2_CLIENT].peak = peak;
	return event;
}

static void refused_streams_set_the_limit_against_the_peak(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_verdict verdict = verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE);

	(void)state;
	open_world(&world);
	add_http2(&world, 1, LATER, refused(3, 101, 100), verdict);
	add_http2(&world, 1, LATER, refused(2, 130, 128), verdict);
	conclude(&world);
	finding = first(&world, KW_FINDING_STREAMS_REFUSED, KW_SEVERITY_WARNING);
	assert_number(finding, "refused", 5);
	assert_number(finding, "at_limit", 5);
	assert_number(finding, "limit", 100);
	assert_number(finding, "peak", 130);
	assert_advice_names(finding, "MAX_CONCURRENT_STREAMS");
	close_world(&world);
	open_world(&world);
	add_http2(&world, 1, LATER, refused(2, 99, 100), verdict); /* the limit is not to blame */
	add_http2(&world, 1, LATER, refused(2, 5, 0), verdict);    /* there is none */
	conclude(&world);
	finding = first(&world, KW_FINDING_STREAMS_REFUSED, KW_SEVERITY_WARNING);
	assert_number(finding, "at_limit", 0);
	assert_number(finding, "limit", NAN);
	assert_advice_names(finding, "refused below the limit");
	close_world(&world);
}

/* ---- forbidden_fields ---- */

static void forbidden_fields_are_told_by_side_and_name(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_event_http2 event = http2_event(2);

	(void)state;
	open_world(&world);
	event.http2.sides[HTTP2_CLIENT].fields = 1 << HTTP2_NAME_CONNECTION | 1 << HTTP2_NAME_TE;
	add_http2(&world, 3, LATER, event,
		  verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	event.http2.fields_before[HTTP2_CLIENT] = event.http2.sides[HTTP2_CLIENT].fields; /* reported before */
	event.http2.sides[HTTP2_SERVER].fields = 1 << HTTP2_NAME_CONNECTION;
	add_http2(&world, 1, LATER, event,
		  verdict_of(KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	conclude(&world);
	finding = first(&world, KW_FINDING_FORBIDDEN_FIELDS, KW_SEVERITY_WARNING);
	assert_number(finding, "by_client", 6);
	assert_number(finding, "by_server", 1);
	assert_number(finding, "connection", 4);
	assert_number(finding, "te", 3);
	assert_non_null(strstr(finding->summary,
			       "by the clients (nginx) connection x 3, te x 3; by the server connection x 1."));
	close_world(&world);
}

/* ---- max_age_churn, max_streams_churn ---- */

/* Connections that the server ended at this age (in ms) and after so many streams, @before after their close. */
static void add_aged(struct world *world, int count, uint64_t apart, uint64_t age_ms, uint32_t streams,
		     enum http2_debug debug)
{
	struct kw_event_http2 event = http2_event(streams);

	go_away(&event, streams, AGE - age_ms * KW_MS);
	event.http2.latest = AGE - age_ms * KW_MS;
	event.http2.sides[HTTP2_SERVER].goaway_debug = (__u8)debug;
	add_http2(world, count, apart, event, drained());
}

static void ages_within_a_jitter_of_ten_percent_are_a_limit(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	for (uint64_t i = 0; i < 21; i++)
		add_aged(&world, 1, LATER, 4500 + 50 * i, 100 + 13 * (uint32_t)i, HTTP2_DEBUG_NONE);
	conclude(&world);
	finding = find(&world, KW_FINDING_MAX_AGE_CHURN);
	assert_non_null(finding);
	assert_int_equal(finding->severity, KW_SEVERITY_INFO);
	assert_number(finding, "closed_at_age", 21);
	assert_number(finding, "share", 1);
	assert_advice_names(finding, "MAX_CONNECTION_AGE");
	assert_null(find(&world, KW_FINDING_MAX_STREAMS_CHURN));
	close_world(&world);
}

static void ages_of_all_kinds_are_no_limit(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	for (uint64_t i = 0; i < 40; i++)
		add_aged(&world, 1, LATER, 1000 + 200 * i, 100 + 13 * (uint32_t)i, HTTP2_DEBUG_NONE);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_MAX_AGE_CHURN));
	assert_null(find(&world, KW_FINDING_MAX_STREAMS_CHURN));
	close_world(&world);
}

/* A reload ends all at once, and those that were opened by one deploy are of one age. */
static void a_reload_of_connections_of_one_age_is_no_limit(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	for (uint32_t i = 0; i < 50; i++)
		add_aged(&world, 1, KW_MS, 5000, 100 + i, HTTP2_DEBUG_NONE);
	add_aged(&world, 3, LATER, 5000, 7, HTTP2_DEBUG_NONE);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_MAX_AGE_CHURN));
	close_world(&world);
	open_world(&world); /* unless the GOAWAY names the age */
	for (uint32_t i = 0; i < 50; i++)
		add_aged(&world, 1, KW_MS, 5000, 100 + i, HTTP2_DEBUG_MAX_AGE);
	conclude(&world);
	assert_number(find(&world, KW_FINDING_MAX_AGE_CHURN), "named_by_goaway", 50);
	close_world(&world);
}

/* An idle timeout brings connections that are used once to one age too; and few may be so by accident. */
static void idle_closes_and_few_are_no_limit_of_age(void **state)
{
	struct kw_event_http2 event = http2_event(1);
	struct world world;

	(void)state;
	open_world(&world);
	go_away(&event, 1, 0);
	event.http2.latest = AGE - KW_MS;
	add_http2(&world, 50, LATER, event, verdict_of(KW_REASON_GOAWAY_IDLE, KW_CLOSER_SERVER, KW_PHASE_IDLE));
	event.http2.latest = 0;
	event.http2.sides[HTTP2_SERVER].goaway_debug = HTTP2_DEBUG_MAX_IDLE;
	add_http2(&world, 50, LATER, event, verdict_of(KW_REASON_GOAWAY_IDLE, KW_CLOSER_SERVER, KW_PHASE_IDLE));
	add_aged(&world, 4, LATER, 5000, 9, HTTP2_DEBUG_NONE);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_MAX_AGE_CHURN));
	assert_null(find(&world, KW_FINDING_MAX_STREAMS_CHURN));
	close_world(&world);
}

static void a_constant_number_of_streams_is_a_limit(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_event_http2 event = http2_event(1000);

	(void)state;
	open_world(&world);
	add_aged(&world, 5, LATER, 5000, 1000, HTTP2_DEBUG_NONE); /* at a steady rate they are of one age too */
	begin_streams(&event, 7);                                 /* more were begun than the server took */
	go_away(&event, 1000, 0);
	add_http2(&world, 1, LATER, event, by_goaway(KW_REASON_GOAWAY_REFUSED, 0));
	add_aged(&world, 4, LATER, 5000, 998, HTTP2_DEBUG_NONE);
	conclude(&world);
	finding = find(&world, KW_FINDING_MAX_STREAMS_CHURN);
	assert_non_null(finding);
	assert_number(finding, "closed_at_limit", 6);
	assert_number(finding, "streams_limit", 1000);
	assert_number(finding, "share", 0.6);
	assert_advice_names(finding, "keepalive_requests");
	assert_null(find(&world, KW_FINDING_MAX_AGE_CHURN));
	close_world(&world);
}

/* At a steady rate, connections that live for one time carry about as many streams; and each may carry just one. */
static void numbers_that_differ_by_little_are_no_limit_of_streams(void **state)
{
	struct world world;

	(void)state;
	open_world(&world);
	for (uint32_t i = 0; i < 40; i++)
		add_aged(&world, 1, LATER, 5000 + i, 1000 + i % 4, HTTP2_DEBUG_NONE);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_MAX_STREAMS_CHURN));
	assert_non_null(find(&world, KW_FINDING_MAX_AGE_CHURN));
	close_world(&world);
	open_world(&world);
	add_aged(&world, 40, LATER, 20, 1, HTTP2_DEBUG_NONE);
	conclude(&world);
	assert_null(find(&world, KW_FINDING_MAX_STREAMS_CHURN));
	assert_null(find(&world, KW_FINDING_MAX_AGE_CHURN));
	close_world(&world);
}

/* ---- dead_path ---- */

static void unanswered_pings_are_a_dead_path(void **state)
{
	const struct kw_finding *finding;
	struct world world;
	struct kw_event_http2 event = http2_event(1);
	struct kw_event_connection *connection = &event.history.connection;

	(void)state;
	open_world(&world);
	connection->ending.tx_sent = 100;
	connection->ending.tx_acked = 83;
	add_http2(&world, 2, LATER, event,
		  lost(verdict_of(KW_REASON_PING_TIMEOUT, KW_CLOSER_CLIENT, KW_PHASE_WAITING)));
	conclude(&world);
	finding = first(&world, KW_FINDING_DEAD_PATH, KW_SEVERITY_WARNING);
	assert_number(finding, "connections", 2);
	assert_number(finding, "ping_timeouts", 2);
	assert_number(finding, "acknowledged", 0);
	assert_number(finding, "lost_requests", 2);
	assert_number(finding, "shortest_idle_failed_s", NAN);
	assert_string_equal(finding->summary,
			    "2 HTTP/2 connections were given up because a PING was not answered.");
	assert_advice_names(finding, "ReadIdleTimeout");
	assert_null(find(&world, KW_FINDING_LOST_REQUESTS));
	close_world(&world);
	open_world(&world);
	connection->ending.tx_acked = 100; /* the host is there, its program does not answer */
	add_http2(&world, 1, LATER, event, verdict_of(KW_REASON_PING_TIMEOUT, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	conclude(&world);
	finding = first(&world, KW_FINDING_DEAD_PATH, KW_SEVERITY_WARNING);
	assert_number(finding, "acknowledged", 1);
	assert_advice_names(finding, "Look at the program that did not answer");
	close_world(&world);
	open_world(&world);
	connection->identity.role = KW_ROLE_SERVER; /* the end that did not answer knows nothing of that */
	add_http2(&world, 1, LATER, event, verdict_of(KW_REASON_PING_TIMEOUT, KW_CLOSER_CLIENT, KW_PHASE_IDLE));
	conclude(&world);
	assert_number(first(&world, KW_FINDING_DEAD_PATH, KW_SEVERITY_WARNING), "acknowledged", 0);
	close_world(&world);
}

/* ---- connections that are used badly ---- */

static void connections_that_the_server_ends_after_each_stream_are_badly_used(void **state)
{
	const struct kw_finding *finding;
	struct world world;

	(void)state;
	open_world(&world);
	add_aged(&world, 60, LATER, 20, 1, HTTP2_DEBUG_NONE);
	conclude(&world);
	finding = first(&world, KW_FINDING_LOW_REUSE, KW_SEVERITY_WARNING);
	assert_number(finding, "requests_per_connection", 1);
	assert_non_null(strstr(finding->summary, "GOAWAY"));
	assert_advice_names(finding, "keepalive_requests");
	close_world(&world);
}

/* An idle timeout shows itself in GOAWAYs as in FINs, but not in those that come at an age. */
static void the_idle_timeout_of_a_server_is_inferred_from_its_goaways(void **state)
{
	struct world world;
	struct kw_event_http2 event = http2_event(3);
	struct kw_verdict verdict = verdict_of(KW_REASON_GOAWAY_IDLE, KW_CLOSER_SERVER, KW_PHASE_IDLE);

	(void)state;
	open_world(&world);
	go_away(&event, 3, 0);
	event.http2.latest = 5 * KW_S;
	add_http2(&world, 10, LATER, event, verdict);
	conclude(&world);
	assert_true(world.overview.services[0].server_idle.known);
	assert_true(world.overview.services[0].server_idle.seconds == 5);
	close_world(&world);
	open_world(&world);
	event.http2.sides[HTTP2_SERVER].goaway_debug = HTTP2_DEBUG_MAX_AGE;
	add_http2(&world, 10, LATER, event, verdict);
	conclude(&world);
	assert_false(world.overview.services[0].server_idle.known);
	close_world(&world);
}

/* ---- texts ---- */

static void add_every_fault(struct world *world)
{
	struct kw_verdict verdict = verdict_of(KW_REASON_ENHANCE_YOUR_CALM, KW_CLOSER_SERVER, KW_PHASE_IDLE);
	struct kw_event_http2 event = refused(123456789, 123456789, 123456788);

	event.http2.sides[HTTP2_CLIENT].fields = event.http2.sides[HTTP2_SERVER].fields = HTTP2_FORBIDDEN;
	add_http2(world, 1, LATER, event,
		  lost(verdict_of(KW_REASON_PING_TIMEOUT, KW_CLOSER_CLIENT, KW_PHASE_IDLE)));
	add_goaway(world, 3, KW_REASON_GOAWAY_CUT, 200, 100, 1000000000);
	add_goaway(world, 3, KW_REASON_STREAM_AFTER_GOAWAY, 200, 100, 0);
	add_http2(world, 1, LATER, pinged(4000000000, KW_MS, HTTP2_DEBUG_TOO_MANY_PINGS), lost(verdict));
	add_aged(world, 60, LATER, 5000, 1, HTTP2_DEBUG_MAX_AGE);
}

/* Whatever the software is, no text is cut off. */
static void texts_are_whole(void **state)
{
	static const char *const programs[] = {"", "nginx", "envoy", "haproxy", "node", "apache2", "java"};

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct world world;

		open_world(&world);
		add_every_fault(&world);
		strcpy(world.aggregate.services->comm, programs[i]);
		for (int role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
			world.aggregate.services->service.role = (uint32_t)role;
			conclude(&world);
			assert_true(world.overview.finding_count >= 6);
			for (size_t k = 0; k < world.overview.finding_count; k++) {
				const struct kw_finding *finding = world.overview.findings[k].finding;

				assert_true(strlen(finding->summary) < KW_FINDING_SUMMARY - 1);
				assert_true(finding->summary[strlen(finding->summary) - 1] == '.');
				for (size_t n = 0; n < finding->advice_count; n++) {
					assert_true(strlen(finding->advice[n]) < KW_FINDING_ADVICE_TEXT - 1);
					assert_true(finding->advice[n][strlen(finding->advice[n]) - 1] == '.');
				}
			}
			kw_overview_free(&world.overview);
		}
		kw_aggregate_close(&world.aggregate);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_connections_raise_nothing),
		cmocka_unit_test(requests_that_a_goaway_cut_are_critical),
		cmocka_unit_test(refused_requests_are_a_warning_that_names_the_limit),
		cmocka_unit_test(a_loss_at_the_limit_of_age_names_the_grace),
		cmocka_unit_test(calls_that_end_with_errors_at_one_time_behind_a_goaway_are_losses),
		cmocka_unit_test(errors_on_connections_that_end_by_and_by_are_none),
		cmocka_unit_test(a_goaway_that_is_not_known_to_have_lost_anything_raises_nothing),
		cmocka_unit_test(too_many_pings_have_both_numbers),
		cmocka_unit_test(other_scoldings_are_not_about_pings),
		cmocka_unit_test(refused_streams_set_the_limit_against_the_peak),
		cmocka_unit_test(forbidden_fields_are_told_by_side_and_name),
		cmocka_unit_test(ages_within_a_jitter_of_ten_percent_are_a_limit),
		cmocka_unit_test(ages_of_all_kinds_are_no_limit),
		cmocka_unit_test(a_reload_of_connections_of_one_age_is_no_limit),
		cmocka_unit_test(idle_closes_and_few_are_no_limit_of_age),
		cmocka_unit_test(a_constant_number_of_streams_is_a_limit),
		cmocka_unit_test(numbers_that_differ_by_little_are_no_limit_of_streams),
		cmocka_unit_test(unanswered_pings_are_a_dead_path),
		cmocka_unit_test(connections_that_the_server_ends_after_each_stream_are_badly_used),
		cmocka_unit_test(texts_are_whole),
		cmocka_unit_test(the_idle_timeout_of_a_server_is_inferred_from_its_goaways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
