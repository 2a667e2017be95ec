# SPDX-License-Identifier: BSD-2-Clause
"""What the end-to-end tests are played with: observers, servers, traffic, namespaces, and how records are read."""
