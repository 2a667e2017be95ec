# SPDX-License-Identifier: BSD-2-Clause
"""Counts the tests that were played again, in the summary line. Imports nothing that pytest is to rewrite."""

PLAYED = "played again: "


def count_in_summary(config):
    """Is also called by tests/conftest.py, because the process that prints the summary may load no more than that."""
    if not config.pluginmanager.has_plugin(Counter.__name__):
        config.pluginmanager.register(Counter(config), Counter.__name__)


class Counter:
    """Puts the number of tests that were played again into the summary line, also of those that workers ran."""

    def __init__(self, config):
        self.config = config

    def pytest_warning_recorded(self, warning_message):
        if str(warning_message.message).startswith(PLAYED):
            terminal = self.config.pluginmanager.get_plugin("terminalreporter")
            if terminal:
                terminal.stats.setdefault("played again", []).append(warning_message)
