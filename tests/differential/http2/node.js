// SPDX-License-Identifier: BSD-2-Clause
// Node's http2 as a server (server PORT) and as a client (client URL), which use the protocol in many ways.
"use strict";
const http2 = require("http2");
const [role, where] = process.argv.slice(2);

function serve(port) {
	const server = http2.createServer({ settings: { maxConcurrentStreams: 150 } });
	server.on("stream", (stream, headers) => {
		const path = headers[":path"];
		stream.on("error", () => {});
		if (path === "/refuse")
			stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
		else if (path === "/cut") {
			stream.respond({ ":status": 200 });
			stream.write("some of it");
			setImmediate(() => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
		} else if (path === "/early") {
			stream.additionalHeaders({ ":status": 103, link: "</a>" });
			stream.respond({ ":status": 418, "x-many": "y".repeat(20000) });
			stream.end();
		} else if (path === "/bye") {
			stream.respond({ ":status": 200 });
			stream.end("bye");
			stream.session.goaway(0, stream.id, Buffer.from("max_age"));
		} else if (path !== "/wait") {
			stream.respond({ ":status": path === "/gone" ? 410 : 200 });
			stream.end(path === "/large" ? Buffer.alloc(40000, "x") : "ok");
		}
	});
	server.listen(Number(port), "127.0.0.1");
}

function ask(session, path, act) {
	return new Promise((resolve) => {
		const request = session.request({ ":path": path });
		request.on("close", resolve);
		request.on("error", () => {});
		request.resume();
		if (act)
			act(request);
	});
}

async function use(url) {
	const session = http2.connect(url);
	session.on("error", () => {});
	for (const path of ["/", "/gone", "/large", "/early", "/refuse", "/cut", "/gone", "/"])
		await ask(session, path);
	await Promise.all(Array.from({ length: 40 }, (_, n) => ask(session, n % 3 ? "/" : "/gone")));
	await ask(session, "/wait", (request) => setTimeout(() => request.close(http2.constants.NGHTTP2_CANCEL), 50));
	await ask(session, "/wait", (request) => setTimeout(() => request.close(), 50));
	await new Promise((resolve) => session.ping(resolve));
	await ask(session, "/bye");
	session.close();
}

if (role === "server")
	serve(where);
else
	use(where).then(() => process.exit(0));
