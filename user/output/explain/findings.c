/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the findings, which follow from many connections of a service together. */
#include "output/explain/pages.h"

const struct kw_explanation kw_explanations_findings[KW_FINDING_MAX] = {
	[KW_FINDING_GATEWAY_ERRORS] =
		{
			"a gateway answered 502, 503 or 504, because servers behind it failed it",
			"The program takes requests and passes them on to other servers. Some of these failed "
			"it, so its clients got an error. The finding names the server and the way in which "
			"it failed: the reason of the gateway's own connection to it. Errors for which no "
			"connection is known to have failed are counted apart: the gateway may have answered "
			"of its own accord (no server was up, a queue was full), or it has passed on the "
			"answer of a server.",
			{"the keep-alive race: the gateway used a connection again that the server was closing "
			 "(stale_reuse)",
			 "a server that is down (connect_refused), crashes (no_response, response_truncated, "
			 "process_exit) or takes too long (client_gave_up)"},
			{"keepwatch explain REASON, with the reason of the cause, says what to change",
			 "keepwatch trace prints each error with its cause, its evidence, and the ids of both "
			 "connections",
			 "let the gateway send requests again where that is safe: nginx proxy_next_upstream, "
			 "HAProxy retry-on"},
		},
	[KW_FINDING_MIDDLEBOX] =
		{
			"a device between two hosts resets, ends or drops their connections",
			"The recordings of both hosts together show connections that neither end closed: an end "
			"received a RST or a FIN that the other one had not sent, or its segments never arrived. If "
			"all of them had been idle, the shortest idle time that failed and the longest that worked "
			"enclose the age at which the device forgets. Found by keepwatch replay --as report with "
			"several files.",
			{"a NAT, a firewall or a balancer with a timeout of idle connections that is shorter than that "
			 "of the programs at both ends",
			 "rules that reset, intrusion prevention, a failover without state, asymmetric routes"},
			{"send TCP keep-alive probes more often than the age: net.ipv4.tcp_keepalive_time, or "
			 "TCP_KEEPIDLE with SO_KEEPALIVE",
			 "or raise the device's timeout above the idle timeouts of both ends",
			 "or let the client close idle connections before the age",
			 "keepwatch replay --pair prints each such connection: keepwatch explain reset_by_path, keepwatch "
			 "explain dropped_by_path"},
		},
	[KW_FINDING_TIMEOUT_RACE] =
		{
			"clients use idle connections up to, or past, the moment when the server closes them",
			"Requests are being lost to the keep-alive race (stale_reuse, late_request), or will "
			"be, because clients use connections again after 90% or more of the server's idle "
			"timeout.",
			{"the client's idle timeout is as long as the server's, or longer, or the client has "
			 "none",
			 "the server advertises another timeout than the one it keeps"},
			{"let the side that sends requests close idle connections first, by a second or more; "
			 "or let the server keep them longer than all its clients do: keepwatch explain "
			 "stale_reuse names the settings",
			 "check the safe margin in keepwatch report: it should be well above the round-trip "
			 "time"},
		},
	[KW_FINDING_GOAWAY_LOSSES] =
		{
			"servers end HTTP/2 connections by GOAWAY while requests are open on them",
			"A GOAWAY names the last stream that the server will answer. Requests up to that one which were not "
			"answered all the same are lost: the finding is critical then. Requests above it were not worked on, "
			"so each client may send them again, whatever their method; keepwatch does not see whether it did, so "
			"the finding is a warning. So it is where a gRPC server gives open calls one and the same time after "
			"its GOAWAY and then ends them with errors (UNAVAILABLE): such a stream counts as answered.",
			{"a server that gives open streams too little time after its GOAWAY: at a limit of a connection's "
			 "age, at a reload, or when it stops",
			 "a limit of requests on one connection (nginx keepalive_requests): streams behind it are turned away",
			 "a client that goes on to begin streams after the GOAWAY, or does not send refused ones again"},
			{"gRPC: let MAX_CONNECTION_AGE_GRACE be longer than the longest call; Envoy: drain_timeout; nginx: "
			 "worker_shutdown_timeout; node: server.close() lets streams end, session.destroy() cuts them; Go: a "
			 "longer context for http.Server.Shutdown(); AWS ALB: the deregistration delay",
			 "raise the limit of requests on one connection: nginx keepalive_requests, Envoy "
			 "max_requests_per_connection, HAProxy tune.h2.fe.max-total-streams",
			 "let clients send refused requests again: gRPC does; Envoy retry_on refused-stream",
			 "keepwatch trace --reason goaway_cut,goaway_refused,stream_after_goaway prints each with its "
			 "evidence"},
		},
	[KW_FINDING_TRUNCATED_RESPONSES] =
		{
			"the server cut responses before their end",
			"Clients got parts of responses. The finding counts RSTs over unread data separately, "
			"because such a RST can destroy a response that the server had sent completely.",
			{"see keepwatch explain response_truncated"},
			{"read the server's log at the time of the examples: did its processes exit, and why?",
			 "for RSTs over unread data: let the server read the rest of the request before it "
			 "closes (lingering_close of nginx)"},
		},
	[KW_FINDING_NO_RESPONSES] =
		{
			"the server closed connections without answering requests that it had received",
			"Each of these requests got no answer at all. The finding counts separately how often "
			"the server's process was exiting, and how often it was killed.",
			{"crashes, kills and restarts; timeouts that kill workers; handlers that drop requests "
			 "on purpose"},
			{"keepwatch explain no_response and process_exit name what to look at"},
		},
	[KW_FINDING_DRAIN] =
		{
			"the server closed many idle connections at one moment",
			"At least five connections closed within a tenth of a second, after quite different "
			"idle times. A timeout does not do that; a reload, a deploy, a stop or a crash does.",
			{"nginx -s reload, apachectl graceful, a rolling deploy, a scaled-down service"},
			{"nothing, if no request was lost",
			 "otherwise take the server out of the balancer before it closes, and let clients "
			 "repeat requests that are safe to repeat"},
		},
	[KW_FINDING_UNANNOUNCED_CLOSES] =
		{
			"the server often closes right after responses that did not announce it",
			"Clients believe that the connection is still open, so a request that they send at "
			"that moment is lost.",
			{"see keepwatch explain unannounced_close"},
			{"let the server send Connection: close with its last response"},
		},
	[KW_FINDING_TIMEOUT_NOT_HONOURED] =
		{
			"the server closes idle connections sooner than it advertises",
			"Clients that trust Keep-Alive: timeout lose requests.",
			{"a proxy forwards the field from its backend, whose timeout is not the proxy's own",
			 "the server is short of connections or workers",
			 "the timeout is less than a second, or a balancer in front of the server has a "
			 "shorter one"},
			{"let the server advertise a shorter timeout than it keeps, or none; keepwatch explain "
			 "closed_before_timeout names the settings"},
		},
	[KW_FINDING_TOO_MANY_PINGS] =
		{
			"connections are ended because one side sends more PINGs than the other one allows",
			"The GOAWAY said too_many_pings (ENHANCE_YOUR_CALM). The client's keep-alive is set to a shorter time "
			"than the server permits, which is 5 minutes unless set, or it sends PINGs without an open call. The "
			"finding has how many PINGs were sent, and the shortest time between two. It is critical if requests "
			"were lost.",
			{"KEEPALIVE_TIME of the client below what the server enforces",
			 "PERMIT_KEEPALIVE_WITHOUT_CALLS on in the client, and not permitted by the server",
			 "a library that sends a PING with each message, to measure the path"},
			{"raise KEEPALIVE_TIME in the client (grpc.keepalive_time_ms; Go: keepalive.ClientParameters.Time)",
			 "or permit it in the server: grpc.http2.min_ping_interval_without_data_ms and "
			 "grpc.http2.max_ping_strikes; Go: keepalive.EnforcementPolicy.MinTime and PermitWithoutStream; Java: "
			 "permitKeepAliveTime()",
			 "keepwatch trace --reason enhance_your_calm prints each with its evidence"},
		},
	[KW_FINDING_LOST_REQUESTS] =
		{
			"requests were lost for reasons that no other finding covers",
			"Each of these connections ended while a request was open: the request was cut on its "
			"way, dropped behind another one, or lost with the network path or the process. The "
			"finding counts them by reason.",
			{"request_truncated, pipeline_cut and half_close_refused: one side closed while the "
			 "other was still sending or waiting",
			 "client_gave_up, if it is at most 1% of all closes; above that, the finding "
			 "clients_give_up covers it",
			 "retransmit_timeout, network_error, probe_timeout: the path broke while in use",
			 "process_exit, aborted_locally: the client's process ended, or a program such as ss "
			 "-K destroyed the socket"},
			{"keepwatch explain REASON says what to do about each reason",
			 "keepwatch trace --premature shows each loss with its evidence"},
		},
	[KW_FINDING_STREAMS_REFUSED] =
		{
			"servers refuse streams of HTTP/2",
			"The server reset streams with REFUSED_STREAM: it had not worked on these requests, so they may be sent "
			"again, whatever their method. The finding compares the most streams that were open at once with the "
			"limit that the server's SETTINGS give, and says how many were refused on connections that had reached "
			"it.",
			{"a client that opens more streams than the server's limit, or before it has read that",
			 "a server that is overloaded or stopping",
			 "a proxy whose connection to the server behind it was closed"},
			{"at the limit: let the client open another connection, or raise it: nginx "
			 "http2_max_concurrent_streams, Envoy max_concurrent_streams, HAProxy "
			 "tune.h2.fe.max-concurrent-streams, gRPC MAX_CONCURRENT_STREAMS, Go "
			 "http2.Server.MaxConcurrentStreams, Apache H2MaxSessionStreams",
			 "below it: look at the server's log, and at the closes of its own connections to other servers",
			 "keepwatch_streams_reset_total{code=\"REFUSED_STREAM\"} counts them"},
		},
	[KW_FINDING_FORWARDS_HOP_BY_HOP] =
		{
			"a program sends on fields that were meant for one connection only",
			"Connection, every field that it lists, Keep-Alive and Proxy-Connection speak of the one "
			"connection on which they come; whoever sends the message on removes them (RFC 9110 section "
			"7.6.1), and so TE and Upgrade, unless it means them itself. This program received such "
			"fields on some of its connections and sent them on others. The finding is critical where a "
			"Keep-Alive field that it sent on promises more time than the program itself keeps idle "
			"connections, and requests met its close.",
			{"a proxy that copies all fields of a message, or removes only the few that it knows",
			 "a proxy that removes Connection but not the fields that it listed: the next server takes a "
			 "field for the client's word that was meant for the proxy"},
			{"let the program remove them: nginx proxy_set_header NAME \"\", HAProxy http-request "
			 "del-header and http-response del-header, Varnish unset bereq.http.NAME; in a program of "
			 "your own, remove Connection and each field that it lists first of all",
			 "keepwatch trace --json lists them for each connection: forwarded_hop_by_hop"},
		},
	[KW_FINDING_FORBIDDEN_FIELDS] =
		{
			"messages of HTTP/2 have fields that HTTP/2 forbids",
			"Connection, Keep-Alive, Proxy-Connection, Upgrade and Transfer-Encoding speak of one connection of "
			"HTTP/1; in HTTP/2 a message that has one of them, or te with another value than trailers, is malformed "
			"(RFC 9113 section 8.2.2). The other side may answer it with PROTOCOL_ERROR, on the stream or on the "
			"whole connection; many do not, until they are replaced by one that does. The finding says which side "
			"sent which.",
			{"a gateway that translates HTTP/1 into HTTP/2 and copies these fields",
			 "code that sets Connection: keep-alive whatever the version is"},
			{"remove the fields where the finding says that they come from; in a gateway look for rules that add "
			 "or copy fields: nginx grpc_set_header, Envoy request_headers_to_add, HAProxy http-request "
			 "set-header",
			 "keepwatch trace --json lists them for each connection: forbidden_fields within http2"},
		},
	[KW_FINDING_CONNECTS_FAIL] =
		{
			"connection attempts fail",
			"No request had been sent on these connections, so every attempt can be repeated "
			"safely. The finding is critical if over 1% of the attempts fail. It names a service "
			"even if no attempt ever succeeded.",
			{"refused: nothing listens on that port, for example while a server restarts",
			 "timed out: a firewall drops the SYN, the host is down, or the accept queue is full",
			 "unreachable: there is no route to the server, or a router or firewall rejected the "
			 "attempt by ICMP",
			 "aborted: the client's connect timeout ran out, or the client tried several addresses "
			 "at once and kept the fastest"},
			{"keepwatch explain connect_refused, connect_timeout, connect_unreachable, "
			 "connect_aborted",
			 "on the server's host: ss -ltn shows what listens; where Recv-Q exceeds Send-Q, the "
			 "accept queue is full (nstat -az TcpExtListenOverflows counts how often)"},
		},
	[KW_FINDING_TLS_HANDSHAKES_FAIL] =
		{
			"TLS handshakes fail: one side refuses to go on",
			"At least one in a hundred handshakes was ended by an alert. The finding names the "
			"commonest alert and the side that sent it; the other side has to be mended, mostly. No "
			"request was sent on these connections.",
			{"a certificate that is not trusted, has expired, or is for another name",
			 "no version of TLS, no cipher suite or no protocol (ALPN) in common",
			 "a server that wants a certificate of its clients"},
			{"keepwatch explain tls_handshake_failed says for each alert what to look at",
			 "keepwatch trace --reason tls_handshake_failed prints each, with its alert"},
		},
	[KW_FINDING_TLS_UNCLEAN_CLOSES] =
		{
			"TLS connections are closed without close_notify",
			"More than one in a hundred connections, and at least five, were closed by one side by FIN alone. TLS "
			"ends a session by an alert, close_notify, so that the other side can tell the end from a cut. "
			"A response with a length is safe all the same. Connections whose closer was killed or that were "
			"reset do not count, nor do those whose last bytes were never read.",
			{"a program that closes the socket without SSL_shutdown() or gnutls_bye()",
			 "a server that closes idle connections in a hurry, or a client that just exits",
			 "a balancer or firewall on the way that closes for one of the sides: it has no keys"},
			{"let the side that the finding names end the session before it closes",
			 "give each response a Content-Length or chunks, so that its end does not depend on the close",
			 "keepwatch trace --json prints close_notify of both sides for each connection"},
		},
	[KW_FINDING_LOW_REUSE] =
		{
			"connections carry fewer than two requests each",
			"Most requests have to open a new connection, which costs a round trip, more with TLS, "
			"and a port in TIME_WAIT.",
			{"the finding names the most frequent cause: which side announces the close, or closes "
			 "without announcing it"},
			{"clients: use a pool and read responses to their end: keepalive in upstream and "
			 "proxy_set_header Connection \"\" (nginx), http-reuse safe (HAProxy), keepAlive: "
			 "true (Node's Agent), one Session (Python's requests)",
			 "servers: keep-alive on, with a limit of requests in the thousands",
			 "gunicorn's sync workers keep no connection: use gthread or an async worker"},
		},
	[KW_FINDING_MAX_CHURN] =
		{
			"most connections end at a limit of requests",
			"Such closes are orderly, but each costs a new handshake and is a chance to lose a "
			"request.",
			{"MaxKeepAliveRequests (Apache; 100 unless set), keepalive_requests (nginx; 1000), "
			 "maxRequestsPerSocket (Node)"},
			{"raise the limit: it guards against memory leaks that old servers had"},
		},
	[KW_FINDING_MAX_STREAMS_CHURN] =
		{
			"HTTP/2 connections end at a limit of streams",
			"Most connections that the server ended by GOAWAY while they were in use had taken exactly the same "
			"number of streams. Each such end turns away the streams that were begun behind it, which the client "
			"has to send again.",
			{"a limit of requests on one connection: nginx keepalive_requests (1000 unless set), Envoy "
			 "max_requests_per_connection, HAProxy tune.h2.fe.max-total-streams"},
			{"raise it: with many requests a second a connection of HTTP/2 reaches in seconds a limit that was "
			 "meant for HTTP/1",
			 "let the client send refused requests again: keepwatch explain goaway_refused"},
		},
	[KW_FINDING_MAX_AGE_CHURN] =
		{
			"HTTP/2 connections end at a limit of their age",
			"Most connections that the server ended by GOAWAY while they were in use were of the same age, within a "
			"jitter of 10%, and they were not ended all at once, as at a reload. That is meant to spread load over "
			"new servers. It costs a handshake each time, and streams that take longer than the grace are cut.",
			{"MAX_CONNECTION_AGE of a gRPC server, max_connection_duration (Envoy), keepalive_time (nginx; 1 h "
			 "unless set)"},
			{"if it comes too often, raise the age",
			 "let the grace be longer than the longest stream: gRPC MAX_CONNECTION_AGE_GRACE, Envoy "
			 "drain_timeout; keepwatch explain goaway_losses says whether streams were cut"},
		},
	[KW_FINDING_PROBE_ONLY] =
		{
			"most connections are opened and closed without a request",
			"They cost little, but in counts of connections they hide those that carry requests.",
			{"TCP health checks of balancers", "clients that connect in advance"},
			{"use HTTP checks, less often, or from fewer places: option httpchk (HAProxy)"},
		},
	[KW_FINDING_CLIENTS_GIVE_UP] =
		{
			"clients often close while they wait for a response",
			"The server then works on responses that nobody reads. If most clients waited for the "
			"same time, that time is the client's timeout.",
			{"the server takes longer than its clients are set to wait"},
			{"look at the typical waiting time of the finding, and compare it with the timeouts of "
			 "the clients and proxies",
			 "let the server stop work whose client has left"},
		},
	[KW_FINDING_DEAD_PATH] =
		{
			"requests on connections that had been idle never arrived, or PINGs were not answered",
			"A firewall, NAT or balancer on the way forgot the connection and drops its packets. "
			"The finding shows the shortest idle time after which a request failed and the longest "
			"after which one worked: the idle limit of that device lies between the two. An HTTP/2 "
			"connection whose PING is not answered is given up for the same reason; but where the "
			"other host acknowledged the PING, the path works, and the program there is stuck.",
			{"NAT, firewalls and balancers with an idle limit: 350 s (AWS NLB and NAT gateway), "
			 "4 min (Azure), 10 min (Google)",
			 "a program that is stopped, swapped out, or blocked in its event loop"},
			{"let both ends close idle connections sooner than that",
			 "or send keep-alive probes more often: net.ipv4.tcp_keepalive_time, which is 2 "
			 "hours unless set; PINGs of HTTP/2: gRPC KEEPALIVE_TIME, Go "
			 "http2.Transport.ReadIdleTimeout, Envoy connection_keepalive"},
		},
	[KW_FINDING_CLOSE_WAIT_LEAK] =
		{
			"connections stay half-closed: the peer has closed, and the program does not",
			"The program does not notice that the peer has closed, or it forgot the socket. Each "
			"such socket holds a descriptor and memory, until the program runs out of them.",
			{"a program that does not read from idle connections in its pool",
			 "responses that are never read to the end or closed"},
			{"the finding names the process; ss -tnp state close-wait shows its sockets",
			 "close connections that are not used; in Go: body.Close() on every path"},
		},
	[KW_FINDING_OBSOLETE_FIELDS] =
		{
			"messages carry connection fields that are obsolete or wrong",
			"These fields have no use, and they do harm where a proxy obeys them.",
			{"Proxy-Connection, which no standard knows",
			 "Keep-Alive that Connection does not list: most likely forwarded from another "
			 "connection",
			 "Connection that lists end-to-end fields, such as Content-Length or Host: a proxy "
			 "would remove those fields"},
			{"proxies: do not forward them (proxy_hide_header, http-response del-header)",
			 "clients: send Connection: keep-alive or close, or nothing"},
		},
};
