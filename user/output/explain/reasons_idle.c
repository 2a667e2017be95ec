/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the reasons for connections that ended in order: between requests, or with a body that the close ends. */
#include "output/explain/pages.h"

const struct kw_explanation kw_explanations_idle[KW_REASON_MAX - KW_EXPLANATIONS_CUT] = {
	[KW_REASON_CLOSE_DELIMITED - KW_EXPLANATIONS_CUT] =
		{
			"the close itself marked the end of the response's body",
			"The response gave no length and was not chunked, so only the close marks its end. "
			"That works, but each such response costs a connection, and if the server crashes "
			"half-way the cut body looks complete.",
			{"HTTP/1.0 servers, CGI-like programs, some streaming endpoints",
			 "a proxy that talks HTTP/1.0 to its backend: nginx on its old default"},
			{"send Content-Length, or chunks over HTTP/1.1",
			 "nginx as a proxy: proxy_http_version 1.1 and proxy_set_header Connection \"\""},
		},
	[KW_REASON_MAX_REQUESTS - KW_EXPLANATIONS_CUT] =
		{
			"the server's limit of requests on one connection was reached",
			"The server had advertised Keep-Alive: max, and that number was used up. This is an "
			"orderly close, but a client that pipelines or sends at once may lose a request.",
			{"MaxKeepAliveRequests (Apache; 100 unless set), maxKeepAliveRequests (Tomcat; 100), "
			 "server.maxRequestsPerSocket (Node)"},
			{"raise the limit to some thousands (in Apache 0 means no limit)",
			 "a server should also say Connection: close with its last response"},
		},
	[KW_REASON_ANNOUNCED_BY_REQUEST - KW_EXPLANATIONS_CUT] =
		{
			"the client had asked for the close",
			"The last request carried Connection: close. The client is the cause, whichever side "
			"then closed first and whether or not the server's response repeated the field.",
			{"HTTP clients without a connection pool, ab without -k, curl or wget once per "
			 "request",
			 "a proxy that does not keep connections to its backends: nginx without keepalive in "
			 "upstream and proxy_set_header Connection \"\"; option httpclose (HAProxy)",
			 "Node's http.Agent before version 19, unless keepAlive: true"},
			{"if that costs too many handshakes, give the client a connection pool (see "
			 "low_reuse)"},
		},
	[KW_REASON_HTTP10_DEFAULT - KW_EXPLANATIONS_CUT] =
		{
			"the client spoke HTTP/1.0, which closes after each response",
			"HTTP/1.0 keeps a connection only if the request says Connection: keep-alive.",
			{"nginx as a proxy on its old default, proxy_http_version 1.0",
			 "ab without -k, old monitoring scripts, SetEnv force-proxy-request-1.0 (Apache)"},
			{"proxy_http_version 1.1 and proxy_set_header Connection \"\" (nginx)",
			 "use a client that speaks HTTP/1.1"},
		},
	[KW_REASON_ANNOUNCED_BY_RESPONSE - KW_EXPLANATIONS_CUT] =
		{
			"the server had announced the close in its last response",
			"The last response carried Connection: close, or was HTTP/1.0 without keep-alive. "
			"That is the right way to end a connection: the client knows before it sends again.",
			{"the server's limit of requests or age: keepalive_requests and keepalive_time "
			 "(nginx; 1000 and 1 h)",
			 "error responses after which the server does not trust the connection (400, 413)",
			 "a server that is shutting down or reloading, or has keep-alive switched off: "
			 "keepalive_timeout 0 (nginx), KeepAlive Off (Apache), sync workers of gunicorn"},
			{"nothing, if connections carried many requests; otherwise switch keep-alive on or "
			 "raise the limit"},
		},
	[KW_REASON_IDLE_RESET - KW_EXPLANATIONS_CUT] =
		{
			"the server ended an idle connection by a RST",
			"No request was open, so nothing was lost. But a RST comes without warning: if the "
			"client had just sent a request, it would be lost, and nothing would show why.",
			{"HAProxy purging connections of its pool, or with option nolinger",
			 "a server that closes with unread bytes in its queue: trailing garbage, or a "
			 "late request",
			 "SO_LINGER with 0, to save TIME_WAIT sockets"},
			{"let the server close with a FIN: switch such options off",
			 "if requests are lost, see keepwatch explain timeout_race"},
		},
	[KW_REASON_CLOSED_BEFORE_TIMEOUT - KW_EXPLANATIONS_CUT] =
		{
			"the server closed an idle connection sooner than it had promised",
			"It had advertised Keep-Alive: timeout, and clients that rely on it will lose "
			"requests.",
			{"a reload, deploy or stop, which closes idle connections (see drain)",
			 "a proxy that forwards its backend's Keep-Alive field and keeps its own time",
			 "a server short of connections: nginx closes idle ones when worker_connections run "
			 "out; Apache does so when its workers are busy"},
			{"if many close at one moment it is a drain: change only how the server is reloaded or "
			 "deployed",
			 "hide a forwarded field: proxy_hide_header Keep-Alive (nginx), http-response "
			 "del-header Keep-Alive (HAProxy)",
			 "raise worker_connections (nginx), MaxRequestWorkers or AsyncRequestWorkerFactor "
			 "(Apache)"},
		},
	[KW_REASON_SERVER_IDLE_TIMEOUT - KW_EXPLANATIONS_CUT] =
		{
			"the server closed an idle connection at its advertised timeout",
			"The server kept its promise: a client that stops using the connection a little sooner "
			"never loses a request to this close.",
			{"keepalive_timeout with two values (nginx), KeepAliveTimeout (Apache; 5 s unless "
			 "set), server.keepAliveTimeout (Node; 5 s unless set)"},
			{"nothing; clients should stop using a connection at least a second before that (see "
			 "timeout_race)"},
		},
	[KW_REASON_UNANNOUNCED_CLOSE - KW_EXPLANATIONS_CUT] =
		{
			"the server closed right after a response that did not announce it",
			"The client could not know, and may already have sent its next request: that request "
			"is lost.",
			{"a server with keep-alive off that forgets to say Connection: close",
			 "a worker that is recycled: --max-requests (gunicorn), --limit-max-requests "
			 "(uvicorn)",
			 "an application that closes the socket itself"},
			{"let the server say Connection: close with its last response",
			 "let the framework manage the connection, not the handler"},
		},
	[KW_REASON_SERVER_CLOSED_IDLE - KW_EXPLANATIONS_CUT] =
		{
			"the server closed an idle connection; it had advertised nothing",
			"This is an orderly close, but the client could not know when to stop using the "
			"connection. If it was idle from before keepwatch started, that is inferred from TCP's own "
			"times, and keepwatch does not know what the server had advertised.",
			{"the server's idle timeout: keepalive_timeout (nginx; 75 s unless set), timeout "
			 "http-keep-alive (HAProxy), IdleTimeout (Go), --keep-alive (gunicorn; 2 s), "
			 "--timeout-keep-alive (uvicorn; 5 s)",
			 "a reload, deploy or stop"},
			{"keepwatch infers the timeout from many such closes: see the report",
			 "advertise it: the second value of keepalive_timeout (nginx)",
			 "let clients close idle connections sooner (see timeout_race)"},
		},
	[KW_REASON_CLIENT_CLOSED_IDLE - KW_EXPLANATIONS_CUT] =
		{
			"the client closed an idle connection",
			"This is the best way for a connection to end, because no request can be lost. If the "
			"connection was idle from before keepwatch started, that is inferred from TCP's own times.",
			{"the client's idle timeout or a full pool: IdleConnTimeout and MaxIdleConnsPerHost "
			 "(Go; 90 s and 2), keepalive_timeout and keepalive in nginx's upstream (60 s), "
			 "pool-max-conn (HAProxy)",
			 "a client that was done"},
			{"nothing; if connections carry few requests, give the pool more room or more time "
			 "(see low_reuse)"},
		},
};
