# SPDX-License-Identifier: BSD-2-Clause
"""Helpers of the end-to-end tests: observers, servers, traffic, namespaces, and how records are read."""
