# SPDX-License-Identifier: BSD-2-Clause
"""Gateways that are made of a library, as gateways.py runs them: Go's ReverseProxy, and http-proxy of Node."""

GO = """
package main

import (
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
	"time"
)

func main() {
	listen, backend, down, full := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ports := map[string]string{"down": down, "full": full}
	proxy := &httputil.ReverseProxy{
		Director: func(request *http.Request) {
			request.URL.Scheme, request.URL.Host = "http", backend
			parts := strings.Split(request.URL.Path, "/")
			if port, found := ports[parts[1]]; found {
				request.URL.Host = parts[2] + ":" + port
			}
		},
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: time.Second}).DialContext,
			ResponseHeaderTimeout: time.Second,
		},
	}
	http.HandleFunc("/own", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
	http.Handle("/", proxy)
	panic(http.ListenAndServe(listen, nil))
}
"""

NODE = """
"use strict";
const http = require("http");
const proxy = require("http-proxy").createProxyServer({
	agent: new http.Agent({ keepAlive: true, timeout: 1000 }), // it connects for so long, too
	proxyTimeout: 1000,
});
const [port, backend, down, full] = process.argv.slice(2);
const ports = { down, full };

proxy.on("proxyReq", (proxied) => proxied.on("timeout", () => proxied.destroy()));
proxy.on("error", (error, request, response) => {
	if (!response.headersSent)
		response.writeHead(502, { "Content-Length": 0 });
	response.end();
});
http.createServer((request, response) => {
	const [, kind, address] = request.url.split("/");
	if (request.url === "/own") {
		response.writeHead(503, { "Content-Length": 0 });
		response.end();
	} else
		proxy.web(request, response, {
			target: "http://" + (kind in ports ? address + ":" + ports[kind] : backend),
		});
}).listen(port, "127.0.0.1");
"""
