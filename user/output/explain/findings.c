/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages: findings, which only many connections of a service show together. */
#include "output/explain/pages.h"

const struct kw_explanation kw_explanations_findings[KW_FINDING_MAX] = {
	[KW_FINDING_TIMEOUT_RACE] =
		{
			"clients use idle connections up to, or past, the moment when the server closes them",
			"Requests are being lost to the keep-alive race (stale_reuse, late_request), or will "
			"be: connections are used again at 90% or more of the server's idle timeout.",
			{"the client's idle timeout is as long as the server's, or longer, or it has none",
			 "what the server advertises is not what it does"},
			{"let whoever sends requests close first, by a second or more; or let the server "
			 "wait longer than all its clients: keepwatch explain stale_reuse names the settings",
			 "the safe margin of the report should be well above the round-trip time"},
		},
	[KW_FINDING_TRUNCATED_RESPONSES] =
		{
			"responses were cut by the server",
			"Clients got parts of responses. RSTs over unread data are told apart, since they "
			"can destroy a response that was sent completely.",
			{"see keepwatch explain response_truncated"},
			{"the server's log at the time of the examples; whether its processes exited, and why",
			 "for RSTs over unread data: let the server read the request's rest before it closes "
			 "(lingering_close of nginx)"},
		},
	[KW_FINDING_NO_RESPONSES] =
		{
			"the server closed connections over requests that it had received",
			"Each is a request without any answer. Exits and kills of processes are told apart.",
			{"crashes, kills and restarts; timeouts that kill workers; handlers that drop on "
			 "purpose"},
			{"keepwatch explain no_response and process_exit name what to look at"},
		},
	[KW_FINDING_DRAIN] =
		{
			"the server closed many idle connections at one moment",
			"At least five within a tenth of a second, of quite different idle ages: no timeout "
			"does that. It is a reload, a deploy, a stop, or a crash.",
			{"nginx -s reload, apachectl graceful, a rolling deploy, a scaled-down service"},
			{"none, if no request was lost",
			 "else take the server out of the balancer before it closes, and let clients retry "
			 "what is safe to repeat"},
		},
	[KW_FINDING_UNANNOUNCED_CLOSES] =
		{
			"the server often closes right after responses that did not announce it",
			"Clients believe that the connection lives. A request that is sent at that moment is "
			"lost.",
			{"see keepwatch explain unannounced_close"},
			{"let the server send Connection: close with its last response"},
		},
	[KW_FINDING_TIMEOUT_NOT_HONOURED] =
		{
			"the server closes idle connections sooner than it advertises",
			"Clients that trust Keep-Alive: timeout lose requests.",
			{"a field that a proxy forwards from its backend",
			 "a server short of connections or workers",
			 "a timeout of less than a second, or one that a balancer in front cuts short"},
			{"advertise less than is kept, or nothing; keepwatch explain closed_before_timeout "
			 "names the settings"},
		},
	[KW_FINDING_LOST_REQUESTS] =
		{
			"requests were lost for reasons that no other finding covers",
			"Each of these connections ended over a request: cut on its way, dropped behind another "
			"one, or taken down by the network or by the process. The finding counts them by reason.",
			{"request_truncated, pipeline_cut and half_close_refused: one side closed while the "
			 "other was still sending or waiting",
			 "client_gave_up, in up to 1% of all closes; above that it is clients_give_up",
			 "retransmit_timeout, network_error, probe_timeout: the path broke while in use",
			 "process_exit, aborted_locally: the client's process ended, or somebody ran ss -K"},
			{"keepwatch explain REASON says of each reason what to do",
			 "keepwatch trace --premature shows each loss with its evidence"},
		},
	[KW_FINDING_CONNECTS_FAIL] =
		{
			"connection attempts fail",
			"No request was sent on these, so that all of them can be tried again. It is critical if "
			"over 1% of the attempts fail. A service is listed even if no attempt ever succeeded.",
			{"refused: nothing listens on that port, as while a server restarts",
			 "timed out: a firewall drops the SYN, the host is down, or the accept queue is full",
			 "unreachable: no route, or a router said so by ICMP",
			 "aborted: the client's connect timeout, or one of several addresses tried at once"},
			{"keepwatch explain connect_refused, connect_timeout, connect_unreachable, "
			 "connect_aborted",
			 "ss -ltn on the server's host: whether something listens, and whether Recv-Q exceeds "
			 "Send-Q, which is a full accept queue (nstat -az TcpExtListenOverflows)"},
		},
	[KW_FINDING_LOW_REUSE] =
		{
			"connections carry fewer than two requests each",
			"Most requests pay for a new connection: a round trip, more with TLS, and a port in "
			"TIME_WAIT.",
			{"the finding names the cause that dominates: who announces the close, or who closes "
			 "without announcing"},
			{"clients: use a pool and read responses to their end: keepalive in upstream and "
			 "proxy_set_header Connection \"\" (nginx), http-reuse safe (HAProxy), keepAlive: "
			 "true (Node's Agent), one Session (Python's requests)",
			 "servers: keep-alive on, with a limit of requests in the thousands",
			 "gunicorn's sync workers keep no connection: use gthread or an async worker"},
		},
	[KW_FINDING_MAX_CHURN] =
		{
			"most connections end at a limit of requests",
			"Orderly, but each is a handshake and a chance to lose a request.",
			{"MaxKeepAliveRequests (Apache; 100 unless set), keepalive_requests (nginx; 1000), "
			 "maxRequestsPerSocket (Node)"},
			{"raise the limit; it guards against leaks that old servers had"},
		},
	[KW_FINDING_PROBE_ONLY] =
		{
			"most connections are opened and closed without a request",
			"They cost little, but hide what matters in counts of connections.",
			{"TCP health checks of balancers", "clients that connect in advance"},
			{"use HTTP checks, less often, or from fewer places: option httpchk (HAProxy)"},
		},
	[KW_FINDING_CLIENTS_GIVE_UP] =
		{
			"clients often close while they wait for a response",
			"The server works for nobody then. If most waited for one and the same time, that is "
			"the client's timeout.",
			{"a server slower than its clients' patience"},
			{"see the typical waiting time of the finding, and compare it with the timeouts of "
			 "the clients and proxies",
			 "let the server stop work whose client has left"},
		},
	[KW_FINDING_DEAD_PATH] =
		{
			"requests on connections that had been idle never arrived",
			"A box on the way forgot the connection and drops what comes for it. The finding "
			"says the shortest idle age that failed and the longest that worked: the box's limit "
			"lies between.",
			{"NAT, firewalls and balancers with an idle limit: 350 s (AWS NLB and NAT gateway), "
			 "4 min (Azure), 10 min (Google)"},
			{"let both ends close idle connections sooner than that",
			 "or send keep-alive probes more often: net.ipv4.tcp_keepalive_time, which is 2 "
			 "hours unless set"},
		},
	[KW_FINDING_CLOSE_WAIT_LEAK] =
		{
			"connections stay half-closed: the peer has closed, and the program does not",
			"The program does not notice the end, or forgot the socket. Each holds a descriptor "
			"and memory until there are none left.",
			{"a program that does not read from idle connections in its pool",
			 "responses that are never read to the end or closed"},
			{"the finding names the process; ss -tnp state close-wait shows its sockets",
			 "close what is not used; in Go: body.Close() on every path"},
		},
	[KW_FINDING_OBSOLETE_FIELDS] =
		{
			"messages carry connection fields that are obsolete or wrong",
			"They do no good, and a proxy that believes them does harm.",
			{"Proxy-Connection, which no standard knows",
			 "Keep-Alive that Connection does not name: most likely forwarded from another "
			 "connection",
			 "Connection naming end-to-end fields, such as Content-Length or Host: a proxy would "
			 "strip them"},
			{"proxies: do not forward them (proxy_hide_header, http-response del-header)",
			 "clients: send Connection: keep-alive or close, or nothing"},
		},
};
