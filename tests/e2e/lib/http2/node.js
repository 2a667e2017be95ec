// SPDX-License-Identifier: BSD-2-Clause
// Node's http2: a server (server PORT SETTINGS), a client that does many things (client URL), and one that does as its standard
// input says (talk ADDRESS): talk.py has the words.
"use strict";
const fs = require("fs"), http2 = require("http2"), net = require("net");
const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;
const [role, where, given] = process.argv.slice(2);

// ---- the server -----------------------------------------------------------------------------------------

const sockets = new Map(); // by the client's port: a session lets nobody close its socket

function begin(stream) {
	stream.respond({ ":status": 200 });
	stream.write("some of it");
}

function answer(stream, path) {
	stream.respond({ ":status": path === "/gone" ? 410 : 200 });
	stream.end(path === "/large" ? Buffer.alloc(40000, "x") : "ok\n");
}

const PAGES = {
	"/wait": () => {},
	"/begin": begin,
	"/refuse": (stream) => stream.close(NGHTTP2_REFUSED_STREAM),
	"/cut": (stream) => {
		begin(stream);
		setImmediate(() => stream.close(NGHTTP2_INTERNAL_ERROR));
	},
	"/early": (stream) => {
		stream.additionalHeaders({ ":status": 103, link: "</a>" });
		stream.respond({ ":status": 418, "x-many": "y".repeat(20000) });
		stream.end();
	},
	"/bye": (stream) => {
		stream.respond({ ":status": 200 });
		stream.end("bye");
		stream.session.goaway(0, stream.id, Buffer.from("max_age"));
	},
	"/destroy": (stream) => stream.session.destroy(),
	"/break": (stream) => stream.session.destroy(null, NGHTTP2_INTERNAL_ERROR),
	"/drop": (stream) => sockets.get(stream.session.socket.remotePort).destroy(),
};

function serve(port, { idle = 0, limit = 150 }) {
	const server = http2.createServer({ settings: { maxConcurrentStreams: limit } });
	const sessions = new Set();
	server.on("connection", (socket) => {
		const name = socket.remotePort;
		sockets.set(name, socket);
		socket.on("close", () => sockets.delete(name));
	});
	server.on("session", (session) => {
		sessions.add(session);
		session.on("close", () => sessions.delete(session));
		session.on("error", () => {});
		if (idle)
			session.setTimeout(idle * 1000, () => session.close());
	});
	server.on("stream", (stream, headers) => {
		const [path, query] = headers[":path"].split("?for=");
		stream.on("error", () => {});
		if (path === "/later")
			setTimeout(() => stream.destroyed || answer(stream, path), parseFloat(query) * (query.endsWith("ms") ? 1 : 1000));
		else
			(PAGES[path] || answer)(stream, path);
	});
	server.listen(Number(port), "127.0.0.1");
	process.on("SIGTERM", () => { // as deploys do it
		server.close(() => process.exit(0));
		sessions.forEach((session) => session.close());
	});
	process.on("SIGUSR2", () => sessions.forEach((session) => session.destroy()));
}

// ---- a client that does many things -----------------------------------------------------------------------

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
	await ask(session, "/wait", (request) => setTimeout(() => request.close(NGHTTP2_CANCEL), 50));
	await ask(session, "/wait", (request) => setTimeout(() => request.close(), 50));
	await new Promise((resolve) => session.ping(resolve));
	await ask(session, "/bye");
	session.close();
}

// ---- a client that does as it is told ---------------------------------------------------------------------

function say(event, facts) {
	fs.writeSync(1, JSON.stringify({ event, ...facts }) + "\n");
}

const going = new Set();

function open(session, path) {
	const request = session.request({ ":path": path });
	let status, error;
	going.add(request);
	request.on("response", (headers) => {
		status = headers[":status"];
		say("head", { path, status });
	});
	request.on("error", (why) => { error = why.message; });
	request.on("close", () => {
		going.delete(request);
		if (request.rstCode && !error)
			error = `code ${request.rstCode}`;
		say("result", { path, id: request.id, status, code: request.rstCode, ...(error || !status ? { error: error || "none" } : {}) });
	});
	request.resume();
}

const WORDS = {
	open: (session, count, path) => Array.from({ length: count }, () => open(session, path)),
	cancel: () => going.forEach((request) => request.close(NGHTTP2_CANCEL)),
	ping: (session) => session.ping((error) => say("pong", error ? { error: error.message } : {})),
	close: (session, count, path, socket) => { // a server may keep its side open
		socket.on("finish", () => process.exit(0));
		session.close();
	},
	destroy: (session) => session.destroy(),
	reset: (session, count, path, socket) => socket.resetAndDestroy(),
};

function talk(address) {
	const [host, port] = address.split(":");
	const socket = net.connect(port, host);
	const session = http2.connect(`http://${address}`, { createConnection: () => socket });
	session.on("connect", () => say("open"));
	session.on("goaway", (code, last, text) => say("goaway", { code, last, text: text ? text.toString() : "" }));
	session.on("error", (error) => say("error", { error: error.message }));
	session.on("close", () => {
		say("closed");
		setTimeout(() => process.exit(0), 50); // behind the results of its streams
	});
	require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
		const [word, count, path] = line.split(" ");
		try {
			WORDS[word](session, Number(count), path, socket);
		} catch (error) {
			say("result", { path, error: error.message });
		}
	}).on("close", () => process.exit(0));
}

if (role === "server")
	serve(where, given ? JSON.parse(given) : {});
else if (role === "talk")
	talk(where);
else
	use(where).then(() => process.exit(0));
