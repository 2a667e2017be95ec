/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "aggregate/intake.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/sanitize.h"
#include "base/service_manager.h"
#include "command/commands.h"
#include "command/observation.h"
#include "command/parse.h"
#include "command/reload.h"
#include "command/settings.h"
#include "event/names.h"
#include "join/both_ends.h"
#include "observe/requirements.h"
#include "output/metrics/metrics.h"
#include "output/page/cache.h"
#include "web/access.h"
#include "web/port.h"

#define PROGRAMS_MAX 32

struct run {
	const struct kw_options *options; /* as they were at the start */
	bool log_premature;
	struct kw_cgroups *cgroups; /* owned, as all that follows */
	struct kw_observer observer;
	struct kw_both_ends both;
	struct kw_intake intake;
	struct kw_premature_closes closes;
	struct kw_page_cache page;
	struct kw_port *port;
	struct kw_web *web; /* until the port has it */
	int failure;        /* of the port: -errno, logged */
	char *reading;      /* the line about the files that are being read again; NULL: none are */
	bool hung_up;       /* they are to be read again after that */
};

/* The process that reads events, and that of the port. */
static void read_process(const struct run *run, struct kw_process *ret_process)
{
	const struct kw_process *port = kw_port_process(run->port);

	kw_process_read(ret_process);
	ret_process->cpu_seconds += port->cpu_seconds;
	ret_process->resident_bytes += port->resident_bytes;
	ret_process->virtual_bytes += port->virtual_bytes;
	ret_process->open_fds += port->open_fds;
}

static int make_metrics(struct run *run, bool open_metrics, char **ret_text, size_t *ret_length)
{
	struct kw_program_stats programs[PROGRAMS_MAX];
	struct kw_process process;
	struct kw_metrics metrics = {
		.aggregate = &run->intake.aggregate, .programs = programs, .process = &process};

	metrics.program_count = kw_loader_program_stats(run->observer.loader, programs, PROGRAMS_MAX);
	if (metrics.program_count > PROGRAMS_MAX)
		metrics.program_count = PROGRAMS_MAX;
	read_process(run, &process);
	return kw_metrics_write(&metrics, open_metrics, ret_text, ret_length);
}

static int make_page(struct run *run, char **ret_text, size_t *ret_length)
{
	char host[HOST_NAME_MAX + 1] = "";
	struct kw_page_source source = {.aggregate = &run->intake.aggregate,
					.closes = &run->closes,
					.clock = &run->observer.clock,
					.host = host};
	const char *main;
	int r;

	gethostname(host, sizeof(host) - 1);
	r = kw_page_cache_get(&run->page, &source, &main);
	if (r < 0)
		return r;
	*ret_text = strdup(main);
	*ret_length = strlen(main);
	return *ret_text ? 0 : -ENOMEM;
}

/* A kw_port_write_fn. Events are added and texts are written by one thread, so a text shows one moment, without a lock. The
 * ring buffer is not read meanwhile, but it has room for much longer than that takes. */
static int write_form(void *context, enum kw_board form, char **ret_text, size_t *ret_length)
{
	if (form == KW_BOARD_PAGE)
		return make_page(context, ret_text, ret_length);
	return make_metrics(context, form == KW_BOARD_OPEN_METRICS, ret_text, ret_length);
}

/* One line to the log, as a service manager keeps it: what was lost, where, why, and the decisive evidence. */
static void log_premature(const struct kw_event *event, const struct kw_verdict *verdict,
			  const struct kw_service *service)
{
	const struct kw_identity *identity = &event->connection->identity;
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT];
	struct kw_service called = *service;
	struct kw_evidence evidence;

	kw_sanitize_word(called.name);
	kw_evidence_write(verdict, &evidence);
	kw_connection_id(identity, id);
	kw_endpoint_print(identity->local, identity->local_port, local);
	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	kw_log(KW_LOG_NOTICE,
	       "premature close: %s service=%s role=%s local=%s remote=%s closer=%s lost=%u id=%s: %s",
	       kw_reason_name(verdict->reason), called.name, kw_role_name(identity->role), local, remote,
	       kw_closer_name(verdict->closer), verdict->lost_requests, id,
	       evidence.count ? evidence.sentences[0] : "");
}

