/* SPDX-License-Identifier: BSD-2-Clause */
/* The same events, told as they come and told from a recording, give the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "command/commands.h"
#include "command/settings.h"
#include "output/metrics/metrics.h"
#include "recording/recorder.h"
#include "output/report/reporter.h"
#include "output/trace/tracer.h"
#include "tests/unit/capture.h"
#include "tests/unit/events.h"
#include "command/parse.h"

#define PATH 64
#define STARTED (1 * KW_S)

/* A host whose clock is set, and whose cgroups come and go, while it is observed. */
static struct kw_clock host_clock;
static const char *host_path;
static bool enough; /* the sink wants no more */

static const char *host_cgroup(void *names, uint64_t id)
{
	(void)names;
	return id == 7 ? host_path : id == 8 ? "/system.slice/b.service" : NULL;
}

static struct kw_source host(void)
{
	return (struct kw_source){.clock = &host_clock, .cgroup = host_cgroup};
}

/* Hands @data to the sink as the observer does. */
static int deliver(struct kw_sink sink, const void *data)
{
	const struct kw_event_header *header = data;
	int r;

	if (enough)
		return 0;
	r = kw_sink_feed(&sink, data, header->size);
	assert_int_not_equal(r, -EBADMSG);
	enough = r > 0;
	return enough ? 0 : r;
}

static void send_connections(struct kw_sink sink, uint64_t cgroup, uint64_t from, int count)
{
	for (int i = 0; i < count; i++) {
		struct kw_event_history event = event_history();
		struct kw_event_connection *c = &event.connection;

		c->header.time = from + (uint64_t)i * KW_MS;
		c->identity.cookie += (uint64_t)i;
		c->identity.cgroup = cgroup;
		c->identity.role = i % 2 ? KW_ROLE_CLIENT : KW_ROLE_SERVER;
		c->ending.act = i % 2 ? KW_ACT_PEER_FIN : KW_ACT_LOCAL_FIN;
		c->ending.acts = (uint8_t)(1 << c->ending.act);
		c->ending.time = c->closing.time = c->header.time - KW_MS;
		c->http.response_ended = c->ending.time - (uint64_t)(i % 3 + 1) * KW_S;
		c->opened = c->established = STARTED;
		c->http.last_request_version = c->http.last_response_version = 1;
		c->http.request_begin = 400;
		c->http.request_end = 474;
		c->ending.rx_arrived = c->ending.rx_read = c->ending.tx_sent = c->ending.tx_acked = 474;
		event.histograms[KW_HISTOGRAM_IDLE][20] = 2;
		strcpy(event.names[0].name, "x-token");
		event.names[0].count = 1;
		assert_int_equal(deliver(sink, &event), 0);
	}
}

static void send_others(struct kw_sink sink, uint64_t time)
{
	struct kw_event_connection connection = event_connection();
	struct kw_event_exchange exchange = {
		.header = {KW_EVENT_EXCHANGE, sizeof(exchange), 0, time},
		.identity = connection.identity,
		.started = time - KW_S,
		.wait = KW_MS,
		.duration = 2 * KW_MS,
		.number = 1,
		.status = 204,
		.version = 1,
	};
	struct kw_event_gateway gateway = {.header = {KW_EVENT_GATEWAY, sizeof(gateway), 0, time},
					   .identity = connection.identity,
					   .number = 1,
					   .status = 502};
	struct kw_event_late late = {.header = {KW_EVENT_LATE, sizeof(late), 0, time},
				     .identity = connection.identity,
				     .closed = time - KW_MS};
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, time}};
	struct kw_event_unseen unseen = event_unseen(4, 1, 900);

	totals.totals.lost[KW_LOST_CLOSED] = 3;
	connection.report = KW_REPORT_OPEN;
	connection.identity.cookie = 0xabc;
	connection.ending = (struct kw_ending){0};
	connection.closing = (struct kw_closing){0};
	assert_int_equal(deliver(sink, &exchange), 0);
	assert_int_equal(deliver(sink, &gateway), 0);
	assert_int_equal(deliver(sink, &late), 0);
	assert_int_equal(deliver(sink, &totals), 0);
	unseen.header.time = time;
	assert_int_equal(deliver(sink, &unseen), 0);
	assert_int_equal(deliver(sink, &connection), 0);
}

