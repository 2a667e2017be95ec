/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "aggregate.h"
#include "cgroup.h"
#include "commands.h"
#include "host.h"
#include "http_server.h"
#include "log.h"
#include "metrics.h"
#include "observe.h"
#include "record.h"

#define PROGRAMS_MAX 32

struct run {
	const struct kw_options *options;
	struct kw_observer observer;
	struct kw_aggregate aggregate;
	struct kw_cgroups *cgroups;
	struct kw_http_server *server;
};

static int make_metrics(void *context, bool open_metrics, char **ret_text, size_t *ret_length)
{
	struct run *run = context;
	struct kw_program_stats programs[PROGRAMS_MAX];
	struct kw_metrics metrics = {.aggregate = &run->aggregate, .programs = programs};

	metrics.program_count = kw_loader_program_stats(run->observer.loader, programs, PROGRAMS_MAX);
	if (metrics.program_count > PROGRAMS_MAX)
		metrics.program_count = PROGRAMS_MAX;
	kw_process_read(&metrics.process);
	return kw_metrics_write(&metrics, open_metrics, ret_text, ret_length);
}

/* One line to the log, as a service manager keeps it: what was lost, where, why, and the decisive evidence. */
static void log_premature(const struct kw_event *event, const struct kw_verdict *verdict,
			  const struct kw_service *service)
{
	const struct kw_identity *identity = &event->connection->identity;
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT];
	struct kw_evidence evidence;

	kw_evidence_write(event->connection, verdict, &evidence);
	kw_record_id(identity, id);
	kw_endpoint_print(identity->local, identity->local_port, local);
	kw_endpoint_print(identity->remote, identity->remote_port, remote);
	kw_log(KW_LOG_NOTICE,
	       "premature close: %s service=%s role=%s local=%s remote=%s closer=%s lost=%u id=%s: %s",
	       kw_reason_name(verdict->reason), service->name, kw_role_name(identity->role), local, remote,
	       kw_closer_name(verdict->closer), verdict->lost_requests, id,
	       evidence.count ? evidence.sentences[0] : "");
}

static void log_late(const struct kw_event_late *late, const struct kw_service *service)
{
	char local[KW_ENDPOINT_TEXT], remote[KW_ENDPOINT_TEXT], id[KW_ID_TEXT];

	kw_record_id(&late->identity, id);
	kw_endpoint_print(late->identity.local, late->identity.local_port, local);
	kw_endpoint_print(late->identity.remote, late->identity.remote_port, remote);
	kw_log(KW_LOG_NOTICE, "late request: service=%s role=server local=%s remote=%s lost=1 id=%s",
	       service->name, local, remote, id);
}

static const char *cgroup_of(const struct run *run, const struct kw_identity *identity)
{
	enum kw_service_by by = run->options->namer.by;

	if (by != KW_SERVICE_BY_CGROUP && by != KW_SERVICE_BY_CONTAINER)
		return NULL;
	return kw_cgroups_path(run->cgroups, identity->cgroup);
}

static struct kw_service service_of(const struct run *run, const struct kw_identity *identity)
{
	struct kw_service service;

	kw_service_name(&run->options->namer, identity, cgroup_of(run, identity), &service);
	return service;
}

static int on_connection(struct run *run, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct kw_service service = service_of(run, &event->connection->identity);

	if (verdict && verdict->premature == KW_PREMATURE_YES && run->options->log_premature)
		log_premature(event, verdict, &service);
	return kw_aggregate_connection(&run->aggregate, &service, event, verdict);
}

static int on_late(struct run *run, const struct kw_event *event)
{
	struct kw_service service = service_of(run, &event->late->identity);

	if (run->options->log_premature)
		log_late(event->late, &service);
	return kw_aggregate_late(&run->aggregate, &service, event);
}

static int on_event(void *context, const struct kw_event *event, const struct kw_verdict *verdict)
{
	struct run *run = context;
	int r = 0;

	if (event->totals)
		r = kw_aggregate_totals(&run->aggregate, event->totals);
	else if (event->connection)
		r = on_connection(run, event, verdict);
	else if (event->late)
		r = on_late(run, event);
	return r < 0 ? kw_log_error(r, "out of memory") : 0;
}

/* libmicrohttpd keeps its own timeouts; it looks at them whenever it runs. */
static int on_server(void *context)
{
	struct run *run = context;

	kw_http_server_run(run->server);
	return 0;
}

static int serve(struct run *run)
{
	int r = kw_loop_add(&run->observer.loop, kw_http_server_fd(run->server), on_server, run);

	if (r == 0)
		r = kw_loop_add_timer(&run->observer.loop, KW_S, on_server, run);
	if (r < 0)
		return kw_log_error(r, "cannot set up the event loop: %s", strerror(-r));
	kw_log(KW_LOG_INFO, "metrics at %s", kw_http_server_url(run->server));
	return kw_observer_run(&run->observer);
}

static int observe(struct run *run)
{
	const struct kw_options *options = run->options;
	struct kw_sink sink = {.context = run, .event = on_event};
	int r = kw_host_require();

	if (r < 0)
		return r;
	/* The port comes before the programs: it fails sooner and for a plainer reason. */
	r = kw_http_server_open(&options->listen_address, options->listen_length, options->listen, make_metrics,
				run, &run->server);
	if (r < 0)
		return r;
	r = kw_observer_open(&run->observer, &options->filter, options->ring_size, KW_SWEEP_FINAL, sink);
	if (r < 0)
		return r;
	r = serve(run);
	kw_http_server_close(run->server);
	run->server = NULL;
	kw_observer_close(&run->observer);
	return r;
}

int kw_run(const struct kw_options *options)
{
	struct run run = {.options = options};
	int r;

	kw_aggregate_open(&run.aggregate, options->services, options->window);
	r = kw_cgroups_open(&run.cgroups);
	r = r < 0 ? kw_log_error(r, "out of memory") : observe(&run);
	kw_http_server_close(run.server);
	kw_cgroups_close(run.cgroups);
	kw_aggregate_close(&run.aggregate);
	return kw_exit_status(r);
}
