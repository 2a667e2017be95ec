/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages: the alerts of tools/prometheus, whose runbooks these are. */
#include "output/explain/pages.h"

const struct kw_alert kw_alerts[KW_ALERTS] = {
	{"KeepwatchLostRequests",
	 {
		 "requests got no complete response",
		 "In the last five minutes, requests that clients had begun to send got no complete response. "
		 "Each is an error to somebody, or was sent again. The alert's label reason says how they were "
		 "lost, its label retryable whether sending them again is safe. Clients that gave up waiting "
		 "are not among them (see clients_give_up).",
		 {"the keep-alive race (stale_reuse, late_request), if KeepwatchKeepAliveRace fires too",
		  "crashes, kills and restarts of the server (process_exit, no_response, "
		  "response_truncated)",
		  "a dead path: a box on the way forgot the connection (request_unacknowledged, "
		  "retransmit_timeout)"},
		 {"keepwatch explain REASON, with the alert's reason, says what to set where (of late_request: "
		  "stale_reuse, which is the same from the other end)",
		  "on the host: keepwatch report --for 1m names the setting for the software that runs there, "
		  "keepwatch trace --premature shows each loss with its evidence",
		  "if it began with a deploy, compare the time with the drains of the service"},
	 }},
	{"KeepwatchKeepAliveRace",
	 {
		 "requests are lost because clients reuse connections that the server is closing",
		 "A client's idle timeout is as long as the server's, or longer: sooner or later a request is "
		 "sent just as the server closes. A proxy makes it a 502, the server logs nothing.",
		 {"the server's idle timeout was shortened, or a client's lengthened",
		  "a new client, proxy or pool without an idle timeout of its own",
		  "the server advertises a timeout that it does not keep"},
		 {"let whoever sends requests close first, by a second or more; or let the server wait longer "
		  "than all its clients: keepwatch explain stale_reuse names the settings",
		  "compare keepwatch_inferred_idle_timeout_seconds and keepwatch_advertised_timeout_seconds of "
		  "the service with keepwatch_reuse_idle_seconds of its clients",
		  "until then, let clients repeat what is safe to repeat"},
	 }},
	{"KeepwatchSafeMarginShrinking",
	 {
		 "clients reuse connections ever closer to the moment when the server closes them",
		 "The safe margin is the server's idle timeout less the longest idle time after which a client "
		 "used a connection again. It is under half a second; or under a quarter of the "
		 "timeout, and gone within four hours if it goes on shrinking as it does. At zero, requests "
		 "are lost.",
		 {"traffic grew thinner, so that connections wait longer between requests: nights, weekends, "
		  "services scaled up",
		  "a client's pool has no idle timeout, or one above the server's"},
		 {"set the client's idle timeout well below the server's, before it is urgent: keepwatch "
		  "explain timeout_race",
		  "keepwatch report --for 5m shows both, and which side to set to what"},
	 }},
	{"KeepwatchUnannouncedCloses",
	 {
		 "more than 1% of the server's closes come right after a response that did not say so",
		 "They come within a tenth of a second of a response without Connection: close. The client believes that the connection lives, and what it sends "
		 "at that moment is lost.",
		 {"a limit of requests or of age that the server does not announce",
		  "workers that are recycled, or a server short of connections"},
		 {"keepwatch explain unannounced_close names the settings",
		  "let the server send Connection: close with its last response"},
	 }},
	{"KeepwatchReuseCollapse",
	 {
		 "connections are reused far less than they used to be",
		 "The share of requests that found their connection already used fell to less than half of its "
		 "mean over the last day. Each of the others pays for a new connection: a round trip, more with "
		 "TLS, and a port in TIME_WAIT.",
		 {"a deploy switched keep-alive off on one side, or a proxy began to speak HTTP/1.0",
		  "a limit of requests per connection was lowered",
		  "responses without a length, whose end is the close"},
		 {"see in keepwatch_connections_closed_total which reason took over: keepwatch explain REASON "
		  "says what it means",
		  "keepwatch explain low_reuse names the settings of common clients and servers"},
	 }},
	{"KeepwatchTruncatedResponses",
	 {
		 "clients get parts of responses",
		 "The server closed connections in the middle of responses, or its RST destroyed them. "
		 "Depending on the client it is an error, or a wrong answer taken for a whole one.",
		 {"server processes that crash, are killed or run into their memory limit",
		  "a timeout for writing, or for the whole request, that is shorter than large responses take",
		  "a server that closes while it has unread data: the RST takes the response with it"},
		 {"keepwatch trace --reason response_truncated,early_response,process_exit shows each with "
		  "its evidence",
		  "keepwatch explain response_truncated names the settings"},
	 }},
	{"KeepwatchConnectsFail",
	 {
		 "over 1% of the attempts to connect to a service fail",
		 "No request was on these connections yet, so that all can be tried again; but clients that do not "
		 "try again fail. The finding holds over the window of the daemon.",
		 {"refused: nothing listens on that port, as while a server restarts",
		  "timed out: a firewall drops the SYN, the host is down, or the server's accept queue is full",
		  "unreachable: no route, or a router said so by ICMP",
		  "aborted: the client's connect timeout, or one of several addresses tried at once"},
		 {"see in keepwatch_connect_failures_total which of them it is: keepwatch explain REASON",
		  "on the server's host: ss -ltn says what listens, and whether Recv-Q exceeds Send-Q, which is a "
		  "full accept queue",
		  "on the client's host: keepwatch report --for 1m counts them by kind"},
	 }},
	{"KeepwatchEventsLost",
	 {
		 "keepwatch itself lost events between the kernel and its daemon",
		 "Totals stay exact, but records are missing: what they held counts under service=\"other\" and "
		 "reason=\"lost\", and findings may be incomplete.",
		 {"kind=\"closed\": more connections closed at once than the ring buffer has room for",
		  "kind=\"state\": the kernel had no memory for the state of a connection",
		  "kind=\"recursion\": the kernel showed an event to no program, as one was at work on that "
		  "processor: why that connection closed may be unknown"},
		 {"give the ring more room: --ring-size, a power of two, 2 MiB unless set",
		  "see whether the daemon gets processor time: rate(process_cpu_seconds_total), the limits of "
		  "its cgroup",
		  "for kind=\"state\": raise net.core.optmem_max"},
	 }},
	{"KeepwatchDown",
	 {
		 "Prometheus cannot scrape keepwatch",
		 "Nothing is known of the host's connections, and no other alert of keepwatch will fire for it. "
		 "Observed programs do not notice: nothing of them goes through keepwatch.",
		 {"the daemon does not run, or failed to start after an upgrade of the kernel",
		  "it listens on the loopback address only (--listen), and Prometheus is on another host",
		  "the scrape takes longer than the scrape timeout"},
		 {"on the host: keepwatch check says whether it can run, and if not, what is missing",
		  "the daemon's log says why it ended; curl http://127.0.0.1:9951/healthz asks it directly",
		  "to let another host scrape: --listen ADDRESS:9951 --allow-remote, behind a firewall"},
	 }},
};
