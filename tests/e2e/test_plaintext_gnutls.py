# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1 inside TLS, read where GnuTLS takes and gives it (--tls): the scenes of test_plaintext.py, ways of GnuTLS alone to send and to
receive, and programs that use it."""

import pytest
from test_plaintext import GET, OK, SCENES, ends, facts

from lib import gnutls, observer, tls, wire


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tls.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def watched(nothing_left):
    """A listener, and an observer of it that reads plaintext."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        yield listener, trace


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_session_says_what_its_twin_in_clear_text_says(watched, certificates, scene, version):
    listener, trace = watched
    with wire.Pair(listener) as clear:
        scene(clear)
    with gnutls.Session(listener, certificates, version) as session:
        scene(session)
    for plain, read in zip(ends(trace, clear), ends(trace, session)):
        assert read["tls"]["plaintext"] == "gnutls", read
        assert facts(read) == facts(plain)
