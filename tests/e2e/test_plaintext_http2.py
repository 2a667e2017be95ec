# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 inside TLS, read where OpenSSL takes and gives it (--tls): each ending is played in clear text and over TLS, and both records
must say the same."""

import pytest

from lib import observer, tls, wire
from lib.http2 import endings, twins
from lib.sessions import Session


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tls.Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def watched(nothing_left):
    """A listener, and an observer of it that reads plaintext."""
    del nothing_left
    with wire.listen() as listener, observer.Trace([wire.port_of(listener)], "--tls") as trace:
        yield listener, trace


def ends(trace, pair):
    """The records of both ends, which need not agree."""
    names = (pair.client_name, pair.server_name), (pair.server_name, pair.client_name)
    return [trace.wait_for(1, local=local, remote=remote)[0] for local, remote in names]


def play_twins(watched, certificates, version, play):
    listener, trace = watched
    with wire.Pair(listener) as clear:
        play(clear)
    with Session(listener, certificates, version) as session:
        play(session)
    for one, other in zip(ends(trace, clear), ends(trace, session)):
        twins.compare(one, other)


@pytest.mark.parametrize("version", tls.VERSIONS)
@pytest.mark.parametrize("play", [*endings.REASONS, *endings.OTHERS], ids=lambda play: play.__name__)
def test_an_ending_says_what_its_twin_in_clear_text_says(watched, certificates, play, version):
    play_twins(watched, certificates, version, play)


@pytest.mark.parametrize("lie", endings.LIES)
def test_frames_that_lie_are_taken_as_in_clear_text(watched, certificates, lie):
    play_twins(watched, certificates, "1.3", endings.lie(lie))
