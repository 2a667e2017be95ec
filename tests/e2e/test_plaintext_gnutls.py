# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1 inside TLS, read where GnuTLS takes and gives it (--tls): the scenes of test_plaintext.py, ways of GnuTLS alone to send and to
receive, and programs that use it."""

import concurrent.futures
import select
import socket
import subprocess

import pycurl
import pytest
from test_plaintext import GET, OK, SCENES, check_alike, free_port, tls_nginx

from lib import gnutls, observer, tls, tls_servers, wire


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_session_says_what_its_twin_in_clear_text_says(watched, certificates, scene, version):
    listener, trace = watched
    with wire.Pair(listener) as clear:
        scene(clear)
    with gnutls.Session(listener, certificates, version) as session:
        scene(session)
    for plain, read in zip(trace.ends(clear), trace.ends(session)):
        assert read["tls"]["plaintext"] == "gnutls", read
        check_alike(read, plain)


# ---- ways of GnuTLS alone -----------------------------------------------------------------------------


def corked(session):
    """The library keeps what it is given, and sends it together."""
    session.client.cork()
    for piece in GET[:7], GET[7:], GET:
        session.client.sendall(piece)
    session.client.uncork()
    assert wire.read_exactly(session.server, 2 * len(GET)) == 2 * GET
    session.send_response(2 * OK)


def padded(session):
    session.client.send_in_range(GET, 300)
    assert wire.read_exactly(session.server, len(GET)) == GET
    session.server.send_in_range(OK, 300)
    assert wire.read_exactly(session.client, len(OK)) == OK
    session.exchange()


def numbered(session):
    """Each record with its number, by another function."""
    for sender, receiver, data in 2 * [(session.client, session.server, GET), (session.server, session.client, OK)]:
        sender.sendall(data)
        assert receiver.recv(len(data), sequence=bytes(8)) == data


def keyed_anew(session):
    session.exchange()
    session.client.update_key()
    session.exchange()


@pytest.mark.parametrize("way", [corked, padded, numbered, keyed_anew], ids=lambda way: way.__name__)
def test_other_functions_are_read_too(watched, certificates, way):
    listener, trace = watched
    with gnutls.Session(listener, certificates, "1.3") as session:
        way(session)
        session.close(first=session.client)
    for read in trace.ends(session):
        assert read["tls"]["plaintext"] == "gnutls" and read["confidence"] == "certain", read
        assert read["requests"] == read["responses"] == 2 and read["reason"] == "client_closed_idle"


def test_packets_are_judged_by_records(watched, certificates):
    """Their bytes are in places that only the library knows."""
    listener, trace = watched
    with gnutls.Session(listener, certificates, "1.3") as session:
        session.client.sendall(GET)
        assert session.server.receive_packet() == GET
        session.send_response()
        session.close(first=session.client)
    client, server = trace.ends(session)
    assert client["tls"]["plaintext"] == "gnutls" and client["requests"] == 1
    assert server["tls"]["plaintext"] is None and server["protocol"] == "tls"


# ---- sends that could not finish ----------------------------------------------------------------------

CHUNKS = b"".join(b"%x\r\n%s\r\n" % (size, bytes(size)) for size in range(1, 1500))
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n"


def shown_once(end, data):
    """Shows the library each piece once, as it allows: until the piece has gone, later calls bring none."""
    stopped = 0
    while data:
        taken = end.send(data)
        while taken in (gnutls.AGAIN, gnutls.INTERRUPTED):
            stopped += 1
            end.wait(select.POLLOUT)
            taken = end.send(None)
        assert taken > 0
        data = data[taken:]
    return stopped


def shown_again(end, data):
    stopped = 0
    while data:
        taken = end.send(data)
        if taken in (gnutls.AGAIN, gnutls.INTERRUPTED):
            stopped += 1
            end.wait(select.POLLOUT)
        else:
            assert taken > 0
            data = data[taken:]
    return stopped


@pytest.mark.parametrize("send", [shown_again, shown_once], ids=["shown again", "shown once"])
def test_sends_that_could_not_finish_are_read_once(watched, certificates, send):
    """The library has taken the bytes of such a send. If these were read twice or never, the chunks would end elsewhere."""
    listener, trace = watched
    with gnutls.Session(listener, certificates, "1.3") as session, concurrent.futures.ThreadPoolExecutor(1) as pool:
        session.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for _ in range(2):
            session.send_request()
            stopped = pool.submit(send, session.server, CHUNKED)
            assert wire.read_exactly(session.client, len(CHUNKED)) == CHUNKED
            assert stopped.result() > 0, "no send had to wait"
        session.close(first=session.client)
    for read in trace.ends(session):
        assert read["tls"]["plaintext"] == "gnutls" and read["confidence"] == "certain", read
        assert read["requests"] == read["responses"] == 2 and read["reason"] == "client_closed_idle"


def test_a_send_that_never_finished_has_not_all_gone(watched, certificates):
    """The server ends before its library has sent all that it took."""
    listener, trace = watched
    with gnutls.Session(listener, certificates, "1.3") as session:
        session.server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        session.send_request()
        data = CHUNKED
        while (taken := session.server.send(data)) > 0:
            data = data[taken:]
        assert taken == gnutls.AGAIN
        session.server.close()
        while session.client.recv(65536):
            pass
        session.client.close()
    for read in trace.ends(session):
        assert read["tls"]["plaintext"] == "gnutls" and read["confidence"] == "certain", read
        assert (read["reason"], read["requests"], read["responses"]) == ("response_truncated", 1, 1), read


def held(session, *, begun):
    """The library takes bytes of a response, but none can leave, and the server ends."""
    session.exchange()
    session.send_request()
    if begun:
        session.server.sendall(OK[:-2])
    session.server.hold()
    assert session.server.send(OK[-2:-1] if begun else OK) == gnutls.AGAIN
    session.server.close()
    while session.client.recv(65536):
        pass
    session.client.close()


def test_more_of_a_response_that_has_begun_changes_nothing(watched, certificates):
    listener, trace = watched
    with gnutls.Session(listener, certificates, "1.3") as session:
        held(session, begun=True)
    for read in trace.ends(session):
        assert read["tls"]["plaintext"] == "gnutls" and read["confidence"] == "certain", read
        assert (read["reason"], read["requests"], read["responses"]) == ("response_truncated", 2, 2), read


def test_a_response_that_was_taken_and_never_began_is_judged_by_records(watched, certificates):
    """The library shows more than has left."""
    listener, trace = watched
    with gnutls.Session(listener, certificates, "1.3") as session:
        held(session, begun=False)
    client, server = trace.ends(session)
    assert client["tls"]["plaintext"] == "gnutls" and client["reason"] == "no_response", client
    assert server["tls"]["plaintext"] is None and server["protocol"] == "tls", server


# ---- programs that use it -----------------------------------------------------------------------------


def by_wget(url, folder):
    del folder
    subprocess.run(["wget", "-qO", "/dev/null", "--no-check-certificate", url, url], check=True)
    return 2


def by_curl(url, folder):
    """libcurl of Debian that is built with GnuTLS."""
    del folder
    assert "GnuTLS" in pycurl.version
    curl = pycurl.Curl()
    curl.setopt(pycurl.SSL_VERIFYPEER, 0)
    curl.setopt(pycurl.SSL_VERIFYHOST, 0)
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    for _ in range(3):
        assert curl.perform_rs() == "ok"
    curl.close()
    return 3


def by_git(url, folder):
    """It asks for the list of names, and for the newest one, which it takes anything for."""
    del folder
    asks = ["git", "-c", "http.sslVerify=false", "-c", "http.version=HTTP/1.1", "ls-remote", url]
    subprocess.run(asks, check=True)
    return 2


def by_apt(url, folder):
    """Its method for https speaks lines with the program that it is a part of."""
    order = f"""601 Configuration
