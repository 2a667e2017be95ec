#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the fuzzer's first TLS libraries: make_libraries.py LIBRARIES CODE. They are small ELF files with the symbols of real ones,
and with functions of a few bytes that show what the readers look for. CODE gets these functions alone, each with the number of its
processor before it: see fuzz_code.c."""

import pathlib
import platform
import struct
import sys

BASE = 0x10000  # where the file is loaded
MACHINES = {"x86_64": 62, "aarch64": 183}
DYNAMIC, EXECUTABLE, LOADED = 2, 1, 4
FUNCTION = 0x12  # global, a function
SYMTAB, STRTAB, DYNSYM, HASH, OTHER = 2, 3, 11, 0x6FFFFFF6, 1
INNER = "inner"


def align(data, to=8):
    return data + bytes(-len(data) % to)


class Strings:
    """A table of them."""

    def __init__(self):
        self.data = b"\0"

    def add(self, name):
        self.data += name.encode() + b"\0"
        return len(self.data) - len(name) - 1


def hash_of(name):
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def hash_table(names):
    """All names are in one bucket, and the filter lets all pass."""
    chain = [hash_of(name) & ~1 for name in names]
    if chain:
        chain[-1] |= 1
    return struct.pack(f"<IIIIQI{len(chain)}I", 1, 1, 1, 6, 2**64 - 1, 1, *chain)


class Library:
    """An ELF file whose parts are placed one behind the other."""

    def __init__(self, machine, segments):
        self.machine, self.data, self.sections = machine, bytearray(64 + 56 * segments), [bytes(64)]
        self.names = Strings()

    def place(self, name, kind, data, link=0, entry=0, flags=0):
        """Returns the section's number."""
        self.data = bytearray(align(self.data, 16))
        self.sections.append(struct.pack("<IIQQQQIIQQ", self.names.add(name), kind, flags, BASE + len(self.data), len(self.data),
                                         len(data), link, 1, 8, entry))
        self.data += data
        return len(self.sections) - 1

    def offset(self, number):
        return struct.unpack_from("<Q", self.sections[number], 24)[0]

    def finish(self, segments):
        """@segments: (type, flags, offset, size; None: to the end). Returns the file's bytes."""
        last = self.place(".shstrtab", STRTAB, b"")
        struct.pack_into("<Q", section := bytearray(self.sections[last]), 32, len(self.names.data))
        self.sections[last] = bytes(section)
        self.data = bytearray(align(self.data + self.names.data))
        header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 3, self.machine, 1, BASE, 64, len(self.data), 0, 64, 56,
                             len(segments), 64, len(self.sections), last)
        self.data += b"".join(self.sections)
        table = b"".join(struct.pack("<IIQQQQQQ", kind, flags, offset, BASE + offset, BASE + offset,
                                     size or len(self.data), size or len(self.data), 8) for kind, flags, offset, size in segments)
        self.data[: len(header + table)] = header + table
        return bytes(self.data)


def place_code(library, functions):
    """{name: address}. A call to the inner function gets its distance."""
    code, at = b"", {}
    for name, body in functions.items():
        code = align(code, 16)
        at[name] = len(code)
        code += body
    code = bytearray(align(code, 16))
    for name, body in functions.items():
        if INNER in at and (place := body.find(b"\xe8\0\0\0\0")) >= 0:
            struct.pack_into("<i", code, at[name] + place + 1, at[INNER] - at[name] - place - 5)
    start = library.offset(library.place(".text", OTHER, bytes(code), flags=6))
    return {name: BASE + start + place for name, place in at.items()}


def symbols(library, addresses, exported):
    """Places the tables; those of exported functions can be found by the dynamic linker."""
    text, table = Strings(), bytes(24)
    for name, address in addresses.items():
        table += struct.pack("<IBBHQQ", text.add(name), FUNCTION, 0, 1, address, 16)
    strings = library.place(".dynstr" if exported else ".strtab", STRTAB, text.data)
    library.place(".dynsym" if exported else ".symtab", DYNSYM if exported else SYMTAB, table, link=strings, entry=24)
    if not exported:
        return None
    hashes = library.offset(library.place(".gnu.hash", HASH, hash_table(list(addresses))))
    entries = struct.pack("<QQQQ", 0x6FFFFEF5, BASE + hashes, 0, 0)
    return library.offset(library.place(".dynamic", 6, entries)), len(entries)


def make(functions, exported=True, machine=None):
    """@functions: {name: code}; the inner one has no symbol."""
    library = Library(MACHINES[machine or platform.machine()], 2)
    addresses = place_code(library, functions)
    addresses.pop(INNER, None)
    dynamic = symbols(library, addresses, exported)
    return library.finish([(1, EXECUTABLE | LOADED, 0, None), (DYNAMIC, LOADED, *(dynamic or (0, 0)))])


# ---- code -------------------------------------------------------------------------------------------------


def words(*given):
    return struct.pack(f"<{len(given)}I", *given)


