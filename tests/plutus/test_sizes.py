"""Sizes of constants against the machine's own."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.machine import NativeMachine, Script
from costmodel.model import ExUnits, Variant, proposed_model
from costmodel.model.costing import costing_function
from costmodel.plutus import (
    BUILTINS,
    BYTESTRING,
    INTEGER,
    STRING,
    UPLC_1_1_0,
    VALUE,
    Apply,
    Builtin,
    BuiltinTerm,
    Const,
    Constant,
    DataConstr,
    DataList,
    DataMap,
    Force,
    Program,
    Term,
    array_of,
    encode_flat,
    list_of,
)
from costmodel.plutus.builtins import SizeMeasure
from costmodel.plutus.sizes import RIVALS, bytes_words, integer_words, size_of
from costmodel.plutus.universe import DATA
from tests.strategies import data, untimed, values

NOTHING = costing_function("constant_cost", {"constant": 0}, None, "test")
READER = costing_function("linear_in_x", {"intercept": 0, "slope": 1}, None, "test")
UNLIMITED = ExUnits(2**63 - 1, 2**63 - 1)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 1), (1, 1), (2**64 - 1, 1), (2**64, 2), (-(2**64) + 1, 1), (-(2**64), 2), (2**128, 3)]
)
def test_integers_take_a_word_for_64_bits(value: int, expected: int) -> None:
    assert integer_words(value) == expected


@pytest.mark.parametrize(("length", "expected"), [(0, 1), (1, 1), (8, 1), (9, 2), (16, 2), (17, 3)])
def test_byte_strings_take_a_word_for_8_bytes(length: int, expected: int) -> None:
    assert bytes_words(bytes(length)) == expected


def test_data_takes_4_words_a_node_and_its_payload() -> None:
    for value, words, nodes in (
        (DataConstr(7, (1, b"123456789")), 4 + (4 + 1) + (4 + 2), 3),
        (DataMap(((1, DataList(())), (2, 3))), 4 + 4 * 4 + 3, 5),
    ):
        assert size_of(Constant(DATA, value), SizeMeasure.DATA_WORDS) == words
        assert size_of(Constant(DATA, value), SizeMeasure.DATA_NODES) == nodes


CONSTANTS = st.one_of(
    st.integers(-(2**130), 2**130).map(lambda each: Constant(INTEGER, each)),
    st.binary(max_size=40).map(lambda each: Constant(BYTESTRING, each)),
    st.text(max_size=20).map(lambda each: Constant(STRING, each)),
    st.lists(st.integers(), max_size=5).map(lambda each: Constant(list_of(INTEGER), tuple(each))),
    st.lists(st.integers(), max_size=5).map(lambda each: Constant(array_of(INTEGER), tuple(each))),
    data().map(lambda each: Constant(DATA, each)),
    values.map(lambda each: Constant(VALUE, each)),
)


@given(CONSTANTS)
@untimed
def test_the_machine_takes_the_same_sizes(constant: Constant) -> None:
    """By every measure that some builtin has for the type of its first argument."""
    for builtin in BUILTINS:
        types = builtin.argument_types
        if types[0].split(" ")[0] != constant.type.head or types[0] in ("list data", "list (pair data data)"):
            continue
        expected = size_of(constant, builtin.size_measures("E")[0])
        if len(types) == 1:
            assert machine_size(builtin, constant) == expected, builtin


def machine_size(builtin: Builtin, constant: Constant) -> int:
    """What a machine charges that charges nothing but the size of this builtin's argument."""
    model = proposed_model(Variant.E)
    costs = {name: replace(cost, cpu=NOTHING, memory=NOTHING) for name, cost in model.builtins.items()}
    costs[builtin.name] = replace(costs[builtin.name], cpu=READER)
    free = ExUnits(0, 0)
    model = replace(model, builtins=costs, steps=dict.fromkeys(model.steps, free), startup=free)
    term: Term = BuiltinTerm(builtin)
    for _ in range(builtin.forces):
        term = Force(term)
    script = Script.decode(encode_flat(Program(UPLC_1_1_0, Apply(term, Const(constant)))), None)
    return NativeMachine(model, Variant.E).evaluate(script, UNLIMITED).spent.cpu


@given(values)
@untimed
def test_measures_of_a_value(entries: tuple[tuple[bytes, tuple[tuple[bytes, int], ...]], ...]) -> None:
    sizes = {measure: size_of(Constant(VALUE, entries), measure) for measure in RIVALS["value"]}
    assert sizes[SizeMeasure.VALUE_POLICIES] == len(entries)
    assert 2 ** sizes[SizeMeasure.VALUE_OUTER_DEPTH] > len(entries) >= 2 ** sizes[SizeMeasure.VALUE_OUTER_DEPTH] // 2
    assert sizes[SizeMeasure.VALUE_ENTRIES] >= sizes[SizeMeasure.VALUE_POLICIES]
    assert sizes[SizeMeasure.VALUE_MAX_DEPTH] >= sizes[SizeMeasure.VALUE_OUTER_DEPTH]


def test_a_measure_that_a_type_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no integer has a size by VALUE_POLICIES"):
        size_of(Constant(INTEGER, 1), SizeMeasure.VALUE_POLICIES)
