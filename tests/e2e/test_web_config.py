# SPDX-License-Identifier: BSD-2-Clause
"""--web-config: TLS and passwords as Prometheus' exporters have them, for all that the daemon answers."""

import contextlib
import functools
import os
import re
import signal
import subprocess
import threading

import pytest

from lib import metrics, observer, wire
from lib.prometheus import Prometheus
from test_bad_input import check_refused, run
from test_privileges import check_dropped

PATHS = ["/metrics", "/", "/healthz", "/nonsense"]
SECRET = "correct horse: b\u00e4ttery"


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority in a folder, and what it signed."""

    def __init__(self, folder):
        self.folder = folder
        self.sign("ca", None, "basicConstraints=critical,CA:TRUE")

    def sign(self, name, by="ca", *extensions, subject=None):
        """NAME.pem and NAME.key; by itself if by nobody. The name of the certificate."""
        path = self.folder / name
        issuer = ["-CA", self.folder / f"{by}.pem", "-CAkey", self.folder / f"{by}.key"] if by else []
        openssl("req", "-x509", *issuer, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={subject or name}", "-keyout", f"{path}.key", "-out", f"{path}.pem",
                *(item for one in extensions for item in ("-addext", one)))
        return name

    def server(self, name="server"):
        return self.sign(name, "ca", "subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth",
                         "basicConstraints=CA:FALSE")

    def client(self, name="client", by="ca", usage="clientAuth"):
        return self.sign(name, by, f"extendedKeyUsage={usage}", "basicConstraints=CA:FALSE")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.server()
    return authority


@functools.cache
def hashed(password, cost=4):
    made = subprocess.run(["htpasswd", "-niBC", str(cost), "user"], input=password, capture_output=True, text=True,
                          check=True)
    return made.stdout.strip().removeprefix("user:")


def tls(authority, name="server", **more):
    settings = {"cert_file": f"{authority.folder}/{name}.pem", "key_file": f"{authority.folder}/{name}.key"} | more
    return "tls_server_config:\n" + "".join(f"  {key}: {value}\n" for key, value in settings.items())


def users(**passwords):
    return "basic_auth_users:\n" + "".join(f"  {name}: {hashed(text)}\n" for name, text in passwords.items())


class Daemon(metrics.Daemon):
    """keepwatch run with a web configuration of this text."""

    def __init__(self, folder, text, ports, *options):
        self.path = folder / "web.yml"
        self.path.write_text(text)
        super().__init__(ports, "--web-config", self.path, *options)

    def reload(self, text):
        self.path.write_text(text)
        before = len(self.errors)
        os.kill(self.process.pid, signal.SIGHUP)
        self.wait_until(lambda: len(self.errors) > before and
                        re.search(r"again$|as it was$", self.errors[-1]), "the reload")
        return self.errors[before:]


def ask(url, *options):
    """curl's exit status, the status code, and all that came."""
    done = subprocess.run(["curl", "-q", "-s", "-S", "-i", "--noproxy", "*", "--max-time", "30", "-w", "\n%{http_code}",
                           *options, url], capture_output=True, text=True, timeout=60)
    text, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status), text


def trusting(authority, *options):
    return ["--cacert", f"{authority.folder}/ca.pem", *options]


def presenting(authority, name):
    return trusting(authority, "--cert", f"{authority.folder}/{name}.pem", "--key", f"{authority.folder}/{name}.key")


def check_status(url, expected, *options):
    done, status, text = ask(url, *options)
    assert (done, status) == (0, expected), text
    return text


# ---- TLS ----

@pytest.fixture(scope="module")
def secured(authority, tmp_path_factory, own_closed_port):
    """With TLS and a user."""
    text = tls(authority) + users(alice=SECRET)
    with Daemon(tmp_path_factory.mktemp("secured"), text, [own_closed_port]) as daemon:
        check_dropped(daemon.process.pid)
        yield daemon


def test_it_answers_over_tls_and_says_so(secured, authority):
    assert secured.url.startswith("https://")
    done = ask(f"{secured.url}/metrics", *trusting(authority, "-u", f"alice:{SECRET}"))
    assert done[:2] == (0, 200)
    metrics.Scrape(done[2].split("\n\n", 1)[1])
    assert ask(f"{secured.url}/metrics", "-u", f"alice:{SECRET}")[0] == 60, "nobody's certificate is trusted unseen"


