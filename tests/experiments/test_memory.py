"""Memory costs against the size of results."""

import json
from dataclasses import replace

import pytest

from costmodel.errors import ModelError
from costmodel.experiments.builtins import DESIGNED_BUILTINS
from costmodel.experiments.memory import MemoryFinding, check_memory, words
from costmodel.model import BuiltinCost, Variant, ledger_model, proposed_model
from costmodel.plutus import (
    BYTESTRING,
    INTEGER,
    STRING,
    VALUE,
    Constant,
    list_of,
)
from tests.cli.command import calibrate, one_line

LEDGER = ledger_model(Variant.E)


def test_constants_are_sized_by_their_type() -> None:
    assert words(Constant(INTEGER, 2**64)) == 2
    assert words(Constant(BYTESTRING, bytes(9))) == 2
    assert words(Constant(STRING, "aé£x")) == 1  # six bytes of UTF-8, quot 4
    assert words(Constant(list_of(INTEGER), (1, 2, 3))) == 3
    assert words(Constant(VALUE, ((b"a", ((b"x", 1), (b"y", 2))), (b"b", ((b"", 3),))))) == 3


def test_charges_of_bytes_are_exact() -> None:
    checks = check_memory(LEDGER, ["appendByteString", "sha2_256", "xorByteString", "bls12_381_G2_add"])
    assert {check.finding for check in checks} == {MemoryFinding.EXACT}
    assert all(check.exact == len(check.points) > 0 for check in checks)


def test_a_quotient_can_be_a_word_longer_than_its_charge() -> None:
    (check,) = check_memory(LEDGER, ["quotientInteger"])
    worst = check.worst_under
    assert worst is not None
    assert (check.finding, worst.result - worst.charged) == (MemoryFinding.UNDER, 1)


def test_what_shares_its_arguments_is_not_compared() -> None:
    (check,) = check_memory(LEDGER, ["ifThenElse"])
    assert (check.finding, check.points) == (MemoryFinding.SHARED, ())


def test_a_cheaper_model_is_found_out() -> None:
    own = LEDGER.builtins["appendByteString"]
    halved = BuiltinCost(own.cpu, own.memory.with_values([value // 2 for value in own.memory.values]))
    (check,) = check_memory(replace(LEDGER, builtins={"appendByteString": halved}), ["appendByteString"])
    assert check.finding is MemoryFinding.UNDER


def test_every_builtin_that_has_a_domain_can_be_checked() -> None:
    checks = check_memory(proposed_model(Variant.E), DESIGNED_BUILTINS)
    assert [check.builtin for check in checks] == sorted(DESIGNED_BUILTINS)


def test_cells_of_a_new_list_are_charged_for() -> None:
    (check,) = check_memory(proposed_model(Variant.E), ["policies"])
    assert check.finding is MemoryFinding.COVERED
    assert {point.charged - point.result for point in check.points} == {4}
    assert {point.result for point in check.points} >= {3, 3 * 256}


def test_a_builtin_without_a_price_is_refused() -> None:
    with pytest.raises(ModelError, match="no cost for sha2_256"):
        check_memory(replace(LEDGER, builtins={}), ["sha2_256"])


def test_the_command_says_what_falls_short() -> None:
    result = calibrate("memory", "--builtins", "quotientInteger", "--json")
    assert result.returncode == 1
    (check,) = json.loads(result.stdout)["checks"]
    assert check["finding"] == "under"
    assert check["worst_under"]["result_words"] == check["worst_under"]["charged_words"] + 1
    assert calibrate("memory", "--builtins", "sha*").returncode == 0


def test_a_pattern_that_matches_nothing_is_refused() -> None:
    assert "matches 'nothing*'" in one_line(calibrate("memory", "--builtins", "nothing*"))
