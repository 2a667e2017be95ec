#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same connections on every kernel: the cases of tests/cases and the endings of endings.py, played by peers.c in
a guest of each, must give the records that they give on the host. The front end that
keepwatch chooses and the trampolines must see the same. Then the daemon runs there under its AppArmor profile.

    tests/kernels/matrix.py [--ends] [--if-any] [--renew] [SERIES...]

--ends: only the first and the last kernel of the list; --if-any: succeed even if no kernel is available; --renew: look
for newer kernels than the cached ones. Exit status: 0 all available kernels passed, 1 some failed, 3 none is available."""

import argparse
import concurrent.futures
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "vm"), str(ROOT / "tests" / "e2e"), str(Path(__file__).parent)]

import guest  # noqa: E402
from lib import effort  # noqa: E402
import kernels  # noqa: E402
import seen  # noqa: E402
import story  # noqa: E402

BUILD = ROOT / "build"
OUTPUT = BUILD / "kernels"
KEEPWATCH = BUILD / "keepwatch"
VERIFIER = BUILD / "verifier"
PEERS = BUILD / "tests" / "kernels" / "peers"
SESSION = Path(__file__).with_name("session.sh")
CONFINED = Path(__file__).with_name("confined.sh")
PACKAGING = ROOT / "tools" / "packaging"
PROFILES = Path("/etc/apparmor.d")
GUESTS = 2  # at a time
SHOWN = 12  # complaints of a kernel,
WIDTH = 300  # and so much of each
TRACEPOINTS_SINCE = (6, 3)


def on_the_host(script):
    """Plays the session on this host, with the front end that works here."""
    folder = OUTPUT / "host"
    folder.mkdir(parents=True)
    subprocess.run(["sh", SESSION, KEEPWATCH, PEERS, script, folder, "tracepoint"], check=True, timeout=600)
    return seen.Session(folder)


def in_a_guest(kernel, initramfs):
    """(release, how it ran, seconds, complaints)."""
    folder = OUTPUT / kernel.series
    begin = time.monotonic()
    release, accelerator = kernel.kept().parent.name, "-"
    try:
        accelerator = guest.boot(kernel.kept(), initramfs, folder)
        release = (folder / "release").read_text().strip()
        status = (folder / "status").read_text().strip()
        complaints = [] if status == "0" else [f"the session failed: {(folder / 'session').read_text().strip()}"]
    except (guest.Failed, OSError) as error:
        complaints = [str(error)]
    return release, accelerator, time.monotonic() - begin, complaints


def judge(folder, series, release, reference, connections):
    """Returns the differences of a guest's session from what it should show."""
    session = seen.Session(folder)
    version = tuple(int(part) for part in release.split(".")[:2])
    chosen = "tracepoint" if version >= TRACEPOINTS_SINCE else "trampoline"
    complaints = seen.check(folder / "check", chosen)
    complaints += seen.console(folder / "console")
    for observer in ("trace", "replay"):
        complaints += session.differences(observer, reference, connections)
    complaints += session.summary_differences(reference)
    complaints += effort.complaints((folder / "verifier").read_text(), series)
    return complaints


def make_initramfs(script):
    path = OUTPUT / "initramfs.gz"
    programs = {"/keepwatch": KEEPWATCH, "/peers": PEERS, "/verifier": VERIFIER}
    files = {"/script": script, "/session.sh": SESSION}
    programs |= {"/usr/bin/keepwatch": KEEPWATCH, "/sbin/apparmor_parser": "/sbin/apparmor_parser",
                 "/usr/bin/aa-exec": "/usr/bin/aa-exec", "/usr/bin/setpriv": "/usr/bin/setpriv"}
    files |= {"/confined.sh": CONFINED, "/etc/apparmor.d/keepwatch": PACKAGING / "keepwatch.apparmor",
              "/etc/keepwatch/keepwatch.conf": PACKAGING / "keepwatch.conf",
              **{str(found): found for part in ("abi", "abstractions", "tunables")
                 for found in (PROFILES / part).rglob("*") if found.is_file()}}
    guest.make_initramfs(path, programs, "sh /session.sh /keepwatch /peers /script /tmp/results trampoline /verifier && "
                         "sh /confined.sh /tmp/results\n", files)
    return path


def say(text):
    print(text, flush=True)


def complain(complaints):
    for line in complaints[:SHOWN]:
        say(f"       {line[:WIDTH]}")
    if len(complaints) > SHOWN:
        say(f"       and {len(complaints) - SHOWN} more")


def run_all(wanted, script, connections):
    """Whether all is well."""
    reference = on_the_host(script)
    complaints = reference.own_faults(connections)
    well = not complaints
    say(f"host   {len(connections)} connections  {'well' if well else 'NOT AS EXPECTED'}")
    complain(complaints)
    initramfs = make_initramfs(script)
    with concurrent.futures.ThreadPoolExecutor(GUESTS) as pool:
        # The newest takes longest, so it goes first.
        running = {pool.submit(in_a_guest, kernel, initramfs): kernel for kernel in reversed(wanted)}
        for done in concurrent.futures.as_completed(running):
            series = running[done].series
            release, accelerator, seconds, complaints = done.result()
            if not complaints:
                complaints = judge(OUTPUT / series, series, release, reference, connections)
            say(f"{series:6} {release}  {accelerator}  {seconds:.0f} s  {'RED' if complaints else 'green'}")
            complain(complaints)
            well &= not complaints
    return well


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ends", action="store_true")
    parser.add_argument("--if-any", action="store_true")
    parser.add_argument("--renew", action="store_true")
    parser.add_argument("series", nargs="*")
    return parser.parse_args()


def main():
    given, begin = arguments(), time.monotonic()
    wanted = [kernel for kernel in kernels.listed() if kernel.series in given.series or not given.series]
    if given.ends:
        wanted = [wanted[0], wanted[-1]]
    missing = kernels.provide(wanted, given.renew)
    for series, why in missing.items():
        say(f"{series:6} NOT TESTED: the kernel cannot be had: {why}")
    wanted = [kernel for kernel in wanted if kernel.series not in missing]
    if not wanted:
        say("kernels: none could be had, so none was tested")
        return 0 if given.if_any else 3
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    connections = story.connections()
    script = OUTPUT / "script"
    script.write_text(story.script(connections))
    well = run_all(wanted, script, connections)
    say(f"kernels: {len(wanted)} tested in {time.monotonic() - begin:.0f} s, "
        f"{'all well' if well else 'NOT all well: see above, and ' + str(OUTPUT.relative_to(ROOT))}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
