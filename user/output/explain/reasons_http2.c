/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of the reasons that only connections of HTTP/2 have. */
#include "output/explain/pages.h"

const struct kw_explanation kw_explanations_http2[KW_REASON_MAX] = {
	[KW_REASON_ENHANCE_YOUR_CALM] =
		{
			"one side sent more than the other puts up with (GOAWAY with ENHANCE_YOUR_CALM)",
			"Nearly always the client sent PINGs more often than the server allows; the evidence then says too_many_pings, how many "
			"there were, and the shortest time between two. All streams that were open failed with it (gRPC: UNAVAILABLE), and the "
			"client that connects again will do the same again.",
			{"gRPC: KEEPALIVE_TIME of the client is shorter than the server's PERMIT_KEEPALIVE_TIME (5 minutes unless set); after two "
			 "PINGs too many the connection is ended",
			 "gRPC: the client sends PINGs while it has no call (PERMIT_KEEPALIVE_WITHOUT_CALLS), and the server has not permitted it, which "
			 "leaves it one PING in 2 hours",
			 "a proxy in between that has limits of its own: Envoy counts PING, SETTINGS, RST_STREAM and empty frames",
			 "a client that resets its streams as fast as it begins them, which servers take for an attack (rapid reset)"},
			{"set both sides together: KEEPALIVE_TIME of the client not below PERMIT_KEEPALIVE_TIME of the server "
			 "(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS; Go: keepalive.EnforcementPolicy MinTime and PermitWithoutStream)",
			 "ask whether PINGs are needed so often: they only have to be more frequent than the path forgets connections, 350 s on AWS NLB and NAT",
			 "Envoy: max_inbound_priority_frames_per_stream and its neighbours in http2_protocol_options"},
		},
	[KW_REASON_PING_TIMEOUT] =
		{
			"the closer's PING had no answer: the other side, or the path to it, was dead",
			"One side asked whether the other was still there, and nothing at all came back in that time. So it closed. That is how "
			"keepalive should work: without PINGs such a connection fails requests for up to 15 minutes.",
			{"a NAT, firewall or balancer forgot the connection while it was idle, and drops what comes on it (see dead_path)",
			 "the other host lost its power or its network, was removed, or is stopped",
			 "the other process hangs: it accepts bytes, and reads none"},
			{"find what is common to these connections: one host is that host, all that had been idle for long are the path",
			 "keep the path warm: PINGs more often than it forgets (gRPC KEEPALIVE_TIME; Go http2.Transport ReadIdleTimeout and PingTimeout; "
			 "connection_keepalive of Envoy; AWS NLB and NAT forget after 350 s, Azure after 4 minutes)",
			 "notice sooner: KEEPALIVE_TIMEOUT (gRPC, 20 s unless set), together with TCP_USER_TIMEOUT"},
		},
	[KW_REASON_GOAWAY_ERROR] =
		{
			"a GOAWAY said that something is wrong with the connection",
			"One side ended the connection because the other broke the rules of HTTP/2, or because it failed itself. The evidence names "
			"the side and the code: PROTOCOL_ERROR, FRAME_SIZE_ERROR and COMPRESSION_ERROR accuse the other side, INTERNAL_ERROR its own.",
			{"a bug in one of the two libraries, or in a proxy that changes frames",
			 "FLOW_CONTROL_ERROR: more was sent than the window allows",
			 "SETTINGS_TIMEOUT: the other side did not acknowledge the settings, because it hangs or speaks something else",
			 "HTTP_1_1_REQUIRED, INADEQUATE_SECURITY: the server wants another protocol, or better TLS",
			 "limits against attacks that a client met by chance: too large a header, too many CONTINUATION frames"},
			{"read the log of the side that sent it: it knows exactly what it did not like (nginx: error_log with info; Envoy: response flags "
			 "and --component-log-level http2:debug; Go: GODEBUG=http2debug=2)",
			 "update both libraries, then see whether one client alone does it",
			 "if headers are large: large_client_header_buffers (nginx), tune.h2.max-frame-size and tune.bufsize (HAProxy), "
			 "max_request_headers_kb (Envoy)"},
		},
	[KW_REASON_PREFACE_FAILED] =
		{
			"the server does not speak HTTP/2 on this port",
			"The client began with HTTP/2 at once (prior knowledge), and the first bytes of the server were no SETTINGS frame. All requests "
			"on the connection failed.",
			{"an HTTP/1.1 server, which answers 400, or 505, or nothing sensible",
			 "a port that expects TLS, or one that speaks another protocol altogether",
			 "a gRPC client without TLS that goes to a port, a proxy or a balancer that takes HTTP/2 only within TLS (AWS ALB)"},
			{"look at the port in the client's configuration first",
			 "let the server speak h2c: http2 on (nginx 1.25.1 and newer), proto h2 on the bind or server line (HAProxy), Protocols h2c (Apache), "
			 "codec_type HTTP2 (Envoy), appProtocol kubernetes.io/h2c (a Kubernetes service)",
			 "Go's http.Server needs Protocols with UnencryptedHTTP2, or h2c.NewHandler; Node needs http2.createServer()"},
		},
	[KW_REASON_GOAWAY_CUT] =
		{
			"the server broke the promise of its GOAWAY: it closed over streams that it had accepted",
			"By its GOAWAY the server said up to which stream it would answer, and then it closed, or reset them, before it had. It may "
			"have acted on these requests, so only idempotent ones can be sent again. gRPC clients report UNAVAILABLE.",
			{"gRPC: MAX_CONNECTION_AGE_GRACE, or the grace given to a server's Stop, is shorter than the longest stream",
			 "a reload or a stop that does not wait long enough: worker_shutdown_timeout (nginx), hard-stop-after (HAProxy), drain_timeout (Envoy), "
			 "the pod's terminationGracePeriodSeconds",
			 "Node: session.destroy() or process.exit() instead of session.close() and server.close()",
			 "a limit of requests or of age that is met while streams are open, by a server that then waits too short a time for them"},
			{"make the grace longer than the longest stream: MAX_CONNECTION_AGE_GRACE (gRPC; infinite unless set), Shutdown(ctx) with a "
			 "deadline that is long enough (Go http2.Server)",
			 "let long streams end by themselves, at an age below MAX_CONNECTION_AGE, and begin again",
			 "Envoy: drain_timeout and max_stream_duration together; HAProxy: hard-stop-after above the longest request",
			 "nginx: raise keepalive_requests (1000 unless set) and worker_shutdown_timeout"},
		},
	[KW_REASON_STREAM_AFTER_GOAWAY] =
		{
			"the client began a stream although it had the server's GOAWAY already",
			"The server had said that it takes no more streams on this connection, and the client used it all the same. The server did "
			"nothing for that stream, so it is safe to send it again, whatever the method; but a client that ignores GOAWAY fails "
			"requests at every reload.",
			{"a client's pool that takes a connection before it has handled the frame that came on it",
			 "a bug: the client handles GOAWAY only when the connection is closed",
			 "at the server's end: a stream that came so long after the GOAWAY that the client must have had it"},
			{"update the client's library; see whether it sends such requests again by itself on another connection",
			 "let the server warn first: two GOAWAYs with a pause between, as gRPC, Go and Envoy send them",
			 "retry on UNAVAILABLE (gRPC retryPolicy), retry_on: reset,connect-failure,refused-stream (Envoy)"},
		},
	[KW_REASON_GOAWAY_REFUSED] =
		{
			"streams were on their way as the server's GOAWAY was: it did not take them",
			"Their numbers are above the last stream that the GOAWAY names. The server did nothing for them, so they are safe to send "
			"again, whatever the method, and none counts as lost. Most clients do that by themselves; those that do not report an error.",
			{"a limit of requests for each connection: keepalive_requests (nginx, 1000 unless set)",
			 "a limit of age: MAX_CONNECTION_AGE (gRPC), max_connection_duration (Envoy), keepalive_time (nginx)",
			 "a reload or a stop, and clients that send all the time"},
			{"see whether errors reach users: then the client does not send again. gRPC does so by itself (transparent retry); Go's http.Client "
			 "does if GetBody is set; Envoy needs retry_on: refused-stream",
			 "nginx: raise keepalive_requests for such clients, because it sends one GOAWAY without a warning",
			 "let the server warn first by GOAWAY with the highest stream number, then wait, then send the true one, as gRPC, Go and Envoy do"},
		},
	[KW_REASON_GOAWAY_IDLE] =
		{
			"a side said by GOAWAY that it would end a connection that nobody used",
			"No stream was open, and none had been for a while. This is the clean end of an idle connection. gRPC's C core says INTERNAL_ERROR "
			"then, which means nothing bad.",
			{"an idle timeout of the server: keepalive_timeout (nginx, 75 s unless set), timeout client (HAProxy), idle_timeout (Envoy, 1 h), "
			 "IdleTimeout (Go), MAX_CONNECTION_IDLE (gRPC)",
			 "one of the client: IdleConnTimeout (Go), the idle timeout of a gRPC channel (30 minutes)",
			 "a stop or a reload while the connection was not in use"},
			{"nothing; the age is in the record (idle_at_close_s)",
			 "if new connections cost too much, raise the timeout of the side that closes"},
		},
	[KW_REASON_GOAWAY_DRAINED] =
		{
			"a GOAWAY ended a connection in use, and every stream was answered first",
			"This is how a connection should be taken out of use: the client learnt of it, began nothing more, and the streams that were open "
			"came to their end. Nothing was lost.",
			{"the server's limit of requests or of age: keepalive_requests and keepalive_time (nginx), MAX_CONNECTION_AGE (gRPC), "
			 "max_connection_duration and max_requests_per_connection (Envoy)",
			 "a reload or a stop that waits",
			 "the client was done: curl, nghttp and Node send GOAWAY before they close"},
			{"nothing, if connections carried many requests",
			 "if they carry few, raise the limit: keepalive_requests (nginx), MAX_CONNECTION_AGE (gRPC, which varies it by 10%), "
			 "tune.h2.fe.max-total-streams (HAProxy)"},
		},
};
