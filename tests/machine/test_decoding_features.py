"""What decoding is counted by."""

import math
import random
from collections.abc import Sequence

import pytest

from costmodel.machine.decoding_features import decoding_features
from costmodel.plutus import (
    BOOL,
    DATA,
    INTEGER,
    VALUE,
    Apply,
    Const,
    Constant,
    Data,
    DataConstr,
    DataMap,
    Delay,
    Force,
    Lam,
    Term,
    Var,
    list_of,
    pair_of,
)


def held_values(term: Term) -> float:
    return decoding_features(term, 1)["values"]


def test_nodes_and_constants_by_type_are_counted() -> None:
    term = Apply(Lam(Apply(Var(1), Const(Constant(BOOL, True)))), Const(Constant(list_of(INTEGER), (1, 2, 3))))
    assert decoding_features(term, 9) == {
        "bytes": 9,
        "nodes": 6,
        "nodes_log_nodes": pytest.approx(6 * math.log2(6)),
        "lambdas": 1,
        "mispredicted_terms": 0,
        "integer_bytes": 3,
        "values": 3,
        "branchings": 0,
        "data_values": 0,
        "data_elements": 0,
        "data_structures": 0,
        "constants_bool": 1,
        "constants_list": 1,
    }


def test_single_values_hold_none() -> None:
    assert held_values(Apply(Lam(Var(1)), Const(Constant(INTEGER, 7)))) == 0
    assert held_values(Const(Constant(DATA, 7))) == 0


def test_parts_of_data_and_elements_are_held() -> None:
    # The map is held by the constructor, and holds a key and a value.
    data = Const(Constant(DATA, DataConstr(0, (1, DataMap(((b"", 2),))))))
    numbers = Const(Constant(list_of(INTEGER), (1, 2, 3)))
    pairs = Const(Constant(list_of(pair_of(INTEGER, INTEGER)), ((1, 2), (3, 4))))
    assert [held_values(term) for term in (data, numbers, pairs)] == [4, 3, 6]
    assert held_values(Apply(data, numbers)) == 7


def test_depth_is_no_limit() -> None:
    data: Data = 0
    for _ in range(100_000):
        data = DataConstr(0, (data,))
    assert held_values(Const(Constant(DATA, data))) == 100_000


def test_bytes_of_integers_outside_of_data_are_counted() -> None:
    numbers = Const(Constant(list_of(INTEGER), (0, 255, -256)))
    assert decoding_features(Apply(Const(Constant(INTEGER, 2**64)), numbers), 1)["integer_bytes"] == 9 + 0 + 1 + 2
    assert decoding_features(Const(Constant(DATA, 2**64)), 1)["integer_bytes"] == 0


def test_data_that_others_hold_is_told_from_data_by_itself() -> None:
    held = DataConstr(0, (1, DataMap(((b"", 2),))))
    found = decoding_features(Apply(Const(Constant(DATA, held)), Const(Constant(list_of(DATA), (held, 7)))), 1)
    assert (found["data_structures"], found["data_elements"], found["data_values"]) == (2, 2, 8)
    pair = decoding_features(Const(Constant(pair_of(INTEGER, DATA), (1, held))), 1)
    assert (pair["data_structures"], pair["data_elements"], pair["values"]) == (1, 1, 6)


def test_what_values_hold_is_counted() -> None:
    value = ((b"a", ((b"t", 1), (b"u", 300))), (b"b", ((b"t", 2),)))
    found = decoding_features(Const(Constant(VALUE, value)), 1)
    assert (found["values"], found["integer_bytes"]) == (2 + 2 * 2 + 3 + 3 * 2, 1 + 2 + 1)


def row(forms: Sequence[type[Delay] | type[Force]]) -> Term:
    term: Term = Const(Constant(BOOL, True))
    for form in forms:
        term = form(term)
    return term


def test_terms_that_come_as_before_are_foreseen_and_new_orders_are_not() -> None:
    rng = random.Random(1)
    regular, irregular = (Delay, Force) * 10_000, rng.choices((Delay, Force), k=20_000)
    missed = [decoding_features(row(forms), 1)["mispredicted_terms"] for forms in (regular, irregular)]
    assert missed[0] < 0.01 * 20_000 < 0.3 * 20_000 < missed[1]
