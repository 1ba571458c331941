"""The one table of builtins: name, flat tag, signature, batch, size measures, family and what a price covers.

The flat tag is the row's position (plutus-core-specification, appendix C). A signature is `argument, … -> result` in
the names of `universe.TYPE_TAGS`; a single letter is a type variable, and each distinct one needs a force.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    VALUE_POLICIES = "number of currencies (policies)"
    VALUE_OUTER_DEPTH = "bit length of the number of currencies (policies)"
    G1_WORDS = "18"
    G2_WORDS = "36"
    ML_RESULT_WORDS = "72"
    ONE = "1"
    PAIR_UNUSABLE = "the greatest 64-bit integer: no costing function may read it"
    ARGUMENT_TYPE = "the argument's own type decides; 1 for what is no constant"


# Measures that differ by the cost model's variant, A to E.
_TEXT: Final = dict.fromkeys("DE", SizeMeasure.TEXT_UTF8_BYTES_QUOT_4)
_SHIFT: Final = dict.fromkeys("ABC", SizeMeasure.INTEGER_LITERALLY) | dict.fromkeys("DE", SizeMeasure.ONE)

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
    """Whether a published cost model prices it. One that has none is fitted in a provisional shape."""
    family: str = ""
    """Those of a family are likely to be made faster or slower alike by a change of machine."""
    covers: tuple[int, ...] = ()
    """The greatest sizes at which upstream times it, in its own measures of the newest variant (texts, which variants
    measure differently, in the smaller one): what its price is made for. Empty where the price depends on no size."""
    shares: bool = False
    """Whether the result is, or holds, what it was given: beyond some nodes it takes no memory, whatever its size."""

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
            self.special_measures.get(position, {}).get(variant) or default_measure(argument_type)
            for position, argument_type in enumerate(self.argument_types)
        )

    def __repr__(self) -> str:
        return f"<Builtin {self.name}>"


def default_measure(argument_type: str) -> SizeMeasure:
    """The measure of a type, in the notation of signatures, where a row has no other."""
    head = argument_type.split(" ")[0]
    return _DEFAULT_MEASURE.get(head, SizeMeasure.ARGUMENT_TYPE)


def _always(measure: SizeMeasure) -> dict[str, SizeMeasure]:
    return dict.fromkeys("ABCDE", measure)


def _row(
    name: str,
    signature: str,
    batch: Batch,
    family: str,
    *,
    covers: tuple[int, ...] = (),
    measures: Mapping[int, Mapping[str, SizeMeasure]] | None = None,
    shares: bool = False,
    costed: bool = True,
) -> Builtin:
    """A row of the table; its tag is set where the table is made."""
    return Builtin(0, name, batch, signature, measures or {}, costed, family, covers, shares)


# In the order of the flat tags, from 0. ORDER: native/builtins/rows.h.
_TABLE: Final[tuple[Builtin, ...]] = (
    _row("addInteger", "integer, integer -> integer", Batch.ONE, "arithmetic", covers=(967, 967)),
    _row("subtractInteger", "integer, integer -> integer", Batch.ONE, "arithmetic", covers=(967, 967)),
    _row("multiplyInteger", "integer, integer -> integer", Batch.ONE, "arithmetic", covers=(31, 31)),
    _row("divideInteger", "integer, integer -> integer", Batch.ONE, "arithmetic", covers=(31, 31)),
    _row("quotientInteger", "integer, integer -> integer", Batch.ONE, "arithmetic", covers=(31, 31)),
    _row("remainderInteger", "integer, integer -> integer", Batch.ONE, "arithmetic", covers=(31, 31)),
    _row("modInteger", "integer, integer -> integer", Batch.ONE, "arithmetic", covers=(31, 31)),
    _row("equalsInteger", "integer, integer -> bool", Batch.ONE, "arithmetic", covers=(101, 101)),
    _row("lessThanInteger", "integer, integer -> bool", Batch.ONE, "arithmetic", covers=(101, 101)),
    _row("lessThanEqualsInteger", "integer, integer -> bool", Batch.ONE, "arithmetic", covers=(101, 101)),
    _row("appendByteString", "bytestring, bytestring -> bytestring", Batch.ONE, "bytestrings", covers=(5000, 5000)),
    _row("consByteString", "integer, bytestring -> bytestring", Batch.ONE, "bytestrings", covers=(1, 1500)),
    _row(
        "sliceByteString",
        "integer, integer, bytestring -> bytestring",
        Batch.ONE,
        "bytestrings",
        covers=(1, 1, 1000),
        shares=True,
    ),
    _row("lengthOfByteString", "bytestring -> integer", Batch.ONE, "bytestrings"),
    _row("indexByteString", "bytestring, integer -> integer", Batch.ONE, "bytestrings"),
    _row("equalsByteString", "bytestring, bytestring -> bool", Batch.ONE, "bytestrings", covers=(1500, 1500)),
    _row("lessThanByteString", "bytestring, bytestring -> bool", Batch.ONE, "bytestrings", covers=(1500, 1500)),
    _row("lessThanEqualsByteString", "bytestring, bytestring -> bool", Batch.ONE, "bytestrings", covers=(1500, 1500)),
    _row("sha2_256", "bytestring -> bytestring", Batch.ONE, "hashes", covers=(9800,)),
    _row("sha3_256", "bytestring -> bytestring", Batch.ONE, "hashes", covers=(9800,)),
    _row("blake2b_256", "bytestring -> bytestring", Batch.ONE, "hashes", covers=(9800,)),
    _row(
        "verifyEd25519Signature",
        "bytestring, bytestring, bytestring -> bool",
        Batch.ONE,
        "signatures",
        covers=(4, 98000, 8),
    ),
    _row(
        "appendString",
        "string, string -> string",
        Batch.ONE,
        "strings",
        covers=(1250, 1250),
        measures={0: _TEXT, 1: _TEXT},
    ),
    _row(
        "equalsString",
        "string, string -> bool",
        Batch.ONE,
        "strings",
        covers=(1250, 1250),
        measures={0: _TEXT, 1: _TEXT},
    ),
    _row("encodeUtf8", "string -> bytestring", Batch.ONE, "strings", covers=(1250,), measures={0: _TEXT}),
    _row("decodeUtf8", "bytestring -> string", Batch.ONE, "strings", covers=(1250,)),
    _row("ifThenElse", "bool, a, a -> a", Batch.ONE, "control", shares=True),
    _row("chooseUnit", "unit, a -> a", Batch.ONE, "control", shares=True),
    _row("trace", "string, a -> a", Batch.ONE, "control", shares=True),
    _row("fstPair", "pair a b -> a", Batch.ONE, "control", shares=True),
    _row("sndPair", "pair a b -> b", Batch.ONE, "control", shares=True),
    _row("chooseList", "list a, b, b -> b", Batch.ONE, "control", shares=True),
    _row("mkCons", "a, list a -> list a", Batch.ONE, "lists", shares=True),
    _row("headList", "list a -> a", Batch.ONE, "lists", shares=True),
    _row("tailList", "list a -> list a", Batch.ONE, "lists", shares=True),
    _row("nullList", "list a -> bool", Batch.ONE, "lists"),
    _row("chooseData", "data, a, a, a, a, a -> a", Batch.ONE, "control", shares=True),
    _row("constrData", "integer, list data -> data", Batch.ONE, "data", shares=True),
    _row("mapData", "list (pair data data) -> data", Batch.ONE, "data", shares=True),
    _row("listData", "list data -> data", Batch.ONE, "data", shares=True),
    _row("iData", "integer -> data", Batch.ONE, "data", shares=True),
    _row("bData", "bytestring -> data", Batch.ONE, "data", shares=True),
    _row("unConstrData", "data -> pair integer (list data)", Batch.ONE, "data", shares=True),
    _row("unMapData", "data -> list (pair data data)", Batch.ONE, "data", shares=True),
    _row("unListData", "data -> list data", Batch.ONE, "data", shares=True),
    _row("unIData", "data -> integer", Batch.ONE, "data", shares=True),
    _row("unBData", "data -> bytestring", Batch.ONE, "data", shares=True),
    _row("equalsData", "data, data -> bool", Batch.ONE, "data", covers=(867944, 867944)),
    _row("mkPairData", "data, data -> pair data data", Batch.ONE, "data", shares=True),
    _row("mkNilData", "unit -> list data", Batch.ONE, "lists", shares=True),
    _row("mkNilPairData", "unit -> list (pair data data)", Batch.ONE, "lists", shares=True),
    _row("serialiseData", "data -> bytestring", Batch.TWO, "data", covers=(867944,)),
    _row("verifyEcdsaSecp256k1Signature", "bytestring, bytestring, bytestring -> bool", Batch.THREE, "signatures"),
    _row(
        "verifySchnorrSecp256k1Signature",
        "bytestring, bytestring, bytestring -> bool",
        Batch.THREE,
        "signatures",
        covers=(4, 98000, 8),
    ),
    _row(
        "bls12_381_G1_add",
        "bls12_381_G1_element, bls12_381_G1_element -> bls12_381_G1_element",
        Batch.FOUR_A,
        "BLS12-381",
    ),
    _row("bls12_381_G1_neg", "bls12_381_G1_element -> bls12_381_G1_element", Batch.FOUR_A, "BLS12-381"),
    _row(
        "bls12_381_G1_scalarMul",
        "integer, bls12_381_G1_element -> bls12_381_G1_element",
        Batch.FOUR_A,
        "BLS12-381",
        covers=(100, 18),
    ),
    _row("bls12_381_G1_equal", "bls12_381_G1_element, bls12_381_G1_element -> bool", Batch.FOUR_A, "BLS12-381"),
    _row("bls12_381_G1_compress", "bls12_381_G1_element -> bytestring", Batch.FOUR_A, "BLS12-381"),
    _row("bls12_381_G1_uncompress", "bytestring -> bls12_381_G1_element", Batch.FOUR_A, "BLS12-381"),
    _row(
        "bls12_381_G1_hashToGroup",
        "bytestring, bytestring -> bls12_381_G1_element",
        Batch.FOUR_A,
        "BLS12-381",
        covers=(1250, 32),
    ),
    _row(
        "bls12_381_G2_add",
        "bls12_381_G2_element, bls12_381_G2_element -> bls12_381_G2_element",
        Batch.FOUR_A,
        "BLS12-381",
    ),
    _row("bls12_381_G2_neg", "bls12_381_G2_element -> bls12_381_G2_element", Batch.FOUR_A, "BLS12-381"),
    _row(
        "bls12_381_G2_scalarMul",
        "integer, bls12_381_G2_element -> bls12_381_G2_element",
        Batch.FOUR_A,
        "BLS12-381",
        covers=(100, 36),
    ),
    _row("bls12_381_G2_equal", "bls12_381_G2_element, bls12_381_G2_element -> bool", Batch.FOUR_A, "BLS12-381"),
    _row("bls12_381_G2_compress", "bls12_381_G2_element -> bytestring", Batch.FOUR_A, "BLS12-381"),
    _row("bls12_381_G2_uncompress", "bytestring -> bls12_381_G2_element", Batch.FOUR_A, "BLS12-381"),
    _row(
        "bls12_381_G2_hashToGroup",
        "bytestring, bytestring -> bls12_381_G2_element",
        Batch.FOUR_A,
        "BLS12-381",
        covers=(1250, 32),
    ),
    _row(
        "bls12_381_millerLoop",
        "bls12_381_G1_element, bls12_381_G2_element -> bls12_381_mlresult",
        Batch.FOUR_A,
        "BLS12-381",
    ),
    _row(
        "bls12_381_mulMlResult",
        "bls12_381_mlresult, bls12_381_mlresult -> bls12_381_mlresult",
        Batch.FOUR_A,
        "BLS12-381",
    ),
    _row("bls12_381_finalVerify", "bls12_381_mlresult, bls12_381_mlresult -> bool", Batch.FOUR_A, "BLS12-381"),
    _row("keccak_256", "bytestring -> bytestring", Batch.FOUR_A, "hashes", covers=(9800,)),
    _row("blake2b_224", "bytestring -> bytestring", Batch.FOUR_A, "hashes", covers=(9800,)),
    _row(
        "integerToByteString",
        "bool, integer, integer -> bytestring",
        Batch.FOUR_B,
        "bytestrings",
        covers=(1, 1, 150),
        measures={1: _always(SizeMeasure.INTEGER_BYTES_AS_WORDS)},
    ),
    _row("byteStringToInteger", "bool, bytestring -> integer", Batch.FOUR_B, "bytestrings", covers=(1, 150)),
    _row("andByteString", "bool, bytestring, bytestring -> bytestring", Batch.FIVE, "bits", covers=(1, 500, 500)),
    _row("orByteString", "bool, bytestring, bytestring -> bytestring", Batch.FIVE, "bits", covers=(1, 500, 500)),
    _row("xorByteString", "bool, bytestring, bytestring -> bytestring", Batch.FIVE, "bits", covers=(1, 500, 500)),
    _row("complementByteString", "bytestring -> bytestring", Batch.FIVE, "bits", covers=(150,)),
    _row("readBit", "bytestring, integer -> bool", Batch.FIVE, "bits"),
    _row("writeBits", "bytestring, list integer, bool -> bytestring", Batch.FIVE, "bits", covers=(128, 1500, 1)),
    _row(
        "replicateByte",
        "integer, integer -> bytestring",
        Batch.FIVE,
        "bits",
        covers=(1024, 1),
        measures={0: _always(SizeMeasure.INTEGER_BYTES_AS_WORDS)},
    ),
    _row(
        "shiftByteString",
        "bytestring, integer -> bytestring",
        Batch.FIVE,
        "bits",
        covers=(150, 1),
        measures={1: _SHIFT},
    ),
    _row(
        "rotateByteString",
        "bytestring, integer -> bytestring",
        Batch.FIVE,
        "bits",
        covers=(150, 1),
        measures={1: _SHIFT},
    ),
    _row("countSetBits", "bytestring -> integer", Batch.FIVE, "bits", covers=(150,)),
    _row("findFirstSetBit", "bytestring -> integer", Batch.FIVE, "bits", covers=(150,)),
    _row("ripemd_160", "bytestring -> bytestring", Batch.FIVE, "hashes", covers=(9800,)),
    _row("expModInteger", "integer, integer, integer -> integer", Batch.SIX, "arithmetic", covers=(31, 31, 31)),
    _row(
        "dropList",
        "integer, list a -> list a",
        Batch.SIX,
        "lists",
        covers=(5000, 5000),
        measures={0: _always(SizeMeasure.INTEGER_LITERALLY)},
        shares=True,
    ),
    _row("lengthOfArray", "array a -> integer", Batch.SIX, "lists"),
    _row("listToArray", "list a -> array a", Batch.SIX, "lists", covers=(5000,)),
    _row("indexArray", "array a, integer -> a", Batch.SIX, "lists", shares=True),
    _row(
        "bls12_381_G1_multiScalarMul",
        "list integer, list bls12_381_G1_element -> bls12_381_G1_element",
        Batch.SIX,
        "BLS12-381",
        covers=(100, 100),
    ),
    _row(
        "bls12_381_G2_multiScalarMul",
        "list integer, list bls12_381_G2_element -> bls12_381_G2_element",
        Batch.SIX,
        "BLS12-381",
        covers=(100, 100),
    ),
    _row(
        "insertCoin",
        "bytestring, bytestring, integer, value -> value",
        Batch.SIX,
        "values",
        covers=(4, 4, 2, 22),
        measures={3: _always(SizeMeasure.VALUE_MAX_DEPTH)},
        shares=True,
    ),
    _row(
        "lookupCoin",
        "bytestring, bytestring, value -> integer",
        Batch.SIX,
        "values",
        covers=(4, 4, 22),
        measures={2: _always(SizeMeasure.VALUE_MAX_DEPTH)},
    ),
    _row("unionValue", "value, value -> value", Batch.SIX, "values", covers=(50000, 50000)),
    _row("valueContains", "value, value -> bool", Batch.SIX, "values", covers=(2047, 2047)),
    _row("valueData", "value -> data", Batch.SIX, "values", covers=(40000,)),
    _row(
        "unValueData",
        "data -> value",
        Batch.SIX,
        "values",
        covers=(181145,),
        measures={0: _always(SizeMeasure.DATA_NODES)},
    ),
    _row("scaleValue", "integer, value -> value", Batch.SIX, "values", covers=(2, 90000)),
)

# PROVISIONAL: names, order (of tags and of parameters), measures and availability of what no protocol version runs yet.
# Their costing functions stand in the section `provisional` of costmodel/model/ledger_models.toml.
_PROVISIONAL: Final[tuple[Builtin, ...]] = (
    _row("multiIndexArray", "array a, list integer -> list a", Batch.SEVEN, "lists", covers=(131072, 1024)),
    _row(
        "policies",
        "value -> list bytestring",
        Batch.SEVEN,
        "values",
        measures={0: _always(SizeMeasure.VALUE_POLICIES)},
        costed=False,
    ),
    _row("assetCount", "value -> integer", Batch.SEVEN, "values", costed=False),
    _row(
        "keepPolicies",
        "list bytestring, value -> value",
        Batch.SEVEN,
        "values",
        measures={1: _always(SizeMeasure.VALUE_OUTER_DEPTH)},
        shares=True,
        costed=False,
    ),
    _row(
        "dropPolicies",
        "list bytestring, value -> value",
        Batch.SEVEN,
        "values",
        measures={1: _always(SizeMeasure.VALUE_OUTER_DEPTH)},
        shares=True,
        costed=False,
    ),
    # A new builtin goes here. ORDER: the end of native/builtins/rows.h.
)

BUILTINS: Final[tuple[Builtin, ...]] = tuple(replace(row, tag=tag) for tag, row in enumerate((*_TABLE, *_PROVISIONAL)))
"""Every builtin; the index is the flat tag."""

BUILTIN_BY_NAME: Final[dict[str, Builtin]] = {builtin.name: builtin for builtin in BUILTINS}
