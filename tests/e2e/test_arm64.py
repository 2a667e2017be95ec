# SPDX-License-Identifier: BSD-2-Clause
"""Programs and packages that are built for arm64 on another machine. That they work there, the guests of tests/kernels show."""

import json
import re
import shutil
import subprocess

import pytest

from lib import observer

CONTROL = observer.ROOT / "tools" / "packaging" / "debian" / "control"
COMPILER = "aarch64-linux-gnu-gcc"

# ---- words that say that others are there ----

WORDS = r"""
#include <linux/types.h>
#include "include/types.h"
void publish(__u32 *word, __u32 *other) { *other = 1; KW_PUBLISH(*word, 2); }
__u32 acquire(const __u32 *word, __u32 *other) { return KW_ACQUIRE(*word) + *other; }
void publish_long(__u64 *word, __u32 *other) { *other = 1; KW_PUBLISH(*word, 2); }
__u64 acquire_long(const __u64 *word, __u32 *other) { return KW_ACQUIRE(*word) + *other; }
"""
XCHG, FETCH_OR = ("c3 e1", "db e1"), ("c3 41", "db 41")  # of 32 and of 64 bits; BPF gives no other instructions that order


def instructions(architecture, tmp_path):
    """Of all functions: opcode, and which atomic operation it is."""
    source, made = tmp_path / "words.c", tmp_path / "words.o"
    source.write_text(WORDS)
    include = f"/usr/include/{'x86_64' if architecture == 'x86' else 'aarch64'}-linux-gnu"
    subprocess.run(["clang", "--target=bpf", "-mcpu=v3", "-O2", f"-D__TARGET_ARCH_{architecture}", "-I", observer.ROOT,
                    "-idirafter", include, "-idirafter", "/usr/include/x86_64-linux-gnu", "-c", source, "-o", made], check=True)
    listing = subprocess.run(["llvm-objdump", "-d", made], capture_output=True, text=True, check=True).stdout
    return [f"{opcode} {operation}" for opcode, operation in
            re.findall(r"^ *\d+:\t(\w\w) \w\w \w\w \w\w (\w\w)", listing, re.M)]


def test_words_are_ordered_by_instructions_where_the_processor_does_not_order_them(tmp_path):
    made = instructions("arm64", tmp_path)
    assert [made.count(one) for one in (*XCHG, *FETCH_OR)] == [1, 1, 1, 1]


def test_words_cost_nothing_where_it_does(tmp_path):
    made = instructions("x86", tmp_path)
    assert made
    assert not [one for one in made if one.startswith(("c3", "db"))]


# ---- the package ----

@pytest.fixture(scope="module")
def package():
    if not shutil.which(COMPILER):
        pytest.skip(f"there is no {COMPILER} here: tools/setup.sh cross installs it")
    done = subprocess.run(["make", "-s", "ARCH=arm64", "deb"], cwd=observer.ROOT, capture_output=True, text=True, timeout=1200)
    if "cannot be had" in done.stderr:
        pytest.skip(done.stderr.splitlines()[0])
    assert done.returncode == 0, done.stderr
    return observer.ROOT / done.stdout.splitlines()[-1]


def field(package, name):
    return subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True).stdout.strip()


def test_the_package_is_of_arm64(package, tmp_path):
    assert package.name.endswith("_arm64.deb")
    assert field(package, "Architecture") == "arm64"
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    header = subprocess.run(["readelf", "-h", tmp_path / "usr/bin/keepwatch"], capture_output=True, text=True, check=True)
    assert "AArch64" in header.stdout
    assert "Architecture: amd64 arm64\n" in CONTROL.read_text()


def test_the_package_depends_on_the_libraries_that_its_program_names(package):
    program = package.parent / "root" / "usr" / "bin" / "keepwatch"
    needed = re.findall(r"NEEDED.*\[(\w+)", subprocess.run(["readelf", "-d", program], capture_output=True, text=True,
                                                             check=True).stdout)
    depends = " ".join(name.split()[0].replace("-", "") for name in field(package, "Depends").split(", "))
    assert {"libbpf", "libgnutls"} <= set(needed)
    for name in set(needed) - {"libm", "ld", "libz"}:  # libc's, and zlib1g
        assert name in depends, name
    assert "zlib1g" in depends


def test_lintian_has_nothing_to_say(package):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package], capture_output=True,
                          text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_bill_of_materials_lists_libraries_of_arm64_and_tools_of_this_machine(package):
    bill = json.loads(package.with_suffix(".spdx.json").read_text())
    known = {one["name"]: one["externalRefs"][0]["referenceLocator"] for one in bill["packages"]}
    linked = {one["relatedSpdxElement"].removeprefix("SPDXRef-Package-") for one in bill["relationships"]
              if one["relationshipType"] == "DYNAMIC_LINK"}
    assert {"libbpf1", "libc6"} <= linked
    assert all(known[name].endswith("?arch=arm64") for name in linked)
    assert not known["clang"].endswith("?arch=arm64")
