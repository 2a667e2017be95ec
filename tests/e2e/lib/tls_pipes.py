# SPDX-License-Identifier: BSD-2-Clause
"""Clients over TLS that do what a test says: each is a process whose standard input goes to the server, and whose standard
output is what the server sends. When its input ends it ends the session and leaves."""

import json
import os
import select
import subprocess
import time

from lib.servers import go

DEADLINE = 30
ANSWER = b"ok\n"

GO = """
package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"io"
	"net"
	"os"
	"strings"
)

type cut struct{ net.Conn }

func (c cut) Write(all []byte) (int, error) {
	for at := 0; at < len(all); at += 100 {
		end := at + 100
		if end > len(all) {
			end = len(all)
		}
		if _, err := c.Conn.Write(all[at:end]); err != nil {
			return at, err
		}
	}
	return len(all), nil
}

func connect(address string, config *tls.Config, split bool) (*net.TCPConn, *tls.Conn) {
	plain, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	tcp := plain.(*net.TCPConn)
	if split {
		plain = cut{plain}
	}
	end := tls.Client(plain, config)
	if err := end.Handshake(); err != nil {
		panic(err)
	}
	return tcp, end
}

func main() {
	address := flag.String("address", "", "")
	issuer := flag.String("issuer", "", "")
	certificate := flag.String("certificate", "", "")
	key := flag.String("key", "", "")
	version := flag.String("version", "1.3", "")
	split := flag.Bool("split", false, "a segment for each 100 bytes")
	reset := flag.Bool("reset", false, "leaves by a reset")
	stateless := flag.Bool("stateless", false, "wants no tickets")
	resume := flag.Bool("resume", false, "resumes the session of a connection before")
	flag.Parse()
	pem, _ := os.ReadFile(*issuer)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: roots, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	config.MinVersion, config.MaxVersion = tls.VersionTLS12, tls.VersionTLS13
	if *version == "1.2" {
		config.MaxVersion = tls.VersionTLS12
	}
	if *stateless {
		config.ClientSessionCache = nil
	}
	if *certificate != "" {
		own, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			panic(err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	if *resume {
		_, first := connect(*address, config, false)
		first.Write([]byte("GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"))
		for got := ""; !strings.HasSuffix(got, "ok\\n"); {
			part := make([]byte, 4096)
			n, err := first.Read(part)
			if err != nil {
				panic(err)
			}
			got += string(part[:n])
		}
		first.Close()
	}
	tcp, end := connect(*address, config, *split)
	if *resume && !end.ConnectionState().DidResume {
		panic("the session was not resumed")
	}
	go func() {
		io.Copy(os.Stdout, end)
		os.Stdout.Close()
	}()
	io.Copy(end, os.Stdin)
	if *reset {
		tcp.SetLinger(0)
		tcp.Close()
	} else {
		end.Close()
	}
}
"""

NODE = """
const tls = require("tls"), fs = require("fs");
const { host, port, version, issuer, certificate, key } = JSON.parse(process.argv[1]);
const settings = { host, port, ca: fs.readFileSync(issuer), servername: "localhost", maxVersion: "TLSv" + version };
if (certificate)
	Object.assign(settings, { cert: fs.readFileSync(certificate), key: fs.readFileSync(key) });
const end = tls.connect({ allowHalfOpen: true, ...settings });
end.on("data", (data) => fs.writeSync(1, data));
end.on("end", () => fs.closeSync(1));
end.on("error", () => process.exit(0));
process.stdin.on("data", (data) => end.write(data));
process.stdin.on("end", () => { end.end(); end.on("finish", () => end.destroy()); });
"""


def _go(host, port, certificates, version, identity, options):
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = [go.built("tls-pipe", GO), "-address", address, "-issuer", certificates.issuer, "-version", version]
    return command + (["-certificate", identity[0], "-key", identity[1]] if identity else []) + options


def _node(host, port, certificates, version, identity, options):
    given = {"host": host, "port": port, "version": version, "issuer": str(certificates.issuer)}
    if identity:
        given |= {"certificate": str(identity[0]), "key": str(identity[1])}
    return ["node", *options, "-e", NODE, json.dumps(given)]


def _openssl(host, port, certificates, version, identity, options):
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", address, "-CAfile", certificates.issuer]
    command += ["-tls1_2" if version == "1.2" else "-tls1_3"]
    return command + (["-cert", identity[0], "-key", identity[1]] if identity else []) + options


def _gnutls(host, port, certificates, version, identity, options):
    command = ["gnutls-cli", "--logfile=/dev/null", "--x509cafile", certificates.issuer, "-p", port]
    command += ["--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "--verify-hostname=localhost"]
    command += ["--x509certfile", identity[0], "--x509keyfile", identity[1]] if identity else []
    return [*command, *options, host]


KINDS = {"openssl": _openssl, "gnutls": _gnutls, "go": _go, "node": _node}
LINGER = ("go", "node")  # that stay, and may send, when the server has closed


class Pipe:
    def __init__(self, kind, place, version, *options, identity=None):
        command = KINDS[kind](place.host, place.port, place.certificates, version, identity, list(options))
        self.command = [str(part) for part in command]

    def __enter__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, bufsize=0, **pipes)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stdin.close()

    @property
    def pid(self):
        return self.process.pid

    def send(self, path="/", *fields):
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *fields, "", ""]
        self.process.stdin.write("\r\n".join(lines).encode())

    def _read(self, is_enough):
        """Reads until that holds, or to the end."""
        got, end = b"", time.monotonic() + DEADLINE
        while not is_enough(got):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            assert ready, f"{self.command}: waited in vain behind {got}"
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                break
            got += part
        return got

    def ask(self, path="/", *fields):
        """An exchange. Returns its response."""
        self.send(path, *fields)
        return self.wait_for_answer()

    def wait_for_answer(self):
        got = self._read(lambda got: got.endswith(ANSWER))
        assert got.endswith(ANSWER), f"{self.command}: {got}"
        return got

    def wait_for_end(self):
        """Until the server has closed. Returns what it sent before."""
        return self._read(lambda got: False)

    def close(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE)

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)
