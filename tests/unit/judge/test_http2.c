/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge on connections of HTTP/2: the rows of its contract, each as both sockets see it, and the bounds of its rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http2_story.h"
#include "judge/evidence.h"
#include "judge/http2.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ACT(who, how) .actor = KW_CLOSER_##who, .manner = KW_MANNER_##how
#define SERVER_GOAWAY(...) .goaways[HTTP2_SERVER] = {__VA_ARGS__}
#define CLIENT_GOAWAY(...) .goaways[HTTP2_CLIENT] = {__VA_ARGS__}
#define SERVER_RESETS(number, times) .resets[HTTP2_SERVER][HTTP2_CODE_##number] = (times)
#define CALM 11
#define PROTOCOL_ERROR 1
#define CLIENTS KW_CLOSER_CLIENT
#define SERVERS KW_CLOSER_SERVER

struct http2_row {
	const char *claim;
	struct http2_story story;
	enum kw_closer closer;
	struct expected at[KW_ROLE_MAX];
};

static void unread(struct kw_event_http2 *event, enum kw_role role)
{
	struct kw_event_connection *connection = &event->history.connection;

	(void)role;
	connection->closing.unread = 50;
	connection->ending.rx_arrived += 50;
}

/* The other side closed before it had all that this one sent. */
static void unacknowledged(struct kw_event_http2 *event, enum kw_role role)
{
	(void)role;
	event->history.connection.ending.tx_acked -= 20;
}

static void role_unknown_too(struct kw_event_http2 *event, enum kw_role role)
{
	(void)role;
	event->history.connection.identity.role = KW_ROLE_UNKNOWN;
}

static void headed_when_reset(struct kw_event_http2 *event, enum kw_role role)
{
	struct kw_http2_side *server = &event->http2.sides[HTTP2_SERVER];

	(void)role;
	memcpy(server->open, server->closed, sizeof(server->open));
}

static void dead_path(struct kw_event_http2 *event, enum kw_role role)
{
	struct kw_closing *closing = &event->history.connection.closing;

	(void)role;
	closing->outstanding = 100;
	closing->retransmits = closing->unrecovered = 5;
}

