# SPDX-License-Identifier: BSD-2-Clause
"""With --tls a connection of a real server is told as its twin in clear text: the scenarios of the suites that start servers of their
own are played in clear text and over TLS, where the same assertions hold, and the same records come of it."""

import contextlib

import pytest

from lib import tls, twins
from lib.stage import SecureStage, Stage
import test_server_idle
import test_server_limits
import test_server_misleading

SUITES = test_server_idle, test_server_limits, test_server_misleading

ALONE = {}
PORTS = 8
ALL = [one for suite in SUITES for one in twins.scenarios_of(suite)]


class ClearStage(Stage, twins.Trace):
    pass


class TlsStage(SecureStage, twins.Trace):
    pass


@pytest.fixture(scope="module")
def stages(nothing_left, certificates, tmp_path_factory):
    """In clear text, and over TLS."""
    del nothing_left
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURL_CA_BUNDLE", str(certificates.issuer))
        patch.setenv("NODE_EXTRA_CA_CERTS", str(certificates.issuer))
        patch.setenv("SSLKEYLOGFILE", str(certificates.keys))
        made = [ClearStage(count=PORTS), *(TlsStage(certificates, version, PORTS) for version in tls.VERSIONS)]
        yield [twins.Carrier(stack.enter_context(stage), None, {
            "stage": lambda *_, stage=stage: stage,
            "tmp_path": lambda *_: tmp_path_factory.mktemp("scenario"),
        }) for stage in made]


@pytest.mark.parametrize("scenario", [one for one in ALL if one.name not in ALONE], ids=str)
def test_a_scenario_over_tls_is_told_as_its_twin_in_clear_text(stages, scenario):
    clear, *others = twins.play_all(scenario, stages)
    if isinstance(clear, BaseException):
        raise clear
    for version, read in zip(tls.VERSIONS, others):
        assert not isinstance(read, BaseException), f"over TLS {version}: {read}"
        differences = [f"over TLS {version}: {one}" for one in twins.differences(read, clear, ("app_error", "body_bytes"))]
        assert not differences, "\n".join(differences)
        assert all(one["tls"]["plaintext"] for one in read if one["type"] == "connection"), read
