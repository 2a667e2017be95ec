/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "command/commands.h"
#include "command/observation.h"
#include "command/settings.h"
#include "join/both_ends.h"
#include "observe/requirements.h"
#include "output/top/screen.h"
#include "recording/player.h"

/* ---- keys and the terminal's size ---- */

/* The context of all that the event loop calls. Both are owned by somebody else. */
struct hands {
	struct kw_loop *loop;
	struct kw_viewer *viewer;
	bool left; /* the user wants to leave */
};

static int on_keys(void *context)
{
	struct hands *hands = context;
	int r = kw_viewer_keys(hands->viewer);

	if (r > 0) {
		hands->left = true;
		kw_loop_stop(hands->loop);
	}
	return r < 0 ? r : 0;
}

static int on_size(void *context)
{
	const struct hands *hands = context;

	return kw_viewer_resize(hands->viewer);
}

static int on_quit(void *context)
{
	const struct hands *hands = context;

	kw_loop_stop(hands->loop);
	return 0;
}

/* SIGQUIT too ends the command in order, because otherwise it would leave the terminal as it is. */
static int add_hands(struct hands *hands)
{
	int r = kw_loop_add(hands->loop, STDIN_FILENO, on_keys, hands);

	if (r == 0)
		r = kw_loop_add_signal(hands->loop, SIGWINCH, on_size, hands);
	if (r == 0)
		r = kw_loop_add_signal(hands->loop, SIGQUIT, on_quit, hands);
	if (r == 0)
		r = kw_loop_add_signal(hands->loop, SIGHUP, on_quit, hands);
	return r < 0 ? kw_log_error(r, "cannot set up the event loop: %s", strerror(-r)) : 0;
}

/* ---- this host ---- */

static int watch(const struct kw_options *options, struct kw_observer *observer, struct kw_viewer *viewer,
		 struct kw_both_ends *both)
{
	struct hands hands = {.loop = &observer->loop, .viewer = viewer};
	int r = options->once ? 0 : add_hands(&hands);

	if (r == 0)
		r = kw_viewer_start(viewer, kw_clock_monotonic());
	if (r == 0)
		r = kw_observation_run(observer, options->once ? options->interval : 0);
	if (r == 0)
		r = kw_both_ends_end(both);
	return r == 0 && options->once ? kw_viewer_finish(viewer, NULL) : r;
}

static int observe(const struct kw_options *options, struct kw_viewer *viewer, struct kw_cgroups *cgroups)
{
	_cleanup_(kw_observer_close) struct kw_observer observer = {0};
	_cleanup_(kw_both_ends_close) struct kw_both_ends both = {0};
	struct kw_sink sink = kw_both_ends_sink(&both);
	char host[HOST_NAME_MAX + 1] = "";
	struct kw_viewer_settings settings;
	int r;

	gethostname(host, sizeof(host) - 1);
	settings = kw_settings_viewer(options, host);
	r = kw_viewer_open(viewer, &settings, kw_observation_source(&observer.clock, cgroups));
	if (r == 0)
		r = kw_both_ends_open(&both, kw_viewer_sink(viewer));
	if (r == 0)
		r = kw_observation_open(&observer, options, options->once ? KW_SWEEP_OPEN : KW_SWEEP_FINAL,
					&sink);
	return r < 0 ? r : watch(options, &observer, viewer, &both);
}

static int top_of_host(const struct kw_options *options, struct kw_viewer *viewer)
{
	_cleanup_(kw_cgroups_closep) struct kw_cgroups *cgroups = NULL;
	int r = kw_host_require();

	if (r == 0 && kw_cgroups_open(&cgroups) < 0)
		r = kw_log_error(-ENOMEM, "out of memory");
	return r < 0 ? r : observe(options, viewer, cgroups);
}

/* ---- a recording ---- */

/* Stands between the player and all else, and lets each event pass when its time has come. */
struct pace {
	struct kw_loop loop;
	struct hands hands;
	struct kw_sink next;
	uint64_t recorded; /* monotonic ns of the recording's host; when the recording began */
	uint64_t began;    /* monotonic ns; when playing began */
};

