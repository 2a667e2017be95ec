# SPDX-License-Identifier: BSD-2-Clause
"""With xdist, the process that prints the summary line loads this file and none of the folders' own."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "e2e"))

from lib import counted  # noqa: E402


def pytest_configure(config):
    counted.count_in_summary(config)