static void observe(struct kw_sink sink)
{
	enough = false;
	host_clock.offset = 1700000000 * (int64_t)KW_S;
	host_path = "/system.slice/a.service";
	send_connections(sink, 7, 10 * KW_S, 20);
	send_connections(sink, 8, 12 * KW_S, 20);
	host_clock.offset += 12345; /* the clock is set */
	host_path = NULL;           /* the cgroup is gone */
	send_connections(sink, 7, 14 * KW_S, 20);
	host_path = "/system.slice/c.service";
	send_connections(sink, 7, 16 * KW_S, 20);
	send_others(sink, 18 * KW_S);
}

static void record(const char *path)
{
	struct kw_recording_header header = {.clock = {.offset = 99}, .started = STARTED, .exchanges = true};
	struct kw_recording_writer *writer;
	struct kw_recorder recorder;

	assert_int_equal(kw_recording_create(path, &writer), 0);
	assert_int_equal(kw_recorder_open(&recorder, host(), writer, &header), 0);
	observe(kw_recorder_sink(&recorder));
	assert_int_equal(kw_losses_all(&recorder.losses), 3 + 5);
	kw_recorder_close(&recorder);
	assert_int_equal(kw_recording_finish(writer, true), 0);
}

static struct kw_options parsed(const char *line)
{
	char *argv[16] = {(char *)"keepwatch"}, *copy = strdup(line);
	struct kw_options options;
	int argc = 1;

	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	assert_int_equal(kw_options_parse(argc, argv, &options), 0);
	free(copy);
	return options;
}

static void trace(const struct kw_options *options)
{
	struct kw_tracer_settings settings = kw_settings_trace(options, true);
	struct kw_tracer tracer;

	assert_int_equal(kw_tracer_open(&tracer, &settings, host()), 0);
	observe(kw_tracer_sink(&tracer));
	assert_int_equal(kw_tracer_finish(&tracer), 0);
	kw_tracer_close(&tracer);
}

static void report(const struct kw_options *options)
{
	struct kw_reporter_settings settings = kw_settings_report(options);
	struct kw_reporter reporter;

	assert_int_equal(kw_reporter_open(&reporter, &settings, host()), 0);
	kw_reporter_start(&reporter, STARTED);
	observe(kw_reporter_sink(&reporter));
	assert_int_equal(kw_reporter_finish(&reporter), 0);
	kw_reporter_close(&reporter);
}

/* The output of a live run with @options, and that of a replay with the same options and @as. */
static void assert_same(void (*live)(const struct kw_options *options), const char *options, const char *as,
			const char *holds)
{
	struct kw_options live_options = parsed(options), replay_options;
	char path[PATH] = "/tmp/keepwatch-test-XXXXXX", line[256], *told, *replayed;
	struct capture capture;

	close(mkstemp(path));
	record(path);
	capture = capture_begin(STDOUT_FILENO);
	live(&live_options);
	told = capture_end(&capture);
	snprintf(line, sizeof(line), "replay %s --as %s%s", path, as, strchr(options, ' ') ?: "");
	replay_options = parsed(line);
	capture = capture_begin(STDOUT_FILENO);
	assert_int_equal(kw_command_replay(&replay_options), KW_EXIT_DONE);
	replayed = capture_end(&capture);
	assert_non_null(strstr(told, holds));
	assert_string_equal(replayed, told);
	free(told);
	free(replayed);
	kw_options_free(&live_options);
	kw_options_free(&replay_options);
	unlink(path);
}

