"""Flat with names, as `uplc convert --of flat-named` and `flat-namedDeBruijn` write it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.plutus import (
    Apply,
    BuiltinTerm,
    Case,
    Const,
    Constr,
    Delay,
    Error,
    Force,
    Lam,
    Program,
    Term,
    Var,
    encode_flat,
    load_program,
    parse_program,
)
from costmodel.plutus.flat import without_names
from costmodel.plutus.flat_bits import BitWriter
from costmodel.plutus.flat_constants import write_constant
from tests.strategies import programs, untimed

NAMES = ("x", "", "naïve-name", "f" * 300, "x_0")


def named_flat(program: Program, *, uniques: bool, first: int, shared: bool) -> bytes:
    """A program with a name at each binder and variable, and after it a unique number or the index.

    `shared` gives every binder at one depth the same unique, so that names are bound anew in other branches.
    """
    writer = BitWriter()
    made = first

    def text(number: int) -> None:
        writer.bytestring(NAMES[number % len(NAMES)].encode())

    def write(term: Term, bound: tuple[int, ...]) -> None:
        nonlocal made
        match term:
            case Var():
                writer.bits(0, 4)
                text(bound[-term.index])
                # Uniques are integers of 64 bits, which flat writes as zigzag: even for those that are not negative.
                writer.natural(2 * bound[-term.index] if uniques else term.index)
            case Lam():
                writer.bits(2, 4)
                number = first + len(bound) if shared else made
                made += 1
                text(number)
                writer.natural(2 * number if uniques else 0)
                write(term.body, (*bound, number))
            case Delay() | Force():
                writer.bits(1 if isinstance(term, Delay) else 5, 4)
                write(term.body, bound)
            case Apply():
                writer.bits(3, 4)
                write(term.function, bound)
                write(term.argument, bound)
            case Const():
                writer.bits(4, 4)
                write_constant(writer, term.constant, allow_group_elements=False)
            case Error():
                writer.bits(6, 4)
            case BuiltinTerm():
                writer.bits(7, 4)
                writer.bits(term.builtin.tag, 7)
            case Constr():
                writer.bits(8, 4)
                writer.natural(term.tag)
                several(term.fields, bound)
            case Case():
                writer.bits(9, 4)
                write(term.scrutinee, bound)
                several(term.branches, bound)

    def several(terms: tuple[Term, ...], bound: tuple[int, ...]) -> None:
        for term in terms:
            writer.bits(1, 1)
            write(term, bound)
        writer.bits(0, 1)

    for number in program.version:
        writer.natural(number)
    write(program.term, ())
    return writer.finish()


@untimed
@given(program=programs(group_elements=False), uniques=st.booleans(), first=st.integers(0, 2000), shared=st.booleans())
def test_names_become_indices(program: Program, uniques: bool, first: int, shared: bool) -> None:
    flat = encode_flat(program)
    assert without_names(named_flat(program, uniques=uniques, first=first, shared=shared)) == flat


@untimed
@given(program=programs(group_elements=False))
def test_flat_of_the_chain_stays_as_it_is(program: Program) -> None:
    flat = encode_flat(program)
    assert without_names(flat) is flat


@pytest.mark.parametrize("uniques", [True, False])
def test_file_with_names_is_read(tmp_path: Path, uniques: bool) -> None:
    program = parse_program("(program 1.0.0 [(lam x (lam y [y x])) (con integer 1) (lam x x)])")
    path = tmp_path / "named.flat"
    path.write_bytes(named_flat(program, uniques=uniques, first=0, shared=False))
    assert load_program(path).flat == encode_flat(program)


def test_free_variables_and_other_bytes_stay_as_they_are() -> None:
    program = Program(parse_program("(program 1.0.0 (error))").version, Lam(Var(1)))
    flat = named_flat(program, uniques=True, first=0, shared=False)
    unbound = flat.replace(b"\x01x\x00\x00", b"\x01x\x00\x02", 1)
    assert unbound != flat
    assert without_names(unbound) == unbound
    assert without_names(b"\x01\x00\x00" + b"\xff" * 20) == b"\x01\x00\x00" + b"\xff" * 20
