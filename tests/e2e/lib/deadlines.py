# SPDX-License-Identifier: BSD-2-Clause
"""How long a test waits before it fails. A test goes on as soon as the condition holds, so that a long deadline costs
time only where something is wrong; a short one would fail a test because the machine is busy."""

# Seconds for a program to come up: the verifier takes its time on a busy machine, and several observers start at once.
START = 240.0
