/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the alerts in tools/prometheus/alerts.yml. A test checks that each alert's runbook is its page. */
#include "output/explain/pages.h"

const struct kw_alert kw_alerts[KW_ALERTS] = {
	{"KeepwatchLostRequests",
	 {
		 "requests got no complete response",
		 "In the last five minutes some requests got no complete response. Each of them became an "
		 "error for a client, or the client sent it again. The alert's label reason says how the "
		 "requests were lost; its label retryable says whether sending them again is safe. Requests "
		 "whose client gave up waiting are not counted here (see clients_give_up).",
		 {"the keep-alive race (stale_reuse, late_request), if KeepwatchKeepAliveRace fires too",
		  "crashes, kills and restarts of the server (process_exit, no_response, "
		  "response_truncated)",
		  "a dead path: a firewall, NAT or balancer on the way forgot the connection "
		  "(request_unacknowledged, retransmit_timeout)"},
		 {"keepwatch explain REASON, with the alert's reason, names the settings to change (for "
		  "late_request look at stale_reuse, which is the same event seen from the other end)",
		  "on the host: keepwatch report --for 1m names the setting for the software that runs there, "
		  "and keepwatch trace --premature shows each loss with its evidence",
		  "if it began with a deploy, compare the time with the drains of the service"},
	 }},
	{"KeepwatchGatewayErrors",
	 {
		 "a gateway answered with errors because servers behind it failed it",
		 "In the last five minutes a gateway answered requests with 502, 503 or 504 because a server "
		 "behind it failed it. The alert's label upstream names that server, its label reason says how "
		 "it failed: it is the reason of the gateway's own connection to it. Errors without a known "
		 "cause are not counted here.",
		 {"the keep-alive race (stale_reuse), if KeepwatchKeepAliveRace fires too",
		  "a server that is down (connect_refused), crashes (no_response, response_truncated, "
		  "process_exit) or takes longer than the gateway waits (client_gave_up)"},
		 {"keepwatch explain REASON, with the alert's reason, names the settings to change",
		  "on the host of the gateway: keepwatch trace prints each error with its cause and evidence",
		  "if it began with a deploy of the server, let it finish its open requests before it exits"},
	 }},
	{"KeepwatchKeepAliveRace",
	 {
		 "requests are lost because clients reuse connections that the server is closing",
		 "A client keeps idle connections as long as the server does, or longer, so sooner or later it "
		 "sends a request just as the server closes the connection. That request is lost: a proxy "
		 "answers 502 for it, and the server logs nothing.",
		 {"the server's idle timeout was shortened, or a client's lengthened",
		  "a new client, proxy or pool without an idle timeout of its own",
		  "the server advertises a timeout that it does not keep"},
		 {"let the side that sends requests close idle connections first, by a second or more; or let "
		  "the server keep them longer than all its clients do: keepwatch explain stale_reuse names "
		  "the settings",
		  "compare keepwatch_inferred_idle_timeout_seconds and keepwatch_advertised_timeout_seconds of "
		  "the service with keepwatch_reuse_idle_seconds of its clients",
		  "until then, let clients repeat requests that are safe to repeat"},
	 }},
	{"KeepwatchSafeMarginShrinking",
	 {
		 "clients reuse connections ever closer to the moment when the server closes them",
		 "The safe margin is the server's idle timeout less the longest idle time after which a client "
		 "used a connection again. The margin is under half a second; or it is under a quarter of the "
		 "timeout and will be zero within four hours if it goes on shrinking at this rate. At zero, "
		 "requests are lost.",
		 {"there is less traffic, so that connections wait longer between requests: nights, weekends, "
		  "services scaled up",
		  "a client's pool has no idle timeout, or one above the server's"},
		 {"set the client's idle timeout well below the server's, before it is urgent: keepwatch "
		  "explain timeout_race",
		  "keepwatch report --for 5m shows both times, and names the setting to change on each side"},
	 }},
	{"KeepwatchUnannouncedCloses",
	 {
		 "more than 1% of the server's closes come right after a response that did not say so",
		 "The server closed within a tenth of a second after a response without Connection: close. The "
		 "client believes that the connection is still open, so a request that it sends at that moment "
		 "is lost.",
		 {"a limit of requests or of age that the server does not announce",
		  "workers that are recycled, or a server short of connections"},
		 {"keepwatch explain unannounced_close names the settings",
		  "let the server send Connection: close with its last response"},
	 }},
	{"KeepwatchReuseCollapse",
	 {
		 "connections are reused far less than they used to be",
		 "The share of requests that found their connection already used fell to less than half of its "
		 "mean over the last day. Each of the remaining requests had to open a new connection, which "
		 "costs a round trip, more with TLS, and a port in TIME_WAIT.",
		 {"a deploy switched keep-alive off on one side, or a proxy began to speak HTTP/1.0",
		  "a limit of requests per connection was lowered",
		  "responses without a length, so that only the close marks their end"},
		 {"look in keepwatch_connections_closed_total for the reason that became more frequent: "
		  "keepwatch explain REASON says what it means",
		  "keepwatch explain low_reuse names the settings of common clients and servers"},
	 }},
	{"KeepwatchTruncatedResponses",
	 {
		 "clients get parts of responses",
		 "The server closed connections in the middle of responses, or its RST destroyed them. "
		 "Depending on the client, a cut response is an error, or passes for a complete one and is "
		 "wrong.",
		 {"server processes that crash, are killed or run into their memory limit",
		  "a timeout for writing, or for the whole request, that is shorter than large responses take",
		  "a server that closes while it has unread data: the RST destroys the response on its way"},
		 {"keepwatch trace --reason response_truncated,early_response,process_exit shows each with "
		  "its evidence",
		  "keepwatch explain response_truncated names the settings"},
	 }},
	{"KeepwatchConnectsFail",
	 {
		 "over 1% of the attempts to connect to a service fail",
		 "No request had been sent on these connections, so every attempt can be repeated safely; a "
		 "client that does not repeat it fails. keepwatch counts the attempts of the last ten minutes, "
		 "or of what --window says.",
		 {"refused: nothing listens on that port, for example while a server restarts",
		  "timed out: a firewall drops the SYN, the host is down, or the server's accept queue is full",
		  "unreachable: there is no route to the server, or a router or firewall rejected the attempt "
		  "by ICMP",
		  "aborted: the client's connect timeout ran out, or the client tried several addresses at "
		  "once and kept the fastest"},
		 {"look in keepwatch_connect_failures_total for the reason: keepwatch explain REASON says what "
		  "to do",
		  "on the server's host: ss -ltn shows what listens; where Recv-Q exceeds Send-Q, the accept "
		  "queue is full",
		  "on the client's host: keepwatch report --for 1m counts them by kind"},
	 }},
	{"KeepwatchGoawayLosses",
	 {
		 "requests were open when a server ended their HTTP/2 connection by GOAWAY",
		 "With severity critical the server had promised to answer these requests and did not, so they are "
		 "lost. With severity warning it had not begun to work on them: a client that sends them again, as "
		 "gRPC does, loses none.",
		 {"a server that gives open streams too little time: at a limit of a connection's age, at a reload, or "
		  "when it stops",
		  "a limit of requests on one connection, such as keepalive_requests of nginx",
		  "a client that does not send refused requests again"},
		 {"keepwatch explain goaway_losses names the settings of common servers and clients",
		  "on the host: keepwatch trace --reason goaway_cut,goaway_refused,stream_after_goaway shows each with "
		  "its evidence",
		  "if it began with a deploy, let servers that stop wait for their longest stream"},
	 }},
	{"KeepwatchTlsHandshakesFail",
	 {
		 "over 1% of a service's TLS handshakes fail",
		 "One side ended these handshakes by an alert, so no request was sent on the connections, and "
		 "clients see errors such as \"certificate verify failed\". keepwatch counts the handshakes of the "
		 "last ten minutes, or of what --window says.",
		 {"a certificate that is not trusted, has expired, or is for another name",
		  "no version of TLS, no cipher suite or no protocol (ALPN) in common",
		  "a server that wants a certificate of its clients"},
		 {"look in keepwatch_tls_alerts_total for the alert and for the side that sent it: keepwatch explain "
		  "tls_handshake_failed says what to do",
		  "on the host: keepwatch trace --reason tls_handshake_failed shows which connections fail"},
	 }},
	{"KeepwatchEventsLost",
	 {
		 "keepwatch itself missed some of the kernel's events",
		 "Some records are missing, so findings may be incomplete. Connections whose records were lost "
		 "on the way are counted under service=\"other\" and reason=\"lost\", so totals stay exact; only "
		 "the kinds state, recursion and unseen can make them differ.",
		 {"kind=\"closed\": more connections closed at once than the ring buffer has room for",
		  "kind=\"state\": the kernel had no memory for the state of a connection",
		  "kind=\"recursion\": the kernel skipped keepwatch's program for an event because another one "
		  "was running on that processor; the reason of that close may be unknown",
		  "kind=\"unseen\": the kernel ran no program when a connection opened (it is followed from its "
		  "next message on) or closed (its record is missing), because on some kernels whole interrupts "
		  "are hidden from programs; keepwatch_hidden_softirqs_total says whether this kernel does that"},
		 {"make the ring buffer larger: --ring-size, a power of two, 2 MiB unless set",
		  "check that the daemon gets enough processor time: rate(process_cpu_seconds_total), and the "
		  "limits of its cgroup",
		  "for kind=\"state\": raise net.core.optmem_max",
		  "for kind=\"unseen\": if keepwatch_hidden_softirqs_total grows too, use another version or "
		  "build of the kernel; no option of keepwatch helps"},
	 }},
	{"KeepwatchDown",
	 {
		 "Prometheus cannot scrape keepwatch",
		 "Until it can, nothing is known about the host's connections, and no other alert of keepwatch "
		 "will fire for this host. The observed programs are not affected, because none of their "
		 "traffic passes through keepwatch.",
		 {"the daemon does not run, or failed to start after an upgrade of the kernel",
		  "it listens on the loopback address only (--listen), and Prometheus is on another host",
		  "the scrape takes longer than the scrape timeout"},
		 {"on the host: keepwatch check says whether it can run, and if not, what is missing",
		  "the daemon's log says why it ended; curl http://127.0.0.1:9951/healthz shows whether it "
		  "answers",
		  "to let another host scrape: --listen ADDRESS:9951 --allow-remote, behind a firewall"},
	 }},
};
