/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/http2_settings.h"

#include <string.h>

static const struct kw_http2_settings table[] = {
	{" (nginx)", "keepalive_requests (1000 unless set)", "keepalive_time (1 h unless set)",
	 "worker_shutdown_timeout (no limit unless set)", "http2_max_concurrent_streams (128 unless set)"},
	{" (Envoy)", "max_requests_per_connection of common_http_protocol_options",
	 "max_connection_duration of common_http_protocol_options",
	 "drain_timeout of the HTTP connection manager (5 s unless set)",
	 "max_concurrent_streams of http2_protocol_options"},
	{" (HAProxy)", "tune.h2.fe.max-total-streams", "hard-stop-after, and how often it is reloaded",
	 "hard-stop-after, and the server's timeouts", "tune.h2.fe.max-concurrent-streams (100 unless set)"},
	{" (Node)", "the program's own limit (node has none)",
	 "the program's own limit, or its restarts (node has none)",
	 "the end of the program: server.close() and session.close() let streams end, session.destroy() cuts "
	 "them",
	 "maxConcurrentStreams in settings of http2.createServer()"},
	{" (Go)", "the program's own limit (Go has none)",
	 "MaxConnectionAge of grpc's keepalive.ServerParameters (net/http has none)",
	 "MaxConnectionAgeGrace of grpc's keepalive.ServerParameters; http.Server.Shutdown() waits as long as "
	 "its context lasts",
	 "MaxConcurrentStreams of http2.Server or grpc.MaxConcurrentStreams (250 and no limit unless set)"},
	{" (Apache)", "how often it is reloaded (it has no limit)",
	 "how often it is reloaded (it has no limit)", "GracefulShutdownTimeout",
	 "H2MaxSessionStreams (100 unless set)"},
	{NULL,
	 "its limit of streams on one connection (nginx: keepalive_requests; Envoy: "
	 "max_requests_per_connection; HAProxy: tune.h2.fe.max-total-streams)",
	 "its limit of a connection's age (gRPC: MAX_CONNECTION_AGE; Envoy: max_connection_duration; nginx: "
	 "keepalive_time)",
	 "the time that streams get to end (gRPC: MAX_CONNECTION_AGE_GRACE; Envoy: drain_timeout; nginx: "
	 "worker_shutdown_timeout; Go: the context of http.Server.Shutdown(); node: server.close(), and not "
	 "session.destroy(); AWS ALB: deregistration delay)",
	 "its limit of open streams (gRPC: MAX_CONCURRENT_STREAMS; nginx: http2_max_concurrent_streams; Envoy: "
	 "max_concurrent_streams; HAProxy: tune.h2.fe.max-concurrent-streams; Go: "
	 "http2.Server.MaxConcurrentStreams)"},
};

const struct kw_http2_settings *kw_http2_settings_of(const struct kw_software *server)
{
	const struct kw_http2_settings *row = table;

	while (row->called && strcmp(row->called, server->called) != 0)
		row++;
	return row;
}
