# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1 inside TLS, read where Go's crypto/tls takes and gives it (--tls): the scenes of test_plaintext.py, many connections of one
process, and programs of Go."""

import pytest
from test_plaintext import SCENES, ends, facts

from lib import go_tls, observer, tls, wire


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tls.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def holders(tmp_path_factory, certificates):
    """Two processes, one of a program with symbols, one without; and a third that may lie anywhere in memory."""
    with (
        go_tls.Holder(tmp_path_factory.mktemp("plain"), certificates) as plain,
        go_tls.Holder(tmp_path_factory.mktemp("stripped"), certificates, *go_tls.STRIPPED) as stripped,
        go_tls.Holder(tmp_path_factory.mktemp("movable"), certificates, *go_tls.STRIPPED, *go_tls.MOVABLE) as movable,
    ):
        yield {"plain": plain, "stripped": stripped, "movable": movable}


@pytest.fixture(scope="module")
def watched(nothing_left, holders):
    """A listener, and an observer of it that reads plaintext."""
    del nothing_left, holders
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        yield listener, trace


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_session_says_what_its_twin_in_clear_text_says(watched, holders, scene, version):
    listener, trace = watched
    with wire.Pair(listener) as clear:
        scene(clear)
    with go_tls.Session(listener, holders["plain"], holders["stripped"], version) as session:
        scene(session)
    for plain, read in zip(ends(trace, clear), ends(trace, session)):
        assert read["tls"]["plaintext"] == "go", read
        assert facts(read) == facts(plain)