static const struct http2_row rows[] = {
	/* Somebody says that something is wrong. */
	{"GOAWAY with ENHANCE_YOUR_CALM is enhance_your_calm by its sender, whoever sent the FIN",
	 {.answered = 3,
	  SERVER_GOAWAY(S, 3, CALM, HTTP2_DEBUG_TOO_MANY_PINGS),
	  ACT(CLIENT, FIN),
	  .closed_after = S + MS},
	 SERVERS,
	 {AT_BOTH(ENHANCE_YOUR_CALM, IDLE, NO, CERTAIN, 0)}},
	{"and premature over open streams",
	 {.answered = 3, .unheaded = 2, SERVER_GOAWAY(S, 5, CALM), ACT(SERVER, FIN), .closed_after = S + MS},
	 SERVERS,
	 {AT_BOTH(ENHANCE_YOUR_CALM, WAITING, YES, CERTAIN, 2)}},
	{"also where all of them may be sent again",
	 {.answered = 3, .unheaded = 2, SERVER_GOAWAY(S, 3, CALM), ACT(SERVER, FIN), .closed_after = S + MS},
	 SERVERS,
	 {AT_BOTH(ENHANCE_YOUR_CALM, WAITING, YES, CERTAIN, 0)}},
	{"a client may say it too",
	 {.answered = 3, CLIENT_GOAWAY(S, 0, CALM), ACT(CLIENT, FIN), .closed_after = S + MS},
	 CLIENTS,
	 {AT_BOTH(ENHANCE_YOUR_CALM, IDLE, NO, CERTAIN, 0)}},
	{"a PING without an answer, and nothing since, is ping_timeout",
	 {.unheaded = 2,
	  ACT(CLIENT, FIN),
	  .ping_after = S,
	  .pinger = HTTP2_CLIENT,
	  .closed_after = 21 * S,
	  .since = 21000},
	 CLIENTS,
	 {AT_BOTH(PING_TIMEOUT, WAITING, YES, CERTAIN, 2)}},
	{"and not premature if nothing was open",
	 {.answered = 1,
	  ACT(SERVER, RST),
	  .ping_after = S,
	  .pinger = HTTP2_SERVER,
	  .closed_after = 21 * S,
	  .since = 21000},
	 SERVERS,
	 {AT_BOTH(PING_TIMEOUT, IDLE, NO, CERTAIN, 0)}},
	{"it comes before what its GOAWAY says",
	 {.unheaded = 1,
	  CLIENT_GOAWAY(21 * S, 0, HTTP2_CODE_INTERNAL_ERROR),
	  ACT(CLIENT, FIN),
	  .ping_after = S,
	  .pinger = HTTP2_CLIENT,
	  .closed_after = 21 * S,
	  .since = 21000},
	 CLIENTS,
	 {AT_BOTH(PING_TIMEOUT, WAITING, YES, CERTAIN, 1)}},
	{"something that came since shows that the other side lives",
	 {.unheaded = 1,
	  ACT(CLIENT, FIN),
	  .ping_after = S,
	  .pinger = HTTP2_CLIENT,
	  .closed_after = 21 * S,
	  .since = 500},
	 CLIENTS,
	 {AT_CLIENT(CLIENT_GAVE_UP, WAITING, YES, CERTAIN, 1)}},
	{"the PING of the side that did not close is none of it",
	 {.answered = 1,
	  ACT(CLIENT, FIN),
	  .ping_after = S,
	  .pinger = HTTP2_SERVER,
	  .closed_after = 21 * S,
	  .since = 21000},
	 CLIENTS,
	 {AT_BOTH(CLIENT_CLOSED_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"another error code is goaway_error by its sender",
	 {.answered = 1,
	  .headed = 1,
	  SERVER_GOAWAY(S, 2, PROTOCOL_ERROR),
	  ACT(CLIENT, FIN),
	  .closed_after = S + MS},
	 SERVERS,
	 {AT_BOTH(GOAWAY_ERROR, RESPONSE, YES, CERTAIN, 1)}},
	{"even if the client's frames could not be followed, which may be why",
	 {.answered = 1,
	  SERVER_GOAWAY(S, 1, PROTOCOL_ERROR),
	  ACT(SERVER, FIN),
	  .closed_after = S + MS,
	  .lost = {true}},
	 SERVERS,
	 {AT_BOTH(GOAWAY_ERROR, IDLE, NO, INFERRED, 0)}},
	{"an error outweighs an earlier GOAWAY of the other side",
	 {.answered = 1,
	  SERVER_GOAWAY(S, 1),
	  CLIENT_GOAWAY(2 * S, 0, PROTOCOL_ERROR),
	  ACT(CLIENT, FIN),
	  .closed_after = 2 * S + MS},
	 CLIENTS,
	 {AT_BOTH(GOAWAY_ERROR, IDLE, NO, CERTAIN, 0)}},
	{"INTERNAL_ERROR with open streams is one",
	 {.unheaded = 1,
	  CLIENT_GOAWAY(S, 0, HTTP2_CODE_INTERNAL_ERROR),
	  ACT(CLIENT, FIN),
	  .closed_after = S + MS},
	 CLIENTS,
	 {AT_BOTH(GOAWAY_ERROR, WAITING, YES, CERTAIN, 1)}},
	{"and without them gRPC's way to say that it has been idle",
	 {.answered = 1,
	  CLIENT_GOAWAY(30 * S, 0, HTTP2_CODE_INTERNAL_ERROR, HTTP2_DEBUG_MAX_IDLE),
	  ACT(SERVER, FIN),
	  .closed_after = 30 * S + MS},
	 CLIENTS,
	 {AT_BOTH(GOAWAY_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"CANCEL is no error",
	 {.answered = 1, CLIENT_GOAWAY(S, 0, HTTP2_CODE_CANCEL), ACT(CLIENT, FIN), .closed_after = S + MS},
	 CLIENTS,
	 {AT_BOTH(GOAWAY_IDLE, IDLE, NO, CERTAIN, 0)}},

	/* Errors and exits have their reasons as with HTTP/1. */
	{"a path that is gone is retransmit_timeout",
	 {.unheaded = 2, .actor = KW_CLOSER_NETWORK, .manner = KW_MANNER_TIMEOUT, .closed_after = 900 * S},
	 KW_CLOSER_NETWORK,
	 {AT_BOTH(RETRANSMIT_TIMEOUT, WAITING, YES, CERTAIN, 2)}},
	{"without open streams no request was lost, although one was cut before",
	 {.answered = 2,
	  SERVER_RESETS(INTERNAL_ERROR, 1),
	  .actor = KW_CLOSER_NETWORK,
	  .manner = KW_MANNER_TIMEOUT,
	  .closed_after = 900 * S},
	 KW_CLOSER_NETWORK,
	 {AT_BOTH(RETRANSMIT_TIMEOUT, IDLE, NO, CERTAIN, 1)}},
	{"a server that exits over open streams is process_exit, whatever its GOAWAY says",
	 {.headed = 1, SERVER_GOAWAY(S, 1), ACT(SERVER, FIN), .closed_after = S + MS, .exiting = true},
	 SERVERS,
	 {AT_SERVER(PROCESS_EXIT, RESPONSE, YES, CERTAIN, 1),
	  AT_CLIENT(GOAWAY_CUT, RESPONSE, YES, CERTAIN, 1)}},
	{"one that exits without any is not",
	 {.answered = 1, SERVER_GOAWAY(S, 1), ACT(SERVER, FIN), .closed_after = S + MS, .exiting = true},
	 SERVERS,
	 {AT_BOTH(GOAWAY_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"a killed one is, as with HTTP/1",
	 {.answered = 1, ACT(SERVER, FIN), .closed_after = S, .signal = 9},
	 SERVERS,
	 {AT_SERVER(PROCESS_EXIT, IDLE, NO, CERTAIN, 0)}},
	{"a client's data that nobody acknowledges is request_unacknowledged",
	 {.unheaded = 1, ACT(CLIENT, FIN), .closed_after = 30 * S, .more = dead_path},
	 CLIENTS,
	 {AT_CLIENT(REQUEST_UNACKNOWLEDGED, WAITING, YES, CERTAIN, 1)}},

	/* The server is none of HTTP/2. */
	{"first bytes that are no SETTINGS frame are preface_failed, although nothing more is followed",
	 {.unheaded = 1,
	  ACT(SERVER, FIN),
	  .closed_after = MS,
	  .errors[HTTP2_SERVER] = 1 << HTTP2_ERROR_PREFACE,
	  .lost = {false, true}},
	 SERVERS,
	 {AT_BOTH(PREFACE_FAILED, WAITING, YES, CERTAIN, 1)}},

	/* Promises. */
	{"open streams up to the last one of the GOAWAY of a server that closes are goaway_cut",
	 {.answered = 3,
	  .headed = 1,
	  .unheaded = 1,
	  SERVER_GOAWAY(S, 5),
	  ACT(SERVER, FIN),
	  .closed_after = 4 * S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_CUT, WAITING, YES, CERTAIN, 2)}},
	{"those above it do not count as lost",
	 {.answered = 3,
	  .headed = 1,
	  .unheaded = 2,
	  SERVER_GOAWAY(S, 4),
	  ACT(SERVER, FIN),
	  .closed_after = 4 * S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_CUT, RESPONSE, YES, CERTAIN, 1)}},
	{"a warning that names the highest stream promises all of them",
	 {.unheaded = 1, SERVER_GOAWAY(S, 0), ACT(SERVER, RST), .closed_after = 4 * S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_CUT, WAITING, YES, CERTAIN, 1)}},
	{"streams that the server reset as it closed were cut too",
	 {.answered = 1,
	  SERVER_RESETS(NO_ERROR, 2),
	  SERVER_GOAWAY(MS, 3),
	  ACT(SERVER, FIN),
	  .closed_after = 2 * MS},
	 SERVERS,
	 {AT_BOTH(GOAWAY_CUT, WAITING, YES, CERTAIN, 2)}},
	{"whoever then sends the first FIN, and in the middle of responses",
	 {.answered = 1,
	  SERVER_RESETS(NO_ERROR, 2),
	  SERVER_GOAWAY(MS, 3),
	  ACT(CLIENT, FIN),
	  .closed_after = 2 * MS,
	  .more = headed_when_reset},
	 SERVERS,
	 {AT_BOTH(GOAWAY_CUT, RESPONSE, YES, CERTAIN, 2)}},
	{"a stream that was cut long before has nothing to do with the close",
	 {.answered = 1,
	  SERVER_RESETS(INTERNAL_ERROR, 1),
	  SERVER_GOAWAY(10 * S, 2),
	  ACT(SERVER, FIN),
	  .closed_after = 20 * S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_IDLE, IDLE, NO, CERTAIN, 1)}},
	{"a client that closes over promised streams is the closer",
	 {.answered = 3, .unheaded = 1, SERVER_GOAWAY(S, 4), ACT(CLIENT, RST), .closed_after = 4 * S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_GAVE_UP, WAITING, YES, CERTAIN, 1)}},

	/* Streams that the server did nothing for. */
	{"open streams that are all above it are goaway_refused, and not lost",
	 {.answered = 3, .unheaded = 2, SERVER_GOAWAY(MS, 3), ACT(SERVER, FIN), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_REFUSED, WAITING, YES, CERTAIN, 0)}},
	{"whoever sends the first FIN",
	 {.answered = 3, .unheaded = 2, SERVER_GOAWAY(MS, 3), ACT(CLIENT, FIN), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_REFUSED, WAITING, YES, CERTAIN, 0)}},
	{"one that began when the client had the GOAWAY is stream_after_goaway; the server's end cannot know that",
	 {.answered = 3,
	  .unheaded = 1,
	  SERVER_GOAWAY(-2 * MS, 3),
	  .late = 1,
	  ACT(SERVER, FIN),
	  .closed_after = S},
	 SERVERS,
	 {AT_CLIENT(STREAM_AFTER_GOAWAY, WAITING, YES, CERTAIN, 0),
	  AT_SERVER(GOAWAY_REFUSED, WAITING, YES, INFERRED, 0)}},
	{"unless it came long after",
	 {.answered = 3, .unheaded = 1, SERVER_GOAWAY(-S, 3), .late = 1, ACT(SERVER, FIN), .closed_after = S},
	 SERVERS,
	 {AT_CLIENT(STREAM_AFTER_GOAWAY, WAITING, YES, CERTAIN, 0),
	  AT_SERVER(STREAM_AFTER_GOAWAY, WAITING, YES, INFERRED, 0)}},
	{"streams behind a warning that were answered are not those that are open",
	 {.headed = 0,
	  .answered = 3,
	  .unheaded = 0,
	  SERVER_GOAWAY(-S, 0),
	  .late = 2,
	  ACT(CLIENT, FIN),
	  .closed_after = S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_DRAINED, IDLE, NO, CERTAIN, 0)}},
	{"streams that the server refused by a reset count as retryable, and nothing is lost",
	 {.answered = 1, SERVER_RESETS(REFUSED_STREAM, 3), ACT(CLIENT, FIN), .closed_after = S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_CLOSED_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"those that the client cancelled are no losses",
	 {.answered = 1, .resets[HTTP2_CLIENT][HTTP2_CODE_CANCEL] = 3, ACT(CLIENT, FIN), .closed_after = S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_CLOSED_IDLE, IDLE, NO, CERTAIN, 0)}},

	/* Without a GOAWAY. */
	{"a server that closes without one, over streams that have no response, is no_response",
	 {.headed = 1, .unheaded = 1, ACT(SERVER, FIN), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(NO_RESPONSE, WAITING, YES, CERTAIN, 2)}},
	{"by a RST, the client's end does not show whether the server had them",
	 {.unheaded = 1, ACT(SERVER, RST), .closed_after = S},
	 SERVERS,
	 {AT_CLIENT(NO_RESPONSE, WAITING, YES, INFERRED, 1), AT_SERVER(NO_RESPONSE, WAITING, YES, CERTAIN, 1)}},
	{"where all have begun, response_truncated",
	 {.headed = 2, ACT(SERVER, FIN), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(RESPONSE_TRUNCATED, RESPONSE, YES, CERTAIN, 2)}},
	{"so is a server that resets its streams as it closes",
	 {SERVER_RESETS(NO_ERROR, 2), ACT(SERVER, FIN), .closed_after = MS, .more = headed_when_reset},
	 SERVERS,
	 {AT_BOTH(RESPONSE_TRUNCATED, RESPONSE, YES, CERTAIN, 2)}},
	{"a client's GOAWAY promises nothing of the server",
	 {.unheaded = 1, CLIENT_GOAWAY(MS), ACT(SERVER, FIN), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(NO_RESPONSE, WAITING, YES, CERTAIN, 1)}},
	{"the only stream, begun when the server's FIN was there, met the close",
	 {.answered = 2, .unheaded = 1, ACT(SERVER, FIN), .closed_after = 60 * S, .begun_after = 60 * S + MS},
	 SERVERS,
	 {AT_CLIENT(STALE_REUSE, WAITING, YES, CERTAIN, 1),
	  AT_SERVER(SERVER_CLOSED_IDLE, IDLE, YES, CERTAIN, 1)}},
	{"a client that closes over streams without a response is client_gave_up",
	 {.headed = 1, .unheaded = 1, CLIENT_GOAWAY(S), ACT(CLIENT, RST), .closed_after = S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_GAVE_UP, WAITING, YES, CERTAIN, 2)}},
	{"and over responses that have begun client_left",
	 {.headed = 1, ACT(CLIENT, RST), .closed_after = S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_LEFT, RESPONSE, NO, CERTAIN, 1)}},

	/* In order. */
	{"a GOAWAY to a connection that has been idle is goaway_idle",
	 {.answered = 2, SERVER_GOAWAY((int64_t)KW_HTTP2_QUICKLY, 2), ACT(SERVER, FIN), .closed_after = 75 * S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"one that comes sooner is goaway_drained, although the client sends the first FIN",
	 {.answered = 2,
	  SERVER_GOAWAY((int64_t)KW_HTTP2_QUICKLY - 1, 2),
	  ACT(CLIENT, FIN),
	  .closed_after = 75 * S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_DRAINED, IDLE, NO, CERTAIN, 0)}},
	{"so is one that came while streams were open, which were answered",
	 {.answered = 2, SERVER_GOAWAY(-5 * S, 2), ACT(SERVER, FIN), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_DRAINED, IDLE, NO, CERTAIN, 0)}},
	{"the first of two GOAWAYs names the closer",
	 {.answered = 2,
	  SERVER_GOAWAY(10 * S, 2),
	  CLIENT_GOAWAY(10 * S + MS),
	  ACT(CLIENT, FIN),
	  .closed_after = 10 * S + 2 * MS},
	 SERVERS,
	 {AT_BOTH(GOAWAY_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"a GOAWAY of the side that had the other's FIN is no more than an answer to that",
	 {.answered = 2, SERVER_GOAWAY(10 * S + MS, 2), ACT(CLIENT, FIN), .closed_after = 10 * S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_CLOSED_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"and does not refuse the streams that the client closed over",
	 {.answered = 2,
	  .unheaded = 1,
	  SERVER_GOAWAY(10 * S + MS, 2),
	  ACT(CLIENT, RST),
	  .closed_after = 10 * S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_GAVE_UP, WAITING, YES, CERTAIN, 1)}},
	{"but one of the side that sent the FIN was before it, although it is read behind",
	 {.answered = 2, SERVER_GOAWAY(10 * S + MS, 2), ACT(SERVER, FIN), .closed_after = 10 * S},
	 SERVERS,
	 {AT_CLIENT(GOAWAY_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"a connection without a stream is idle to a GOAWAY",
	 {SERVER_GOAWAY(S, 0), ACT(SERVER, FIN), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(GOAWAY_IDLE, UNUSED, NO, CERTAIN, 0)}},
	{"and unused without one",
	 {ACT(CLIENT, FIN), .closed_after = S},
	 CLIENTS,
	 {AT_BOTH(UNUSED, UNUSED, NO, CERTAIN, 0)}},
	{"without a GOAWAY a server that closes while idle is server_closed_idle, however soon",
	 {.answered = 2, ACT(SERVER, FIN), .closed_after = MS},
	 SERVERS,
	 {AT_BOTH(SERVER_CLOSED_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"one that resets is idle_reset",
	 {.answered = 2, ACT(SERVER, RST), .closed_after = S},
	 SERVERS,
	 {AT_BOTH(IDLE_RESET, IDLE, NO, CERTAIN, 0)}},
	{"a client that closes while idle is client_closed_idle",
	 {.answered = 2, ACT(CLIENT, FIN), .closed_after = S},
	 CLIENTS,
	 {AT_BOTH(CLIENT_CLOSED_IDLE, IDLE, NO, CERTAIN, 0)}},

	/* Things that were not seen. */
	{"frames that could not be followed leave the streams unknown",
	 {.answered = 2, .unheaded = 1, ACT(SERVER, FIN), .closed_after = S, .lost = {false, true}},
	 SERVERS,
	 {AT_BOTH(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"the client's too",
	 {.answered = 2, ACT(SERVER, FIN), .closed_after = S, .lost = {true, false}},
	 SERVERS,
	 {AT_BOTH(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"what is followed from within is inferred",
	 {.answered = 2, .unheaded = 1, ACT(SERVER, FIN), .closed_after = S, .flags = KW_HTTP2_MIDWAY},
	 SERVERS,
	 {AT_BOTH(NO_RESPONSE, WAITING, YES, INFERRED, 1)}},
	{"also where nothing seems to be open",
	 {.answered = 2, ACT(SERVER, FIN), .closed_after = S, .flags = KW_HTTP2_MIDWAY},
	 SERVERS,
	 {AT_BOTH(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"and unknown if no stream began since",
	 {ACT(SERVER, FIN), .closed_after = S, .flags = KW_HTTP2_MIDWAY},
	 SERVERS,
	 {AT_BOTH(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
	{"unless a GOAWAY was sent",
	 {SERVER_GOAWAY(S, 0), ACT(SERVER, FIN), .closed_after = S, .flags = KW_HTTP2_MIDWAY},
	 SERVERS,
	 {AT_BOTH(GOAWAY_IDLE, UNUSED, NO, INFERRED, 0)}},
	{"bytes that a client did not read may have ended what looks open",
	 {.unheaded = 1, ACT(SERVER, RST), .closed_after = S, .more = unread},
	 SERVERS,
	 {AT_CLIENT(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0), AT_SERVER(NO_RESPONSE, WAITING, YES, INFERRED, 1)}},
	{"or a GOAWAY, so that nothing is certain",
	 {.answered = 1, ACT(SERVER, FIN), .closed_after = S, .more = unread},
	 SERVERS,
	 {AT_BOTH(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0)}},
	{"a closer that had not had all may have known of other streams",
	 {.answered = 1, ACT(SERVER, FIN), .closed_after = S, .more = unacknowledged},
	 SERVERS,
	 {AT_CLIENT(SERVER_CLOSED_IDLE, IDLE, NO, INFERRED, 0),
	  AT_SERVER(SERVER_CLOSED_IDLE, IDLE, NO, CERTAIN, 0)}},
	{"a side that is not known says nothing of who is to blame",
	 {.answered = 1, .unheaded = 1, ACT(SERVER, FIN), .closed_after = S, .more = role_unknown_too},
	 KW_CLOSER_UNKNOWN,
	 {AT_CLIENT(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 0)}},
};

static void judged_as_expected(void **state)
{
	const struct http2_row *row = *state;

	for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++) {
		const struct expected *expected = &row->at[role];
		struct kw_event_http2 event = http2_story_event(&row->story, role);
		struct kw_verdict verdict;

		if (!expected->seen)
			continue;
		kw_judge(&event.history.connection, &verdict);
		if (verdict.reason != expected->reason)
			print_error("  at the %s's socket:\n", role == KW_ROLE_CLIENT ? "client" : "server");
		assert_string_equal(kw_reason_name(verdict.reason), kw_reason_name(expected->reason));
		assert_string_equal(kw_phase_name(verdict.phase), kw_phase_name(expected->phase));
		assert_string_equal(kw_closer_name(verdict.closer), kw_closer_name(row->closer));
		assert_string_equal(kw_manner_name(verdict.manner), kw_manner_name(row->story.manner));
		assert_string_equal(kw_confidence_name(verdict.confidence),
				    kw_confidence_name(expected->confidence));
		assert_int_equal(verdict.premature, expected->premature);
		assert_int_equal(verdict.lost_requests, expected->lost);
	}
}

/* A reason of HTTP/2 that no row yields would go unproven. */
static void every_reason_of_http2_has_a_row_for_each_end(void **state)
{
	bool has_row[KW_REASON_MAX][KW_ROLE_MAX] = {};
	static const enum kw_reason reasons[] = {
		KW_REASON_ENHANCE_YOUR_CALM, KW_REASON_PING_TIMEOUT, KW_REASON_GOAWAY_ERROR,
		KW_REASON_PREFACE_FAILED,    KW_REASON_GOAWAY_CUT,   KW_REASON_STREAM_AFTER_GOAWAY,
		KW_REASON_GOAWAY_REFUSED,    KW_REASON_GOAWAY_IDLE,  KW_REASON_GOAWAY_DRAINED,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++)
			if (rows[i].at[role].seen)
				has_row[rows[i].at[role].reason][role] = true;
	for (size_t i = 0; i < COUNT(reasons); i++)
		for (enum kw_role role = KW_ROLE_CLIENT; role <= KW_ROLE_SERVER; role++)
			if (!has_row[reasons[i]][role])
				fail_msg("no row for %s", kw_reason_name(reasons[i]));
}

static struct kw_verdict judged(const struct http2_story *story, enum kw_role role)
{
	static struct kw_event_http2 event; /* the verdict's facts point into it */
	struct kw_verdict verdict;

	event = http2_story_event(story, role);
	kw_judge(&event.history.connection, &verdict);
	return verdict;
}

/* A PING has timed out when it had no answer for more than 0.2 s, and TCP's times, to a timer tick or two, show that nothing came. */
static void a_ping_times_out_after_its_bound(void **state)
{
	struct http2_story story = {.answered = 1,
				    ACT(CLIENT, FIN),
				    .pinger = HTTP2_CLIENT,
				    .ping_after = S,
				    .since = 200,
				    .closed_after = S + 200 * MS};

	(void)state;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_CLIENT_CLOSED_IDLE);
	story.closed_after++;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_PING_TIMEOUT);
	story.since = 181;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_PING_TIMEOUT);
	story.since = 179;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).reason, KW_REASON_CLIENT_CLOSED_IDLE);
}

static void the_idle_age_ends_with_the_goaway(void **state)
{
	struct http2_story story = {
		.answered = 1, SERVER_GOAWAY(75 * S, 1), ACT(CLIENT, FIN), .closed_after = 80 * S};

	(void)state;
	assert_int_equal(judged(&story, KW_ROLE_SERVER).idle_at_close, 75 * S);
	story.goaways[HTTP2_SERVER].after = 0;
	assert_int_equal(judged(&story, KW_ROLE_SERVER).idle_at_close, 80 * S);
}

/* With several streams nobody can say for which of them the client waited. */
static void waiting_is_timed_for_a_stream_that_is_alone(void **state)
{
	struct http2_story story = {.answered = 1, .unheaded = 1, ACT(CLIENT, RST), .closed_after = 5 * S};

	(void)state;
	assert_int_equal(judged(&story, KW_ROLE_CLIENT).waited, 5 * S);
	story.unheaded = 2;
	assert_true(judged(&story, KW_ROLE_CLIENT).waited == KW_DURATION_UNKNOWN);
}

/* The window of the streams that are known one by one has an end: those that began before it are open, and no more is known. */
static void a_stream_beyond_the_window_is_open(void **state)
{
	struct http2_story story = {
		.answered = 300, SERVER_GOAWAY(S, 301), ACT(SERVER, FIN), .closed_after = 2 * S};
	struct kw_event_http2 event = http2_story_event(&story, KW_ROLE_CLIENT);
	struct kw_verdict verdict;

	(void)state;
	event.http2.sides[HTTP2_SERVER].finished--;
	kw_judge(&event.history.connection, &verdict);
	assert_int_equal(verdict.reason, KW_REASON_GOAWAY_CUT);
	assert_int_equal(verdict.phase, KW_PHASE_RESPONSE);
	assert_int_equal(verdict.lost_requests, 1);
}

static void pings_without_an_answer_are_counted_by_side(void **state)
{
	struct http2_story story = {.pings = {5, 2}, .pongs = {3, 4}, ACT(CLIENT, FIN)};
	struct kw_verdict verdict = judged(&story, KW_ROLE_CLIENT);

	(void)state;
	assert_int_equal(verdict.facts.streams.unanswered[HTTP2_CLIENT], 1);
	assert_int_equal(verdict.facts.streams.unanswered[HTTP2_SERVER], 0);
}

/* ---- both ends ---- */

static struct kw_verdict settled(const struct http2_story *here, enum kw_role role,
				 const struct http2_story *there)
{
	enum kw_role other = role == KW_ROLE_CLIENT ? KW_ROLE_SERVER : KW_ROLE_CLIENT;
	struct kw_event_http2 far_event = http2_story_event(there, other);
	static struct kw_event_http2 event;
	struct kw_verdict far_verdict, verdict;
	struct kw_far_end far;

	event = http2_story_event(here, role);
	kw_judge(&far_event.history.connection, &far_verdict);
	far = kw_far_end_of(&far_verdict);
	kw_judge_both(&event.history.connection, &far, &verdict);
	return verdict;
}

static void the_clients_end_knows_when_it_had_the_goaway(void **state)
{
	struct http2_story story = {.answered = 3,
				    .unheaded = 1,
				    SERVER_GOAWAY(-2 * MS, 3),
				    .late = 1,
				    ACT(SERVER, FIN),
				    .closed_after = S};
	struct http2_story unaware = story;
	struct kw_verdict verdict = settled(&story, KW_ROLE_SERVER, &story);

	(void)state;
	assert_int_equal(verdict.reason, KW_REASON_STREAM_AFTER_GOAWAY);
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
	unaware.late = 0;
	verdict = settled(&story, KW_ROLE_SERVER, &unaware);
	assert_int_equal(verdict.reason, KW_REASON_GOAWAY_REFUSED);
	assert_int_equal(verdict.confidence, KW_CONFIDENCE_CERTAIN);
	assert_int_equal(verdict.far, KW_FAR_CONFIRMS);
}

static void streams_that_the_server_never_read_are_known_to_the_client(void **state)
{
	struct http2_story client = {
		.answered = 3, .unheaded = 2, SERVER_GOAWAY(MS, 3), ACT(SERVER, FIN), .closed_after = 2 * MS};
	struct http2_story server = client;
	struct kw_verdict verdict;

	(void)state;
	server.unheaded = 0;
	assert_int_equal(judged(&server, KW_ROLE_SERVER).reason, KW_REASON_GOAWAY_DRAINED);
	verdict = settled(&server, KW_ROLE_SERVER, &client);
	assert_int_equal(verdict.reason, KW_REASON_GOAWAY_REFUSED);
	assert_int_equal(verdict.premature, KW_PREMATURE_YES);
	assert_int_equal(settled(&client, KW_ROLE_CLIENT, &server).reason, KW_REASON_GOAWAY_REFUSED);
}

static void a_reset_of_a_server_that_had_none_of_it_is_stale_reuse(void **state)
{
	struct http2_story client = {.answered = 3, .unheaded = 1, ACT(SERVER, RST), .closed_after = 60 * S};
	struct http2_story server = client;

	(void)state;
	server.unheaded = 0;
	assert_int_equal(settled(&client, KW_ROLE_CLIENT, &server).reason, KW_REASON_STALE_REUSE);
	assert_int_equal(settled(&client, KW_ROLE_CLIENT, &client).reason, KW_REASON_NO_RESPONSE);
}

/* ---- evidence ---- */

static void assert_says(const struct http2_story *story, enum kw_role role, const char *sentence)
{
	struct kw_verdict verdict = judged(story, role);
	struct kw_evidence evidence;

	kw_evidence_write(&verdict, &evidence);
	for (size_t i = 0; i < evidence.count; i++)
		if (!strcmp(evidence.sentences[i], sentence))
			return;
	for (size_t i = 0; i < evidence.count; i++)
		print_error("  %s\n", evidence.sentences[i]);
	fail_msg("does not say: %s", sentence);
}

static void evidence_of_pings(void **state)
{
	struct http2_story calm = {.answered = 1,
				   .pings = {12},
				   .ping_gap = 10 * S,
				   ACT(SERVER, FIN),
				   SERVER_GOAWAY(S, 1, CALM, HTTP2_DEBUG_TOO_MANY_PINGS),
				   .closed_after = S + MS};
	struct http2_story dead = {.unheaded = 2,
				   ACT(CLIENT, FIN),
				   .ping_after = S,
				   .pinger = HTTP2_CLIENT,
				   .closed_after = 21 * S,
				   .since = 21000};

	(void)state;
	assert_says(
		&calm, KW_ROLE_CLIENT,
		"server sent GOAWAY (ENHANCE_YOUR_CALM, last stream 1, too_many_pings): it was sent more than it puts up with");
	assert_says(&calm, KW_ROLE_CLIENT, "the client had sent 12 PINGs, two of them within 10 s");
	assert_says(&calm, KW_ROLE_CLIENT, "server sent FIN 1 ms after the GOAWAY");
	assert_says(
		&dead, KW_ROLE_CLIENT,
		"a PING of the client had no answer for 20 s, and nothing else came from the server in that time");
	assert_says(&dead, KW_ROLE_CLIENT, "client sent FIN with 2 streams open; no response had begun");
}

static void evidence_of_errors(void **state)
{
	struct http2_story error = {
		.answered = 1, CLIENT_GOAWAY(S, 0, PROTOCOL_ERROR), ACT(CLIENT, FIN), .closed_after = S + MS};
	struct http2_story preface = {.unheaded = 1,
				      ACT(SERVER, FIN),
				      .closed_after = MS,
				      .errors[HTTP2_SERVER] = 1 << HTTP2_ERROR_PREFACE,
				      .lost = {false, true}};
	struct http2_story lost = {.answered = 1, ACT(SERVER, FIN), .lost = {true}};

	(void)state;
	assert_says(&error, KW_ROLE_SERVER, "client sent GOAWAY (PROTOCOL_ERROR)");
	assert_says(
		&preface, KW_ROLE_SERVER,
		"the client began with HTTP/2, and the server's first bytes are no SETTINGS frame: the port may expect HTTP/1 or TLS");
	assert_says(&lost, KW_ROLE_SERVER, "keepwatch could not follow the client's frames to the end");
}

static void evidence_of_promises(void **state)
{
	struct http2_story cut = {.answered = 3,
				  .headed = 1,
				  .unheaded = 2,
				  SERVER_GOAWAY(S, 5),
				  ACT(SERVER, FIN),
				  .closed_after = 4 * S};
	struct http2_story refused = {
		.answered = 3, .unheaded = 2, SERVER_GOAWAY(MS, 3), ACT(SERVER, FIN), .closed_after = S};
	struct http2_story after = {.answered = 3,
				    .unheaded = 1,
				    SERVER_GOAWAY(-2 * MS, 3),
				    .late = 1,
				    ACT(SERVER, FIN),
				    .closed_after = S};

	(void)state;
	assert_says(&cut, KW_ROLE_CLIENT, "server sent GOAWAY (NO_ERROR, last stream 9) 3 s before the close");
	assert_says(&cut, KW_ROLE_CLIENT, "2 streams that it had promised to answer were not finished");
	assert_says(&cut, KW_ROLE_CLIENT, "1 stream was above that number, safe to send again");
	assert_says(&refused, KW_ROLE_CLIENT, "server sent GOAWAY (NO_ERROR, last stream 5)");
	assert_says(
		&refused, KW_ROLE_CLIENT,
		"2 streams above that number were not answered: the server did nothing for them, so they are safe to send again");
	assert_says(
		&after, KW_ROLE_CLIENT,
		"server sent GOAWAY (NO_ERROR, last stream 5), and the latest stream began 2 ms after the client had read it");
}

static void evidence_of_orderly_ends(void **state)
{
	struct http2_story idle = {.answered = 1,
				   CLIENT_GOAWAY(30 * S, 0, 2, HTTP2_DEBUG_MAX_IDLE),
				   ACT(SERVER, FIN),
				   .closed_after = 31 * S};
	struct http2_story drained = {.answered = 2,
				      SERVER_GOAWAY(-5 * S, 2, 0, HTTP2_DEBUG_MAX_AGE),
				      ACT(CLIENT, FIN),
				      .closed_after = S};
	struct http2_story silent = {.answered = 2, ACT(SERVER, FIN), .closed_after = 75 * S};

	(void)state;
	assert_says(&idle, KW_ROLE_CLIENT,
		    "client sent GOAWAY (INTERNAL_ERROR, max_idle) 30 s after the last event of a stream");
	assert_says(&idle, KW_ROLE_CLIENT, "server sent FIN 1 s after the GOAWAY");
	assert_says(&drained, KW_ROLE_CLIENT,
		    "server sent GOAWAY (NO_ERROR, last stream 3, max_age) while the connection was in use");
	assert_says(&drained, KW_ROLE_CLIENT, "no stream was open at the close: 2 had begun");
	assert_says(&silent, KW_ROLE_CLIENT, "server sent FIN 75 s after the last event of a stream");
}

static void forbidden_by_both(struct kw_event_http2 *event, enum kw_role role)
{
	(void)role;
	event->http2.sides[HTTP2_CLIENT].fields = 1 << HTTP2_NAME_CONNECTION | 1 << HTTP2_NAME_TE;
	event->http2.sides[HTTP2_SERVER].fields = 1 << HTTP2_NAME_KEEP_ALIVE | 1 << HTTP2_NAME_STATUS;
}

static void evidence_of_what_else_happened(void **state)
{
	struct http2_story resets = {.answered = 1,
				     SERVER_RESETS(INTERNAL_ERROR, 2),
				     SERVER_RESETS(REFUSED_STREAM, 3),
				     ACT(CLIENT, FIN),
				     .closed_after = S,
				     .flags = KW_HTTP2_MIDWAY};
	struct http2_story fields = {
		.answered = 1, ACT(CLIENT, FIN), .closed_after = S, .more = forbidden_by_both};

	(void)state;
	assert_says(&resets, KW_ROLE_CLIENT,
		    "the server reset 2 streams before the response was complete (INTERNAL_ERROR)");
	assert_says(&resets, KW_ROLE_CLIENT,
		    "the server refused 3 streams (REFUSED_STREAM), safe to send again");
	assert_says(&resets, KW_ROLE_CLIENT,
		    "streams that began before keepwatch followed the connection are not counted");
	assert_says(&fields, KW_ROLE_CLIENT, "the client sent fields that HTTP/2 forbids: connection, te");
	assert_says(&fields, KW_ROLE_CLIENT, "the server sent fields that HTTP/2 forbids: keep-alive");
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(every_reason_of_http2_has_a_row_for_each_end),
		cmocka_unit_test(a_ping_times_out_after_its_bound),
		cmocka_unit_test(the_idle_age_ends_with_the_goaway),
		cmocka_unit_test(waiting_is_timed_for_a_stream_that_is_alone),
		cmocka_unit_test(a_stream_beyond_the_window_is_open),
		cmocka_unit_test(pings_without_an_answer_are_counted_by_side),
		cmocka_unit_test(the_clients_end_knows_when_it_had_the_goaway),
		cmocka_unit_test(streams_that_the_server_never_read_are_known_to_the_client),
		cmocka_unit_test(a_reset_of_a_server_that_had_none_of_it_is_stale_reuse),
		cmocka_unit_test(evidence_of_pings),
		cmocka_unit_test(evidence_of_errors),
		cmocka_unit_test(evidence_of_promises),
		cmocka_unit_test(evidence_of_orderly_ends),
		cmocka_unit_test(evidence_of_what_else_happened),
	};
	struct CMUnitTest tests[COUNT(rows)];

	for (size_t i = 0; i < COUNT(rows); i++)
		tests[i] = (struct CMUnitTest){.name = rows[i].claim,
					       .test_func = judged_as_expected,
					       .initial_state = (void *)&rows[i]};
	int failed = cmocka_run_group_tests_name("http2, row by row", tests, NULL, NULL);

	return failed + cmocka_run_group_tests_name("http2", others, NULL, NULL);
}