Config-Item: Acquire::https::Verify-Peer=false
Config-Item: Acquire::https::Verify-Host=false

600 URI Acquire
URI: {url}
Filename: {folder}/got

"""
    with subprocess.Popen(["/usr/lib/apt/methods/https"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as method:
        method.stdin.write(order)
        method.stdin.flush()
        while (line := method.stdout.readline()) and not line.startswith("201 "):
            assert not line.startswith("400 ")
        assert line
        method.stdin.close()
    return 1


@pytest.mark.parametrize("client", [by_wget, by_curl, by_git, by_apt], ids=lambda client: client.__name__)
def test_programs_are_read(nothing_left, certificates, tmp_path, client):
    del nothing_left
    with tls_nginx(tmp_path, certificates) as port, observer.Trace([port], "--tls") as trace:
        count = client(f"https://127.0.0.1:{port}/", tmp_path)
        trace.wait_until(lambda: len(trace.records(role="server")) == 1, "the server's record")
        for role, library in ("client", "gnutls"), ("server", "openssl"):
            (read,) = trace.wait_for(1, role=role)
            assert read["tls"]["plaintext"] == library, read
            assert read["requests"] == read["responses"] == count and read["confidence"] == "certain", read


def test_a_server_is_read(nothing_left, certificates, tmp_path):
    del nothing_left
    port = free_port()
    with observer.Trace([port], "--tls") as trace, tls_servers.gnutls_server(tmp_path, port, certificates):
        subprocess.run(["curl", "-sk", "--http1.1", f"https://127.0.0.1:{port}/"], check=True, stdout=subprocess.DEVNULL)
        trace.wait_until(lambda: trace.records(role="server", protocol="http/1.1"), "the server's record")
        (read,) = trace.wait_for(1, role="server", protocol="http/1.1")
        assert read["tls"]["plaintext"] == "gnutls" and read["requests"] == read["responses"] == 1, read
