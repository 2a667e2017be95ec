// SPDX-License-Identifier: BSD-2-Clause

// Go's HTTP/2 in clear as a server (server ADDRESS) and as a client (client URL).
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func serve(address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Write([]byte("ok\n"))
		w.Header().Set("X-Sum", "1")
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte("x"), 40000)) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(410) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("some of it"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/bye", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") })
	http.ListenAndServe(address, h2c.NewHandler(mux, &http2.Server{MaxConcurrentStreams: 120}))
}

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

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2])
	} else {
		use(os.Args[2])
	}
}
