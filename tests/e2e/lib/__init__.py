# SPDX-License-Identifier: BSD-2-Clause
"""The helpers of the end-to-end tests, named in each import: `from lib.observer import Observer`."""
