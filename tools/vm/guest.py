# SPDX-License-Identifier: BSD-2-Clause
"""A guest: a kernel, and an initramfs with busybox, some programs and what they link to. It runs /session there and
hands back the folder that the session has filled."""

import dataclasses
import gzip
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

import libraries  # noqa: E402

INIT = Path(__file__).with_name("init")
ROOT = Path(__file__).resolve().parents[2]
BUSYBOX = "/bin/busybox"
MEMORY = 2048  # MiB; the verifier of 7.3 wants more than a quarter of that for each observer, and two start at once
SILENCE = 20  # a guest without output by then does not run, as with a KVM that only seems to work


class Failed(Exception):
    """The guest did not finish; the message says where it stopped."""


@dataclasses.dataclass(frozen=True)
class Machine:
    """The machine that guests of one architecture run on."""

    name: str  # as uname has it
    root: Path  # the folder with its programs and libraries
    emulator: tuple  # and its board
    processor: str
    console: str  # the first serial port, as the kernel names it,
    results: str  # the second one,
    second: tuple  # and how the emulator gets it; the file's name follows
    timeout: int  # s; a loaded host may take ten times as long as an idle one

    def is_host(self):
        return self.name == platform.machine()


MACHINES = {  # as Debian names architectures
    "amd64": Machine("x86_64", Path("/"), ("qemu-system-x86_64", "-M", "q35"), "max", "ttyS0", "ttyS1",
                     ("-serial", "file:"), 600),
    "arm64": Machine("aarch64", ROOT / "build" / "arm64-root", ("qemu-system-aarch64", "-M", "virt"), "neoverse-n1",
                     "ttyAMA0", "ttyS0", ("-device", "pci-serial,chardev=results", "-chardev", "file,id=results,path="),
                     2400),
}


def make_initramfs(path, machine, programs, session, files):
    """@programs, @files: where to put what; @session: the text of the script to run."""
    with tempfile.TemporaryDirectory() as root:
        root = Path(root)
        for folder in ("bin", "proc", "sys", "dev", "tmp"):
            (root / folder).mkdir()
        wanted = {"/init": INIT, BUSYBOX: machine.root / BUSYBOX.lstrip("/"), **programs, **files}
        for program in programs.values():
            wanted |= libraries.mapped(program, machine.root, machine.name)
        for target, source in wanted.items():
            place = root / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)  # follows links
        (root / "session").write_text(session)
        names = "\n".join(str(found.relative_to(root)) for found in root.rglob("*"))
        packed = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(),
                                stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(gzip.compress(packed, 1))


def accelerators(machine):
    """How to run a guest, the better way first."""
    loaded = machine.is_host() and any(Path("/sys/module", module).exists() for module in ("kvm_intel", "kvm_amd"))
    return ["kvm", "tcg"] if loaded and os.access("/dev/kvm", os.R_OK | os.W_OK) else ["tcg"]


def command(machine, kernel, initramfs, folder, accelerator):
    *second, path = machine.second
    processor = "max" if accelerator == "kvm" else machine.processor
    return [
        "setpriv", "--pdeathsig", "KILL", "--",  # it does not outlive us
        *machine.emulator, "-accel", accelerator, "-cpu", processor, "-smp", "1", "-m", str(MEMORY),
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-kernel", kernel, "-initrd", initramfs,
        "-serial", f"file:{folder / 'console'}", *second, f"{path}{folder / 'results.tar.gz'}",
        "-append", f"console={machine.console} quiet panic=-1 oops=panic mitigations=off results={machine.results}",
    ]


def run(arguments, console, timeout):
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
            if passed > timeout:
                emulator.kill()
                raise Failed(f"did not finish within {timeout} s; last output: {last_words(console)}")
        if emulator.returncode:
            raise Failed(f"the emulator failed: {emulator.stderr.read().decode().strip()[-200:]}")
    return True


def last_words(console):
    return " | ".join(console.read_text(errors="replace").split("\n")[-8:])


def boot(machine, kernel, initramfs, folder):
    """Runs the guest; afterwards @folder holds the files of its session and its console. Returns the way in which it ran."""
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "results.tar.gz"
    for accelerator in accelerators(machine):
        if run(command(machine, kernel, initramfs, folder, accelerator), folder / "console", machine.timeout):
            break
    try:
        with tarfile.open(fileobj=io.BytesIO(results.read_bytes()), mode="r:gz") as archive:
            archive.extractall(folder)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise Failed(f"gave no results ({error}); last output: {last_words(folder / 'console')}") from None
    return accelerator
