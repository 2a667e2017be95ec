#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same connections on every kernel: the cases of tests/cases and the endings of endings.py, played by peers.c in a guest of
each, must give the records that they give on the host. The front end that keepwatch chooses and the trampolines must see the same.
HTTP inside TLS is read there (--tls), or the kernel is named as one that cannot do it. Then the daemon runs there under its
AppArmor profile, and `check` says that a kernel is locked down for confidentiality.

    tests/kernels/matrix.py [--ends] [--if-any] [--renew] [NAME...]

NAME: a kernel of the list, or an architecture; else all. --ends: only the first and the last kernel of each archive;
--if-any: succeed even if no kernel is available; --renew: look for newer kernels than the cached ones. Exit status: 0 all available kernels passed, 1 some failed, 3 none is available."""

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
from lib import effort, tls  # noqa: E402
import kernels  # noqa: E402
import seen  # noqa: E402
import story  # noqa: E402

BUILD = ROOT / "build"
OUTPUT = BUILD / "kernels"
SESSION = Path(__file__).with_name("session.sh")
PLAINTEXT = Path(__file__).with_name("plaintext.sh")
CONFINED = Path(__file__).with_name("confined.sh")
LOCKED = Path(__file__).with_name("locked.sh")
PACKAGING = ROOT / "tools" / "packaging"
PROFILES = Path("/etc/apparmor.d")
TOOLS = "/sbin/apparmor_parser", "/usr/bin/aa-exec", "/usr/bin/setpriv", "/usr/bin/openssl"
GUESTS = 2  # at a time
SHOWN = 12  # complaints of a kernel,
WIDTH = 300  # and so much of each
TRACEPOINTS_SINCE = (6, 3)


def on_the_host(script):
    """Plays the session on this host, with the front end that works here."""
    folder = OUTPUT / "host"
    folder.mkdir(parents=True)
    built = programs(BUILD)
    subprocess.run(["sh", SESSION, built["/keepwatch"], built["/peers"], script, folder, "tracepoint"], check=True,
                   timeout=600)
    return seen.Session(folder)


def in_a_guest(kernel, initramfs):
    """(release, how it ran, seconds, complaints)."""
    folder = OUTPUT / kernel.name
    begin = time.monotonic()
    release, accelerator = kernel.kept().parent.name, "-"
    try:
        accelerator = guest.boot(guest.MACHINES[kernel.architecture], kernel.kept(), initramfs, folder)
        release = (folder / "release").read_text().strip()
        status = (folder / "status").read_text().strip()
        complaints = [] if status == "0" else [f"the session failed: {(folder / 'session').read_text().strip()}"]
    except (guest.Failed, OSError) as error:
        complaints = [str(error)]
    return release, accelerator, time.monotonic() - begin, complaints


def judge(folder, name, release, reference, connections):
    """Returns the differences of a guest's session from what it should show."""
    session = seen.Session(folder)
    version = tuple(int(part) for part in release.split(".")[:2])
    chosen = "tracepoint" if version >= TRACEPOINTS_SINCE else "trampoline"
    complaints = seen.check(folder / "check", chosen)
    complaints += seen.console(folder / "console")
    for observer in ("trace", "replay"):
        complaints += session.differences(observer, reference, connections)
    complaints += session.summary_differences(reference, connections)
    complaints += effort.complaints((folder / "verifier").read_text(), name)
    return complaints


def programs(build):
    """Those of a build, by their places in a guest."""
    return {"/keepwatch": build / "keepwatch", "/usr/bin/keepwatch": build / "keepwatch",
            "/peers": build / "tests" / "kernels" / "peers", "/verifier": build / "verifier"}


def build_for(architecture):
    """The folder with the programs for an architecture. Unavailable: they cannot be built here."""
    if architecture == kernels.OWN:
        return BUILD
    for command in [["tools/setup.sh", "cross", "emulator"], ["make", "-s", f"ARCH={architecture}", "guest"]]:
        done = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise kernels.Unavailable(f"{' '.join(command)}: {' '.join(done.stderr.split())[-WIDTH:]}")
    return BUILD / architecture


def certificate():
    """The file with a certificate for the guests' TLS server, and its key."""
    folder = OUTPUT / "certificate"
    if not folder.exists():
        folder.mkdir()
        return tls.Certificates(folder).both
    return folder / "both.pem"


