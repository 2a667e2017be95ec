# SPDX-License-Identifier: BSD-2-Clause
"""Measures keepwatch beside what it is compared with. Run as root."""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import alternatives
import daemon
import felt
import other
import per_event
import rows
import scale
import server
import throughput
from plan import SMOKE, Plan

PARTS = {"per-event": per_event, "throughput": throughput, "alternatives": alternatives, "felt": felt,
         "daemon": daemon, "scale": scale, "other": other}
WITH_NGINX = ("per-event", "throughput", "felt", "alternatives", "other")


def measure(part, plan):
    if part not in WITH_NGINX:
        return PARTS[part].run(plan)
    with tempfile.TemporaryDirectory() as folder:
        nginx = server.Server(folder)
        try:
            return PARTS[part].run(nginx, plan)
        finally:
            nginx.stop()


def rows_of(results):
    return [row for part in PARTS if part in results for row in PARTS[part].rows(results[part])]


def markdown(results):
    """The tables of the README."""
    if "per-event" in results:
        yield from per_event.markdown(results["per-event"])
        yield ""
    yield from rows.markdown(rows_of(results))


def plain(results):
    for part in ("per-event", "other"):
        if part in results:
            yield from PARTS[part].table(results[part])
            yield ""
    yield from rows.plain(rows_of(results))


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="one of " + ", ".join(PARTS) + "; without any, all parts")
    parser.add_argument("--out", default="bench.json", help="file for all results, as JSON")
    parser.add_argument("--attachments", type=int,
                        help="number of fresh attachments for each load, in the parts per-event and other")
    parser.add_argument("--pairs", type=int, help="number of slices with each observer, in the parts throughput and felt")
    parser.add_argument("--seconds", type=int, help="seconds that each attachment is measured")
    parser.add_argument("--only", action="append", help="run only this load of per-event or other, or case of felt (its name in the table)")
    parser.add_argument("--smoke", action="store_true", help="run so briefly that the results mean nothing, as a test")
    parser.add_argument("--markdown", metavar="FILE", help="measure nothing, but print the tables of an earlier run")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part {part}")
    return options


def plan_of(options):
    plan = SMOKE if options.smoke else Plan()
    given = {"attachments": options.attachments, "seconds": options.seconds, "pairs": options.pairs,
             "felt": options.pairs, "only": tuple(options.only or ()) or None}
    return replace(plan, **{name: value for name, value in given.items() if value is not None})


def main():
    chosen = options()
    if chosen.markdown:
        print(*markdown(json.loads(Path(chosen.markdown).read_text())), sep="\n")
        return
    results = {}
    for part in chosen.parts or PARTS:
        print(f"measuring: {part}", file=sys.stderr)
        results[part] = measure(part, plan_of(chosen))
        Path(chosen.out).write_text(json.dumps(results, indent=1))
    print(*plain(results), sep="\n")


if __name__ == "__main__":
    main()
