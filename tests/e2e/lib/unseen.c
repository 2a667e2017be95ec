/* SPDX-License-Identifier: BSD-2-Clause */
/* The fate of a connection when the kernel runs no program for a change of its state. That happens by itself where
 * an interrupt stops a program on its way, too seldom for a test: so here the programs that see the moves are taken
 * off while the sockets move. Run as root. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "observe/front_end.h"
#include "observe/tail_calls.h"
#include "observe/witness.h"
#include "judge/judge.h"
#include "keepwatch.skel.h"
#include "event/decode.h"

#define PATIENCE (30 * KW_S)
#define SOFTIRQS 200

struct stage {
	struct keepwatch_bpf *skel;
	struct ring_buffer *ring;
	int listener, client, server;
	struct kw_verdict verdicts[KW_ROLE_MAX]; /* of the connection's two ends, by role */
	unsigned int closed;
};

/* ---- the observer ------------------------------------------------------------------------------------- */

static int on_event(void *context, void *data, size_t size)
{
	struct stage *stage = context;
	struct kw_event event;

	assert_return_code(kw_decode(data, size, &event), 0);
	if (event.connection && event.connection->report == KW_REPORT_CLOSED) {
		kw_judge(event.connection, &stage->verdicts[event.connection->identity.role]);
		stage->closed++;
	}
	return 0;
}

static void watch_moves(struct stage *stage)
{
	stage->skel->links.kw_set_state = bpf_program__attach(stage->skel->progs.kw_set_state);
	stage->skel->links.kw_set_state_twin = bpf_program__attach(stage->skel->progs.kw_set_state_twin);
	assert_non_null(stage->skel->links.kw_set_state);
	assert_non_null(stage->skel->links.kw_set_state_twin);
}

static void look_away(struct stage *stage)
{
	bpf_link__destroy(stage->skel->links.kw_set_state);
	bpf_link__destroy(stage->skel->links.kw_set_state_twin);
	stage->skel->links.kw_set_state = stage->skel->links.kw_set_state_twin = NULL;
}

/* Not even the end of a socket is seen. */
static void look_away_for_good(struct stage *stage)
{
	look_away(stage);
	bpf_link__destroy(stage->skel->links.kw_destroy);
	bpf_link__destroy(stage->skel->links.kw_destroy_twin);
	stage->skel->links.kw_destroy = stage->skel->links.kw_destroy_twin = NULL;
}

static struct kw_states states_of(const struct stage *stage)
{
	int cpus = libbpf_num_possible_cpus();
	struct kw_states sum = {0}, states[cpus];
	__u32 key = 0;

	assert_return_code(bpf_map_lookup_elem(bpf_map__fd(stage->skel->maps.states), &key, states), 0);
	for (int i = 0; i < cpus; i++) {
		sum.made += states[i].made;
		sum.ended += states[i].ended;
		sum.adopted += states[i].adopted;
	}
	return sum;
}

/* The states that a sweep meets. */
static __u64 alive(const struct stage *stage)
{
	union bpf_iter_link_info info = {.map.map_fd = (__u32)bpf_map__fd(stage->skel->maps.connections)};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(stage->skel->progs.kw_sweep, &options);
	int fd = bpf_iter_create(bpf_link__fd(link));
	char mark;

	assert_return_code(fd, 0);
	stage->skel->bss->kw_alive = 0;
	assert_int_equal(read(fd, &mark, sizeof(mark)), 0);
	close(fd);
	bpf_link__destroy(link);
	return stage->skel->bss->kw_alive;
}

static __u64 lost_moves(const struct stage *stage)
{
	int cpus = libbpf_num_possible_cpus();
	struct kw_totals totals[cpus];
	__u32 key = 0;
	__u64 sum = 0;

	assert_return_code(bpf_map_lookup_elem(bpf_map__fd(stage->skel->maps.totals), &key, totals), 0);
	for (int i = 0; i < cpus; i++)
		sum += totals[i].lost[KW_LOST_RECURSION];
	return sum;
}

static void load(struct stage *stage, in_port_t port)
{
	struct kw_front_end_choice choice;
	struct keepwatch_bpf *skel = keepwatch_bpf__open();

	assert_non_null(skel);
	skel->bss->kw_config.port_count = 1;
	skel->bss->kw_config.ports[0] = port;
	kw_front_end_hold(skel->obj);
	assert_return_code(kw_front_end_choose(skel->obj, KW_FRONT_END_ANY, &choice), 0);
	assert_return_code(keepwatch_bpf__load(skel), 0);
	assert_return_code(kw_tail_calls_fill(skel->obj), 0);
	assert_return_code(keepwatch_bpf__attach(skel), 0);
	stage->skel = skel;
	stage->ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, stage, NULL);
	assert_non_null(stage->ring);
}

