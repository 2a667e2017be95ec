# SPDX-License-Identifier: BSD-2-Clause
"""A plugin: a test that failed is played again if its observers counted meanwhile what they were not shown.

There are kernels that at times run no programs, so that no observer sees what happens then. keepwatch notices, counts
it as a loss of kind `recursion` and makes no verdict up: that is right, and not what the test is about. What not even
keepwatch can notice, a witness does. So it is played again, at most twice, with everything set up anew, and a warning
tells of it. What fails without such a loss, or while it is torn down, has failed; so has a test that is marked `once`,
as those about losses are."""

import pytest
from _pytest.runner import CallInfo, runtestprotocol

from lib import loss
from lib.counted import PLAYED, count_in_summary

AGAIN = 2
SHOWN = 300  # characters of why it failed


def pytest_configure(config):
    config.addinivalue_line("markers", "once: not to be played again, whatever its observers were not shown")
    count_in_summary(config)


def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in played(item, nextitem):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def played(item, nextitem):
    """The reports of the try that counts."""
    for _ in range(0 if item.get_closest_marker("once") else AGAIN):
        reports, unseen = tried(item, nextitem)
        if unseen <= 0 or not failed(reports):
            return reports
        end = end_of_all(item)
        if end.failed:
            return [*reports[:-1], end]
        item.warn(pytest.PytestWarning(
            f"{PLAYED}{item.nodeid}, its observers counted {unseen} event{'s' * (unseen > 1)} that the kernel "
            f"did not show them; it had failed: {why(reports)}"))
    return tried(item, nextitem)[0]


def tried(item, nextitem):
    """The reports of a try, and how much went unseen meanwhile."""
    before = loss.unseen()
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    return reports, loss.unseen() - before


def failed(reports):
    """Did it fail, and end well?"""
    *acts, end = reports
    return end.passed and any(one.failed for one in acts)


def why(reports):
    """The first line that says it."""
    lines = [line for one in reports if one.failed for line in one.longreprtext.splitlines()]
    return next((line[1:].strip() for line in lines if line.startswith("E ")), "it is not said why")[:SHOWN]


def end_of_all(item):
    """Takes down what later tests would share with this one; the report of that."""
    call = CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(None), "teardown", KeyboardInterrupt)
    return item.ihook.pytest_runtest_makereport(item=item, call=call)
