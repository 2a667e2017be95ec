# SPDX-License-Identifier: BSD-2-Clause
import fcntl
import hashlib
import os
import signal
import subprocess
from pathlib import Path

from lib.servers.process import Server

BUILD = Path(__file__).resolve().parents[4] / "build" / "tests" / "e2e"

PROGRAM = """
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Where the keys of sessions are noted.
func keys() io.Writer {
	file, err := os.OpenFile(os.Getenv("SSLKEYLOGFILE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0600)
	if err != nil {
		return nil
	}
	return file
}

func main() {
	idle, _ := time.ParseDuration(os.Args[2])
	header, _ := time.ParseDuration(os.Args[3])
	server := &http.Server{IdleTimeout: idle, ReadHeaderTimeout: header, TLSConfig: &tls.Config{KeyLogWriter: keys()}}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok\\n")) })
	http.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Write(bytes.Repeat([]byte("x"), LARGE))
	})
	http.HandleFunc("/private", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) })
	http.HandleFunc("/abort", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	http.HandleFunc("/abort-later", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("some of it\\n"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	http.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1000)
		if _, err := new(bytes.Buffer).ReadFrom(r.Body); err != nil {
			http.Error(w, "too large", 413)
		}
	})
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	if len(os.Args) > 4 {
		go server.ServeTLS(listener, os.Args[4], os.Args[5])
	} else {
		go server.Serve(listener)
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	<-told
	deadline, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	server.Shutdown(deadline)
}
"""


def built(name, source, *flags):
    """This program, compiled once with these flags and kept in the build folder; sessions that run side by side take turns."""
    made = BUILD / f"go-{name}-{hashlib.sha256(repr((source, flags)).encode()).hexdigest()[:12]}"
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "go.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            main = BUILD / f"{name}.go"
            main.write_text(source)
            fresh = made.with_suffix(".new")
            environment = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "0"}
            environment |= {"GOCACHE": str(BUILD / "go-cache"), "GOPATH": str(BUILD / "go-path")}
            subprocess.run(["go", "build", *flags, "-o", fresh, main], check=True, env=os.environ | environment)
            fresh.rename(made)
    return made


def program(text=PROGRAM):
    """The server's program."""
    return built("server", text.replace("LARGE", str(Server.LARGE)))


class Go(Server):
    """Go's net/http, in a program of a few lines."""

    def __init__(self, folder, port, idle="600s", header="30s", certificates=None):
        keys = [certificates.server, certificates.server_key] if certificates else []
        super().__init__(folder, port, [program(), f"127.0.0.1:{port}", idle, header, *keys], certificates)

    def reload(self):
        """It has no reload: a deploy ends it by SIGTERM, and http.Server.Shutdown."""
        self.signal(signal.SIGTERM)

    def kill_workers(self):
        self.kill()
