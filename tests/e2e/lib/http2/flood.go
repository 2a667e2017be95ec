// SPDX-License-Identifier: BSD-2-Clause

// A client of HTTP/2 in clear that floods a server: flood KIND COUNT BYTES. It sends COUNT frames, or pairs of them, BYTES a call, to
// a server of its own that reads them all. It prints the client's and the server's address, and leaves by a FIN once all is read.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

const (
	data         = 0
	headers      = 1
	reset        = 3
	settings     = 4
	ping         = 6
	continuation = 9

	endStream  = 1
	endHeaders = 4
)

var request = []byte("\x82\x86\x84\x01\x04test")

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := make([]byte, 9, 9+len(payload))
	binary.BigEndian.PutUint32(head, uint32(len(payload))<<8)
	head[3], head[4] = kind, flags
	binary.BigEndian.PutUint32(head[5:], stream)
	return append(head, payload...)
}

// The beginning of the connection, and the frames of each turn.
func flood(kind string) ([]byte, func(turn uint32) []byte) {
	begin := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	begin = append(begin, frame(settings, 0, 0, nil)...)
	switch kind {
	case "resets":
		return begin, func(turn uint32) []byte {
			stream := 2*turn + 1
			return append(frame(headers, endHeaders|endStream, stream, request), frame(reset, 0, stream, []byte{0, 0, 0, 8})...)
		}
	case "streams":
		return begin, func(turn uint32) []byte { return frame(headers, endHeaders|endStream, 2*turn+1, request) }
	case "data":
		begin = append(begin, frame(headers, endHeaders, 1, request)...)
		return begin, func(uint32) []byte { return frame(data, 0, 1, nil) }
	case "continuations":
		begin = append(begin, frame(headers, endStream, 1, request)...)
		return begin, func(uint32) []byte { return frame(continuation, 0, 1, []byte("\x00\x01a\x01b")) }
	case "settings":
		return begin, func(uint32) []byte { return frame(settings, 0, 0, []byte{0, 3, 0, 0, 0, 9}) }
	case "pings":
		return begin, func(uint32) []byte { return frame(ping, 0, 0, make([]byte, 8)) }
	case "back": // ids that go back
		begin = append(begin, frame(headers, endHeaders|endStream, 2000001, request)...)
		return begin, func(turn uint32) []byte { return frame(headers, endHeaders|endStream, 2*turn+1, request) }
	}
	panic("no such flood: " + kind)
}

// Reads all, and closes.
func sink(listener net.Listener, done chan<- bool) {
	end, err := listener.Accept()
	if err != nil {
		panic(err)
	}
	end.Write(frame(settings, 0, 0, nil))
	io.Copy(io.Discard, end)
	end.Close()
	done <- true
}

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	count, _ := strconv.Atoi(os.Args[3])
	size, _ := strconv.Atoi(os.Args[4])
	done := make(chan bool)
	go sink(listener, done)
	end, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	fmt.Println(end.LocalAddr(), end.RemoteAddr())
	go io.Copy(io.Discard, end)
	pending, turn := flood(os.Args[2])
	for i := 0; i < count; i++ {
		pending = append(pending, turn(uint32(i))...)
		for ; len(pending) >= size; pending = pending[size:] {
			if _, err := end.Write(pending[:size]); err != nil {
				panic(err)
			}
		}
	}
	end.Write(pending)
	end.(*net.TCPConn).CloseWrite()
	<-done
	end.Close()
}