#define PATIENCE 3600000 /* ms */

/* The keys have their turn while one waits. Returns 0, 1 if the user has left, or -errno. */
static int wait_until(struct pace *pace, uint64_t time)
{
	uint64_t due = pace->began + (time > pace->recorded ? time - pace->recorded : 0), now;
	int r = 0;

	while (r == 0 && !pace->loop.stopped && (now = kw_clock_monotonic()) < due) {
		uint64_t left = (due - now + KW_MS - 1) / KW_MS;

		r = kw_loop_turn(&pace->loop, left < PATIENCE ? (int)left : PATIENCE);
	}
	return r < 0 ? r : pace->loop.stopped;
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct pace *pace = context;
	int r = pace->hands.viewer->settings.once ? 0 : wait_until(pace, event->time);

	return r ? r : pace->next.event(pace->next.context, event, verdict);
}

static void close_pace(struct pace *pace)
{
	kw_loop_close(&pace->loop);
}

static int open_pace(struct pace *pace, struct kw_viewer *viewer)
{
	int r = kw_loop_open(&pace->loop);

	pace->hands = (struct hands){.loop = &pace->loop, .viewer = viewer};
	if (r == 0)
		r = kw_loop_stop_on_signals(&pace->loop);
	if (r < 0)
		return kw_log_error(r, "cannot set up the event loop: %s", strerror(-r));
	return viewer->settings.once ? 0 : add_hands(&pace->hands);
}

/* The end of a recording stays on the screen until the user leaves. So does what comes before the place where it is damaged. */
static int finish(struct pace *pace, int played)
{
	const char *message = played < 0 ? "the recording is damaged: this is what it holds before"
					 : "end of the recording: q ends";
	int r = kw_viewer_finish(pace->hands.viewer, message);

	if (r == 0 && !pace->hands.viewer->settings.once)
		r = kw_loop_run(&pace->loop);
	return played < 0 ? played : r;
}

static int play(struct kw_player *player, struct kw_viewer *viewer, uint64_t started)
{
	_cleanup_(kw_both_ends_close) struct kw_both_ends both = {0};
	_cleanup_(close_pace) struct pace pace = {.loop = {.epoll = -1}, .recorded = started};
	struct kw_sink sink = {.context = &pace, .event = on_event};
	int r = kw_both_ends_open(&both, kw_viewer_sink(viewer));

	if (r == 0)
		r = open_pace(&pace, viewer);
	if (r == 0)
		r = kw_viewer_start(viewer, started);
	if (r < 0)
		return r;
	pace.next = kw_both_ends_sink(&both);
	pace.began = kw_clock_monotonic();
	r = kw_player_play(player, &sink);
	if (pace.loop.stopped || (r < 0 && r != -EBADMSG))
		return r;
	if (kw_both_ends_end(&both) < 0)
		return -ENOMEM;
	return finish(&pace, r);
}

static int top_of_recording(const struct kw_options *options, struct kw_viewer *viewer)
{
	struct kw_recording_header header;
	_cleanup_(kw_player_close) struct kw_player player = {0};
	struct kw_viewer_settings settings;
	int r = kw_player_open(&player, options->replay, &header);

	if (r < 0)
		return r;
	settings = kw_settings_viewer(options, header.host);
	r = kw_viewer_open(viewer, &settings, kw_player_source(&player));
	if (r == 0)
		r = play(&player, viewer, header.started);
	kw_viewer_close(viewer); /* before the player, whose names it reads */
	return r;
}

enum kw_exit kw_command_top(const struct kw_options *options)
{
	_cleanup_free_ struct kw_viewer *viewer = calloc(1, sizeof(*viewer));
	int r;

	if (!options->once && !kw_screen_is_there())
		return KW_EXIT_USAGE;
	if (!viewer)
		return kw_exit_status(kw_log_error(-ENOMEM, "out of memory"));
	if (options->replay) {
		r = top_of_recording(options, viewer);
	} else {
		r = top_of_host(options, viewer);
		kw_viewer_close(viewer);
	}
	return kw_exit_status(r);
}
