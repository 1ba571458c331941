"""Constants of every type through the machine: in from flat and out again, bit by bit."""

from typing import Final

import pytest
from hypothesis import given

from costmodel.errors import DecodeError
from costmodel.machine import EvaluationStatus, Script
from costmodel.plutus import (
    DATA,
    UPLC_1_0_0,
    VALUE,
    Const,
    Constant,
    Program,
    Term,
    array_of,
    encode_flat,
    list_of,
    pair_of,
)
from costmodel.plutus.flat_bits import BitWriter
from costmodel.plutus.universe import TYPE_TAGS
from tests.machine.calls import application, evaluate, short
from tests.strategies import constants, damaged, untimed

Entries = tuple[tuple[bytes, tuple[tuple[bytes, int], ...]], ...]

MOST: Final = 2**127 - 1
TERM_CONSTANT: Final = 4


def flat_of(constant: Constant) -> bytes:
    return encode_flat(Program(UPLC_1_0_0, Const(constant)))


@given(constants(group_elements=False))
@untimed
def test_constants_come_out_as_they_went_in(constant: Constant) -> None:
    outcome = evaluate(Const(constant))
    assert outcome.status is EvaluationStatus.SUCCESS
    assert outcome.result == flat_of(constant)


PAIR: Final = pair_of(DATA, DATA)
PAIR_ITSELF: Final = Const(Constant(PAIR, (1, 2)))
PAIR_OF_ARRAY: Final = application("indexArray", Const(Constant(array_of(PAIR), ((1, 2),))), 0)


# Priced by hand from the ledger's model E: the map has a size of 4 + 5 + 5, wherever its entry came from. Five steps
# and indexArray are what taking the entry out of an array adds, twice.
@pytest.mark.parametrize(
    ("pair", "cpu"),
    [
        (PAIR_ITSELF, 100 + 19 * 16_000 + 2 * (72_362 + 68_246) + 898_148 + 14 * 27_279),
        (PAIR_OF_ARRAY, 100 + 29 * 16_000 + 2 * (232_010 + 72_362 + 68_246) + 898_148 + 14 * 27_279),
    ],
    ids=["pair", "array"],
)
def test_a_constant_pair_has_its_size_when_it_becomes_data(pair: Term, cpu: int) -> None:
    data = application("mapData", application("mkCons", pair, Const(Constant(list_of(PAIR), ()))))
    assert evaluate(application("equalsData", data, data)).spent.cpu == cpu


@given(damaged(constants(group_elements=False).map(flat_of)))
@untimed
def test_damaged_constants_are_refused_or_read(content: bytes) -> None:
    try:
        script = Script.decode(content, None)
    except DecodeError:
        return
    assert script.nodes > 0


def flat_value(entries: Entries) -> bytes:
    """A program that is a Value of these entries, in whatever order and state they are."""
    writer = BitWriter()
    for part in UPLC_1_0_0:
        writer.natural(part)
    writer.bits(TERM_CONSTANT, 4)
    writer.bits(0b1, 1)
    writer.bits(TYPE_TAGS["value"], 4)
    writer.bits(0, 1)
    for currency, tokens in entries:
        writer.bits(1, 1)
        writer.bytestring(currency)
        for token, quantity in tokens:
            writer.bits(1, 1)
            writer.bytestring(token)
            writer.integer(quantity)
        writer.bits(0, 1)
    writer.bits(0, 1)
    return writer.finish()


@pytest.mark.parametrize(
    "entries",
    [
        (),
        ((b"", ((b"", 1), (b"a", MOST))), (b"c" * 32, ((b"t" * 32, -MOST - 1),))),
    ],
)
def test_values_in_their_only_form_are_read(entries: Entries) -> None:
    content = flat_value(entries)
    assert content == flat_of(Constant(VALUE, entries))
    assert Script.decode(content, None).nodes == 1


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (((b"", ()),), "a currency without tokens"),
        (((b"", ((b"", 0),)),), "a quantity of zero"),
        (((b"", ((b"", MOST + 1),)),), "a quantity beyond 128 bits"),
        (((b"", ((b"", -MOST - 2),)),), "a quantity beyond 128 bits"),
        (((b"", ((b"", 2**300),)),), "a quantity beyond 128 bits"),
        (((b"", ((b"t" * 33, 1),)),), "more than 32 bytes"),
        (((b"c" * 33, ((b"", 1),)),), "more than 32 bytes"),
        (((b"", ((b"b", 1), (b"a", 1))),), "not in ascending order"),
        (((b"", ((b"a", 1), (b"a", 1))),), "not in ascending order"),
        (((b"b", ((b"", 1),)), (b"", ((b"", 1),))), "not in ascending order"),
        (((b"b", ((b"", 1),)), (b"b", ((b"a", 1),))), "not in ascending order"),
    ],
    ids=short,
)
def test_values_in_another_form_are_refused(entries: Entries, problem: str) -> None:
    with pytest.raises(DecodeError, match=problem):
        Script.decode(flat_value(entries), None)
