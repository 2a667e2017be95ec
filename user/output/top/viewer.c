/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/top/viewer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/standard_output.h"
#include "output/top/layout.h"
#include "output/top/screen.h"

/* Of the one screen that goes to no terminal: all columns fit. */
#define ONCE_WIDTH 132
#define ONCE_HEIGHT 40

#define SLACK (KW_S / 10) /* totals come once a second, a little earlier or later */
#define TIMES_MAKING 20   /* of many services a model takes long: then they come less often */

static void on_gateway(void *context, const struct kw_gateway_error *error, const struct kw_service *service,
		       const struct kw_service *upstream)
{
	struct kw_viewer *viewer = context;

	kw_latest_note_gateway(&viewer->latest, error, service, upstream);
}

int kw_viewer_open(struct kw_viewer *viewer, const struct kw_viewer_settings *settings, struct kw_source source)
{
	struct kw_intake_settings intake = settings->intake;
	int r;

	memset(viewer, 0, sizeof(*viewer));
	viewer->settings = *settings;
	intake.on_gateway = on_gateway;
	intake.context = viewer;
	kw_top_begin(&viewer->state);
	viewer->utf8 = kw_screen_has_utf8();
	r = kw_intake_open(&viewer->intake, &intake, source);
	if (r == 0 && !settings->once)
		r = kw_screen_open();
	return r;
}

void kw_viewer_close(struct kw_viewer *viewer)
{
	kw_screen_close();
	kw_top_model_close(&viewer->model);
	kw_rates_close(&viewer->rates);
	kw_intake_close(&viewer->intake);
}

/* ---- drawing ---- */

static int no_memory(void)
{
	return kw_log_error(-ENOMEM, "out of memory");
}

/* The latest line of the log, until a key is pressed. */
static void take_message(struct kw_viewer *viewer)
{
	const char *line = kw_log_held();

	if (!line || strcmp(line, viewer->message) == 0)
		return;
	snprintf(viewer->message, sizeof(viewer->message), "%s", line);
	viewer->state.message = viewer->message;
}

static int draw(struct kw_viewer *viewer)
{
	_cleanup_(kw_canvas_close) struct kw_canvas canvas = {0};
	int width, height, r;

	if (viewer->settings.once)
		return 0;
	take_message(viewer);
	kw_screen_size(&width, &height);
	r = kw_canvas_open(&canvas, width, height, viewer->utf8);
	if (r == 0)
		r = kw_top_layout(&viewer->model, &viewer->state, &canvas);
	if (r < 0)
		return no_memory();
	kw_screen_show(&canvas);
	return 0;
}

int kw_viewer_resize(struct kw_viewer *viewer)
{
	kw_screen_resize();
	return draw(viewer);
}

/* ---- the model ---- */

static int renew(struct kw_viewer *viewer)
{
	struct kw_top_source source = {.aggregate = &viewer->intake.aggregate,
				       .closes = &viewer->closes,
				       .latest = &viewer->latest,
				       .rates = &viewer->rates,
				       .clock = *viewer->intake.source.clock,
				       .host = viewer->settings.host};
	struct kw_top_model model;

	if (kw_top_model_make(&source, &model) < 0)
		return no_memory();
	kw_top_follow(&viewer->state, &viewer->model, &model);
	kw_top_model_close(&viewer->model);
	viewer->model = model;
	return 0;
}

/* A paused screen stays, and nothing is made that nobody sees. */
static int on_time(struct kw_viewer *viewer, uint64_t now)
{
	uint64_t began = kw_clock_monotonic(), pause;
	int r = 0;

	if (viewer->settings.once || now + SLACK < viewer->next)
		return 0;
	if (!viewer->state.is_paused)
		r = renew(viewer);
	if (r == 0)
		r = draw(viewer);
	pause = TIMES_MAKING * (kw_clock_monotonic() - began);
	viewer->next = now + (pause > viewer->settings.interval ? pause : viewer->settings.interval);
	return r;
}

int kw_viewer_start(struct kw_viewer *viewer, uint64_t started)
{
	struct kw_aggregate *aggregate = &viewer->intake.aggregate;
	int r;

	aggregate->started = aggregate->now = started;
	viewer->next = started + viewer->settings.interval;
	r = renew(viewer);
	return r < 0 ? r : draw(viewer);
}

/* ---- events ---- */

static void note(struct kw_viewer *viewer, const struct kw_event *event, const struct kw_verdict *verdict)
{
	const struct kw_identity *identity =
		event->late ? &event->late->identity : &event->connection->identity;
	const struct kw_service *service = kw_intake_service(&viewer->intake, identity);
	const char *cgroup = kw_source_cgroup(&viewer->intake.source, identity->cgroup);

	kw_latest_note(&viewer->latest, event, verdict, service, cgroup);
	kw_premature_note(&viewer->closes, event, verdict, service, cgroup);
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_viewer *viewer = context;
	int r;

	if (kw_latest_wants(event, verdict))
		note(viewer, event, verdict);
	r = kw_intake_event(&viewer->intake, event, verdict);
	return r == 0 && event->totals ? on_time(viewer, event->time) : r;
}

struct kw_sink kw_viewer_sink(struct kw_viewer *viewer)
{
	return (struct kw_sink){.context = viewer, .event = on_event};
}

int kw_viewer_keys(struct kw_viewer *viewer)
{
	bool any = false;
	int key, r = 0;

	while (!viewer->state.is_over && (key = kw_screen_key()) > 0) {
		viewer->state.message = NULL;
		kw_top_key(&viewer->state, &viewer->model, key);
		any = true;
	}
	if (!viewer->state.is_over && key < 0)
		return 1; /* there is nobody left to draw for */
	if (any)
		r = draw(viewer);
	return r < 0 ? r : viewer->state.is_over;
}

/* ---- the end ---- */

static int size_by(const char *variable, int otherwise)
{
	const char *text = getenv(variable);
	long number = text ? strtol(text, NULL, 10) : 0;

	return number > 0 && number < 10000 ? (int)number : otherwise;
}

/* The terminal's size, or that of COLUMNS and LINES. */
static void size_of_output(int *ret_width, int *ret_height)
{
	struct winsize size = {0};

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){0};
	*ret_width = size_by("COLUMNS", size.ws_col ? size.ws_col : ONCE_WIDTH);
	*ret_height = size_by("LINES", size.ws_row ? size.ws_row : ONCE_HEIGHT);
}

static int print(struct kw_viewer *viewer)
{
	_cleanup_(kw_canvas_close) struct kw_canvas canvas = {0};
	int width, height, r;

	size_of_output(&width, &height);
	r = kw_canvas_open(&canvas, width, height + 1, viewer->utf8); /* without the line of keys */
	if (r == 0)
		r = kw_top_layout(&viewer->model, &viewer->state, &canvas);
	if (r < 0)
		return no_memory();
	kw_canvas_clear_row(&canvas, canvas.height - 1);
	kw_canvas_write(&canvas, stdout);
	r = kw_output_flush(ferror(stdout) ? -EIO : 0);
	return r < 0 ? r : 0;
}

int kw_viewer_finish(struct kw_viewer *viewer, const char *message)
{
	int r = kw_intake_settle(&viewer->intake);

	if (r == 0)
		r = renew(viewer);
	if (r < 0)
		return r;
	if (viewer->settings.once)
		return print(viewer);
	viewer->state.message = message;
	return draw(viewer);
}