static void a_replayed_trace_is_what_it_was_live(void **state)
{
	(void)state;
	assert_same(trace, "trace --json", "trace", "\"cgroup\":\"/system.slice/c.service\"");
	assert_same(trace, "trace --json", "trace", "\"cgroup\":null");
	assert_same(trace, "trace --json --open --exchanges", "trace", "\"type\":\"exchange\"");
	assert_same(trace, "trace --json", "trace", "\"lost_events\":8");
	assert_same(trace, "trace --json", "trace", "\"type\":\"gateway_error\"");
	assert_same(trace, "trace --json", "trace", "\"flow\":\"5f3a09c1-8be2d710\"");
	assert_same(trace, "trace --json --open", "trace", "\"type\":\"open\"");
	assert_same(trace, "trace --json --count 30", "trace", "\"type\":\"summary\"");
	assert_same(trace, "trace --reason server_closed_idle -v", "trace", "server_closed_idle");
	assert_same(trace, "trace --service-by cgroup", "trace", "/system.slice/b.service");
}

static void a_replayed_report_is_what_it_was_live(void **state)
{
	(void)state;
	assert_same(report, "report --json", "report", "\"type\":\"report\"");
	assert_same(report, "report", "report", "timeout_race");
	assert_same(report, "report --json", "report", "\"lost_events\":8");
	assert_same(report, "report", "report",
		    "8 events were lost: the kernel showed some of them to no program");
	assert_same(report, "report --json --service-by cgroup --every 1s", "report", "b.service");
	assert_same(report, "report --json --services 1", "report", "other");
}

/* The live daemon counts nothing as it stops that has not closed. */
static int count(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	if (event->connection && event->connection->report == KW_REPORT_OPEN)
		return 0;
	return kw_intake_event(context, event, verdict);
}

static void run(const struct kw_options *options)
{
	struct kw_intake_settings settings = kw_settings_intake(options, options->window);
	struct kw_intake intake;
	struct kw_metrics metrics = {.aggregate = &intake.aggregate};
	size_t length;
	char *text;

	assert_int_equal(kw_intake_open(&intake, &settings, host()), 0);
	intake.aggregate.started = STARTED;
	observe((struct kw_sink){.context = &intake, .event = count});
	assert_int_equal(kw_intake_settle(&intake), 0);
	assert_int_equal(kw_metrics_write(&metrics, false, &text, &length), 0);
	fwrite(text, 1, length, stdout);
	free(text);
	kw_intake_close(&intake);
}

static void replayed_metrics_are_what_they_were_live(void **state)
{
	(void)state;
	assert_same(run, "run", "metrics", "keepwatch_connections_closed_total{");
	assert_same(run, "run", "metrics", "keepwatch_events_lost_total{kind=\"unseen\"} 5\n");
	assert_same(run, "run --window 5s --service-by container", "metrics", "keepwatch_finding{");
}

static void the_end_of_a_cut_recording_is_told_and_fails(void **state)
{
	char path[PATH] = "/tmp/keepwatch-test-XXXXXX", line[128], *out, *errors;
	struct capture stdout_capture, stderr_capture;
	struct kw_options options;

	(void)state;
	close(mkstemp(path));
	record(path);
	assert_int_equal(truncate(path, 8000), 0);
	snprintf(line, sizeof(line), "replay %s --json", path);
	options = parsed(line);
	stdout_capture = capture_begin(STDOUT_FILENO);
	stderr_capture = capture_begin(STDERR_FILENO);
	assert_int_equal(kw_command_replay(&options), KW_EXIT_FAILED);
	errors = capture_end(&stderr_capture);
	out = capture_end(&stdout_capture);
	assert_non_null(strstr(errors, "cut off at byte 8000"));
	assert_non_null(strstr(out, "\"type\":\"connection\""));
	assert_non_null(strstr(out, "\"type\":\"summary\""));
	free(errors);
	free(out);
	kw_options_free(&options);
	unlink(path);
}

static void a_severe_finding_fails_a_report_that_asks_for_it(void **state)
{
	static const struct {
		const char *severity;
		int status;
	} rows[] = {{"info", KW_EXIT_FINDING}, {"critical", KW_EXIT_FINDING}};
	char path[PATH] = "/tmp/keepwatch-test-XXXXXX", line[128];

	(void)state;
	close(mkstemp(path));
	record(path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct capture capture = capture_begin(STDOUT_FILENO);
		struct kw_options options;

		snprintf(line, sizeof(line), "replay %s --as report --fail-on %s", path, rows[i].severity);
		options = parsed(line);
		assert_int_equal(kw_command_replay(&options), rows[i].status);
		free(capture_end(&capture));
		kw_options_free(&options);
	}
	unlink(path);
}

