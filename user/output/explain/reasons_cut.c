/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the reasons for connections that failed, were cut, or are not judged as HTTP. */
#include "output/explain/pages.h"

const struct kw_explanation kw_explanations_cut[KW_EXPLANATIONS_CUT] = {
	[KW_REASON_CONNECT_REFUSED] =
		{
			"the server's host answered the connection attempt with a RST",
			"The packet that opens a connection reached a host, and that host said no at once. "
			"No request was sent, so trying again is always safe.",
			{"nobody listens on that address and port: the server is down, restarting, or bound "
			 "to another address (127.0.0.1 instead of 0.0.0.0, IPv4 instead of IPv6)",
			 "a firewall rejects with a TCP reset",
			 "the listen queue is full and net.ipv4.tcp_abort_on_overflow is set"},
			{"on the server's host, see who listens: ss -ltnp",
			 "if it happens during deploys, start the new process before the old one stops, or "
			 "hand the listening socket over (systemd socket activation, SO_REUSEPORT, nginx -s "
			 "reload)",
			 "let the client try another server: proxy_next_upstream error (nginx), option "
			 "redispatch and retry-on conn-failure (HAProxy)"},
		},
	[KW_REASON_CONNECT_TIMEOUT] =
		{
			"nobody answered the connection attempt",
			"The kernel sent the opening packet again and again until its retries or the socket's "
			"own timeout ran out. A firewall that drops packets and a host that is down both look "
			"like this.",
			{"a firewall or security group that drops instead of rejecting",
			 "a host that is down or an address that is not in use",
			 "a server so busy that its listen queue overflows, which drops new connections"},
			{"on the server's host, look for overflows: nstat -az TcpExtListenOverflows "
			 "TcpExtListenDrops; raise the listen backlog and net.core.somaxconn together",
			 "check routes and security groups in both directions",
			 "fail sooner: proxy_connect_timeout (nginx), timeout connect (HAProxy), "
			 "--connect-timeout (curl)"},
		},
	[KW_REASON_CONNECT_UNREACHABLE] =
		{
			"the network said that the connection cannot be made",
			"An ICMP error or a missing route ended the attempt. No RST came, so it was not the "
			"server's own kernel that refused: even ECONNREFUSED can come from a firewall.",
			{"a firewall that rejects with ICMP, which is what a plain \"reject\" of nftables or "
			 "iptables does; Kubernetes does so for a service without endpoints",
			 "no route to the network, or no neighbour with that address on the local one"},
			{"ip route get ADDRESS shows the route that packets take; nft list ruleset shows which "
			 "rule rejects them",
			 "in Kubernetes: kubectl get endpointslices, and the pods' readiness checks"},
		},
	[KW_REASON_CONNECT_ABORTED] =
		{
			"the client closed its socket before the connection was established",
			"The client itself gave up on connecting, because its own timeout ran out or because "
			"it no longer needed the connection.",
			{"the client has a connect timeout that is shorter than the kernel's",
			 "a client that tries IPv6 and IPv4 at once and drops the slower (happy eyeballs)",
			 "a request that was cancelled while its connection was being opened"},
			{"nothing, if there are few; if there are many, look at how long they lasted: the same "
			 "length again and again is the client's timeout, and keepwatch explain "
			 "connect_timeout says what to do about that"},
		},
	[KW_REASON_ABORTED_LOCALLY] =
		{
			"somebody destroyed the socket from outside its program",
			"The program did not close this connection, and neither did the peer: an administrator "
			"or another program made the kernel destroy it (ECONNABORTED).",
			{"ss -K, or a tool that uses the same interface (SOCK_DESTROY): failover scripts, "
			 "Android, Cilium"},
			{"find the program that does it; let it wait until open requests are answered, or "
			 "leave these ports alone"},
		},
	[KW_REASON_RETRANSMIT_TIMEOUT] =
		{
			"data was sent and never acknowledged, until the kernel gave up",
			"The path or the peer went away in the middle of the conversation. By default the "
			"kernel tries for about 15 minutes, and the application waits that long.",
			{"the peer's host lost its power or its network, or was removed",
			 "a firewall, NAT or load balancer forgot an idle connection and drops its packets "
			 "(see dead_path)",
			 "a firewall rule that was added while connections were open"},
			{"let programs notice sooner: TCP_USER_TIMEOUT (tcp-ut in HAProxy), or "
			 "net.ipv4.tcp_retries2 = 8",
			 "if it follows long idle times, close idle connections before the device on the way "
			 "forgets them, or send keep-alive probes more often than its idle limit: "
			 "net.ipv4.tcp_keepalive_time"},
		},
	[KW_REASON_PROBE_TIMEOUT] =
		{
			"keep-alive probes of an idle connection were not answered",
			"TCP's own keep-alive probes found that the peer no longer answers. That is their "
			"purpose: nothing was lost unless a request was waiting.",
			{"the peer's host went away without closing: a crash, a suspended laptop, a changed "
			 "address",
			 "a firewall or NAT forgot the connection"},
			{"nothing, if no request was lost",
			 "if a request was waiting, the peer went away while it was open: look at the peer's "
			 "host at that time"},
		},
	[KW_REASON_NETWORK_ERROR] =
		{
			"an error from the network ended the connection",
			"The socket got an error that is neither a timeout nor a RST, and the program, which "
			"had asked the kernel to report such errors, dropped the connection.",
			{"a router or firewall on the way reports the peer as unreachable"},
			{"the evidence names the error; check the route (ip route get ADDRESS) and the "
			 "firewalls on the way"},
		},
	[KW_REASON_UNKNOWN] =
		{
			"too little was seen to say why",
			"keepwatch did not see something that it needs for a verdict, so it gives none. The "
			"evidence says what it did not see.",
			{"the connection is older than keepwatch and was not used since, and TCP's own times do "
			 "not show that it was idle: a request may have been waiting",
			 "heads of messages passed in a way that cannot be read: sendfile, splice, "
			 "kernel TLS, or io_uring before Linux 6.3",
			 "a message broke the rules of HTTP/1"},
			{"start keepwatch before the programs that it watches, or wait until old connections "
			 "are gone",
			 "look at errors and blind_bytes in the record (keepwatch trace --json)"},
		},
	[KW_REASON_PROCESS_EXIT] =
		{
			"the process that held the connection exited or was killed",
			"No program decided to close this connection: the kernel closed it when the process "
			"ended. If a request was open, it was lost.",
			{"a crash, the out-of-memory killer, kill -9",
			 "a restart that does not wait for requests to finish",
			 "a container that is killed when its grace period is over"},
			{"the evidence names the signal: 9 may be the OOM killer (dmesg), 11 and 6 are "
			 "crashes",
			 "let the server finish its open requests before it exits: nginx -s quit, apachectl "
			 "graceful-stop, server.close() of Node, Shutdown() of Go, SIGTERM and "
			 "--graceful-timeout of gunicorn, hard-stop-after of HAProxy",
			 "give the process time to finish: terminationGracePeriodSeconds (Kubernetes), "
			 "TimeoutStopSec (systemd)",
			 "take the server out of the balancer and wait before the signal is sent, so that no "
			 "new requests arrive"},
		},
	[KW_REASON_TLS_HANDSHAKE_FAILED] =
		{
			"an alert ended the TLS handshake",
			"One side refused to go on and said why by an alert. The record names the side and, "
			"unless the alert was encrypted, its code: unknown_ca is about trust in the issuer, "
			"bad_certificate and certificate_expired about the certificate, unrecognized_name "
			"about the name that was asked for, protocol_version about versions, "
			"no_application_protocol about ALPN. No request was sent, so trying again is safe.",
			{"unknown_ca, by the client: it does not trust the issuer of the server's "
			 "certificate, or the server sends its chain without the intermediate certificate",
			 "bad_certificate, certificate_expired, certificate_unknown, by the client: the "
			 "certificate is not valid, or not for the name that the client asked for",
			 "certificate_required, handshake_failure, or an encrypted alert right after the "
			 "client's certificate, by the server: it wants a certificate of the client",
			 "protocol_version, handshake_failure, insufficient_security: the two sides have no "
			 "version or no cipher suite in common",
			 "unrecognized_name: the server has no certificate for the name that the client sent; "
			 "no_application_protocol: it speaks none of the protocols that the client offered"},
			{"see the server's side as the client sees it: openssl s_client -connect HOST:PORT "
			 "-servername NAME -showcerts",
			 "install the whole chain at the server; give the client the issuer's certificate "
			 "(--cacert in curl, proxy_ssl_trusted_certificate in nginx, ca-file in HAProxy)",
			 "compare the versions on both sides: ssl_protocols (nginx), ssl-min-ver (HAProxy)"},
		},
	[KW_REASON_TLS_HANDSHAKE_TIMEOUT] =
		{
			"one side waited in vain for the other during the TLS handshake, and closed",
			"The closer had sent its part of the handshake more than half a second before, and "
			"nothing, or only part of a message, came back. No request was sent.",
			{"the other process is too busy, or blocked, and does not come to answer",
			 "the port speaks another protocol and waits for the client to say something else",
			 "a middlebox drops large packets: a ClientHello or a chain of certificates does not "
			 "fit in one"},
			{"look at the load of the side that was silent; TLS handshakes cost processor time",
			 "if the same path always fails, look for a wrong MTU: ping -M do -s 1472 HOST",
			 "the closer's timeout is ssl_handshake_timeout (nginx stream), timeout client-hs "
			 "(HAProxy), or its connect timeout"},
		},
	[KW_REASON_TLS_HANDSHAKE_ABANDONED] =
		{
			"the connection was closed during the TLS handshake, without an alert",
			"One side closed before the handshake was done and did not say why.",
			{"a port scan, or a health check that only wants to see that the port answers",
			 "a client that cancelled, or whose user left",
			 "by the server, before it sent anything: the port does not expect TLS, or a filter "
			 "refused the client"},
			{"nothing, if they are health checks: let these complete the handshake to keep the "
			 "numbers clean",
			 "if the server closes, read its log; and check that the client's port is the one for "
			 "https"},
		},
	[KW_REASON_TUNNEL_ENDED] =
		{
			"a tunnel (CONNECT or an upgrade such as WebSocket) ended",
			"After 101 or a successful CONNECT the connection no longer carries HTTP, so the rules "
			"of HTTP say nothing about its end.",
			{"the application closed it, or a proxy's tunnel timeout did"},
			{"if tunnels end too early, and always at the same age, raise proxy_read_timeout "
			 "(nginx), timeout tunnel (HAProxy), or send pings more often"},
		},
	[KW_REASON_NOT_HTTP] =
		{
			"the connection did not carry HTTP",
			"It began as something else, or as TLS or HTTP/2 that could not be followed. keepwatch does not look further, and "
			"claims nothing.",
			{"another protocol on an observed port",
			 "TLS that ends in something else, or is done in the kernel (kTLS)"},
			{"nothing; to watch only HTTP ports use --port"},
		},
	[KW_REASON_REQUEST_TIMEOUT] =
		{
			"the server answered 408: no complete request came in time",
			"The server waited for a request, or for the rest of one, then answered 408 and "
			"closed. Nothing was lost, but a client that does not expect the 408 takes it for the "
			"answer to its next request.",
			{"connections opened in advance and not used: browsers, connection pools, health "
			 "checks",
			 "slow or stalled clients"},
			{"HAProxy: timeout http-request, and option http-ignore-probes for silence on unused "
			 "connections",
			 "Node: server.headersTimeout, server.requestTimeout; Apache: RequestReadTimeout; "
			 "nginx: client_header_timeout",
			 "clients: do not open connections long before they are used"},
		},
	[KW_REASON_UNUSED] =
		{
			"the connection was opened and closed without a byte",
			"No request and no response was seen. Nothing was lost.",
			{"TCP health checks, port scans", "connections opened in advance that were not needed"},
			{"nothing; if most connections are like this, see keepwatch explain probe_only"},
		},
	[KW_REASON_EARLY_RESPONSE] =
		{
			"the server answered before the request's body was complete, and the connection ended "
			"there",
			"This is common when a server refuses a request: 401, 413, 417. If the server closes "
			"before it has read the whole body, its kernel sends a RST, which can destroy the "
			"response before the client reads it: only then does the close count as premature.",
			{"uploads that are too large: client_max_body_size (nginx), LimitRequestBody (Apache)",
			 "authentication that fails, on a client that sends the body at once"},
			{"servers should read and drop the rest for a while: lingering_close always (nginx)",
			 "clients should send Expect: 100-continue with large bodies, and read while they "
			 "write"},
		},
	[KW_REASON_PIPELINE_CUT] =
		{
			"requests were pipelined behind one whose response announced the close",
			"The client had sent more requests without waiting. The server answered one, said "
			"that it would close, and did: the later ones were not served.",
			{"a client that pipelines, at the server's limit of requests or while it shuts down"},
			{"the client must send the unanswered requests again on a new connection; if it "
			 "cannot, turn its pipelining off"},
		},
	[KW_REASON_REQUEST_TRUNCATED] =
		{
			"the connection ended before the request was complete",
			"The head or the body of a request had begun and never ended.",
			{"a client that crashed, was cancelled, or got no more data from its own source",
			 "a server whose timeout for receiving requests ran out: client_body_timeout (nginx), "
			 "RequestReadTimeout (Apache), timeout http-request (HAProxy), server.requestTimeout "
			 "(Node)",
			 "a Content-Length that is larger than the body"},
			{"if the client closed, look for the cause there; if the server closed, raise its "
			 "timeout for slow uploads",
			 "a server that closes before a request is complete should answer 408 first"},
		},
	[KW_REASON_HALF_CLOSED] =
		{
			"the client closed only its sending side, and got its whole response",
			"This is a half-close: the client had nothing more to send, said so with a FIN, and "
			"went on reading. Nothing was lost.",
			{"clients that call shutdown(SHUT_WR), such as netcat and some RPC libraries"},
			{"nothing; but some proxies take a half-close for a client that left, see option "
			 "abortonclose (HAProxy), proxy_ignore_client_abort (nginx)"},
		},
	[KW_REASON_STALE_REUSE] =
		{
			"a request was sent on a connection that its server had closed or was closing",
			"This is the keep-alive race: the server closes an idle connection just as the client "
			"uses it again, so the request is lost before the server sees it. A proxy reports it "
			"as 502, a program as \"connection reset\" or \"socket hang up\". On the server's host "
			"keepwatch reports the same event as late_request.",
			{"the client keeps idle connections as long as the server does, or longer",
			 "the server closes sooner than it advertises, or advertises nothing, or a proxy "
			 "forwards a Keep-Alive field that is not its own",
			 "the server restarts or reloads and closes its idle connections (see drain)"},
			{"let the client close idle connections first, by a second or more: keepalive_timeout "
			 "in nginx's upstream, ttl= of Apache's ProxyPass, pool-purge-delay of HAProxy, "
			 "keepAliveTimeout of undici, IdleConnTimeout of Go, evictIdleConnections of Java's "
			 "HttpClient",
			 "or let the server keep idle connections longer than every client does: "
			 "keepalive_timeout (nginx), KeepAliveTimeout (Apache), server.keepAliveTimeout (Node; "
			 "5 s unless set), --keep-alive (gunicorn; 2 s unless set), --timeout-keep-alive "
			 "(uvicorn)",
			 "behind a cloud balancer the server must keep idle connections longer than the "
			 "balancer does: more than 60 s for AWS ALB, more than 600 s for Google's",
			 "let the client repeat requests that are safe to repeat: retry-on conn-failure "
			 "empty-response (HAProxy), proxy_next_upstream error (nginx)"},
		},
	[KW_REASON_NO_RESPONSE] =
		{
			"the server received the request and closed without sending a byte of a response",
			"This is not the keep-alive race, because the request had arrived. If the server's "
			"only answer was a RST, keepwatch infers that (confidence: inferred), unless the "
			"server's end is on the same host and shows it.",
			{"a worker that crashed or was killed while it handled the request: --timeout of "
			 "gunicorn (30 s unless set), the OOM killer",
			 "a server that drops requests on purpose: return 444 (nginx), http-request reject "
			 "(HAProxy), ErrAbortHandler (Go)",
			 "a server whose write or request timeout is shorter than its work: WriteTimeout (Go)"},
			{"read the server's log at that time; keepwatch on the server's host shows whether the "
			 "server's process was exiting",
			 "raise the timeout that ended the request, or make its work shorter",
			 "a request that is not safe to repeat may have had its effect already: check before "
			 "sending it again"},
		},
	[KW_REASON_RESPONSE_TRUNCATED] =
		{
			"the server closed in the middle of a response",
			"The client got only a part of the response. If the response has a length or chunks, "
			"the client can detect that; it must not use the part as the whole.",
			{"a server or worker that crashed, was killed or restarted while it sent",
			 "a proxy whose backend failed half-way, or was too slow: proxy_read_timeout (nginx), "
			 "timeout server (HAProxy)",
			 "a Content-Length that is larger than the body",
			 "inside TLS, a server that sends responses without a length and closes without a "
			 "close_notify, so that a cut one looks like a whole one",
			 "a RST over unread data (unread_data): the server closed while the client still sent"},
			{"read the server's log; if it happens during deploys, let the server finish open "
			 "requests first (see process_exit)",
			 "if clients read slowly, raise the server's timeout for sending: send_timeout "
			 "(nginx), Timeout (Apache), WriteTimeout (Go)"},
		},
	[KW_REASON_REQUEST_UNACKNOWLEDGED] =
		{
			"the client gave up on a request that never reached the server's host",
			"The request was sent again and again and never acknowledged. The path to the server "
			"is dead; a slow server would still acknowledge.",
			{"a firewall, NAT or load balancer forgot the idle connection: AWS NLB after 350 s, "
			 "Azure after 4 min, many firewalls after an hour, conntrack by "
			 "net.netfilter.nf_conntrack_tcp_timeout_established",
			 "the server's host is gone"},
			{"close idle connections before the device on the way forgets them",
			 "or send TCP keep-alive probes more often than that, so that the device remembers "
			 "them: SO_KEEPALIVE and TCP_KEEPIDLE, proxy_socket_keepalive (nginx), option srvtcpka "
			 "(HAProxy)"},
		},
	[KW_REASON_HALF_CLOSE_REFUSED] =
		{
			"the server closed because the client had shut its sending direction",
			"The client said with a FIN that it would send nothing more, and went on reading: HTTP "
			"and TCP allow that (a half-close). The server took the FIN for the end of the client "
			"and closed without a complete response. The server's own end cannot see the "
			"difference: its record says client_gave_up, inferred, unless the client is on the "
			"same host.",
			{"a proxy that drops a request once its client's FIN arrives: HAProxy with option "
			 "abortonclose, nginx as a reverse proxy by default, Envoy, many load balancers",
			 "a client that calls shutdown(SHUT_WR) behind its request: nc -N, socat, some "
			 "health checks, scripts and SOAP libraries",
			 "a server framework that cancels the request when its socket reads end of file"},
			{"let the client keep its sending direction open until the response is complete; "
			 "Connection: close says the same without a FIN",
			 "nginx: proxy_ignore_client_abort on (fastcgi_ignore_client_abort for FastCGI)",
			 "HAProxy: no option abortonclose in that backend",
			 "sending such a request again by itself does not help: the same client is refused "
			 "again"},
		},
	[KW_REASON_CLIENT_GAVE_UP] =
		{
			"the client closed while it waited for the response",
			"The server had not begun to answer. A proxy logs it as 499.",
			{"the client's timeout is shorter than the server's work",
			 "a user who navigated away, a cancelled call, a client that was restarted"},
			{"look at waited_s in the records: if many have the same value, that value is the "
			 "client's timeout",
			 "make the server faster or the timeout longer; each side further from the user "
			 "should time out sooner",
			 "proxies: proxy_read_timeout (nginx), ProxyTimeout (Apache), timeout server "
			 "(HAProxy)"},
		},
	[KW_REASON_CLIENT_LEFT] =
		{
			"the client closed in the middle of a response",
			"The client had begun to read and did not want the rest. The close does not count as "
			"premature, because it was the client's choice.",
			{"a user who stopped a download, a player that seeks, an event stream that is no "
			 "longer wanted",
			 "a client that reads what it needs and leaves the rest unread, so that it cannot use "
			 "the connection again"},
			{"clients that want to use the connection again must read responses to their end (in "
			 "Go: io.Copy(io.Discard, body) before Close)"},
		},
};
