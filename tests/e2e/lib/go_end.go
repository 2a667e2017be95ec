// SPDX-License-Identifier: BSD-2-Clause

// Ends of TLS sessions by crypto/tls, call by call: see go_tls.py. Each end is led over a connection of its own with
// a Unix socket, which brings the connected TCP socket along.
package main

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	doSend       = 's' // the bytes that follow
	doTry        = 'b' // so many bytes, more than the socket takes, which the deadline ends
	doReceive    = 'r' // at most this many bytes
	doClose      = 'c' // the socket alone
	doCloseTLS   = 't' // the session, then the socket
	isDone       = 0
	isEnd        = 1 // the peer's end of the stream, however it ended
	isFailed     = 2
	client       = 1
	wrap         = 2 // the socket is hidden behind a type of this program's
	version13    = 4
	speaksH2     = 8 // in either version
	headerLength = 5
	patience     = 100 * time.Millisecond
)

// A type that embeds the socket's: crypto/tls calls its methods, and they lead on.
type wrapped struct{ net.Conn }

func config(kind byte, certificate tls.Certificate) *tls.Config {
	version := uint16(tls.VersionTLS12)
	if kind&version13 != 0 {
		version = tls.VersionTLS13
	}
	newest := version
	var protocols []string
	if kind&speaksH2 != 0 {
		protocols, newest = []string{"h2"}, tls.VersionTLS13
	}
	return &tls.Config{
		NextProtos: protocols, Certificates: []tls.Certificate{certificate}, MinVersion: version, MaxVersion: newest,
		InsecureSkipVerify: true, SessionTicketsDisabled: true,
	}
}

// take receives the socket, and the kind of end that is wanted.
func take(leader *net.UnixConn) (byte, net.Conn, error) {
	kind, room := make([]byte, 1), make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := leader.ReadMsgUnix(kind, room)
	if err != nil {
		return 0, nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(room[:n])
	if err != nil || len(messages) != 1 {
		return 0, nil, errors.New("no socket came")
	}
	descriptors, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, nil, err
	}
	file := os.NewFile(uintptr(descriptors[0]), "socket")
	defer file.Close()
	socket, err := net.FileConn(file)
	return kind[0], socket, err
}

func answer(leader *net.UnixConn, result byte, data []byte) error {
	header := make([]byte, headerLength)
	header[0] = result
	binary.BigEndian.PutUint32(header[1:], uint32(len(data)))
	_, err := leader.Write(append(header, data...))
	return err
}

func answerError(leader *net.UnixConn, err error) error {
	if err == nil {
		return answer(leader, isDone, nil)
	}
	return answer(leader, isFailed, []byte(err.Error()))
}

func receive(leader *net.UnixConn, session *tls.Conn, most uint32) error {
	room := make([]byte, most)
	n, err := session.Read(room)
	if n == 0 && err != nil {
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return answer(leader, isEnd, nil)
		}
		return answerError(leader, err)
	}
	return answer(leader, isDone, room[:n])
}

func obey(leader *net.UnixConn, socket net.Conn, session *tls.Conn) error {
	header := make([]byte, headerLength)
	if _, err := io.ReadFull(leader, header); err != nil {
		return err
	}
	number := binary.BigEndian.Uint32(header[1:])
	switch header[0] {
	case doSend:
		data := make([]byte, number)
		if _, err := io.ReadFull(leader, data); err != nil {
			return err
		}
		_, err := session.Write(data)
		return answerError(leader, err)
	case doTry:
		session.SetWriteDeadline(time.Now().Add(patience))
		_, err := session.Write(make([]byte, number))
		return answerError(leader, err)
	case doReceive:
		return receive(leader, session, number)
	case doClose:
		return answerError(leader, socket.Close())
	case doCloseTLS:
		return answerError(leader, session.Close())
	}
	return errors.New("no such order")
}

func lead(leader *net.UnixConn, certificate tls.Certificate) {
	defer leader.Close()
	kind, socket, err := take(leader)
	if err != nil {
		return
	}
	defer socket.Close()
	below := socket
	if kind&wrap != 0 {
		below = wrapped{socket}
	}
	session := tls.Server(below, config(kind, certificate))
	if kind&client != 0 {
		session = tls.Client(below, config(kind, certificate))
	}
	if answerError(leader, session.Handshake()) != nil {
		return
	}
	for obey(leader, socket, session) == nil {
	}
}

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("unix", os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		leader, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go lead(leader.(*net.UnixConn), certificate)
	}
}