@pytest.mark.parametrize("version, is_there", [("1.0", False), ("1.1", False), ("1.2", True), ("1.3", True)])
def test_old_versions_are_refused(secured, authority, version, is_there):
    options = ["--tls-max", version, "--ciphers", "DEFAULT@SECLEVEL=0"]
    done, status, text = ask(f"{secured.url}/healthz", *trusting(authority, *options, "-u", f"alice:{SECRET}"))
    assert (done, status) == ((0, 200) if is_there else (35, 0)), text


def test_a_least_version_can_be_asked_for(authority, tmp_path, own_closed_port):
    with Daemon(tmp_path, tls(authority, min_version="TLS13"), [own_closed_port]) as daemon:
        assert ask(f"{daemon.url}/healthz", *trusting(authority, "--tls-max", "1.2"))[0] == 35
        check_status(f"{daemon.url}/healthz", 200, *trusting(authority))


def test_clear_text_gets_no_answer(secured):
    done, status, text = ask(secured.url.replace("https", "http") + "/metrics", "-u", f"alice:{SECRET}")
    assert (done, status, text) == (52, 0, ""), "an empty reply"


def test_clients_that_end_in_the_middle_hold_up_nobody(secured, authority):
    host, port = secured.url.removeprefix("https://").split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(wire.connect((host, int(port))))
            with contextlib.suppress(ConnectionError):
                client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        check_status(f"{secured.url}/healthz", 200, *trusting(authority, "-u", f"alice:{SECRET}"))


ASKED_OF_CLIENTS = {
    # what is said: whether it is let in without a certificate, with one of ours, with a stranger's, with a server's
    "NoClientCert": (True, True, True, True),
    "RequestClientCert": (True, True, True, True),
    "RequireAnyClientCert": (False, True, True, True),
    "VerifyClientCertIfGiven": (True, True, False, False),
    "RequireAndVerifyClientCert": (False, True, False, False),
}


@pytest.fixture(scope="module")
def presented(authority):
    """What clients may present."""
    authority.client()
    authority.sign("stranger", None, "extendedKeyUsage=clientAuth")
    return [trusting(authority), *(presenting(authority, name) for name in ("client", "stranger", "server"))]


@pytest.mark.parametrize("kind", ASKED_OF_CLIENTS)
def test_certificates_are_asked_of_clients(authority, presented, tmp_path, own_closed_port, kind):
    more = {"client_ca_file": f"{authority.folder}/ca.pem"} if "Verify" in kind else {}
    with Daemon(tmp_path, tls(authority, client_auth_type=kind, **more), [own_closed_port]) as daemon:
        let_in = tuple(ask(f"{daemon.url}/healthz", *options)[:2] == (0, 200) for options in presented)
        assert let_in == ASKED_OF_CLIENTS[kind]


# ---- passwords ----

@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_the_password(secured, authority, path):
    """Each wrong one takes some time out of what there is for all: few, so that none has to wait."""
    for options in ([], ["-u", "alice:wrong"], ["-u", f"bob:{SECRET}"], ["-H", "Authorization: Bearer of secrets"]):
        text = check_status(secured.url + path, 401, *trusting(authority, *options))
        assert re.search(r"^WWW-Authenticate: Basic realm=\"keepwatch\"$", text, re.M)
        assert "keepwatch_" not in text
    expected = 404 if path == "/nonsense" else 200
    check_status(secured.url + path, expected, *trusting(authority, "-u", f"alice:{SECRET}"))


def test_a_password_works_without_tls_too(tmp_path, own_closed_port):
    with Daemon(tmp_path, users(alice=SECRET), [own_closed_port]) as daemon:
        assert daemon.url.startswith("http://")
        check_status(f"{daemon.url}/metrics", 401)
        check_status(f"{daemon.url}/metrics", 200, "-u", f"alice:{SECRET}")


def test_clear_text_to_others_is_warned_of(tmp_path, own_closed_port):
    path = tmp_path / "web.yml"
    path.write_text(users(alice=SECRET))
    options = ["--listen", "0.0.0.0:0", "--allow-remote", "--web-config", path]
    with observer.Observer("run", *options, *observer.port_options([own_closed_port])) as running:
        assert running.errors[0] == (f"keepwatch: {path} has users but no tls_server_config: "
                                     "passwords come in clear text")