static void log_late(const struct kw_event_late *late, const struct kw_service *service)
{
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT];
	struct kw_service called = *service;

	kw_sanitize_word(called.name);
	kw_connection_id(&late->identity, id);
	kw_endpoint_print(late->identity.local, late->identity.local_port, local);
	kw_endpoint_print(late->identity.remote, late->identity.remote_port, remote);
	kw_log(KW_LOG_NOTICE, "late request: service=%s role=server local=%s remote=%s lost=1 id=%s",
	       called.name, local, remote, id);
}

/* The same of a gateway's error: what was answered to whom, and the connection that caused it. */
static void log_gateway(void *context, const struct kw_gateway_error *error, const struct kw_service *service,
			const struct kw_service *upstream)
{
	const struct run *run = context;
	const struct kw_event_gateway *event = &error->event;
	struct kw_service called = *service, cause = {.name = "none"};
	char remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT], upstream_id[KW_ID_TEXT] = "none";

	if (!run->log_premature)
		return;
	if (upstream) {
		cause = *upstream;
		kw_connection_id(&error->cause->connection.identity, upstream_id);
	}
	kw_sanitize_word(called.name);
	kw_sanitize_word(cause.name);
	kw_connection_id(&event->identity, id);
	kw_endpoint_print(event->identity.remote, event->identity.remote_port, remote);
	kw_log(KW_LOG_NOTICE,
	       "gateway error: status=%u service=%s remote=%s exchange=%u id=%s upstream=%s reason=%s "
	       "upstream-id=%s confidence=%s",
	       event->status, called.name, remote, event->number, id, cause.name,
	       error->cause ? kw_reason_name(error->cause->verdict.reason) : "none", upstream_id,
	       kw_confidence_name(error->confidence));
}

static void on_premature(struct run *run, const struct kw_event *event, const struct kw_verdict *verdict)
{
	const struct kw_identity *identity =
		event->late ? &event->late->identity : &event->connection->identity;
	const struct kw_service *service = kw_intake_service(&run->intake, identity);

	kw_premature_note(&run->closes, event, verdict, service,
			  kw_source_cgroup(&run->intake.source, identity->cgroup));
	if (!run->log_premature)
		return;
	if (event->late)
		log_late(event->late, service);
	else
		log_premature(event, verdict, service);
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct run *run = context;

	if (kw_is_premature(event, verdict))
		on_premature(run, event, verdict);
	return kw_intake_event(&run->intake, event, verdict);
}

/* Without its port the daemon is of no use; so that a service manager notices and starts it again, it ends. */
static int on_port(void *context)
{
	struct run *run = context;

	if (run->failure == 0)
		run->failure = kw_port_run(run->port);
	if (run->failure < 0)
		kw_loop_stop(&run->observer.loop);
	return 0;
}

static bool has_files(const struct kw_options *options)
{
	return options->config || options->web_config;
}

/* Passwords that cross a network in clear text are everybody's. */
static void warn_of_clear_text(const struct run *run)
{
	if (kw_web_has_users(run->web) && !kw_web_has_tls(run->web) &&
	    !kw_endpoint_is_loopback(&run->options->listen_address))
		kw_log(KW_LOG_WARNING,
		       "%s has users but no tls_server_config: clients send their passwords in clear text",
		       run->options->web_config);
}

/* All of it or nothing, but for what takes a restart. Returns whether the port is still to take over its part. */
static bool take_over(struct run *run, const struct kw_options *options, const struct kw_web *web)
{
	int r = kw_port_set_web(run->port, web);

	run->log_premature = options->log_premature;
	kw_observer_set_filter(&run->observer, &options->filter);
	kw_aggregate_set(&run->intake.aggregate, options->services, options->window);
	kw_log_open(options->verbosity);
	if (r == -EBUSY)
		kw_log(KW_LOG_WARNING, "TLS of web-config is switched on or off only with a restart");
	else if (r < 0)
		kw_log(KW_LOG_ERROR, "the metrics port keeps its rules: %s", strerror(-r));
	return r == 0;
}

static void end_reload(struct run *run)
{
	if (run->reading)
		kw_log(KW_LOG_NOTICE, "read %s again", run->reading);
	free(TAKE_PTR(run->reading));
	kw_notify_ready();
}

static char *names_of_files(const struct kw_options *options)
{
	const char *config = options->config, *web_config = options->web_config;
	char *names;

	return asprintf(&names, "%s%s%s", config ? config : "", config && web_config ? " and " : "",
			web_config ? web_config : "") < 0
		       ? NULL
		       : names;
}