#define LATEST ((1ULL << KW_TIME_BITS) - 1)

/* A recording that somebody made: its header, and one event. */
static void make(const char *path, const struct kw_recording_header *header, const void *event)
{
	const struct kw_event_header *head = event;
	struct kw_recording_writer *writer;

	assert_int_equal(kw_recording_create(path, &writer), 0);
	assert_int_equal(kw_recording_write_header(writer, header), 0);
	assert_int_equal(kw_recording_write(writer, KW_FRAME_EVENT, event, head->size), 0);
	assert_int_equal(kw_recording_finish(writer, true), 0);
}

/* Replays it with @way and asserts how that ends; what was printed, freed by the caller. */
static char *replayed(const struct kw_recording_header *header, const void *event, const char *way,
		      enum kw_exit status)
{
	char path[PATH] = "/tmp/keepwatch-test-XXXXXX", line[128], *text;
	struct capture errors, output;
	struct kw_options options;

	close(mkstemp(path));
	make(path, header, event);
	snprintf(line, sizeof(line), "replay %s --as %s", path, way);
	options = parsed(line);
	output = capture_begin(STDOUT_FILENO);
	errors = capture_begin(STDERR_FILENO);
	assert_int_equal(kw_command_replay(&options), status);
	free(capture_end(&errors));
	text = capture_end(&output);
	kw_options_free(&options);
	unlink(path);
	return text;
}

static const char *const ways[] = {"trace -v", "trace --json", "report", "report --json", "metrics"};

/* The sample indexed a histogram out of bounds; the others are times that cannot be added up or subtracted. */
static void a_wild_number_is_damage_however_it_is_shown(void **state)
{
	const struct kw_recording_header header = {.started = STARTED};
	struct kw_event_connection wild[3] = {event_connection(), event_connection(), event_connection()};

	(void)state;
	wild[0].samples[KW_HISTOGRAM_WAIT] = 1;
	wild[0].sample[KW_HISTOGRAM_WAIT] = UINT64_MAX;
	wild[1].ending.time = 1ULL << 63;
	wild[2].http.idle_before_last = 1ULL << 63;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++)
			free(replayed(&header, &wild[i], ways[k], KW_EXIT_FAILED));
}

static void a_header_with_wild_times_is_damage(void **state)
{
	const struct kw_recording_header headers[] = {
		{.started = LATEST + 1},
		{.started = STARTED, .clock = {.offset = INT64_MAX}},
		{.started = STARTED, .clock = {.offset = INT64_MIN}},
	};
	const struct kw_event_connection event = event_connection();

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		free(replayed(&headers[i], &event, "trace", KW_EXIT_FAILED));
}

/* The time of the next report used to be found step by step, which took millions of years. */
static void a_report_every_millisecond_of_a_leap_in_time_ends(void **state)
{
	const struct kw_recording_header header = {.started = STARTED};
	struct kw_event_totals totals = {.header = {KW_EVENT_TOTALS, sizeof(totals), 0, LATEST}};

	(void)state;
	alarm(60);
	free(replayed(&header, &totals, "report --every 1ms", KW_EXIT_DONE));
	alarm(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_replayed_trace_is_what_it_was_live),
		cmocka_unit_test(a_replayed_report_is_what_it_was_live),
		cmocka_unit_test(replayed_metrics_are_what_they_were_live),
		cmocka_unit_test(the_end_of_a_cut_recording_is_told_and_fails),
		cmocka_unit_test(a_severe_finding_fails_a_report_that_asks_for_it),
		cmocka_unit_test(a_wild_number_is_damage_however_it_is_shown),
		cmocka_unit_test(a_header_with_wild_times_is_damage),
		cmocka_unit_test(a_report_every_millisecond_of_a_leap_in_time_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