def test_guesses_without_a_pause_leave_the_observer_and_who_is_known_their_turn(tmp_path, own_listener):
    over = threading.Event()

    def guess(address):
        with contextlib.suppress(OSError), wire.connect(address) as client:
            while not over.is_set():
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n")
                answers.add(wire.read_response(client)[0])

    answers = set()
    text = f"basic_auth_users:\n  alice: {hashed(SECRET, 10)}\n"
    with Daemon(tmp_path, text, [wire.port_of(own_listener)]) as daemon:
        known = ["-u", f"alice:{SECRET}"]
        check_status(f"{daemon.url}/metrics", 200, *known)
        host, port = daemon.url.removeprefix("http://").split(":")
        threads = [threading.Thread(target=guess, args=[(host, int(port))]) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            daemon.wait_until(lambda: 429 in answers, "a guess that has to wait")
            for _ in range(200):
                with wire.Pair(own_listener) as pair:
                    pair.exchange()
                    pair.close(first=pair.client)

            def closed():
                page = metrics.Scrape(check_status(f"{daemon.url}/metrics", 200, *known).split("\n\n", 1)[1])
                assert page.sum_of("keepwatch_events_lost_total") == 0
                return page.sum_of("keepwatch_connections_closed_total")

            daemon.wait_until(lambda: closed() == 400, "all closes")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        assert answers <= {401, 429}


# ---- reload ----

def test_a_reload_changes_users_and_certificates(authority, tmp_path, own_closed_port):
    other = Authority(tmp_path)
    other.server()
    before, after = trusting(authority, "-u", "alice:one"), trusting(other, "-u", "bob:two")
    with Daemon(tmp_path, tls(authority) + users(alice="one"), [own_closed_port]) as daemon:
        url = f"{daemon.url}/healthz"
        host, port = daemon.url.removeprefix("https://").split(":")
        with wire.connect((host, int(port))):  # one that began before, and ends after
            check_status(url, 200, *before)
            assert daemon.reload(tls(other) + users(bob="two")) == [f"keepwatch: read {daemon.path} again"]
            assert ask(url, *before)[0] == 60
            check_status(url, 401, *trusting(other, "-u", "alice:one"))
            check_status(url, 200, *after)
        (tmp_path / "server.key").unlink()
        said = daemon.reload(daemon.path.read_text())
        assert len(said) == 2 and f"web.yml:3: key_file: cannot read {tmp_path}/server.key" in said[0]
        assert said[1] == "keepwatch: the configuration stays as it was"
        check_status(url, 200, *after)
        assert daemon.reload(users(bob="three")) == [
            "keepwatch: takes a restart to change: web-config, where TLS comes or goes",
            f"keepwatch: read {daemon.path} again"]
        check_status(url, 200, *after)


# ---- faults ----

def refused(folder, text):
    path = folder / "web.yml"
    path.write_text(text)
    return run("run", "--listen", "127.0.0.1:0", "--web-config", path)


@pytest.mark.parametrize("text, words", [
    ("basic_auth_user:\n  alice: b\n", ["web.yml:1: ", "'basic_auth_user'", "basic_auth_users"]),
    ("basic_auth_users:\n  alice: secret\n", ["web.yml:2: ", "alice", "bcrypt"]),
    ("tls_server_config:\n  cert_file: no.pem\n", ["web.yml:2: ", "cert_file", "no.pem: No such file"]),
    ("tls_server_config: [\n", ["web.yml:2: ", "is no YAML"]),
])  # fmt: skip
def test_a_fault_is_told_with_file_line_and_key(tmp_path, text, words):
    check_refused(refused(tmp_path, text), 2, *words)


def test_a_missing_file_is_told(tmp_path):
    check_refused(run("run", "--web-config", tmp_path / "web.yml"), 2, "web.yml", "No such file")


def test_a_key_that_is_missing_or_another_certificates_is_told(authority, tmp_path):
    authority.server("other")
    check_refused(refused(tmp_path, tls(authority, key_file="no.key")), 2, "web.yml:3: key_file: ", "no.key: No such")
    check_refused(refused(tmp_path, tls(authority, key_file=f"{authority.folder}/other.key")), 2, "web.yml:2: ",
                  "server.pem", "other.key")
    check_refused(refused(tmp_path, tls(authority, key_file="web.yml")), 2, "web.yml:2: ", "key_file")
    check_refused(refused(tmp_path, tls(authority, client_ca_file="web.yml",
                                        client_auth_type="RequireAndVerifyClientCert")), 2, "client_ca_file")


# ---- Prometheus ----

def test_prometheus_scrapes_over_tls_with_a_password(secured, authority, tmp_path):
    more = {"tls_config": {"ca_file": f"{authority.folder}/ca.pem"},
            "basic_auth": {"username": "alice", "password": SECRET}}
    with Prometheus(tmp_path, secured.url, more=more) as prometheus:
        secured.wait_until(lambda: prometheus.value('up{job="keepwatch"}') == 1, "a scrape")
        secured.wait_until(lambda: prometheus.value("keepwatch_build_info") == 1, "what it holds")
