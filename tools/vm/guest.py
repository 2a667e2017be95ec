# SPDX-License-Identifier: BSD-2-Clause
"""A guest: a kernel, and an initramfs with busybox, some programs and what they link to. It runs /session there and
hands back the folder that the session has filled."""

import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

INIT = Path(__file__).with_name("init")
BUSYBOX = "/bin/busybox"
MEMORY = 2048  # MiB; the verifier of 7.3 wants more than a quarter of that for each observer, and two start at once
TIMEOUT = 600  # a loaded machine may take ten times as long as an idle one
SILENCE = 20  # a guest without output by then does not run, as with a KVM that only seems to work


class Failed(Exception):
    """The guest did not finish; the message says where it stopped."""


def libraries(program):
    """The libraries that the loader maps for a program; none for a static one."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return re.findall(r"(/\S+) \(0x", listing)


def make_initramfs(path, programs, session, files):
    """@programs, @files: where to put what; @session: the text of the script to run."""
    with tempfile.TemporaryDirectory() as root:
        root = Path(root)
        for folder in ("bin", "proc", "sys", "dev", "tmp"):
            (root / folder).mkdir()
        wanted = {"/init": INIT, BUSYBOX: BUSYBOX, **programs, **files}
        for program in programs.values():
            wanted |= {library: library for library in libraries(program)}
        for target, source in wanted.items():
            place = root / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)  # follows links
        (root / "session").write_text(session)
        names = "\n".join(str(found.relative_to(root)) for found in root.rglob("*"))
        packed = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(),
                                stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(gzip.compress(packed, 1))


def accelerators():
    """How to run a guest, the better way first."""
    loaded = any(Path("/sys/module", module).exists() for module in ("kvm_intel", "kvm_amd"))
    return ["kvm", "tcg"] if loaded and os.access("/dev/kvm", os.R_OK | os.W_OK) else ["tcg"]


def command(kernel, initramfs, folder, accelerator):
    return [
        "setpriv", "--pdeathsig", "KILL", "--",  # it does not outlive us
        "qemu-system-x86_64", "-accel", accelerator, "-cpu", "max", "-smp", "1", "-M", "q35", "-m", str(MEMORY),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-kernel", kernel, "-initrd", initramfs,
        "-serial", f"file:{folder / 'console'}", "-serial", f"file:{folder / 'results.tar.gz'}",
        "-append", "console=ttyS0 quiet panic=-1 oops=panic mitigations=off",
    ]


def run(arguments, console):
    """Runs the emulator to its end; False if the guest never said a word."""
    console.write_bytes(b"")
    begin = time.monotonic()
    with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as emulator:
        while emulator.poll() is None:
            time.sleep(0.1)
            passed = time.monotonic() - begin
            silent = passed > SILENCE and not console.stat().st_size
            if silent and "kvm" in arguments:
                emulator.kill()
                return False
            if passed > TIMEOUT:
                emulator.kill()
                raise Failed(f"did not finish within {TIMEOUT} s; last output: {last_words(console)}")
        if emulator.returncode:
            raise Failed(f"the emulator failed: {emulator.stderr.read().decode().strip()[-200:]}")
    return True


def last_words(console):
    return " | ".join(console.read_text(errors="replace").split("\n")[-8:])


def boot(kernel, initramfs, folder):
    """Runs the guest; afterwards @folder holds the files of its session and its console. Returns the way in which it ran."""
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.tar.gz"
    for accelerator in accelerators():
        if run(command(kernel, initramfs, folder, accelerator), folder / "console"):
            break
    try:
        with tarfile.open(fileobj=io.BytesIO(results.read_bytes()), mode="r:gz") as archive:
            archive.extractall(folder)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise Failed(f"gave no results ({error}); last output: {last_words(folder / 'console')}") from None
    return accelerator