/* ---- the connection ----------------------------------------------------------------------------------- */

static int set_stage(void **state)
{
	static struct stage stage;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	memset(&stage, 0, sizeof(stage));
	stage.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_return_code(bind(stage.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_return_code(listen(stage.listener, 1), 0);
	assert_return_code(getsockname(stage.listener, (struct sockaddr *)&address, &size), 0);
	load(&stage, ntohs(address.sin_port));
	stage.client = socket(AF_INET, SOCK_STREAM, 0);
	assert_return_code(connect(stage.client, (struct sockaddr *)&address, sizeof(address)), 0);
	stage.server = accept(stage.listener, NULL, NULL);
	assert_return_code(stage.server, 0);
	*state = &stage;
	return 0;
}

static int clear_stage(void **state)
{
	struct stage *stage = *state;

	ring_buffer__free(stage->ring);
	keepwatch_bpf__destroy(stage->skel);
	close(stage->listener);
	return 0;
}

static void wait_for_end(int end)
{
	char byte;

	assert_int_equal(recv(end, &byte, 1, 0), 0);
}

static void reset(int end)
{
	struct linger at_once = {.l_onoff = 1};

	assert_return_code(setsockopt(end, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(end);
}

/* The closing records of both ends. */
static void wait_for_records(struct stage *stage)
{
	__u64 end = kw_clock_monotonic() + PATIENCE;

	do {
		assert_true(kw_clock_monotonic() < end);
		assert_true(ring_buffer__poll(stage->ring, 10) >= 0 && ring_buffer__consume(stage->ring) >= 0);
	} while (stage->closed < 2);
	assert_int_equal(stage->closed, 2);
}

static void check(const struct stage *stage, enum kw_role role, enum kw_reason reason, enum kw_closer closer)
{
	const struct kw_verdict *verdict = &stage->verdicts[role];

	assert_int_equal(verdict->reason, reason);
	assert_int_equal(verdict->closer, closer);
	if (reason == KW_REASON_UNKNOWN)
		assert_int_equal(verdict->premature, KW_PREMATURE_UNKNOWN);
}

/* ---- the stories -------------------------------------------------------------------------------------- */

static void moves_that_are_seen_are_no_loss(void **state)
{
	struct stage *stage = *state;

	close(stage->client);
	wait_for_end(stage->server);
	close(stage->server);
	wait_for_records(stage);
	check(stage, KW_ROLE_CLIENT, KW_REASON_UNUSED, KW_CLOSER_CLIENT);
	check(stage, KW_ROLE_SERVER, KW_REASON_UNUSED, KW_CLOSER_CLIENT);
	assert_int_equal(lost_moves(stage), 0);
}

static void a_close_of_which_nothing_was_seen_is_told_and_nobody_named(void **state)
{
	struct stage *stage = *state;

	look_away(stage);
	close(stage->client);
	wait_for_end(stage->server);
	close(stage->server);
	wait_for_records(stage);
	check(stage, KW_ROLE_CLIENT, KW_REASON_UNKNOWN, KW_CLOSER_UNKNOWN);
	check(stage, KW_ROLE_SERVER, KW_REASON_UNKNOWN, KW_CLOSER_UNKNOWN);
	assert_int_equal(lost_moves(stage), 2);
}

/* The peer's RST has a hook of its own. */
static void a_reset_names_who_sent_it_to_the_other_end(void **state)
{
	struct stage *stage = *state;

	look_away(stage);
	reset(stage->client);
	assert_int_equal(recv(stage->server, &(char){0}, 1, 0), -1);
	close(stage->server);
	wait_for_records(stage);
	check(stage, KW_ROLE_CLIENT, KW_REASON_UNKNOWN, KW_CLOSER_UNKNOWN);
	check(stage, KW_ROLE_SERVER, KW_REASON_UNKNOWN, KW_CLOSER_CLIENT);
	assert_int_equal(lost_moves(stage), 2);
}

/* The client closes first, and to the server's socket it looks as if it had been the server: each move says which
 * one must have been before it. */
static void a_move_that_was_missed_is_noticed_at_the_next(void **state)
{
	struct stage *stage = *state;

	look_away(stage);
	shutdown(stage->client, SHUT_WR);
	wait_for_end(stage->server);
	watch_moves(stage);
	close(stage->server);
	wait_for_end(stage->client);
	close(stage->client);
	wait_for_records(stage);
	assert_int_equal(stage->verdicts[KW_ROLE_CLIENT].reason, KW_REASON_UNKNOWN);
	assert_int_equal(stage->verdicts[KW_ROLE_SERVER].reason, KW_REASON_UNKNOWN);
	assert_int_equal(lost_moves(stage), 2);
}

/* Both ends of a connection that nobody saw open. */
static void a_connection_whose_opening_was_missed_is_taken_up(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct stage *stage = *state;
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM, 0), server;
	char bytes[256];

	assert_return_code(getsockname(stage->listener, (struct sockaddr *)&address, &size), 0);
	look_away(stage);
	assert_return_code(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	server = accept(stage->listener, NULL, NULL);
	assert_return_code(server, 0);
	watch_moves(stage);
	stage->skel->bss->kw_adopting = 1;
	for (int i = 0; i < 2; i++) { /* the first request makes them known, the second is followed */
		assert_int_equal(send(client, request, sizeof(request) - 1, 0), sizeof(request) - 1);
		assert_int_equal(recv(server, bytes, sizeof(bytes), 0), sizeof(request) - 1);
		assert_int_equal(send(server, response, sizeof(response) - 1, 0), sizeof(response) - 1);
		assert_int_equal(recv(client, bytes, sizeof(bytes), 0), sizeof(response) - 1);
	}
	stage->skel->bss->kw_adopting = 0;
	assert_int_equal(states_of(stage).adopted, 2);
	close(client);
	wait_for_end(server);
	close(server);
	wait_for_records(stage);
	check(stage, KW_ROLE_CLIENT, KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT);
	check(stage, KW_ROLE_SERVER, KW_REASON_CLIENT_CLOSED_IDLE, KW_CLOSER_CLIENT);
}

/* Where the kernel refuses the sweep over states, nothing can be known of them. */
static void an_end_that_was_missed_leaves_a_difference(void **state)
{
	struct stage *stage = *state;
	__u64 end = kw_clock_monotonic() + PATIENCE;
	struct kw_states states;

	if (!bpf_program__autoload(stage->skel->progs.kw_sweep)) {
		assert_true(bpf_program__autoload(stage->skel->progs.kw_sweep_files));
		return;
	}
	assert_int_equal(alive(stage), 2);
	look_away_for_good(stage);
	close(stage->client);
	wait_for_end(stage->server);
	close(stage->server);
	while (alive(stage) != 0)
		assert_true(kw_clock_monotonic() < end);
	states = states_of(stage);
	assert_int_equal(states.made - states.ended, 2);
	assert_int_equal(stage->closed, 0);
}

/* Until so many softirqs have come that a witness which is shown none would say so. */
static __u64 hidden_from(struct stage *stage, int counts, __u64 patience)
{
	__u64 end = kw_clock_monotonic() + patience;
	struct kw_witness witness;
	__u64 hidden;

	kw_witness_begin(&witness, stage->skel->progs.kw_softirq, counts);
	assert_non_null(witness.link);
	do
		hidden = kw_witness_look(&witness);
	while (hidden < SOFTIRQS && kw_clock_monotonic() < end);
	kw_witness_end(&witness);
	return hidden;
}

/* The program counts in one map, and the witness that is deceived reads another one. */
static void softirqs_that_no_program_is_shown_are_hidden(void **state)
{
	struct stage *stage = *state;
	int empty = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "empty", sizeof(__u32), sizeof(__u64), 1, NULL);
	__u64 begin = kw_clock_monotonic(), took;

	assert_return_code(empty, 0);
	assert_true(hidden_from(stage, empty, PATIENCE) >= SOFTIRQS);
	took = kw_clock_monotonic() - begin;
	close(empty);
	assert_true(hidden_from(stage, bpf_map__fd(stage->skel->maps.softirqs), took) < SOFTIRQS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_stage, clear_stage)
		STORY(moves_that_are_seen_are_no_loss),
		STORY(a_close_of_which_nothing_was_seen_is_told_and_nobody_named),
		STORY(a_reset_names_who_sent_it_to_the_other_end),
		STORY(a_move_that_was_missed_is_noticed_at_the_next),
		STORY(a_connection_whose_opening_was_missed_is_taken_up),
		STORY(an_end_that_was_missed_leaves_a_difference),
		STORY(softirqs_that_no_program_is_shown_are_hidden),
#undef STORY
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
