# SPDX-License-Identifier: BSD-2-Clause
"""Child processes that no test leaves behind."""

import contextlib
import subprocess
from pathlib import Path


@contextlib.contextmanager
def child(command, **options):
    """A process for a with statement, which waits for the end of the process. If the test fails meanwhile, the
    process is killed, so that nobody waits for a peer that is gone."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def children():
    """The process ids of this process's children, the ended ones included that nobody has waited for."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile has none
            found.update((task / "children").read_text().split())
    return found
