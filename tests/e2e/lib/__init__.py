# SPDX-License-Identifier: BSD-2-Clause
"""The helpers of the end-to-end tests, named in each import: `from lib.observer import Observer`."""

from pathlib import Path

import pytest

# So that a failed assertion of a helper shows the values that it compared, as one of a test does.
pytest.register_assert_rewrite("lib.servers", *(f"lib.{path.stem}" for path in Path(__file__).parent.glob("[a-z]*.py")))
