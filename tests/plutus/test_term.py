import math

import pytest

from costmodel.plutus import (
    BOOL,
    DATA,
    INTEGER,
    Apply,
    Const,
    Constant,
    Data,
    DataConstr,
    DataMap,
    Lam,
    Term,
    Var,
    decoding_features,
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
        "values": 3,
        "branchings": 0,
        "data_values": 0,
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
