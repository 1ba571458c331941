"""The one table of builtins: name, flat tag, signature, batch and the size measure of each argument.

The flat tag is the row's position (plutus-core-specification, appendix C). A signature is `argument, … -> result` in
the names of `universe.TYPE_TAGS`; a single letter is a type variable, and each distinct one needs a force.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Final


class Batch(Enum):
    """Group of builtins that became available together; `language` says when, by ledger language."""

    ONE = "1"
    TWO = "2"
    THREE = "3"
    FOUR_A = "4a"
    FOUR_B = "4b"
    FIVE = "5"
    SIX = "6"
    SEVEN = "7"


class SizeMeasure(Enum):
    """How an argument is turned into the size that its costing function reads (64-bit, saturating).

    Words are of 8 bytes. Source: PlutusCore.Evaluation.Machine.ExMemoryUsage of plutus v1.68.
    """

    INTEGER_WORDS = "1 for zero, else floor(log2 |n|) div 64 + 1"
    INTEGER_LITERALLY = "|n|"
    INTEGER_BYTES_AS_WORDS = "(|n| - 1) div 8 + 1: n is a number of bytes, the size is in words"
    BYTESTRING_WORDS = "(length - 1) quot 8 + 1, so the empty string has size 1"
    TEXT_CHARACTERS = "number of characters"
    TEXT_UTF8_BYTES_QUOT_4 = "number of bytes in UTF-8, quot 4"
    DATA_WORDS = "4 a node, and the size of each integer and bytestring in it"
    DATA_NODES = "number of nodes"
    LENGTH = "number of elements, whatever they are"
    VALUE_ENTRIES = "number of (currency, token) entries"
    VALUE_MAX_DEPTH = "bit length of the number of currencies, and that of the largest number of tokens of one"
    G1_WORDS = "18"
    G2_WORDS = "36"
    ML_RESULT_WORDS = "72"
    ONE = "1"
    PAIR_UNUSABLE = "the greatest 64-bit integer: no costing function may read it"
    ARGUMENT_TYPE = "the argument's own type decides; 1 for what is no constant"


# A cost model's variant, A to E, by letter.
_TEXT_BY_BYTES: Final = dict.fromkeys("DE", SizeMeasure.TEXT_UTF8_BYTES_QUOT_4)
_SHIFT_MEASURES: Final = dict.fromkeys("ABC", SizeMeasure.INTEGER_LITERALLY) | dict.fromkeys("DE", SizeMeasure.ONE)

_DEFAULT_MEASURE: Final[dict[str, SizeMeasure]] = {
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
}


@dataclass(frozen=True)
class Builtin:
    """One builtin. `signature` says its argument and result types in the notation of this module."""

    tag: int
    name: str
    batch: Batch
    signature: str
    special_measures: Mapping[int, Mapping[str, SizeMeasure]] = field(compare=False)
    """Argument position (from 0) to the measures that replace the default of its type, by variant."""
    costed: bool

    @cached_property
    def argument_types(self) -> tuple[str, ...]:
        return tuple(self.signature.split(" -> ")[0].split(", "))

    @cached_property
    def result_type(self) -> str:
        return self.signature.split(" -> ")[1]

    @cached_property
    def arity(self) -> int:
        """Number of value arguments."""
        return len(self.argument_types)

    @cached_property
    def forces(self) -> int:
        """Number of type variables, each of which takes a force."""
        return len(set(re.findall(r"\b[a-z]\b", self.signature)))

    def size_measures(self, variant: str) -> tuple[SizeMeasure, ...]:
        """The measure of each argument in one of the cost-model variants "A" to "E"."""
        return tuple(
            self.special_measures.get(position, {}).get(variant) or _default_measure(argument_type)
            for position, argument_type in enumerate(self.argument_types)
        )

    def __repr__(self) -> str:
        return f"<Builtin {self.name}>"


def _default_measure(argument_type: str) -> SizeMeasure:
    head = argument_type.split(" ")[0]
    return _DEFAULT_MEASURE.get(head, SizeMeasure.ARGUMENT_TYPE)


def _always(measure: SizeMeasure) -> dict[str, SizeMeasure]:
    return dict.fromkeys("ABCDE", measure)


# Builtins that no published cost model prices.
_UNCOSTED: Final = frozenset({"policies", "assetCount"})

_SPECIAL_MEASURES: Final[dict[str, dict[int, dict[str, SizeMeasure]]]] = {
    "appendString": {0: _TEXT_BY_BYTES, 1: _TEXT_BY_BYTES},
    "equalsString": {0: _TEXT_BY_BYTES, 1: _TEXT_BY_BYTES},
    "encodeUtf8": {0: _TEXT_BY_BYTES},
    "integerToByteString": {1: _always(SizeMeasure.INTEGER_BYTES_AS_WORDS)},
    "replicateByte": {0: _always(SizeMeasure.INTEGER_BYTES_AS_WORDS)},
    # D and E take a machine integer, whose size is 1 whatever its value.
    "shiftByteString": {1: _SHIFT_MEASURES},
    "rotateByteString": {1: _SHIFT_MEASURES},
    "dropList": {0: _always(SizeMeasure.INTEGER_LITERALLY)},
    "insertCoin": {3: _always(SizeMeasure.VALUE_MAX_DEPTH)},
    "lookupCoin": {2: _always(SizeMeasure.VALUE_MAX_DEPTH)},
    "unValueData": {0: _always(SizeMeasure.DATA_NODES)},
}

# In the order of the flat tags, from 0.
_TABLE: Final[tuple[tuple[Batch, str, str], ...]] = (
    (Batch.ONE, "addInteger", "integer, integer -> integer"),
    (Batch.ONE, "subtractInteger", "integer, integer -> integer"),
    (Batch.ONE, "multiplyInteger", "integer, integer -> integer"),
    (Batch.ONE, "divideInteger", "integer, integer -> integer"),
    (Batch.ONE, "quotientInteger", "integer, integer -> integer"),
    (Batch.ONE, "remainderInteger", "integer, integer -> integer"),
    (Batch.ONE, "modInteger", "integer, integer -> integer"),
    (Batch.ONE, "equalsInteger", "integer, integer -> bool"),
    (Batch.ONE, "lessThanInteger", "integer, integer -> bool"),
    (Batch.ONE, "lessThanEqualsInteger", "integer, integer -> bool"),
    (Batch.ONE, "appendByteString", "bytestring, bytestring -> bytestring"),
    (Batch.ONE, "consByteString", "integer, bytestring -> bytestring"),
    (Batch.ONE, "sliceByteString", "integer, integer, bytestring -> bytestring"),
    (Batch.ONE, "lengthOfByteString", "bytestring -> integer"),
    (Batch.ONE, "indexByteString", "bytestring, integer -> integer"),
    (Batch.ONE, "equalsByteString", "bytestring, bytestring -> bool"),
    (Batch.ONE, "lessThanByteString", "bytestring, bytestring -> bool"),
    (Batch.ONE, "lessThanEqualsByteString", "bytestring, bytestring -> bool"),
    (Batch.ONE, "sha2_256", "bytestring -> bytestring"),
    (Batch.ONE, "sha3_256", "bytestring -> bytestring"),
    (Batch.ONE, "blake2b_256", "bytestring -> bytestring"),
    (Batch.ONE, "verifyEd25519Signature", "bytestring, bytestring, bytestring -> bool"),
    (Batch.ONE, "appendString", "string, string -> string"),
    (Batch.ONE, "equalsString", "string, string -> bool"),
    (Batch.ONE, "encodeUtf8", "string -> bytestring"),
    (Batch.ONE, "decodeUtf8", "bytestring -> string"),
    (Batch.ONE, "ifThenElse", "bool, a, a -> a"),
    (Batch.ONE, "chooseUnit", "unit, a -> a"),
    (Batch.ONE, "trace", "string, a -> a"),
    (Batch.ONE, "fstPair", "pair a b -> a"),
    (Batch.ONE, "sndPair", "pair a b -> b"),
    (Batch.ONE, "chooseList", "list a, b, b -> b"),
    (Batch.ONE, "mkCons", "a, list a -> list a"),
    (Batch.ONE, "headList", "list a -> a"),
    (Batch.ONE, "tailList", "list a -> list a"),
    (Batch.ONE, "nullList", "list a -> bool"),
    (Batch.ONE, "chooseData", "data, a, a, a, a, a -> a"),
    (Batch.ONE, "constrData", "integer, list data -> data"),
    (Batch.ONE, "mapData", "list (pair data data) -> data"),
    (Batch.ONE, "listData", "list data -> data"),
    (Batch.ONE, "iData", "integer -> data"),
    (Batch.ONE, "bData", "bytestring -> data"),
    (Batch.ONE, "unConstrData", "data -> pair integer (list data)"),
    (Batch.ONE, "unMapData", "data -> list (pair data data)"),
    (Batch.ONE, "unListData", "data -> list data"),
    (Batch.ONE, "unIData", "data -> integer"),
    (Batch.ONE, "unBData", "data -> bytestring"),
    (Batch.ONE, "equalsData", "data, data -> bool"),
    (Batch.ONE, "mkPairData", "data, data -> pair data data"),
    (Batch.ONE, "mkNilData", "unit -> list data"),
    (Batch.ONE, "mkNilPairData", "unit -> list (pair data data)"),
    (Batch.TWO, "serialiseData", "data -> bytestring"),
    (Batch.THREE, "verifyEcdsaSecp256k1Signature", "bytestring, bytestring, bytestring -> bool"),
    (Batch.THREE, "verifySchnorrSecp256k1Signature", "bytestring, bytestring, bytestring -> bool"),
    (Batch.FOUR_A, "bls12_381_G1_add", "bls12_381_G1_element, bls12_381_G1_element -> bls12_381_G1_element"),
    (Batch.FOUR_A, "bls12_381_G1_neg", "bls12_381_G1_element -> bls12_381_G1_element"),
    (Batch.FOUR_A, "bls12_381_G1_scalarMul", "integer, bls12_381_G1_element -> bls12_381_G1_element"),
    (Batch.FOUR_A, "bls12_381_G1_equal", "bls12_381_G1_element, bls12_381_G1_element -> bool"),
    (Batch.FOUR_A, "bls12_381_G1_compress", "bls12_381_G1_element -> bytestring"),
    (Batch.FOUR_A, "bls12_381_G1_uncompress", "bytestring -> bls12_381_G1_element"),
    (Batch.FOUR_A, "bls12_381_G1_hashToGroup", "bytestring, bytestring -> bls12_381_G1_element"),
    (Batch.FOUR_A, "bls12_381_G2_add", "bls12_381_G2_element, bls12_381_G2_element -> bls12_381_G2_element"),
    (Batch.FOUR_A, "bls12_381_G2_neg", "bls12_381_G2_element -> bls12_381_G2_element"),
    (Batch.FOUR_A, "bls12_381_G2_scalarMul", "integer, bls12_381_G2_element -> bls12_381_G2_element"),
    (Batch.FOUR_A, "bls12_381_G2_equal", "bls12_381_G2_element, bls12_381_G2_element -> bool"),
    (Batch.FOUR_A, "bls12_381_G2_compress", "bls12_381_G2_element -> bytestring"),
    (Batch.FOUR_A, "bls12_381_G2_uncompress", "bytestring -> bls12_381_G2_element"),
    (Batch.FOUR_A, "bls12_381_G2_hashToGroup", "bytestring, bytestring -> bls12_381_G2_element"),
    (Batch.FOUR_A, "bls12_381_millerLoop", "bls12_381_G1_element, bls12_381_G2_element -> bls12_381_mlresult"),
    (Batch.FOUR_A, "bls12_381_mulMlResult", "bls12_381_mlresult, bls12_381_mlresult -> bls12_381_mlresult"),
    (Batch.FOUR_A, "bls12_381_finalVerify", "bls12_381_mlresult, bls12_381_mlresult -> bool"),
    (Batch.FOUR_A, "keccak_256", "bytestring -> bytestring"),
    (Batch.FOUR_A, "blake2b_224", "bytestring -> bytestring"),
    (Batch.FOUR_B, "integerToByteString", "bool, integer, integer -> bytestring"),
    (Batch.FOUR_B, "byteStringToInteger", "bool, bytestring -> integer"),
    (Batch.FIVE, "andByteString", "bool, bytestring, bytestring -> bytestring"),
    (Batch.FIVE, "orByteString", "bool, bytestring, bytestring -> bytestring"),
    (Batch.FIVE, "xorByteString", "bool, bytestring, bytestring -> bytestring"),
    (Batch.FIVE, "complementByteString", "bytestring -> bytestring"),
    (Batch.FIVE, "readBit", "bytestring, integer -> bool"),
    (Batch.FIVE, "writeBits", "bytestring, list integer, bool -> bytestring"),
    (Batch.FIVE, "replicateByte", "integer, integer -> bytestring"),
    (Batch.FIVE, "shiftByteString", "bytestring, integer -> bytestring"),
    (Batch.FIVE, "rotateByteString", "bytestring, integer -> bytestring"),
    (Batch.FIVE, "countSetBits", "bytestring -> integer"),
    (Batch.FIVE, "findFirstSetBit", "bytestring -> integer"),
    (Batch.FIVE, "ripemd_160", "bytestring -> bytestring"),
    (Batch.SIX, "expModInteger", "integer, integer, integer -> integer"),
    (Batch.SIX, "dropList", "integer, list a -> list a"),
    (Batch.SIX, "lengthOfArray", "array a -> integer"),
    (Batch.SIX, "listToArray", "list a -> array a"),
    (Batch.SIX, "indexArray", "array a, integer -> a"),
    (Batch.SIX, "bls12_381_G1_multiScalarMul", "list integer, list bls12_381_G1_element -> bls12_381_G1_element"),
    (Batch.SIX, "bls12_381_G2_multiScalarMul", "list integer, list bls12_381_G2_element -> bls12_381_G2_element"),
    (Batch.SIX, "insertCoin", "bytestring, bytestring, integer, value -> value"),
    (Batch.SIX, "lookupCoin", "bytestring, bytestring, value -> integer"),
    (Batch.SIX, "unionValue", "value, value -> value"),
    (Batch.SIX, "valueContains", "value, value -> bool"),
    (Batch.SIX, "valueData", "value -> data"),
    (Batch.SIX, "unValueData", "data -> value"),
    (Batch.SIX, "scaleValue", "integer, value -> value"),
    (Batch.SEVEN, "multiIndexArray", "array a, list integer -> list a"),
    (Batch.SEVEN, "policies", "value -> list bytestring"),
    (Batch.SEVEN, "assetCount", "value -> integer"),
)

BUILTINS: Final[tuple[Builtin, ...]] = tuple(
    Builtin(tag, name, batch, signature, _SPECIAL_MEASURES.get(name, {}), name not in _UNCOSTED)
    for tag, (batch, name, signature) in enumerate(_TABLE)
)
"""Every builtin; the index is the flat tag."""

BUILTIN_BY_NAME: Final[dict[str, Builtin]] = {builtin.name: builtin for builtin in BUILTINS}
