/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages: connections that failed, were cut, or are not judged as HTTP. */
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
			"The kernel sent the opening packet again and again until its retries or the "
			"socket's own timeout ran out. Silence is how firewalls drop, and how absent hosts "
			"look from afar.",
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
			{"ip route get ADDRESS says which way it would go; nft list ruleset who rejects",
			 "in Kubernetes: kubectl get endpointslices, and the pods' readiness checks"},
		},
	[KW_REASON_CONNECT_ABORTED] =
		{
			"the client closed its socket before the connection was established",
			"The client itself gave up on connecting, by its own timeout or because it no longer "
			"needed it.",
			{"a connect timeout of the client's, shorter than the kernel's",
			 "a client that tries IPv6 and IPv4 at once and drops the slower (happy eyeballs)",
			 "a request that was cancelled while its connection was being opened"},
			{"harmless in small numbers; if many, see how long they lasted: many of one length "
			 "are a timeout, and then connect_timeout explains the rest"},
		},
	[KW_REASON_ABORTED_LOCALLY] =
		{
			"somebody destroyed the socket from outside its program",
			"The program did not close this connection, and neither did the peer: an "
			"administrator or another program told the kernel to (ECONNABORTED).",
			{"ss -K, or a tool that uses the same interface (SOCK_DESTROY): failover scripts, "
			 "Android, Cilium"},
			{"find who runs it; let it wait until requests in flight are done, or exclude these "
			 "ports"},
		},
	[KW_REASON_RETRANSMIT_TIMEOUT] =
		{
			"data was sent and never acknowledged, until the kernel gave up",
			"The path or the peer went away in the middle of the conversation. By default the "
			"kernel tries for about 15 minutes, and the application waits that long.",
			{"the peer's host lost its power or its network, or was removed",
			 "a firewall, NAT or load balancer forgot an idle connection and drops what comes "
			 "for it (see dead_path)",
			 "a firewall rule that was added while connections were open"},
			{"notice sooner: TCP_USER_TIMEOUT (tcp-ut in HAProxy), or net.ipv4.tcp_retries2 = 8",
			 "if it follows long idle times, close idle connections before the middle box "
			 "forgets them, or send keep-alive probes more often than it forgets: "
			 "net.ipv4.tcp_keepalive_time"},
		},
	[KW_REASON_PROBE_TIMEOUT] =
		{
			"keep-alive probes of an idle connection were not answered",
			"TCP's own probes found that nobody is there any more. That is their purpose: "
			"nothing was lost unless a request was waiting.",
			{"the peer's host went away without closing: a crash, a suspended laptop, a changed "
			 "address",
			 "a firewall or NAT forgot the connection"},
			{"none, if no request was lost",
			 "if a request was waiting, the peer died over it: see the peer's host at that time"},
		},
	[KW_REASON_NETWORK_ERROR] =
		{
			"an error from the network ended the connection",
			"The socket got an error that is neither a timeout nor a RST, and the program that "
			"had asked to be told of such errors dropped the connection.",
			{"a router or firewall on the way reports the peer as unreachable"},
			{"the evidence names the error; ip route get ADDRESS, and the firewalls on the way"},
		},
	[KW_REASON_UNKNOWN] =
		{
			"too little was seen to say why",
			"Something that decides was not observed, so nothing is claimed: the evidence says "
			"what.",
			{"the connection is older than keepwatch, and was not used since",
			 "heads of messages passed in a way that cannot be read: io_uring, sendfile, splice, "
			 "kernel TLS",
			 "a message broke the rules of HTTP/1"},
			{"start keepwatch before the programs that it watches, or wait until old connections "
			 "are gone",
			 "see the errors and blind_bytes of the record (trace --json)"},
		},
	[KW_REASON_PROCESS_EXIT] =
		{
			"the process that held the connection exited or was killed",
			"Nobody decided to close this connection: the kernel did when the process ended. If "
			"a request was under way it was lost.",
			{"a crash, the out-of-memory killer, kill -9",
			 "a restart that does not wait for requests to finish",
			 "a container that is killed when its grace period is over"},
			{"the evidence names the signal: 9 may be the OOM killer (dmesg), 11 and 6 are "
			 "crashes",
			 "drain first: nginx -s quit, apachectl graceful-stop, server.close() of Node, "
			 "Shutdown() of Go, SIGTERM and --graceful-timeout of gunicorn, hard-stop-after of "
			 "HAProxy",
			 "give it time: terminationGracePeriodSeconds (Kubernetes), TimeoutStopSec (systemd)",
			 "stop new requests first: take it out of the balancer, and wait, before the signal "
			 "is sent"},
		},
	[KW_REASON_TUNNEL_ENDED] =
		{
			"a tunnel (CONNECT or an upgrade such as WebSocket) ended",
			"After 101 or a successful CONNECT the connection no longer carries HTTP, and its "
			"end is a matter of what it carries.",
			{"the application closed it, or a proxy's tunnel timeout did"},
			{"if they end too early and always at one age, raise proxy_read_timeout (nginx), "
			 "timeout tunnel (HAProxy), or send pings more often"},
		},
	[KW_REASON_NOT_HTTP] =
		{
			"the connection did not carry HTTP/1",
			"It began as TLS, HTTP/2 or something else. keepwatch does not look further, and "
			"claims nothing.",
			{"another protocol on an observed port",
			 "TLS: what is encrypted cannot be read on the wire"},
			{"none; to watch only HTTP ports use --port"},
		},
	[KW_REASON_REQUEST_TIMEOUT] =
		{
			"the server answered 408: no complete request came in time",
			"The server waited for a request, or the rest of one, said 408 and closed. Nothing "
			"was lost, but a client that is not prepared takes the 408 for the answer to its "
			"next request.",
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
			{"none; if most connections are such, see probe_only"},
		},
	[KW_REASON_EARLY_RESPONSE] =
		{
			"the server answered before the request's body was complete, and it ended there",
			"Common for refusals: 401, 413, 417. If the server closes over a body that it has "
			"not read, its kernel sends a RST, and that can destroy the response before the "
			"client reads it: only then it is premature.",
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
			{"a client that crashed, was cancelled, or whose own source ran dry",
			 "a server that lost patience: client_body_timeout (nginx), RequestReadTimeout "
			 "(Apache), timeout http-request (HAProxy), server.requestTimeout (Node)",
			 "a Content-Length that is larger than the body"},
			{"see who closed: the client, then look there; the server, then raise the timeout "
			 "for slow uploads",
			 "a server that closes over a request should answer 408 first"},
		},
	[KW_REASON_HALF_CLOSED] =
		{
			"the client closed its sending side, and got its response all the same",
			"A half-close: the client had nothing more to send, said so by a FIN, and still "
			"read. All is well.",
			{"clients that call shutdown(SHUT_WR), such as netcat and some RPC libraries"},
			{"none; beware of proxies that take a half-close for a client that left: option "
			 "abortonclose (HAProxy), proxy_ignore_client_abort (nginx)"},
		},
	[KW_REASON_STALE_REUSE] =
		{
			"a request was sent on a connection that its server had closed or was closing",
			"The keep-alive race. The server closes an idle connection just as the client uses "
			"it again; the request dies unseen. A proxy reports it as 502, a program as "
			"\"connection reset\" or \"socket hang up\". Seen from the server's host it is a "
			"late_request.",
			{"the client keeps idle connections as long as the server does, or longer",
			 "the server closes sooner than it advertises, or advertises nothing, or a proxy "
			 "forwards a Keep-Alive field that is not its own",
			 "the server restarts or reloads and closes its idle connections (see drain)"},
			{"let the client give up first, by a second or more: keepalive_timeout in nginx's "
			 "upstream, ttl= of Apache's ProxyPass, pool-purge-delay of HAProxy, "
			 "keepAliveTimeout of undici, IdleConnTimeout of Go, evictIdleConnections of Java's "
			 "HttpClient",
			 "or let the server wait longer than every client: keepalive_timeout (nginx), "
			 "KeepAliveTimeout (Apache), server.keepAliveTimeout (Node; 5 s unless set), "
			 "--keep-alive (gunicorn; 2 s unless set), --timeout-keep-alive (uvicorn)",
			 "behind a cloud balancer the server must outlast it: more than 60 s for AWS ALB, "
			 "more than 600 s for Google's",
			 "let the client try again what is safe to repeat: retry-on conn-failure "
			 "empty-response (HAProxy), proxy_next_upstream error (nginx)"},
		},
	[KW_REASON_NO_RESPONSE] =
		{
			"the server had the request and closed without a byte of a response",
			"Not the keep-alive race: the request had arrived. Where only a RST came, that is "
			"inferred.",
			{"a worker that crashed or was killed over the request: --timeout of gunicorn (30 s "
			 "unless set), the OOM killer",
			 "a server that drops on purpose: return 444 (nginx), http-request reject (HAProxy), "
			 "ErrAbortHandler (Go)",
			 "a server whose write or request timeout is shorter than its work: WriteTimeout (Go)"},
			{"look into the server's log at that time; keepwatch on its host tells whether its "
			 "process was exiting",
			 "raise the timeout that killed it, or make the work shorter",
			 "a request that is not safe to repeat may have had its effect: check before sending "
			 "it again"},
		},
	[KW_REASON_RESPONSE_TRUNCATED] =
		{
			"the server closed in the middle of a response",
			"The client got a part of it. With a length or chunks it can tell; it must not use "
			"the part as the whole.",
			{"a server or worker that crashed, was killed or restarted while it sent",
			 "a proxy whose own server failed half-way, or was too slow: proxy_read_timeout "
			 "(nginx), timeout server (HAProxy)",
			 "a Content-Length that is larger than the body",
			 "a RST over unread data (unread_data): the server closed while the client still sent"},
			{"see the server's log; if it happens at deploys let the server finish first (see "
			 "process_exit)",
			 "a client too slow for the server's patience: send_timeout (nginx), Timeout "
			 "(Apache), WriteTimeout (Go)"},
		},
	[KW_REASON_REQUEST_UNACKNOWLEDGED] =
		{
			"the client gave up on a request that never reached the server's host",
			"The request was sent again and again and nobody acknowledged it: the path is dead, "
			"not the server slow.",
			{"a firewall, NAT or load balancer forgot the idle connection: AWS NLB after 350 s, "
			 "Azure after 4 min, many firewalls after an hour, conntrack by "
			 "net.netfilter.nf_conntrack_tcp_timeout_established",
			 "the server's host is gone"},
			{"close idle connections before the box on the way forgets them",
			 "or keep them known by TCP keep-alive probes more often than that: SO_KEEPALIVE and "
			 "TCP_KEEPIDLE, proxy_socket_keepalive (nginx), option srvtcpka (HAProxy)"},
		},
	[KW_REASON_HALF_CLOSE_REFUSED] =
		{
			"the server closed because the client had shut its sending direction",
			"The client said with a FIN that it would send nothing more, and went on reading: HTTP "
			"and TCP allow that (a half-close). The server took the FIN for the end of the client "
			"and closed without a complete response. The server's own end cannot see the "
			"difference, so its record says client_gave_up, inferred.",
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
			{"see waited_s: many of one length are a timeout, and that is its value",
			 "make the server faster or the timeout longer; each side further from the user "
			 "should time out sooner",
			 "proxies: proxy_read_timeout (nginx), ProxyTimeout (Apache), timeout server "
			 "(HAProxy)"},
		},
	[KW_REASON_CLIENT_LEFT] =
		{
			"the client closed in the middle of a response",
			"It had begun to read and did not want the rest. Not counted as premature: that was "
			"its choice.",
			{"a user who stopped a download, a player that seeks, an event stream that is no "
			 "longer wanted",
			 "a client that read what it needed and does not drain the rest, which costs it the "
			 "connection"},
			{"clients that mean to use the connection again must read responses to their end (in "
			 "Go: io.Copy(io.Discard, body) before Close)"},
		},
};
