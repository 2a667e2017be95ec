# SPDX-License-Identifier: BSD-2-Clause
"""Measures keepwatch. Run as root: bench.py [--out FILE] [--slices N] [PART...]"""

import argparse
import json
import tempfile

import per_event
import server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="bench.json")
    parser.add_argument("--slices", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", action="append")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        nginx = server.Server(folder)
        try:
            results["per_event"] = per_event.run(nginx, options.slices, options.seconds, options.only)
        finally:
            nginx.stop()
    print(*per_event.table(results["per_event"]), sep="\n")
    with open(options.out, "w") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
