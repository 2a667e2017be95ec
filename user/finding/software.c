/* SPDX-License-Identifier: BSD-2-Clause */
#include "finding/software.h"

#include <string.h>

static const struct kw_software unknown = {
	"",
	"",
	"its idle timeout (Go: http.Server.IdleTimeout; Node: server.keepAliveTimeout; Java: keepAliveTimeout)",
	"its limit of requests per connection",
	"its pool's idle timeout (Go: http.Transport.IdleConnTimeout; Java: evictIdleConnections; Python: "
	"httpx's keepalive_expiry; Node: the agent's timeout)",
	"its connection pool (Go: read bodies to their end and close them; Node: http.Agent with keepAlive; "
	"Python: one Session for all requests)",
};

static const struct kw_software go = {
	"",
	" (Go)",
	"http.Server.IdleTimeout (ReadTimeout, if it is not set)",
	"its calls of SetKeepAlivesEnabled(false), and handlers that set Connection: close (it has no limit)",
	"http.Transport.IdleConnTimeout (90 s in the default transport, none in one of its own)",
	"one http.Client for all requests, MaxIdleConnsPerHost above 2, and bodies read to their end and closed",
};

static const struct kw_software table[] = {
	{"nginx", " (nginx)", "keepalive_timeout", "keepalive_requests",
	 "keepalive_timeout in its upstream block",
	 "keepalive in its upstream block, with proxy_http_version 1.1 and proxy_set_header Connection \"\""},
	{"apache2", " (Apache)", "KeepAliveTimeout", "MaxKeepAliveRequests", "ttl= of ProxyPass",
	 "enablereuse=on of ProxyPass"},
	{"httpd", " (Apache)", "KeepAliveTimeout", "MaxKeepAliveRequests", "ttl= of ProxyPass",
	 "enablereuse=on of ProxyPass"},
	{"haproxy", " (HAProxy)", "timeout http-keep-alive",
	 "the limit of the server behind it (it has none of its own)",
	 "pool-purge-delay, with http-reuse safe in place of always", "http-reuse safe"},
	{"node", " (Node)", "server.keepAliveTimeout (and server.headersTimeout above it)",
	 "server.maxRequestsPerSocket", "timeout of its http.Agent", "http.Agent with keepAlive: true"},
	{"gunicorn", " (gunicorn)",
	 "--keep-alive (with a worker class that keeps connections, such as gthread)",
	 "--max-requests, at which a worker restarts", "its HTTP client's pool", "its HTTP client's pool"},
	{"uvicorn", " (uvicorn)", "--timeout-keep-alive", "--limit-max-requests", "its HTTP client's pool",
	 "its HTTP client's pool"},
	{"python", " (Python)",
	 "the server's keep-alive timeout (uvicorn: --timeout-keep-alive; gunicorn: --keep-alive; aiohttp: "
	 "keepalive_timeout)",
	 "the server's limit of requests per connection",
	 "keepalive_expiry of httpx or keepalive_timeout of aiohttp's TCPConnector (requests and urllib3 have "
	 "none: give them Retry)",
	 "one requests.Session (or httpx.Client) for all requests"},
	{"hypercorn", " (hypercorn)", "--keep-alive", "--max-requests, at which a worker restarts",
	 "its HTTP client's pool", "its HTTP client's pool"},
	{"puma", " (Puma)", "persistent_timeout", "max_keep_alive, or max_fast_inline before Puma 7",
	 "its HTTP client's pool (Net::HTTP: keep_alive_timeout, 2 s by default)", "its HTTP client's pool"},
	{"cache-main", " (Varnish)", "timeout_idle",
	 "the limit of the server behind it (it has none of its own)", "backend_idle_timeout",
	 "a backend without .connection close, so that it is recycled"},
	{"varnishd", " (Varnish)", "timeout_idle", "the limit of the server behind it (it has none of its own)",
	 "backend_idle_timeout", "a backend without .connection close, so that it is recycled"},
	{"squid", " (Squid)", "client_idle_pconn_timeout",
	 "the limit of the server behind it (it has none of its own)", "server_idle_pconn_timeout",
	 "server_persistent_connections on"},
	{"php-fpm", " (PHP-FPM)", "the keep-alive timeout of the web server in front of it",
	 "pm.max_requests, at which a worker restarts",
	 "the idle timeout of its HTTP client (curl: CURLOPT_MAXAGE_CONN)",
	 "one curl handle for all requests: a worker forgets its own between requests"},
	{"jsvc", " (Tomcat)", "keepAliveTimeout of the connector", "maxKeepAliveRequests of the connector",
	 "evictIdleConnections() of Apache HttpClient (JDK: -Djdk.httpclient.keepalive.timeout)",
	 "one client with a connection pool for all requests"},
	{"tomcat", " (Tomcat)", "keepAliveTimeout of the connector", "maxKeepAliveRequests of the connector",
	 "evictIdleConnections() of Apache HttpClient (JDK: -Djdk.httpclient.keepalive.timeout)",
	 "one client with a connection pool for all requests"},
	{"java", " (Java)",
	 "keepAliveTimeout of the connector (Tomcat; Spring Boot: server.tomcat.keep-alive-timeout; Jetty: "
	 "idleTimeout)",
	 "maxKeepAliveRequests of the connector",
	 "evictIdleConnections() of Apache HttpClient (JDK: -Djdk.httpclient.keepalive.timeout)",
	 "one client with a connection pool for all requests"},
	{"envoy", " (Envoy)", "common_http_protocol_options.idle_timeout of the HTTP connection manager",
	 "common_http_protocol_options.max_requests_per_connection",
	 "common_http_protocol_options.idle_timeout of the cluster",
	 "max_requests_per_connection of the cluster (0: no limit)"},
	{"caddy", " (Caddy)", "timeouts { idle } in the servers option",
	 "the limit of the server behind it (it has none of its own)",
	 "keepalive of reverse_proxy's http transport", "keepalive of reverse_proxy's http transport"},
	{"traefik", " (Traefik)", "respondingTimeouts.idleTimeout of the entry point",
	 "transport.keepAliveMaxRequests of the entry point",
	 "forwardingTimeouts.idleConnTimeout of the servers transport",
	 "maxIdleConnsPerHost of the servers transport"},
	{"lighttpd", " (lighttpd)", "server.max-keep-alive-idle", "server.max-keep-alive-requests",
	 "its backend's settings", "its backend's settings"},
	{"curl", " (curl)", "its idle timeout", "its limit of requests",
	 "CURLOPT_MAXAGE_CONN (118 s by default)",
	 "one run with several URLs, or one handle for all transfers"},
};

const struct kw_software *kw_software_of(const char comm[KW_COMM], const struct kw_programs *programs)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(comm, table[i].comm, strlen(table[i].comm)) == 0)
			return &table[i];
	return programs && kw_programs_is_go(programs, comm) ? &go : &unknown;
}

bool kw_software_is_known(const struct kw_software *software)
{
	return software != &unknown;
}