/* A fault in a file is no reason to stop. */
static void reload(struct run *run)
{
	_cleanup_(kw_options_free) struct kw_options options = {0};
	_cleanup_(kw_web_unrefp) struct kw_web *web = NULL;
	bool under_way = false;

	kw_notify_reloading();
	if (kw_reload(run->options, &options) == 0) {
		if (kw_web_open(options.web_config, &web) == 0) {
			run->reading = names_of_files(&options);
			under_way = take_over(run, &options, web);
		} else {
			kw_log(KW_LOG_ERROR, "the configuration stays as it was");
		}
	}
	if (!under_way)
		end_reload(run);
}

/* A reload that the port has not yet followed ends first. */
static int on_hangup(void *context)
{
	struct run *run = context;

	if (run->reading)
		run->hung_up = true;
	else
		reload(run);
	return 0;
}

/* A kw_port_taken_fn. */
static void on_taken(void *context, int result)
{
	struct run *run = context;

	if (result < 0)
		kw_log(KW_LOG_ERROR, "the metrics port keeps its rules: %s", strerror(-result));
	end_reload(run);
	if (KW_TAKE(run->hung_up, false))
		reload(run);
}

/* Until the loop runs one waits. Without a file to read, a terminal's hang-up ends the daemon like any program. */
static void hold_hangup(const struct kw_options *options)
{
	sigset_t hangup;

	sigemptyset(&hangup);
	sigaddset(&hangup, SIGHUP);
	if (has_files(options))
		sigprocmask(SIG_BLOCK, &hangup, NULL);
}

static int serve(struct run *run)
{
	int r = kw_loop_add(&run->observer.loop, kw_port_fd(run->port), on_port, run);

	if (r == 0)
		r = kw_loop_add_timer(&run->observer.loop, KW_PORT_INTERVAL, on_port, run);
	if (r == 0 && has_files(run->options))
		r = kw_loop_add_signal(&run->observer.loop, SIGHUP, on_hangup, run);
	if (r < 0)
		return kw_log_error(r, "cannot set up the event loop: %s", strerror(-r));
	kw_log(KW_LOG_INFO, "metrics at %s", kw_port_url(run->port));
	r = kw_observer_run(&run->observer);
	return r < 0 ? r : run->failure;
}

static int open_port(struct run *run)
{
	const struct kw_options *options = run->options;
	struct kw_port_settings settings = {.address = &options->listen_address,
					    .length = options->listen_length,
					    .name = options->listen,
					    .web = run->web,
					    .frame = kw_page_whole,
					    .write = write_form,
					    .taken = on_taken,
					    .context = run};
	int r = kw_port_open(&settings, &run->port);

	kw_web_unref(TAKE_PTR(run->web)); /* its process has it */
	return r;
}

/* The port comes before the programs, because it fails sooner and for a plainer reason, and because its process must not
 * hold them. */
static int run_all(struct run *run)
{
	struct kw_intake_settings settings = kw_settings_intake(run->options, run->options->window);
	struct kw_sink sink = kw_both_ends_sink(&run->both);
	int r;

	settings.on_gateway = log_gateway;
	settings.context = run;
	r = kw_intake_open(&run->intake, &settings, kw_observation_source(&run->observer.clock, run->cgroups));
	if (r == 0)
		r = kw_both_ends_open(&run->both, (struct kw_sink){.context = run, .event = on_event});
	if (r == 0)
		r = open_port(run);
	if (r == 0)
		r = kw_observation_open(&run->observer, run->options, KW_SWEEP_FINAL, &sink);
	if (r < 0)
		return r;
	run->intake.aggregate.started = run->intake.aggregate.now = kw_clock_monotonic();
	return serve(run);
}

static void close_run(struct run *run)
{
	kw_port_close(run->port);
	kw_observer_close(&run->observer);
	kw_page_cache_free(&run->page);
	kw_both_ends_close(&run->both);
	kw_intake_close(&run->intake);
	kw_web_unref(run->web);
	free(run->reading);
	kw_cgroups_close(run->cgroups);
}

enum kw_exit kw_command_run(const struct kw_options *options)
{
	_cleanup_(close_run) struct run run = {.options = options, .log_premature = options->log_premature};
	int r = kw_host_require();

	if (r < 0)
		return kw_exit_status(r);
	hold_hangup(options);
	r = kw_cgroups_open(&run.cgroups);
	if (r < 0)
		return kw_exit_status(kw_log_error(r, "out of memory"));
	if (kw_web_open(options->web_config, &run.web) < 0)
		return KW_EXIT_USAGE;
	warn_of_clear_text(&run);
	return kw_exit_status(run_all(&run));
}
