/* SPDX-License-Identifier: BSD-2-Clause */
#include "software.h"

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

static const struct kw_software table[] = {
	{"nginx", " (nginx)", "keepalive_timeout", "keepalive_requests",
	 "keepalive_timeout in its upstream block",
	 "keepalive in its upstream block, with proxy_http_version 1.1 and proxy_set_header Connection \"\""},
	{"apache2", " (Apache)", "KeepAliveTimeout", "MaxKeepAliveRequests", "ttl= of ProxyPass",
	 "enablereuse=on of ProxyPass"},
	{"httpd", " (Apache)", "KeepAliveTimeout", "MaxKeepAliveRequests", "ttl= of ProxyPass",
	 "enablereuse=on of ProxyPass"},
	{"haproxy", " (HAProxy)", "timeout http-keep-alive", "no limit, so look at what is behind it",
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
	 "no limit, so look at what is behind it", "keepalive of reverse_proxy's http transport",
	 "keepalive of reverse_proxy's http transport"},
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

const struct kw_software *kw_software_of(const char comm[KW_COMM])
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(comm, table[i].comm, strlen(table[i].comm)) == 0)
			return &table[i];
	return &unknown;
}

bool kw_software_is_known(const struct kw_software *software)
{
	return software != &unknown;
}