CODE = {
    "x86_64": {
        "return": bytes.fromhex("c3"),
        "address": bytes.fromhex("f30f1efa 488db764010000 c3"),  # endbr64; lea 0x164(%rdi),%rsi; ret
        "number": bytes.fromhex("f30f1efa 8b4738 c3"),  # mov 0x38(%rdi),%eax
        "pointer": bytes.fromhex("488b4710 c3"),  # mov 0x10(%rdi),%rax
        "next-pointer": bytes.fromhex("488b4718 c3"),
        "counter": bytes.fromhex("4885ff 7407 488b4760 c3"),  # test %rdi,%rdi; je; mov 0x60(%rdi),%rax
        "next-counter": bytes.fromhex("4885ff 7407 488b4768 c3"),
        "calls": bytes.fromhex("4883ec18 488d4c2408 e800000000 8b442408 4883c418 c3"),  # lea 8(%rsp),%rcx; call
        "calls-fifth": bytes.fromhex("4883ec18 4c8d442408 31c9 e800000000 4883c418 c3"),
        "hands-on": bytes.fromhex("4883ec08 e800000000 31d2 85c0 4883c408 c3"),
        "pushes": bytes.fromhex("4157 4156 415f c3"),
        "moves": bytes.fromhex("55 4889fd 4889e1 488d7510 4881c53c010000 c3"),  # by registers: mov, lea, add
        "goes-on": bytes.fromhex("e900000000"),
    },
    "aarch64": {
        "return": words(0xD65F03C0),
        "address": words(0xD503245F, 0x91059001, 0xD65F03C0),  # bti c; add x1, x0, #0x164; ret
        "number": words(0xD503245F, 0xB9403800, 0xD65F03C0),  # ldr w0, [x0, #0x38]
        "pointer": words(0xF9400800, 0xD65F03C0),  # ldr x0, [x0, #0x10]
        "next-pointer": words(0xF9400C00, 0xD65F03C0),
        "counter": words(0xB4000040, 0xF9403000, 0xD65F03C0),  # cbz x0; ldr x0, [x0, #0x60]
        "next-counter": words(0xB4000040, 0xF9403400, 0xD65F03C0),
        "calls": words(0xA9BE7BFD, 0x910063E3, 0x94000004, 0xD65F03C0),  # stp; add x3, sp, #24; bl
        "calls-fifth": words(0xA9BE7BFD, 0x910063E4, 0x52800003, 0x94000003, 0xD65F03C0),
        "hands-on": words(0xA9BE7BFD, 0x94000004, 0xD65F03C0),
        "pushes": words(0xD503201F, 0xD65F03C0),
        "moves": words(0xAA0003E8, 0x910013E3, 0x91005108, 0xD65F03C0),  # mov x8, x0; add x3, sp, #4; add x8, x8, #20
        "goes-on": words(0x14000002),
    },
}
OWN = CODE[platform.machine()]

OPENSSL = {
    "SSL_read": OWN["calls"], "SSL_read_ex": OWN["hands-on"], "SSL_write": OWN["calls"], "SSL_write_ex": OWN["hands-on"],
    "SSL_new": OWN["return"], "SSL_get_client_random": OWN["address"], "SSL_is_server": OWN["number"],
    "SSL_get_rbio": OWN["pointer"], "SSL_get_wbio": OWN["next-pointer"],
    "BIO_number_read": OWN["counter"], "BIO_number_written": OWN["next-counter"],
}  # fmt: skip
GNUTLS = {name: OWN["address"] for name in (
    "gnutls_record_recv", "gnutls_record_recv_seq", "gnutls_record_recv_packet", "gnutls_record_send", "gnutls_record_send2",
    "gnutls_record_send_range", "gnutls_init", "gnutls_session_get_random", "gnutls_session_is_resumed", "gnutls_record_check_corked",
)}  # fmt: skip


def without(functions, *names):
    return {name: code for name, code in functions.items() if name not in names}


def files():
    """{name: bytes}"""
    plain = without(OPENSSL, "BIO_number_read", "BIO_number_written")
    inner = {**OPENSSL, INNER: OWN["pushes"]}
    return {
        "openssl": make(inner),
        "openssl-fifth": make({**inner, "SSL_write": OWN["calls-fifth"]}),
        "openssl-stepped": make({**OPENSSL, INNER: OWN["calls"]}),
        "openssl-outer": make({**plain, "SSL_read": OWN["goes-on"]}),
        "openssl-static": make(inner, exported=False),
        "openssl-no-random": make({**inner, "SSL_get_client_random": OWN["return"]}),
        "openssl-no-server": make(without(inner, "SSL_is_server")),
        "openssl-no-new": make(without(inner, "SSL_new")),
        "gnutls": make(GNUTLS),
        "both": make({**GNUTLS, **inner}),
        "nothing": make({}),
        "other-processor": make(inner, machine=next(name for name in MACHINES if name != platform.machine())),
    }


def main(libraries, code):
    for folder in libraries, code:
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        (libraries / name).write_bytes(data)
    for number, (machine, functions) in enumerate(CODE.items()):
        for name, body in functions.items():
            (code / f"{machine}-{name}").write_bytes(bytes([number]) + body)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
