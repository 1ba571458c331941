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

TAGS: dict[type, int] = dict(
    zip((Var, Delay, Lam, Apply, Const, Force, Error, BuiltinTerm, Constr, Case), range(10), strict=True)
)
NAMES = ("x", "", "naïve-name", "f" * 300, "x_0")


class _Writer(BitWriter):
    """Flat with a name at each binder and variable, and after it a unique number or the index.

    `shared` gives every binder at one depth the same unique, so that names are bound anew in other branches.
    """

    def __init__(self, *, uniques: bool, first: int, shared: bool) -> None:
        super().__init__()
        self._uniques, self._first, self._shared = uniques, first, shared
        self._made = 0

    def term(self, term: Term, bound: tuple[int, ...]) -> None:
        self.bits(TAGS[type(term)], 4)
        match term:
            case Var():
                # Uniques are integers of 64 bits, which flat writes as zigzag: even for those that are not negative.
                self._name(bound[-term.index], 2 * bound[-term.index] if self._uniques else term.index)
            case Lam():
                number = self._first + (len(bound) if self._shared else self._made)
                self._made += 1
                self._name(number, 2 * number if self._uniques else 0)
                self.term(term.body, (*bound, number))
            case Const():
                write_constant(self, term.constant, allow_group_elements=False)
            case BuiltinTerm():
                self.bits(term.builtin.tag, 7)
            case _:
                self._parts(term, bound)

    def _parts(self, term: Term, bound: tuple[int, ...]) -> None:
        match term:
            case Delay() | Force():
                self.term(term.body, bound)
            case Apply():
                self.term(term.function, bound)
                self.term(term.argument, bound)
            case Constr():
                self.natural(term.tag)
                self._several(term.fields, bound)
            case Case():
                self.term(term.scrutinee, bound)
                self._several(term.branches, bound)

    def _name(self, number: int, suffix: int) -> None:
        self.bytestring(NAMES[number % len(NAMES)].encode())
        self.natural(suffix)

    def _several(self, terms: tuple[Term, ...], bound: tuple[int, ...]) -> None:
        for term in terms:
            self.bits(1, 1)
            self.term(term, bound)
        self.bits(0, 1)


def named_flat(program: Program, *, uniques: bool, first: int, shared: bool) -> bytes:
    writer = _Writer(uniques=uniques, first=first, shared=shared)
    for number in program.version:
        writer.natural(number)
    writer.term(program.term, ())
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
