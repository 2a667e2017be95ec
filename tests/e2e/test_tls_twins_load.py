# SPDX-License-Identifier: BSD-2-Clause
"""With --tls connections of real clients, and of servers that are reloaded or killed under their load, are told as their packets are: the
scenarios of these suites are played over TLS, where the same assertions hold. Each connection's packets are read by the keys that an end notes or,
where both keep them, by the server's own."""

import contextlib
import subprocess

import pytest

from lib import tls, twins, wire
from lib.stage import SecureStage
import test_server_clients
import test_server_kill
import test_server_reload

SUITES = test_server_clients, test_server_kill, test_server_reload

ALL = [one for suite in SUITES for one in twins.scenarios_of(suite)]

# Neither they nor the clients that they get have a way to note keys.
SILENT = {"nginx", "lighttpd", "haproxy"}
PORTS = 4


class Stage(SecureStage, twins.Trace):
    pass


@contextlib.contextmanager
def hey():
    """A process of hey that waits for an answer: observers that start now know the program, so that they read its first connections."""
    with wire.listen() as silent, subprocess.Popen(
        ["hey", "-n", "1", "-c", "1", "-t", "0", f"http://{wire.name_of(silent.getsockname())}"], stdout=subprocess.DEVNULL
    ) as process:
        with silent.accept()[0]:
            yield
            process.kill()


@pytest.fixture(scope="module")
def stages(nothing_left, certificates, tmp_path_factory):
    """By whether the server's key is to open its sessions."""
    del nothing_left
    static = tls.Certificates(tmp_path_factory.mktemp("static"), static=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(hey())
        made = {False: Stage(certificates, "1.3", PORTS), True: Stage(static, "1.2", PORTS)}
        yield {name: stack.enter_context(stage) for name, stage in made.items()}


def server_of(scenario):
    """The kind that it starts."""
    if client := scenario.parameters.get("client"):
        return test_server_clients.CLIENTS[client][0]
    return scenario.parameters.get("name", "nginx")


@pytest.fixture
def stage(scenario, stages, tmp_path, monkeypatch):
    """Clients trust the issuer and, if they can, note their keys."""
    stage = stages[server_of(scenario) in SILENT]
    issuer = stage.certificates.issuer
    (tmp_path / "wgetrc").write_text(f"ca_certificate = {issuer}\n")
    settings = {"CURL_CA_BUNDLE": issuer, "NODE_EXTRA_CA_CERTS": issuer, "SSL_CERT_FILE": issuer, "WGETRC": tmp_path / "wgetrc"}
    for name, value in (settings | {"SSLKEYLOGFILE": stage.certificates.keys}).items():
        monkeypatch.setenv(name, str(value))
    return stage


def is_read(one):
    """Its plaintext, if there was any."""
    facts = one["tls"]
    return not facts or facts["plaintext"] or facts["handshake"] != "done" or not facts["exchanges_inferred"]


def name_of(scenario):
    return "-".join([scenario.name, *(getattr(value, "__name__", str(value)) for value in scenario.parameters.values())])


@pytest.mark.parametrize("scenario", ALL, ids=name_of)
def test_a_scenario_holds_over_tls(stage, scenario):
    told = twins.Carrier(stage, None, {"stage": lambda *_: stage}).play(scenario)
    assert told
    assert not [one for one in told if not is_read(one)]
