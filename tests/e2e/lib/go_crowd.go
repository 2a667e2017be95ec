// SPDX-License-Identifier: BSD-2-Clause

// Many connections of net/http over crypto/tls, in HTTP/1:
//
//	serve ADDRESS CERTIFICATE KEY            a server
//	hide ADDRESS CERTIFICATE KEY             the same, with the sockets behind a type of this program's
//	visit ADDRESS COUNT ROUNDS               clients, all at once, in several rounds; prints for each what it asked for
//	both ADDRESS CERTIFICATE KEY COUNT ROUNDS  server and clients in one process
//	duplex ADDRESS REQUESTS                  a client that sends while it receives
//	load ADDRESS                             clients that come and go
//
// Those that print what they had asked for stay until standard input ends, as load does.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strconv"
	"sync"
	"time"
)

// Client says what a connection has asked for.
type Client struct {
	Name  string    // its end of the connection
	Since time.Time // not opened before
	Good  int
	Bad   int
}

type hidden struct{ net.Listener }

type hiddenConn struct{ net.Conn }

func (h hidden) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	return hiddenConn{conn}, err
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func serve(address, certificate, key string, hide bool) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok\n")) })
	http.HandleFunc("/few", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })
	listener, err := net.Listen("tcp", address)
	check(err)
	if hide {
		listener = hidden{listener}
	}
	server := &http.Server{TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	go func() { check(server.ServeTLS(listener, certificate, key)) }()
}

func stay() {
	_, err := io.Copy(io.Discard, os.Stdin)
	check(err)
}

func say(clients []Client) {
	check(json.NewEncoder(os.Stdout).Encode(clients))
	stay()
}

func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// ask fetches a path, and returns the name of the connection's own end.
func ask(transport *http.Transport, url string) string {
	name := ""
	request, err := http.NewRequest("GET", url, nil)
	check(err)
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { name = got.Conn.LocalAddr().String() }}
	response, err := transport.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	check(err)
	_, err = io.Copy(io.Discard, response.Body)
	check(err)
	response.Body.Close()
	return name
}

const most = 4 // requests of a kind

// visit is one connection that asks in turn with all others, so that their calls lie among each other.
func visit(address string, good, bad int, turns []sync.WaitGroup) Client {
	transport := &http.Transport{TLSClientConfig: insecure(), MaxConnsPerHost: 1}
	client := Client{Since: time.Now().UTC(), Good: good, Bad: bad}
	for i := range turns {
		if i < good {
			client.Name = ask(transport, "https://"+address+"/")
		} else if i < good+bad {
			client.Name = ask(transport, "https://"+address+"/few")
		}
		turns[i].Done()
		turns[i].Wait()
	}
	transport.CloseIdleConnections()
	return client
}

func visitAll(address string, count, rounds int) {
	clients := []Client{}
	for round := 0; round < rounds; round++ {
		crowd := make(chan Client)
		turns := make([]sync.WaitGroup, 2*most)
		for i := range turns {
			turns[i].Add(count)
		}
		for i := 0; i < count; i++ {
			good, bad := 1+i%most, i/most%most
			go func() { crowd <- visit(address, good, bad, turns) }()
		}
		for i := 0; i < count; i++ {
			clients = append(clients, <-crowd)
		}
	}
	say(clients)
}

func duplex(address string, count int) {
	since := time.Now().UTC()
	conn, err := tls.Dial("tcp", address, insecure())
	check(err)
	waiting := make(chan bool, 5)
	go func() {
		for i := 0; i < count; i++ {
			waiting <- true
			_, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: test\r\n\r\n"))
			check(err)
		}
	}()
	reader := bufio.NewReader(conn)
	for i := 0; i < count; i++ {
		response, err := http.ReadResponse(reader, nil)
		check(err)
		_, err = io.Copy(io.Discard, response.Body)
		check(err)
		<-waiting
	}
	name := conn.LocalAddr().String()
	check(conn.Close())
	say([]Client{{name, since, count, 0}})
}

func load(address string) {
	for i := 0; i < 4; i++ {
		go func() {
			for {
				transport := &http.Transport{TLSClientConfig: insecure(), MaxConnsPerHost: 1}
				ask(transport, "https://"+address+"/")
				ask(transport, "https://"+address+"/few")
				transport.CloseIdleConnections()
			}
		}()
	}
	stay()
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func main() {
	arguments := os.Args[2:]
	switch os.Args[1] {
	case "serve", "hide":
		serve(arguments[0], arguments[1], arguments[2], os.Args[1] == "hide")
		select {}
	case "visit":
		visitAll(arguments[0], number(arguments[1]), number(arguments[2]))
	case "both":
		serve(arguments[0], arguments[1], arguments[2], false)
		visitAll(arguments[0], number(arguments[3]), number(arguments[4]))
	case "duplex":
		duplex(arguments[0], number(arguments[1]))
	case "load":
		load(arguments[0])
	}
}
