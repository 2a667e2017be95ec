/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge on connections that carry TLS: the rows of its contract, each as both sockets see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "include/probe.h"
#include "judge/evidence.h"
#include "judge/tls.h"
#include "judge_row.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BY_CLIENT (1 + TLS_CLIENT)
#define BY_SERVER (1 + TLS_SERVER)
#define ALERT_BYTES 24
#define DONE_AS(protocol_version, protocols)                                                                   \
	.hello = ESTABLISHED, .done = ESTABLISHED + KW_MS, .version = (protocol_version), .suite = 0x1301,     \
	.handshake = TLS_HANDSHAKE_DONE, .offered = (protocols)
#define DONE DONE_AS(TLS_1_3, TLS_ALPN_HTTP11)

struct tls_row {
	const char *claim;
	struct story story;
	struct kw_tls_facts tls;
	uint32_t unread_alert; /* bytes of it, which the closer of the story's TCP did not read */
	enum kw_closer closer; /* of the session, where it is not that of TCP */
	struct expected at[KW_ROLE_MAX];
};

static void long_round_trip(struct kw_event_connection *event, enum kw_role role)
{
	(void)role;
	event->closing.srtt_us = 2 * 500 * 1000;
}

static const struct tls_row rows[] = {
	/* The handshake. */
	{"an alert before the handshake is done is tls_handshake_failed by its sender, whoever sent the FIN",
	 {BY(SERVER, FIN)},
	 {.hello = ESTABLISHED, .latest = ESTABLISHED, .alert_by = BY_CLIENT, .alert_code = 48},
	 0,
	 KW_CLOSER_CLIENT,
	 {AT_BOTH(TLS_HANDSHAKE_FAILED, HANDSHAKE, NO, INFERRED, 0)}},
	{"one right after the client's certificate too",
	 {BY(SERVER, FIN)},
	 {DONE, .alert_by = BY_SERVER, .alert_code = TLS_CODE_HIDDEN, .flight = 1},
	 0,
	 0,
	 {AT_BOTH(TLS_HANDSHAKE_FAILED, HANDSHAKE, NO, INFERRED, 0)}},
	{"a closer that waited for the other's part of the handshake is tls_handshake_timeout",
	 {BY(CLIENT, FIN), .idle = S},
	 {.hello = ESTABLISHED, .latest = ESTABLISHED, .latest_by = BY_CLIENT},
	 0,
	 0,
	 {AT_BOTH(TLS_HANDSHAKE_TIMEOUT, HANDSHAKE, NO, INFERRED, 0)}},
	{"so is one that waited for the rest of a hello",
	 {BY(SERVER, FIN), .idle = S},
	 {.hello = ESTABLISHED, .latest = ESTABLISHED, .latest_by = BY_CLIENT, .latest_open = 1},
	 0,
	 0,
	 {AT_BOTH(TLS_HANDSHAKE_TIMEOUT, HANDSHAKE, NO, INFERRED, 0)}},
	{"one that did not wait is tls_handshake_abandoned",
	 {BY(CLIENT, FIN), .idle = 10 * MS},
	 {.hello = ESTABLISHED, .latest = ESTABLISHED, .latest_by = BY_CLIENT},
	 0,
	 0,
	 {AT_BOTH(TLS_HANDSHAKE_ABANDONED, HANDSHAKE, NO, INFERRED, 0)}},
	{"and so is one whose own part was missing",
	 {BY(SERVER, FIN), .idle = S},
	 {.hello = ESTABLISHED, .latest = ESTABLISHED, .latest_by = BY_CLIENT},
	 0,
	 0,
	 {AT_BOTH(TLS_HANDSHAKE_ABANDONED, HANDSHAKE, NO, INFERRED, 0)}},

	/* Behind the handshake. */
	{"a session without data is unused",
	 {BY(CLIENT, FIN), .idle = S},
	 {DONE},
	 0,
	 0,
	 {AT_BOTH(UNUSED, UNUSED, NO, INFERRED, 0)}},
	{"the first alert names the closer, although the other side sent the first FIN",
	 {.answered = 2, BY(SERVER, FIN), .idle = S},
	 {DONE, .notified = ESTABLISHED + KW_S, .notified_by = BY_CLIENT},
	 0,
	 KW_CLOSER_CLIENT,
	 {AT_BOTH(CLIENT_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"an alert behind the FIN does not",
	 {.answered = 2, BY(SERVER, FIN), .idle = S},
	 {DONE, .notified = ESTABLISHED + 2 * KW_S, .notified_by = BY_CLIENT, .notified_at = 200},
	 0,
	 0,
	 {AT_BOTH(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"whether a close right after a response was announced cannot be seen",
	 {.answered = 1, BY(SERVER, FIN), .idle = MS},
	 {DONE},
	 0,
	 0,
	 {AT_BOTH(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"a server's reset while idle is idle_reset",
	 {.answered = 1, BY(SERVER, RST), .idle = S},
	 {DONE},
	 0,
	 0,
	 {AT_BOTH(IDLE_RESET, IDLE, NO, INFERRED, 0)}},
	{"data behind the server's FIN is stale_reuse",
	 {.answered = 1, .pending = AFTER, BY(SERVER, FIN), .idle = S},
	 {DONE},
	 0,
	 0,
	 {AT_CLIENT(STALE_REUSE, WAITING, YES, INFERRED, 1)}},
	{"data that crossed it too",
	 {.answered = 1, .pending = CROSSED, BY(SERVER, FIN), .idle = S},
	 {DONE},
	 0,
	 0,
	 {AT_CLIENT(STALE_REUSE, WAITING, YES, INFERRED, 1)}},
	{"data that the server had, and did not answer, is no_response",
	 {.answered = 1, .pending = REQUEST, BY(SERVER, FIN), .wait = S},
	 {DONE},
	 0,
	 0,
	 {AT_BOTH(NO_RESPONSE, WAITING, YES, INFERRED, 1)}},
	{"a client that closes then is client_gave_up",
	 {.answered = 1, .pending = REQUEST, BY(CLIENT, FIN), .wait = S},
	 {DONE},
	 0,
	 0,
	 {AT_BOTH(CLIENT_GAVE_UP, WAITING, YES, INFERRED, 1)}},

	/* Things that records leave open. */
	{"data that may be HTTP/2's own is no request",
	 {.answered = 1, .pending = REQUEST, BY(CLIENT, FIN), .wait = S},
	 {DONE_AS(TLS_1_3, TLS_ALPN_H2 | TLS_ALPN_HTTP11)},
	 0,
	 0,
	 {AT_BOTH(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"but where the server chose HTTP/1 in clear it is",
	 {.answered = 1, .pending = REQUEST, BY(CLIENT, FIN), .wait = S},
	 {DONE_AS(TLS_1_2, TLS_ALPN_H2 | TLS_ALPN_HTTP11), .chosen = TLS_ALPN_HTTP11},
	 0,
	 0,
	 {AT_BOTH(CLIENT_GAVE_UP, WAITING, YES, INFERRED, 1)}},
	{"an idle connection of HTTP/2 is idle",
	 {.answered = 1, BY(SERVER, FIN), .idle = S},
	 {DONE_AS(TLS_1_3, TLS_ALPN_H2)},
	 0,
	 0,
	 {AT_BOTH(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"a single record that may be a session ticket is no answer, and not none either",
	 {.pending = REQUEST, BY(SERVER, FIN), .wait = S},
	 {DONE, .doubts = TLS_DOUBT_TICKET},
	 0,
	 0,
	 {AT_BOTH(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"but if the client wants no tickets it is the answer",
	 {.pending = REQUEST, BY(SERVER, FIN), .wait = S},
	 {DONE, .doubts = TLS_DOUBT_TICKET | TLS_DOUBT_UNWANTED},
	 0,
	 0,
	 {AT_BOTH(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"data that may be the rest of an upload is no request",
	 {.answered = 1, .pending = REQUEST, BY(SERVER, FIN), .wait = S},
	 {DONE, .doubts = TLS_DOUBT_UPLOAD},
	 0,
	 0,
	 {AT_BOTH(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"early data is not told from the handshake",
	 {.answered = 1, BY(SERVER, FIN), .idle = S},
	 {DONE, .doubts = TLS_DOUBT_EARLY_DATA},
	 0,
	 0,
	 {AT_BOTH(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"records that could not be followed say nothing",
	 {.answered = 1, BY(SERVER, FIN), .idle = S},
	 {DONE, .lost = 1},
	 0,
	 0,
	 {AT_BOTH(NOT_HTTP, OPAQUE, NO, CERTAIN, 0)}},
	{"a process that is killed is process_exit",
	 {.answered = 1, .pending = REQUEST, BY(SERVER, FIN), .wait = S, .signal = 9},
	 {DONE},
	 0,
	 0,
	 {AT_SERVER(PROCESS_EXIT, WAITING, YES, INFERRED, 1)}},
	{"a client that ends its session while it waits gave up, although the other side sent the first FIN",
	 {.answered = 1, .pending = REQUEST, BY(SERVER, FIN), .wait = S},
	 {DONE, .notified = ESTABLISHED + KW_S / 2, .notified_by = BY_CLIENT},
	 0,
	 KW_CLOSER_CLIENT,
	 {AT_BOTH(CLIENT_GAVE_UP, WAITING, YES, INFERRED, 1)}},
	{"and so did one that reads on until the server resets: it wanted nothing more",
	 {.pending = REQUEST, BY(CLIENT, FIN), .wait = S, .more = half_close_met_by_rst},
	 {DONE, .notified = ESTABLISHED + KW_S / 2, .notified_by = BY_CLIENT, .notifiers = 1 << TLS_CLIENT},
	 0,
	 0,
	 {AT_CLIENT(CLIENT_GAVE_UP, WAITING, YES, INFERRED, 1)}},
	{"data behind the alert that ended the server's session met the close, whoever sent the first FIN",
	 {.answered = 1, .pending = REQUEST, BY(CLIENT, FIN), .idle = S, .wait = S},
	 {DONE, .notified = ESTABLISHED + KW_S / 2, .notified_by = BY_SERVER},
	 0,
	 KW_CLOSER_SERVER,
	 {AT_CLIENT(STALE_REUSE, WAITING, YES, INFERRED, 1),
	  AT_SERVER(SERVER_CLOSED_IDLE, IDLE, YES, INFERRED, 1)}},
	{"a request that came before that alert may have been meant: the server's end does not show it, but the client waited",
	 {.answered = 1, .pending = REQUEST, BY(CLIENT, FIN), .wait = S},
	 {DONE, .notified = ESTABLISHED + KW_S / 2, .notified_by = BY_SERVER},
	 0,
	 KW_CLOSER_SERVER,
	 {AT_CLIENT(NO_RESPONSE, WAITING, YES, INFERRED, 1), AT_SERVER(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"an alert that came sooner than an answer could was sent before the request was there",
	 {.answered = 1, .pending = REQUEST, BY(CLIENT, FIN), .wait = S, .more = long_round_trip},
	 {DONE, .notified = ESTABLISHED + KW_S / 2, .notified_by = BY_SERVER},
	 0,
	 KW_CLOSER_SERVER,
	 {AT_CLIENT(STALE_REUSE, WAITING, YES, INFERRED, 1)}},
	{"a server that ended the session and resets over the client's alert has closed an idle connection",
	 {.answered = 1, BY(SERVER, RST), .idle = S},
	 {DONE, .notified = ESTABLISHED + KW_S / 2, .notified_by = BY_SERVER},
	 ALERT_BYTES,
	 KW_CLOSER_SERVER,
	 {AT_SERVER(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"a server that resets over an unread alert was the second to close",
	 {.answered = 1, BY(SERVER, RST), .idle = S},
	 {DONE},
	 ALERT_BYTES,
	 KW_CLOSER_CLIENT,
	 {AT_SERVER(CLIENT_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
};

static struct kw_event_tls event_of(const struct tls_row *row, enum kw_role role)
{
	struct story story = row->story;
	struct kw_event_tls event = {.tls = row->tls};
	struct kw_event_connection *connection = &event.history.connection;

	story.protocol = HTTP1_PROTOCOL_TLS;
	*connection = story_event(&story, role);
	connection->header.type = KW_EVENT_TLS;
	connection->http.last_method = connection->http.lost_safe = 0;
	connection->http.counts.requests = connection->http.counts.responses = 0;
	connection->http.last_response_framing = HTTP1_FRAMING_NONE;
	connection->ending.rx_arrived += row->unread_alert;
	connection->closing.unread += row->unread_alert;
	return event;
}

static void judged_as_expected(void **state)
{
	const struct tls_row *row = *state;

	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		const struct expected *expected = &row->at[role];
		struct kw_event_tls event = event_of(row, role);
		struct kw_verdict verdict;

		if (!expected->seen)
			continue;
		kw_judge(&event.history.connection, &verdict);
		assert_string_equal(kw_reason_name(verdict.reason), kw_reason_name(expected->reason));
		assert_string_equal(kw_phase_name(verdict.phase), kw_phase_name(expected->phase));
		assert_string_equal(kw_closer_name(verdict.closer),
				    kw_closer_name(row->closer ? row->closer : row->story.closer));
		assert_string_equal(kw_confidence_name(verdict.confidence),
				    kw_confidence_name(expected->confidence));
		assert_int_equal(verdict.premature, expected->premature);
		assert_int_equal(verdict.lost_requests, expected->lost);
	}
}

/* One alert is the most that may lie unread at a server's close without being a request. */
static void more_unread_bytes_than_an_alert_are_a_late_request(void **state)
{
	struct tls_row row = {.story = {.answered = 1, BY(SERVER, RST), .idle = S}, .tls = {DONE}};

	(void)state;
	for (uint32_t bytes = ALERT_BYTES; bytes <= ALERT_BYTES + 1; bytes++) {
		struct kw_event_tls event = event_of(&row, KW_ROLE_SERVER);
		struct kw_verdict verdict;

		event.history.connection.closing.unread = bytes;
		kw_judge(&event.history.connection, &verdict);
		assert_int_equal(verdict.late_request, bytes > ALERT_BYTES);
		assert_int_equal(verdict.premature, bytes > ALERT_BYTES ? KW_PREMATURE_YES : KW_PREMATURE_NO);
	}
}

static bool says(const struct tls_row *row, enum kw_role role, const char *sentence)
{
	struct kw_event_tls event = event_of(row, role);
	struct kw_evidence evidence;
	struct kw_verdict verdict;

	kw_judge(&event.history.connection, &verdict);
	kw_evidence_write(&verdict, &evidence);
	for (size_t i = 0; i < evidence.count; i++)
		if (!strcmp(evidence.sentences[i], sentence))
			return true;
	return false;
}

/* Judges a connection whose plaintext was read. */
static struct kw_verdict read_event(struct kw_event_tls event)
{
	struct kw_verdict verdict;

	event.history.connection.http.protocol = HTTP1_PROTOCOL_HTTP1;
	event.history.connection.http.flags |= KW_HTTP_PLAINTEXT | KW_HTTP_OF_LIBRARY(KW_LIBRARY_OPENSSL);
	kw_judge(&event.history.connection, &verdict);
	return verdict;
}

static struct kw_verdict read_verdict(const struct tls_row *row, enum kw_role role)
{
	return read_event(event_of(row, role));
}

/* A server that got one request and answered with a part of a response, if so, and closed at once: an alert, then a FIN that acknowledges
 * the request. The client's round-trip time was long before. */
static struct kw_event_tls closing_at_once(enum pending pending)
{
	const struct tls_row row = {
		.story = {.answered = 1,
			  .pending = pending,
			  BY(SERVER, FIN),
			  .wait = S,
			  .more = long_round_trip},
		.tls = {DONE, .notified_by = BY_SERVER, .notifiers = 1 << TLS_SERVER},
	};
	struct kw_event_tls event = event_of(&row, KW_ROLE_CLIENT);
	struct kw_event_connection *connection = &event.history.connection;

	event.tls.notified = connection->ending.time;
	event.tls.notified_at = connection->ending.rx_arrived - ALERT_BYTES;
	connection->http.request_ended = connection->ending.time - KW_MS;
	return event;
}

static void a_fin_with_the_alert_that_acknowledges_the_request_shows_that_it_was_there(void **state)
{
	struct kw_event_tls event = closing_at_once(REQUEST);
	struct kw_verdict verdict = read_event(event);

	(void)state;
	assert_string_equal(kw_reason_name(verdict.reason), "no_response");
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
	event.history.connection.ending.time += KW_S; /* the FIN came later, so it does not tell */
	verdict = read_event(event);
	assert_string_equal(kw_reason_name(verdict.reason), "stale_reuse");
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_INFERRED);
}

static void a_request_whose_response_has_begun_did_not_meet_the_close(void **state)
{
	struct kw_event_tls event = closing_at_once(PART_OF_RESPONSE);
	struct kw_verdict verdict;

	(void)state;
	event.history.connection.ending.time += KW_S;
	verdict = read_event(event);
	assert_string_equal(kw_reason_name(verdict.reason), "response_truncated");
}

/* A server that closed, and then discarded so many bytes. */
static struct kw_event_tls discarding(uint32_t bytes)
{
	const struct tls_row row = {.story = {.answered = 1, BY(SERVER, FIN), .idle = S}, .tls = {DONE}};
	struct kw_event_tls event = event_of(&row, KW_ROLE_SERVER);
	struct kw_event_connection *connection = &event.history.connection;

	connection->http.flags |= KW_HTTP_DISCARDED;
	connection->http.rx_bytes = connection->ending.rx_read + bytes;
	return event;
}

static void more_bytes_than_an_alert_that_a_server_discards_are_a_late_request(void **state)
{
	(void)state;
	for (uint32_t bytes = ALERT_BYTES; bytes <= ALERT_BYTES + 1; bytes++) {
		struct kw_event_tls event = discarding(bytes), looked_at = event;
		struct kw_verdict verdict = read_event(event);

		assert_int_equal(verdict.late_request, bytes > ALERT_BYTES);
		assert_int_equal(verdict.lost_requests, bytes > ALERT_BYTES);
		looked_at.history.connection.http.flags &= ~KW_HTTP_DISCARDED;
		assert_false(read_event(looked_at).late_request);
	}
}

static void a_request_behind_the_servers_close_notify_is_late(void **state)
{
	struct kw_event_tls event = discarding(0);
	struct kw_verdict verdict;

	(void)state;
	event.history.connection.http.flags &= ~KW_HTTP_DISCARDED;
	event.history.connection.http.flags |= KW_HTTP_BEHIND_NOTICE;
	verdict = read_event(event);
	assert_true(verdict.late_request);
	assert_int_equal(verdict.lost_requests, 1);
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
}

static void without_a_close_notify_a_close_marks_no_end_of_a_body(void **state)
{
	const struct tls_row cut = {
		.story = {.pending = PART_OF_RESPONSE, BY(SERVER, FIN), .delimited = true},
		.tls = {DONE},
	};
	struct tls_row whole = cut, killed = cut, reset = cut;

	(void)state;
	whole.tls.notifiers = 1 << TLS_SERVER;
	killed.story.signal = 9;
	reset.story.manner = KW_MANNER_RST;
	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		struct kw_verdict verdict = read_verdict(&cut, role);

		assert_string_equal(kw_reason_name(verdict.reason), "response_truncated");
		assert_int_equal(verdict.premature, KW_PREMATURE_YES);
		assert_int_equal(verdict.lost_requests, 1);
		assert_int_equal(verdict.confidence, KW_CONFIDENCE_INFERRED);
		verdict = read_verdict(&whole, role);
		assert_string_equal(kw_reason_name(verdict.reason), "close_delimited");
		assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
		verdict = read_verdict(&reset, role);
		assert_string_equal(kw_reason_name(verdict.reason), "response_truncated");
		assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
	}
	assert_string_equal(kw_reason_name(read_verdict(&killed, KW_ROLE_SERVER).reason), "process_exit");
}

/* The 408 has said all by its head, and there was no whole request that it could have answered. */
static void a_408_loses_nothing_if_its_body_is_marked_by_no_close_notify(void **state)
{
	const struct tls_row row = {
		.story = {.pending = PART_OF_RESPONSE, BY(SERVER, FIN), .status = 408, .delimited = true},
		.tls = {DONE},
	};

	(void)state;
	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		struct kw_event_tls event = event_of(&row, role);
		struct kw_verdict verdict;

		event.history.connection.http.counts.requests_ended = 0;
		event.history.connection.http.counts.responses = 1;
		verdict = read_event(event);

		assert_string_equal(kw_reason_name(verdict.reason), "request_timeout");
		assert_int_equal(verdict.premature, KW_PREMATURE_NO);
		assert_int_equal(verdict.lost_requests, 0);
		assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
		assert_int_equal(read_verdict(&row, role).lost_requests, 1); /* it answers a whole request */
	}
}

static void evidence_names_the_alert_and_the_ground_of_a_verdict(void **state)
{
	const struct tls_row *failed = &rows[0], *hidden = &rows[1], *idle = &rows[7];

	(void)state;
	assert_true(says(failed, KW_ROLE_SERVER, "client ended the TLS handshake with alert 48 (unknown_ca)"));
	assert_true(
		says(hidden, KW_ROLE_CLIENT,
		     "server sent an encrypted alert right after the client's certificate: it refused that, or "
		     "its absence"));
	assert_true(says(idle, KW_ROLE_CLIENT, "client was the first to end the TLS session (close_notify)"));
	assert_true(says(idle, KW_ROLE_CLIENT, "judged by direction and length of TLS records, not by HTTP"));
	assert_false(
		says(failed, KW_ROLE_CLIENT, "judged by direction and length of TLS records, not by HTTP"));
}

int main(void)
{
	struct CMUnitTest tests[COUNT(rows) + 8];

	for (size_t i = 0; i < COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){.name = rows[i].claim,
					       .test_func = judged_as_expected,
					       .initial_state = (void *)&rows[i]};
	tests[COUNT(rows)] =
		(struct CMUnitTest)cmocka_unit_test(more_unread_bytes_than_an_alert_are_a_late_request);
	tests[COUNT(rows) + 1] =
		(struct CMUnitTest)cmocka_unit_test(evidence_names_the_alert_and_the_ground_of_a_verdict);
	tests[COUNT(rows) + 2] =
		(struct CMUnitTest)cmocka_unit_test(without_a_close_notify_a_close_marks_no_end_of_a_body);
	tests[COUNT(rows) + 3] = (struct CMUnitTest)cmocka_unit_test(
		a_408_loses_nothing_if_its_body_is_marked_by_no_close_notify);
	tests[COUNT(rows) + 4] = (struct CMUnitTest)cmocka_unit_test(
		more_bytes_than_an_alert_that_a_server_discards_are_a_late_request);
	tests[COUNT(rows) + 5] = (struct CMUnitTest)cmocka_unit_test(
		a_fin_with_the_alert_that_acknowledges_the_request_shows_that_it_was_there);
	tests[COUNT(rows) + 6] =
		(struct CMUnitTest)cmocka_unit_test(a_request_whose_response_has_begun_did_not_meet_the_close);
	tests[COUNT(rows) + 7] =
		(struct CMUnitTest)cmocka_unit_test(a_request_behind_the_servers_close_notify_is_late);
	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
