"""The machine's table of builtins is the language room's, row by row."""

from typing import Final

import pytest
from costmodel._native import ffi, lib

from costmodel.plutus import BUILTINS, Builtin, SizeMeasure

WANTS: Final = {
    "integer": lib.CAL_WANT_INTEGER,
    "bytestring": lib.CAL_WANT_BYTES,
    "string": lib.CAL_WANT_TEXT,
    "unit": lib.CAL_WANT_UNIT,
    "bool": lib.CAL_WANT_BOOL,
    "data": lib.CAL_WANT_DATA,
    "list a": lib.CAL_WANT_LIST,
    "list data": lib.CAL_WANT_LIST_DATA,
    "list (pair data data)": lib.CAL_WANT_LIST_PAIR_DATA,
    "list integer": lib.CAL_WANT_LIST_INTEGER,
    "list bytestring": lib.CAL_WANT_LIST_BYTES,
    "list bls12_381_G1_element": lib.CAL_WANT_LIST_G1,
    "list bls12_381_G2_element": lib.CAL_WANT_LIST_G2,
    "pair a b": lib.CAL_WANT_PAIR,
    "array a": lib.CAL_WANT_ARRAY,
    "value": lib.CAL_WANT_MULTI_ASSET,
    "bls12_381_G1_element": lib.CAL_WANT_G1,
    "bls12_381_G2_element": lib.CAL_WANT_G2,
    "bls12_381_mlresult": lib.CAL_WANT_ML_RESULT,
    "a": lib.CAL_WANT_ANY,
    "b": lib.CAL_WANT_ANY,
}

# What a measure of the machine stands for, in the variants A to C and in D and E. The default goes by type.
SPECIAL_MEASURES: Final = {
    lib.CAL_MEASURE_TEXT: (SizeMeasure.TEXT_CHARACTERS, SizeMeasure.TEXT_UTF8_BYTES_QUOT_4),
    lib.CAL_MEASURE_BYTES_AS_WORDS: (SizeMeasure.INTEGER_BYTES_AS_WORDS,) * 2,
    lib.CAL_MEASURE_LITERAL: (SizeMeasure.INTEGER_LITERALLY,) * 2,
    lib.CAL_MEASURE_SHIFT: (SizeMeasure.INTEGER_LITERALLY, SizeMeasure.ONE),
    lib.CAL_MEASURE_DEPTH: (SizeMeasure.VALUE_MAX_DEPTH,) * 2,
    lib.CAL_MEASURE_NODES: (SizeMeasure.DATA_NODES,) * 2,
    lib.CAL_MEASURE_POLICIES: (SizeMeasure.VALUE_POLICIES,) * 2,
    lib.CAL_MEASURE_OUTER_DEPTH: (SizeMeasure.VALUE_OUTER_DEPTH,) * 2,
}
DEFAULT_MEASURES: Final = {
    "integer": SizeMeasure.INTEGER_WORDS,
    "bytestring": SizeMeasure.BYTESTRING_WORDS,
    "string": SizeMeasure.TEXT_CHARACTERS,
    "unit": SizeMeasure.ONE,
    "bool": SizeMeasure.ONE,
    "data": SizeMeasure.DATA_WORDS,
    "list": SizeMeasure.LENGTH,
    "array": SizeMeasure.LENGTH,
    "pair": SizeMeasure.PAIR_UNUSABLE,
    "value": SizeMeasure.VALUE_ENTRIES,
    "bls12_381_G1_element": SizeMeasure.G1_WORDS,
    "bls12_381_G2_element": SizeMeasure.G2_WORDS,
    "bls12_381_mlresult": SizeMeasure.ML_RESULT_WORDS,
    "a": SizeMeasure.ARGUMENT_TYPE,
    "b": SizeMeasure.ARGUMENT_TYPE,
}


def measure_of(builtin: Builtin, position: int, variant: str) -> SizeMeasure:
    measure = lib.cal_builtins[builtin.tag].measures[position]
    if measure == lib.CAL_MEASURE_DEFAULT:
        return DEFAULT_MEASURES[builtin.argument_types[position].split(" ")[0]]
    return SPECIAL_MEASURES[measure][variant in "DE"]


def test_the_tables_are_equally_long() -> None:
    assert len(BUILTINS) == lib.CAL_BUILTINS


@pytest.mark.parametrize("builtin", BUILTINS, ids=lambda builtin: builtin.name)
def test_rows_agree(builtin: Builtin) -> None:
    row = lib.cal_builtins[builtin.tag]
    assert ffi.string(row.name).decode() == builtin.name
    assert (row.arity, row.forces) == (builtin.arity, builtin.forces)
    assert list(row.wants)[: builtin.arity] == [WANTS[type_] for type_ in builtin.argument_types]
    for variant in "ABCDE":
        measures = tuple(measure_of(builtin, position, variant) for position in range(builtin.arity))
        assert builtin.size_measures(variant) == measures
