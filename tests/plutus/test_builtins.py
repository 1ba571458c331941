"""The table of builtins against the official cost model and programs."""

import json
from collections import Counter
from pathlib import Path

import pytest

from costmodel.plutus import BUILTIN_BY_NAME, BUILTINS, Batch, SizeMeasure

# Published sizes of the batches (PlutusLedgerApi.Common.Versions); that of batch 7 is provisional.
BATCH_SIZES = {"1": 51, "2": 1, "3": 2, "4a": 19, "4b": 2, "5": 12, "6": 14, "7": 5}

# Costing function shape -> the least number of arguments that it reads.
ARGUMENTS_READ = {
    "linear_in_y": 2, "linear_in_z": 3, "linear_in_u": 4, "quadratic_in_y": 2, "quadratic_in_z": 3,
    "linear_in_y_and_z": 3, "linear_in_max_yz": 3, "literal_in_y_or_linear_in_z": 3, "exp_mod_cost": 3,
    "added_sizes": 2, "multiplied_sizes": 2, "min_size": 2, "max_size": 2, "subtracted_sizes": 2,
}  # fmt: skip


def test_tag_is_the_position() -> None:
    assert [builtin.tag for builtin in BUILTINS] == list(range(106))


def test_names_are_unique() -> None:
    assert len(BUILTIN_BY_NAME) == 106


def test_batch_sizes_are_the_published_ones() -> None:
    assert Counter(builtin.batch.value for builtin in BUILTINS) == BATCH_SIZES


def test_costed_builtins_are_those_of_the_official_model(shared_data: Path) -> None:
    official = json.loads((shared_data / "official" / "builtinCostModelE.json").read_text())
    assert {builtin.name for builtin in BUILTINS if builtin.costed} == set(official)


@pytest.mark.parametrize("variant", "ABCDE")
def test_arity_covers_what_the_official_costing_function_reads(shared_data: Path, variant: str) -> None:
    official = json.loads((shared_data / "official" / f"builtinCostModel{variant}.json").read_text())
    too_few = [
        name
        for name, entry in official.items()
        for side in ("cpu", "memory")
        if BUILTIN_BY_NAME[name].arity < ARGUMENTS_READ.get(entry[side]["type"], 1)
    ]
    assert too_few == []


@pytest.mark.parametrize(
    ("name", "tag", "arity", "forces"),
    [
        ("addInteger", 0, 2, 0),
        ("indexByteString", 14, 2, 0),
        ("ifThenElse", 26, 3, 1),
        ("fstPair", 29, 1, 2),
        ("chooseList", 31, 3, 2),
        ("mkCons", 32, 2, 1),
        ("chooseData", 36, 6, 1),
        ("mkNilPairData", 50, 1, 0),
        ("serialiseData", 51, 1, 0),
        ("verifyEcdsaSecp256k1Signature", 52, 3, 0),
        ("bls12_381_finalVerify", 70, 2, 0),
        ("byteStringToInteger", 74, 2, 0),
        ("ripemd_160", 86, 1, 0),
        ("indexArray", 91, 2, 1),
        ("scaleValue", 100, 2, 0),
        ("assetCount", 103, 1, 0),
        ("dropPolicies", 105, 2, 0),
    ],
)
def test_row(name: str, tag: int, arity: int, forces: int) -> None:
    builtin = BUILTIN_BY_NAME[name]
    assert (builtin.tag, builtin.arity, builtin.forces) == (tag, arity, forces)


def test_types_of_a_row() -> None:
    builtin = BUILTIN_BY_NAME["unConstrData"]
    assert (builtin.argument_types, builtin.result_type) == (("data",), "pair integer (list data)")


@pytest.mark.parametrize(
    ("name", "variant", "measures"),
    [
        ("addInteger", "A", ["INTEGER_WORDS", "INTEGER_WORDS"]),
        ("appendString", "C", ["TEXT_CHARACTERS", "TEXT_CHARACTERS"]),
        ("appendString", "D", ["TEXT_UTF8_BYTES_QUOT_4", "TEXT_UTF8_BYTES_QUOT_4"]),
        ("encodeUtf8", "E", ["TEXT_UTF8_BYTES_QUOT_4"]),
        ("trace", "E", ["TEXT_CHARACTERS", "ARGUMENT_TYPE"]),
        ("shiftByteString", "C", ["BYTESTRING_WORDS", "INTEGER_LITERALLY"]),
        ("shiftByteString", "E", ["BYTESTRING_WORDS", "ONE"]),
        ("integerToByteString", "B", ["ONE", "INTEGER_BYTES_AS_WORDS", "INTEGER_WORDS"]),
        ("insertCoin", "D", ["BYTESTRING_WORDS", "BYTESTRING_WORDS", "INTEGER_WORDS", "VALUE_MAX_DEPTH"]),
        ("unValueData", "E", ["DATA_NODES"]),
        ("writeBits", "E", ["BYTESTRING_WORDS", "LENGTH", "ONE"]),
        ("policies", "E", ["VALUE_POLICIES"]),
        ("keepPolicies", "D", ["LENGTH", "VALUE_OUTER_DEPTH"]),
    ],
)
def test_size_measures(name: str, variant: str, measures: list[str]) -> None:
    expected = tuple(SizeMeasure[measure] for measure in measures)
    assert BUILTIN_BY_NAME[name].size_measures(variant) == expected


def test_builtin_compares_by_content() -> None:
    assert BUILTINS[0] == BUILTIN_BY_NAME["addInteger"] != BUILTINS[1]
    assert BUILTINS[0].batch is Batch.ONE
