"""Terms, types and Data a hundred thousand levels deep go through every codec."""

from collections.abc import Callable
from typing import Any

import pytest

from costmodel.errors import DecodeError
from costmodel.plutus import (
    INTEGER,
    UPLC_1_1_0,
    Apply,
    Case,
    Const,
    Constant,
    Constr,
    Data,
    DataConstr,
    DataList,
    DataMap,
    Delay,
    Error,
    Force,
    Lam,
    Program,
    Term,
    data_from_json,
    data_to_json,
    decode_data,
    decode_flat,
    encode_data,
    encode_flat,
    list_of,
    pair_of,
    parse_program,
    print_program,
)

DEPTH = 100_000

WRAPPERS: tuple[Callable[[Term], Term], ...] = (
    Lam,
    Delay,
    Force,
    lambda term: Apply(term, Error()),
    lambda term: Apply(Error(), term),
    lambda term: Constr(0, (term, Error())),
    lambda term: Case(term, (Error(),)),
    lambda term: Case(Error(), (term,)),
)


@pytest.fixture(scope="module", params=[WRAPPERS, WRAPPERS[3:4]], ids=["all forms", "one long application"])
def deep_program(request: pytest.FixtureRequest) -> Program:
    term: Term = Error()
    for level in range(DEPTH):
        term = request.param[level % len(request.param)](term)
    return Program(UPLC_1_1_0, term)


def test_deep_term_in_flat(deep_program: Program) -> None:
    assert decode_flat(encode_flat(deep_program)) == deep_program


def test_deep_term_in_text(deep_program: Program) -> None:
    assert parse_program(print_program(deep_program)) == deep_program


def test_deep_term_cut_short(deep_program: Program) -> None:
    with pytest.raises(DecodeError):
        decode_flat(encode_flat(deep_program)[: DEPTH // 4])
    with pytest.raises(DecodeError):
        parse_program(print_program(deep_program)[:-2])


@pytest.fixture(scope="module")
def deep_constant() -> Program:
    type_ = INTEGER
    value: Any = 5
    for level in range(DEPTH):
        type_, value = (list_of(type_), (value,)) if level % 2 else (pair_of(type_, INTEGER), (value, 1))
    return Program(UPLC_1_1_0, Const(Constant(type_, value)))


def test_deep_constant_in_flat(deep_constant: Program) -> None:
    assert decode_flat(encode_flat(deep_constant)) == deep_constant


def test_deep_constant_in_text(deep_constant: Program) -> None:
    assert parse_program(print_program(deep_constant)) == deep_constant


@pytest.fixture(scope="module")
def deep_data() -> Data:
    value: Data = 1
    for level in range(DEPTH):
        value = (DataList((value,)), DataMap(((value, 1), (2, 3))), DataConstr(level % 200, (value,)))[level % 3]
    return value


def test_deep_data_in_cbor(deep_data: Data) -> None:
    assert decode_data(encode_data(deep_data)) == deep_data


def test_deep_data_in_json(deep_data: Data) -> None:
    assert data_from_json(data_to_json(deep_data)) == deep_data


@pytest.mark.parametrize("text", ["(" * DEPTH, "[" * DEPTH, "{-" * DEPTH, "(program 1.0.0 (con " + "(" * DEPTH])
def test_unclosed_brackets_in_text(text: str) -> None:
    with pytest.raises(DecodeError):
        parse_program(text)
