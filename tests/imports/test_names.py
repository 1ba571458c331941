"""Names of benchmarks: which builtin and which sizes they are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import InputError
from costmodel.imports.measured import NamedOperation, operation_of, read_names
from costmodel.plutus.builtins import BUILTINS


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("addInteger/3/5", NamedOperation("addInteger", (3, 5))),
        ("AddInteger/ExMemory 3/ExMemory 5", NamedOperation("addInteger", (3, 5))),
        ("builtins/AddInteger/x=3/y=5", NamedOperation("addInteger", (3, 5))),
        ("org.scalus.Bench.addInteger/3/5", NamedOperation("addInteger", (3, 5))),
        ("bls12381G1Add/18/18", NamedOperation("bls12_381_G1_add", (18, 18))),
        ("Bls12_381_G1_add", NamedOperation("bls12_381_G1_add", ())),
        ("sha2_256/4", NamedOperation("sha2_256", (4,))),
        ("Nop2o/1/1", NamedOperation("nop2", ())),
        ("nop6", NamedOperation("nop6", ())),
        ("Nop2b/1/1", None),
        ("fibonacci/20", None),
        ("addInteger/3/99999999999999999999", None),
        ("3/5", None),
        ("", None),
    ],
)
def test_name_is_split_into_builtin_and_sizes(name: str, operation: NamedOperation | None) -> None:
    assert operation_of(name, {}) == operation


@given(st.sampled_from(BUILTINS), st.lists(st.integers(0, 2**63 - 1), max_size=6))
def test_every_builtin_is_found_by_its_name(builtin: object, sizes: list[int]) -> None:
    name = getattr(builtin, "name", "")
    assert operation_of("/".join((name, *map(str, sizes))), {}) == NamedOperation(name, tuple(sizes))


@given(st.text(max_size=60))
def test_any_text_is_an_operation_or_none(name: str) -> None:
    operation_of(name, {})


def test_mapping_says_what_other_names_mean(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("benchmark,name\n# a comment\n550e8400,addInteger/3/5\n")
    names = read_names(path)
    assert operation_of("550e8400", names) == NamedOperation("addInteger", (3, 5))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n", "line 1: the header must be benchmark,name"),
        ("", "no header benchmark,name"),
        ("benchmark,name\nx\n", "line 2: 1 fields instead of 2"),
        ("benchmark,name\nx,nothing/3\n", "line 2: 'nothing/3' is no builtin"),
        ("benchmark,name\nx,addInteger/1/1\nx,addInteger/1/2\n", "line 3: 'x' comes twice"),
        ('benchmark,name\n"x,addInteger\n', "no CSV"),
    ],
)
def test_malformed_mapping_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_names(path)
