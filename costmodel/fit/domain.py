"""The sizes that a builtin's price must cover, and how far measured points reach into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.model import CostingFunction, DiagonalShape

Floats = NDArray[np.float64]
Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """What one builtin costs at n points: sizes, costs (N × n, ps) in every replicate, scales (n, ps) of their error.

    `function` has the shapes to fit, `whole_ps` (length n) is the time of a whole application, with what is spent
    around the builtin's own work, and `known` (length n) says whether several processes measured the point.
    """

    function: CostingFunction
    sizes: tuple[Sizes, ...]
    costs_ps: Floats
    scales_ps: Floats
    whole_ps: Floats
    known: NDArray[np.bool_]


LEAST_REACH = 0.5
"""Points that reach less than this share of a size's domain leave the rest to extrapolation."""

_LADDER = 7
"""Sizes on each axis of a grid over the domain, in geometric steps."""

_TO_BYTES, _TO_INTEGERS, _TO_TEXT = 9800, 31, 1250

LEDGER_DOMAIN: dict[str, Sizes] = {
    "addInteger": (967, 967),
    "subtractInteger": (967, 967),
    "multiplyInteger": (_TO_INTEGERS, _TO_INTEGERS),
    "divideInteger": (_TO_INTEGERS, _TO_INTEGERS),
    "quotientInteger": (_TO_INTEGERS, _TO_INTEGERS),
    "remainderInteger": (_TO_INTEGERS, _TO_INTEGERS),
    "modInteger": (_TO_INTEGERS, _TO_INTEGERS),
    "equalsInteger": (101, 101),
    "lessThanInteger": (101, 101),
    "lessThanEqualsInteger": (101, 101),
    "expModInteger": (_TO_INTEGERS, _TO_INTEGERS, _TO_INTEGERS),
    "appendByteString": (5000, 5000),
    "consByteString": (1, 1500),
    "sliceByteString": (1, 1, 1000),
    "equalsByteString": (1500, 1500),
    "lessThanByteString": (1500, 1500),
    "lessThanEqualsByteString": (1500, 1500),
    "integerToByteString": (1, 1, 150),
    "byteStringToInteger": (1, 150),
    "andByteString": (1, 500, 500),
    "orByteString": (1, 500, 500),
    "xorByteString": (1, 500, 500),
    "complementByteString": (150,),
    "shiftByteString": (150, 1),
    "rotateByteString": (150, 1),
    "countSetBits": (150,),
    "findFirstSetBit": (150,),
    "writeBits": (128, 1500, 1),
    "replicateByte": (1024, 1),
    "sha2_256": (_TO_BYTES,),
    "sha3_256": (_TO_BYTES,),
    "blake2b_224": (_TO_BYTES,),
    "blake2b_256": (_TO_BYTES,),
    "keccak_256": (_TO_BYTES,),
    "ripemd_160": (_TO_BYTES,),
    "verifyEd25519Signature": (4, 98000, 8),
    "verifySchnorrSecp256k1Signature": (4, 98000, 8),
    "bls12_381_G1_scalarMul": (100, 18),
    "bls12_381_G2_scalarMul": (100, 36),
    "bls12_381_G1_multiScalarMul": (100, 100),
    "bls12_381_G2_multiScalarMul": (100, 100),
    "bls12_381_G1_hashToGroup": (1250, 32),
    "bls12_381_G2_hashToGroup": (1250, 32),
    "dropList": (5000, 5000),
    "listToArray": (5000,),
    "multiIndexArray": (1024, 131072),
    "encodeUtf8": (_TO_TEXT,),
    "decodeUtf8": (_TO_TEXT,),
    "appendString": (_TO_TEXT, _TO_TEXT),
    "equalsString": (_TO_TEXT, _TO_TEXT),
    "equalsData": (867_944, 867_944),
    "serialiseData": (867_944,),
    "lookupCoin": (4, 4, 22),
    "insertCoin": (4, 4, 2, 22),
    "valueContains": (2047, 2047),
    "valueData": (40_000,),
    "unValueData": (181_145,),
    "unionValue": (50_000, 50_000),
    "scaleValue": (2, 90_000),
}
"""The greatest sizes at which upstream times each builtin whose cost depends on sizes: what its prices are made for.

In the builtin's own measures of the newest variant; texts, which variants measure differently, in the smaller one.
"""


