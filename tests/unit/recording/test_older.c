/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings of earlier versions, whose events of connections were shorter, still replay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "event/names.h"
#include "recording/older.h"
#include "recording/player.h"
#include "tests/unit/capture.h"
#include "tests/unit/events.h"

#define PATH 64
#define OLD_CONNECTION 552 /* bytes */
#define OLD_HISTORY (sizeof(struct kw_event_history) - sizeof(struct kw_notice))

/* The event as it was then, in @ret_bytes; it has no notice. */
static size_t old_event(struct kw_event_history event, __u16 type, uint8_t ret_bytes[OLD_HISTORY])
{
	size_t size = type == KW_EVENT_CONNECTION ? OLD_CONNECTION : OLD_HISTORY;

	event.connection.header.type = type;
	event.connection.header.size = (__u16)size;
	memcpy(ret_bytes, &event, OLD_CONNECTION);
	memcpy(ret_bytes + OLD_CONNECTION, (uint8_t *)&event + sizeof(struct kw_event_connection),
	       size - OLD_CONNECTION);
	return size;
}

/* Its initial sequence numbers were not recorded then: bytes that were reserved, and 0, have their place. */
static struct kw_event_history lived(void)
{
	struct kw_event_history event = event_history();

	event.connection.identity.flow = KW_FLOW_UNKNOWN;
	event.connection.identity.isn = event.connection.peer_isn = 0;
	event.before.requests = 2;
	event.sums[0] = 77;
	event.names[KW_NAMES - 1].count = 5;
	return event;
}

static void both_kinds_are_brought_into_the_present_layout(void **state)
{
	uint8_t old[OLD_HISTORY] __attribute__((aligned(8)));
	struct kw_event_history expected = lived();
	union kw_older_event event;
	size_t size = old_event(lived(), KW_EVENT_CONNECTION, old);

	(void)state;
	assert_true(kw_older_renew(old, size, &event));
	assert_int_equal(event.header.size, sizeof(struct kw_event_connection));
	expected.connection.header.size = sizeof(struct kw_event_connection);
	expected.connection.header.type = KW_EVENT_CONNECTION;
	assert_memory_equal(&event, &expected, sizeof(struct kw_event_connection));

	size = old_event(lived(), KW_EVENT_HISTORY, old);
	assert_true(kw_older_renew(old, size, &event));
	expected = lived();
	assert_memory_equal(&event, &expected, sizeof(expected));
}

static void totals_that_knew_nothing_of_streams_are_brought_into_the_present_layout(void **state)
{
	struct kw_event_totals expected = {.header = {KW_EVENT_TOTALS, sizeof(expected), 0, 7}};
	const size_t at = offsetof(struct kw_event_totals, totals.dropped_streams),
		     missing = sizeof(expected.totals.dropped_streams), size = sizeof(expected) - missing;
	uint8_t old[sizeof(expected)] __attribute__((aligned(8)));
	struct kw_event_header *header = (struct kw_event_header *)old;
	union kw_older_event event;

	(void)state;
	expected.totals.dropped[KW_ROLE_SERVER].closed = 5;
	expected.totals.tainted[KW_TAINT_MAX - 1] = 3;
	expected.unfinished = (struct kw_unfinished){2, 1};
	memcpy(old, &expected, at);
	memcpy(old + at, (const uint8_t *)&expected + at + missing, size - at);
	header->size = (__u16)size;
	assert_true(kw_older_renew(old, size, &event));
	assert_memory_equal(&event, &expected, sizeof(expected));
	assert_false(kw_older_renew(&expected, sizeof(expected), &event));
}

static void all_other_events_stay_as_they_are(void **state)
{
	uint8_t old[OLD_HISTORY] __attribute__((aligned(8)));
	struct kw_event_history now = lived();
	union kw_older_event event;
	struct kw_event_header *header = (struct kw_event_header *)old;
	size_t size = old_event(lived(), KW_EVENT_CONNECTION, old);

	(void)state;
	assert_false(kw_older_renew(&now, sizeof(now), &event));
	assert_false(kw_older_renew(&now, sizeof(now.connection), &event));
	assert_false(kw_older_renew(old, size - 8, &event));
	header->type = KW_EVENT_TOTALS;
	assert_false(kw_older_renew(old, size, &event));
	header->type = KW_EVENT_CONNECTION;
	header->size -= 8;
	assert_false(kw_older_renew(old, size, &event));
}

static void only_sizes_that_belong_together_are_known(void **state)
{
	const size_t connection = sizeof(struct kw_event_connection), history = sizeof(struct kw_event_history);

	(void)state;
	assert_true(kw_older_is_known(connection, history));
	assert_true(kw_older_is_known(OLD_CONNECTION, OLD_HISTORY));
	assert_true(kw_older_is_known(0, 0));
	assert_false(kw_older_is_known(connection, OLD_HISTORY));
	assert_false(kw_older_is_known(OLD_CONNECTION, history));
	assert_false(kw_older_is_known(connection + 8, history + 8));
}

static int check(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	char flow[KW_FLOW_TEXT];
	int *count = context;

	assert_non_null(verdict);
	assert_false(kw_flow_print(event->connection, flow));
	assert_int_equal(event->connection->identity.cookie, 0x1a2b);
	assert_int_equal(event->connection->notice.thread, 0);
	assert_int_equal(event->history ? event->history->names[KW_NAMES - 1].count : 5, 5);
	(*count)++;
	return 0;
}

static void a_recording_of_them_is_played(void **state)
{
	static const __u16 types[] = {KW_EVENT_CONNECTION, KW_EVENT_HISTORY};
	struct kw_recording_header header = {.connection_size = OLD_CONNECTION, .history_size = OLD_HISTORY};
	uint8_t old[OLD_HISTORY] __attribute__((aligned(8)));
	struct kw_recording_writer *writer;
	char path[PATH] = "/tmp/keepwatch-test-XXXXXX";
	struct kw_player player;
	int count = 0;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(kw_recording_create(path, &writer), 0);
	assert_int_equal(kw_recording_write_header(writer, &header), 0);
	for (int i = 0; i < 2; i++) {
		size_t size = old_event(lived(), types[i], old);

		assert_int_equal(kw_recording_write(writer, KW_FRAME_EVENT, old, size), 0);
	}
	assert_int_equal(kw_recording_finish(writer, true), 0);
	assert_int_equal(kw_player_open(&player, path, &header), 0);
	assert_int_equal(kw_player_play(&player, &(struct kw_sink){.context = &count, .event = check}), 0);
	assert_int_equal(count, 2);
	kw_player_close(&player);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_kinds_are_brought_into_the_present_layout),
		cmocka_unit_test(totals_that_knew_nothing_of_streams_are_brought_into_the_present_layout),
		cmocka_unit_test(all_other_events_stay_as_they_are),
		cmocka_unit_test(only_sizes_that_belong_together_are_known),
		cmocka_unit_test(a_recording_of_them_is_played),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
