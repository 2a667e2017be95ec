// SPDX-License-Identifier: BSD-2-Clause

// Go's HTTP/2: a server (server ADDRESS), a client that does many things in clear text (client URL), one that does as its standard
// input says (talk ADDRESS), and one that only waits for the end of that (wait). lib/http2/talk.py has the words. With certificates
// the server and the talking client speak within TLS.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

// ---- the server -----------------------------------------------------------------------------------------

func later(w http.ResponseWriter, r *http.Request) {
	pause, _ := time.ParseDuration(r.URL.Query().Get("for"))
	select {
	case <-time.After(pause):
		w.Write([]byte("ok\n"))
	case <-r.Context().Done():
	}
}

func begin(w http.ResponseWriter) {
	w.Write([]byte("some of it"))
	w.(http.Flusher).Flush()
}

func pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Write([]byte("ok\n"))
		w.Header().Set("X-Sum", "1")
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte("x"), 40000)) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(410) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		begin(w)
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/begin", func(w http.ResponseWriter, r *http.Request) {
		begin(w)
		<-r.Context().Done()
	})
	mux.HandleFunc("/later", later)
	mux.HandleFunc("/bye", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") })
	return mux
}

// A connection that is over is taken off all.
type counted struct {
	net.Conn
	once sync.Once
	all  *sync.WaitGroup
}

func (c *counted) Close() error {
	c.once.Do(c.all.Done)
	return c.Conn.Close()
}

type counting struct {
	net.Listener
	all sync.WaitGroup
}

func (l *counting) Accept() (net.Conn, error) {
	end, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.all.Add(1)
	return &counted{Conn: end, all: &l.all}, nil
}

// SIGTERM shuts it down as deploys do; it ends once its connections have.
func serve(address string, idle time.Duration, limit uint, certificate, key string) {
	frames := &http2.Server{MaxConcurrentStreams: uint32(limit), IdleTimeout: idle}
	server := &http.Server{Handler: h2c.NewHandler(pages(), frames)}
	http2.ConfigureServer(server, frames)
	plain, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	listener := &counting{Listener: plain}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	if certificate == "" {
		go server.Serve(listener)
	} else { // its connections are the server's own, so that Shutdown waits for them
		go server.ServeTLS(plain, certificate, key)
	}
	<-asked
	server.Shutdown(context.Background())
	listener.all.Wait()
}

// ---- a client that does many things -----------------------------------------------------------------------

func fetch(client *http.Client, url string, body io.Reader, deadline time.Duration) {
	context, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	method := "GET"
	if body != nil {
		method = "POST"
	}
	request, _ := http.NewRequestWithContext(context, method, url, body)
	response, err := client.Do(request)
	if err == nil {
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

func use(url string) {
	dial := func(network, address string, _ *tls.Config) (net.Conn, error) { return net.Dial(network, address) }
	client := &http.Client{Transport: &http2.Transport{AllowHTTP: true, DialTLS: dial}}
	for _, path := range []string{"/", "/large", "/gone", "/cut", "/early", "/"} {
		fetch(client, url+path, nil, 5*time.Second)
	}
	fetch(client, url+"/", strings.NewReader(strings.Repeat("x", 30000)), 5*time.Second)
	var all sync.WaitGroup
	for i := 0; i < 50; i++ {
		all.Add(1)
		go func() { fetch(client, url+"/", nil, 5*time.Second); all.Done() }()
	}
	all.Wait()
	fetch(client, url+"/wait", nil, 50*time.Millisecond)
	fetch(client, url+"/bye", nil, 5*time.Second)
}

// ---- a client that does as it is told -----------------------------------------------------------------------

var turn sync.Mutex

func say(event map[string]interface{}) {
	turn.Lock()
	defer turn.Unlock()
	json.NewEncoder(os.Stdout).Encode(event)
}

type talker struct {
	address string
	end     *http2.ClientConn
	tcp     *net.TCPConn
	context context.Context
	cancel  context.CancelFunc
}

func (t *talker) ask(path string) {
	sent := func() { say(map[string]interface{}{"event": "sent", "path": path}) }
	traced := httptrace.WithClientTrace(t.context, &httptrace.ClientTrace{WroteHeaders: sent})
	request, _ := http.NewRequestWithContext(traced, "GET", "http://"+t.address+path, nil)
	response, err := t.end.RoundTrip(request)
	if err != nil {
		say(map[string]interface{}{"event": "result", "path": path, "error": err.Error()})
		return
	}
	say(map[string]interface{}{"event": "head", "path": path, "status": response.StatusCode})
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	result := map[string]interface{}{"event": "result", "path": path, "status": response.StatusCode}
	if err != nil {
		result["error"] = err.Error()
	}
	say(result)
}

func (t *talker) do(word string, count int, path string) {
	switch word {
	case "open":
		for i := 0; i < count; i++ {
			go t.ask(path)
		}
	case "cancel":
		t.cancel()
		t.context, t.cancel = context.WithCancel(context.Background())
	case "ping":
		if err := t.end.Ping(context.Background()); err != nil {
			say(map[string]interface{}{"event": "pong", "error": err.Error()})
		} else {
			say(map[string]interface{}{"event": "pong"})
		}
	case "close": // as Transport.CloseIdleConnections() does
		t.end.Shutdown(context.Background())
		os.Exit(0)
	case "destroy":
		t.end.Close()
		os.Exit(0)
	case "reset":
		t.tcp.SetLinger(0)
		t.tcp.Close()
		os.Exit(0)
	}
}

// The connection below is a session of TLS if there is an issuer of certificates.
func within(plain net.Conn, issuer string) net.Conn {
	if issuer == "" {
		return plain
	}
	text, err := os.ReadFile(issuer)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	session := tls.Client(plain, &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{http2.NextProtoTLS}})
	if err := session.Handshake(); err != nil {
		panic(err)
	}
	return session
}

func talk(address string, check, patience time.Duration, issuer string) {
	plain, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	transport := &http2.Transport{AllowHTTP: true, ReadIdleTimeout: check, PingTimeout: patience}
	end, err := transport.NewClientConn(within(plain, issuer))
	if err != nil {
		panic(err)
	}
	t := &talker{address: address, end: end, tcp: plain.(*net.TCPConn)}
	t.context, t.cancel = context.WithCancel(context.Background())
	say(map[string]interface{}{"event": "open"})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var word, path string
		var count int
		fmt.Sscan(lines.Text(), &word, &count, &path)
		t.do(word, count, path)
	}
}

func main() {
	idle := flag.Duration("idle", 0, "closes connections that are idle for so long")
	limit := flag.Uint("limit", 120, "streams at once")
	check := flag.Duration("check", 0, "ReadIdleTimeout")
	patience := flag.Duration("patience", time.Second, "PingTimeout")
	certificate := flag.String("cert", "", "the server's certificate")
	key := flag.String("key", "", "its key")
	issuer := flag.String("issuer", "", "of the certificate that the client expects")
	flag.Parse()
	switch flag.Arg(0) {
	case "server":
		serve(flag.Arg(1), *idle, *limit, *certificate, *key)
	case "client":
		use(flag.Arg(1))
	case "wait":
		fmt.Println("here")
		io.Copy(io.Discard, os.Stdin)
	default:
		talk(flag.Arg(1), *check, *patience, *issuer)
	}
}