def make_initramfs(architecture, build, script):
    path, machine = OUTPUT / f"initramfs-{architecture}.gz", guest.MACHINES[architecture]
    tools = {place: machine.root / place.lstrip("/") for place in TOOLS}
    files = {"/script": script, "/session.sh": SESSION, "/plaintext.sh": PLAINTEXT, "/certificate.pem": certificate()}
    files |= {"/confined.sh": CONFINED, "/locked.sh": LOCKED, "/etc/apparmor.d/keepwatch": PACKAGING / "keepwatch.apparmor",
              "/etc/keepwatch/keepwatch.conf": PACKAGING / "keepwatch.conf",
              **{str(found): found for part in ("abi", "abstractions", "tunables")
                 for found in (PROFILES / part).rglob("*") if found.is_file()}}
    guest.make_initramfs(path, machine, programs(build) | tools, "sh /session.sh /keepwatch /peers /script /tmp/results trampoline /verifier && "
                         "sh /plaintext.sh /keepwatch /tmp/results && sh /confined.sh /tmp/results && sh /locked.sh /keepwatch /tmp/results\n", files)
    return path


def say(text):
    print(text, flush=True)


def complain(complaints):
    for line in complaints[:SHOWN]:
        say(f"       {line[:WIDTH]}")
    if len(complaints) > SHOWN:
        say(f"       and {len(complaints) - SHOWN} more")


def run_all(wanted, builds, script, connections):
    """Whether all is well."""
    reference = on_the_host(script)
    complaints = reference.own_faults(connections)
    well = not complaints
    say(f"host       {len(connections)} connections  {'well' if well else 'NOT AS EXPECTED'}")
    complain(complaints)
    initramfs = {architecture: make_initramfs(architecture, build, script) for architecture, build in builds.items()}
    with concurrent.futures.ThreadPoolExecutor(GUESTS) as pool:
        # The newest takes longest, so it goes first.
        running = {pool.submit(in_a_guest, kernel, initramfs[kernel.architecture]): kernel for kernel in reversed(wanted)}
        for done in concurrent.futures.as_completed(running):
            name = running[done].name
            release, accelerator, seconds, complaints = done.result()
            if not complaints:
                complaints = judge(OUTPUT / name, name, release, reference, connections)
            say(f"{name:10} {release}  {accelerator}  {seconds:.0f} s  {'RED' if complaints else 'green'}")
            complain(complaints)
            well &= not complaints
    return well


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ends", action="store_true")
    parser.add_argument("--if-any", action="store_true")
    parser.add_argument("--renew", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME")
    return parser.parse_args()


def chosen(given):
    """The kernels that are asked for."""
    named = [kernel for kernel in kernels.listed()
             if not given.names or {kernel.name, kernel.architecture} & set(given.names)]
    if not given.ends:
        return named
    of = {archive: [kernel for kernel in named if kernel.archive == archive] for archive in {kernel.archive for kernel in named}}
    return [kernel for kernel in named if kernel in (of[kernel.archive][0], of[kernel.archive][-1])]


def available(wanted, renew):
    """The kernels that can be run here, and {architecture: the folder with its programs}. Says of the others why not."""
    builds, missing = {}, kernels.provide(wanted, renew)
    for architecture in {kernel.architecture for kernel in wanted if kernel.name not in missing}:
        try:
            builds[architecture] = build_for(architecture)
        except kernels.Unavailable as error:
            missing |= {kernel.name: str(error) for kernel in wanted if kernel.architecture == architecture}
    for name, why in missing.items():
        say(f"{name:10} NOT TESTED: the kernel or its programs cannot be had: {why}")
    return [kernel for kernel in wanted if kernel.name not in missing], builds


def main():
    given, begin = arguments(), time.monotonic()
    wanted, builds = available(chosen(given), given.renew)
    if not wanted:
        say("kernels: none could be had, so none was tested")
        return 0 if given.if_any else 3
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    connections = story.connections()
    script = OUTPUT / "script"
    script.write_text(story.script(connections))
    well = run_all(wanted, builds, script, connections)
    say(f"kernels: {len(wanted)} tested in {time.monotonic() - begin:.0f} s, "
        f"{'all well' if well else 'NOT all well: see above, and ' + str(OUTPUT.relative_to(ROOT))}")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
