# SPDX-License-Identifier: BSD-2-Clause
"""The program is built so that a bug in it ends it, and is of no use to an attacker."""

import pytest
from elftools.elf.constants import P_FLAGS
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_DT_FLAGS, ENUM_DT_FLAGS_1

from lib import observer

# Compiled with _FORTIFY_SOURCE, calls of the first go to the second, which checks; others only where sizes are not known to fit.
ALWAYS = {"printf": "__printf_chk", "fprintf": "__fprintf_chk", "vfprintf": "__vfprintf_chk", "asprintf": "__asprintf_chk"}
PERHAPS = {"__snprintf_chk", "__vsnprintf_chk", "__memcpy_chk", "__memset_chk", "__strcpy_chk"}
PROTECTED = "-fPIE", "-fstack-protector-strong", "-fstack-clash-protection"


@pytest.fixture(scope="module")
def program():
    with open(observer.BINARY, "rb") as file:
        yield ELFFile(file)


def segments(program, kind):
    return [segment for segment in program.iter_segments() if segment["p_type"] == kind]


def flags(program, tag):
    dynamic = next(section for section in program.iter_sections() if isinstance(section, DynamicSection))
    return next((entry["d_val"] for entry in dynamic.iter_tags(tag)), 0)


def imported(program):
    return {symbol.name for symbol in program.get_section_by_name(".dynsym").iter_symbols()
            if symbol["st_shndx"] == "SHN_UNDEF"}


def test_it_is_loaded_at_an_address_that_nobody_can_guess(program):
    assert program["e_type"] == "ET_DYN"
    assert flags(program, "DT_FLAGS_1") & ENUM_DT_FLAGS_1["DF_1_PIE"]


def test_addresses_of_functions_are_set_once_and_then_only_read(program):
    assert segments(program, "PT_GNU_RELRO")
    assert flags(program, "DT_FLAGS") & ENUM_DT_FLAGS["DF_BIND_NOW"]


def test_no_memory_is_both_written_and_executed(program):
    assert [stack["p_flags"] & P_FLAGS.PF_X for stack in segments(program, "PT_GNU_STACK")] == [0]
    both = P_FLAGS.PF_W | P_FLAGS.PF_X
    assert all(part["p_flags"] & both != both for part in segments(program, "PT_LOAD"))


def test_each_of_its_parts_guards_the_stack(program):
    assert "__stack_chk_fail" in imported(program)
    parts = [unit.get_top_DIE() for unit in program.get_dwarf_info().iter_CUs()]
    assert len(parts) > 50
    for part in parts:
        how = part.attributes["DW_AT_producer"].value.decode().split()
        assert set(PROTECTED) <= set(how), part.get_full_path()


@pytest.mark.skipif(observer.SANITIZED, reason="sanitizers check all that and more")
def test_writes_beyond_the_end_of_a_buffer_end_the_program(program):
    names = imported(program)
    assert names & PERHAPS
    assert names & set(ALWAYS.values())
    assert not names & set(ALWAYS)