FAMILIES: Final[dict[str, frozenset[str]]] = {
    name: frozenset(members.split())
    for name, members in {
        "arithmetic": """addInteger subtractInteger multiplyInteger divideInteger quotientInteger remainderInteger
            modInteger expModInteger equalsInteger lessThanInteger lessThanEqualsInteger""",
        "bytestrings": """appendByteString consByteString sliceByteString lengthOfByteString indexByteString
            equalsByteString lessThanByteString lessThanEqualsByteString integerToByteString byteStringToInteger""",
        "bits": """andByteString orByteString xorByteString complementByteString readBit writeBits replicateByte
            shiftByteString rotateByteString countSetBits findFirstSetBit""",
        "hashes": "sha2_256 sha3_256 blake2b_256 blake2b_224 keccak_256 ripemd_160",
        "signatures": "verifyEd25519Signature verifyEcdsaSecp256k1Signature verifySchnorrSecp256k1Signature",
        "strings": "appendString equalsString encodeUtf8 decodeUtf8",
        "control": "ifThenElse chooseUnit trace fstPair sndPair chooseList chooseData",
        "lists": """mkCons headList tailList nullList dropList mkNilData mkNilPairData lengthOfArray listToArray
            indexArray multiIndexArray""",
        "data": """constrData mapData listData iData bData unConstrData unMapData unListData unIData unBData equalsData
            mkPairData serialiseData""",
        "BLS12-381": """bls12_381_G1_add bls12_381_G1_neg bls12_381_G1_scalarMul bls12_381_G1_equal
            bls12_381_G1_compress bls12_381_G1_uncompress bls12_381_G1_hashToGroup bls12_381_G1_multiScalarMul
            bls12_381_G2_add bls12_381_G2_neg bls12_381_G2_scalarMul bls12_381_G2_equal bls12_381_G2_compress
            bls12_381_G2_uncompress bls12_381_G2_hashToGroup bls12_381_G2_multiScalarMul bls12_381_millerLoop
            bls12_381_mulMlResult bls12_381_finalVerify""",
        "values": """insertCoin lookupCoin unionValue valueContains valueData unValueData scaleValue policies
            assetCount""",
    }.items()
}
"""Every builtin is in one of them."""

FAMILY_OF: Final = {builtin: family for family, members in FAMILIES.items() for builtin in members}


def reads(function: CostingFunction) -> tuple[int, ...]:
    """Indices of the sizes that a costing function reads, those of an inner model included."""
    inner = function.model.shape.reads if function.model else ()
    return tuple(sorted({*function.shape.reads, *inner}))


def extent(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> dict[int, tuple[int, int]]:
    """Least and greatest size of the domain on each axis that `function` reads: the measured sizes and the ledger's."""
    ledger = LEDGER_DOMAIN.get(name, ())
    ends = {}
    for axis in reads(function):
        column = [point[axis] for point in sizes]
        ends[axis] = (min(column), max([*column, *ledger[axis : axis + 1]]))
    return ends


def beyond(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> str | None:
    """How far the ledger's domain goes beyond the measured sizes, or None where it hardly does."""
    for axis, (_, end) in extent(name, function, sizes).items():
        greatest = max(point[axis] for point in sizes)
        if greatest < LEAST_REACH * end:
            return f"argument {axis + 1} is measured up to size {greatest:,}, and priced up to {end:,}"
    return None


def grid(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> Floats:
    """Points (m × arity) over the whole domain, with its diagonal where the shape has one, and the measured points."""
    ends = extent(name, function, sizes)
    ladders = {axis: _ladder(low, high) for axis, (low, high) in ends.items()}
    points = [*sizes, *_product(ladders, sizes)]
    if isinstance(function.shape, DiagonalShape) or function.shape.id.tag.endswith("_diagonal"):
        top = min(high for _, high in ends.values())
        for size in sorted({size for ladder in ladders.values() for size in ladder if size <= top}):
            points.append((size, size, *sizes[0][2:]))
    return np.unique(np.array(points, np.float64), axis=0)


def corners(name: str, function: CostingFunction, sizes: Sequence[Sizes]) -> tuple[Sizes, ...]:
    """The corners of the domain, in order; one point where the cost depends on no size."""
    return tuple(sorted(set(_product(extent(name, function, sizes), sizes))))


def _ladder(low: int, high: int) -> tuple[int, ...]:
    steps = np.geomspace(max(low, 1), max(high, 1), _LADDER)
    return tuple(sorted({low, *(round(step) for step in steps.tolist())}))


def _product(axes: Mapping[int, tuple[int, ...]], sizes: Sequence[Sizes]) -> list[Sizes]:
    """All combinations of sizes on the axes; other axes, which play no part, are as at the first measured point."""
    first = sizes[0]
    return list(product(*(axes.get(axis, (size,)) for axis, size in enumerate(first))))
