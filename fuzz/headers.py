"""Tables of the package as C headers, for the fuzz targets."""

from __future__ import annotations

import re
from typing import Final

from costmodel.model import PACK_WIDTH, ShapeId, Variant, ledger_model, pack
from costmodel.plutus import BUILTIN_BY_NAME, BUILTINS
from fuzz import seeds

_MADE_UP_PRICE: Final = 100_000  # ps and words, of what the ledger does not price

# Types as grow.h writes them.
_LETTERS: Final = {
    "integer": "i",
    "bytestring": "y",
    "string": "s",
    "unit": "u",
    "bool": "o",
    "data": "d",
    "value": "v",
    "bls12_381_G1_element": "1",
    "bls12_381_G2_element": "2",
    "bls12_381_mlresult": "m",
    "list": "L",
    "array": "A",
    "pair": "P",
}
# What makes or takes Data of one constructor only, by the place of that Data.
_SOME_DATA: Final = {
    "iData": {1: "I"},
    "bData": {1: "Y"},
    "listData": {1: "Q"},
    "mapData": {1: "M"},
    "constrData": {2: "K"},
    "unIData": {0: "I"},
    "unBData": {0: "Y"},
    "unListData": {0: "Q"},
    "unMapData": {0: "M"},
    "unConstrData": {0: "K"},
    "valueData": {1: "M"},
}


def models() -> str:
    """The ledger's model of variant E for C, with a price for every builtin."""
    packed = pack(ledger_model(Variant.E))
    end = 2 * len(BUILTINS) * PACK_WIDTH
    rows = [packed[at : at + PACK_WIDTH].tolist() for at in range(0, end, PACK_WIDTH)]
    steps = packed[end:].tolist()
    made_up = [int(ShapeId.CONSTANT_COST), 0, _MADE_UP_PRICE, *[0] * (PACK_WIDTH - 3)]
    numbers = [number for row in rows for number in (row if row[0] != ShapeId.ABSENT else made_up)] + steps
    return f"static const int64_t cal_target_model[] = {{{', '.join(map(str, numbers))}}};\n"


def signatures() -> str:
    """The types of every builtin for C, and what group elements are made from."""
    rows = []
    for builtin in BUILTINS:
        types = [_prefixed(written) for written in (*builtin.argument_types, builtin.result_type)]
        for place, letter in _SOME_DATA.get(builtin.name, {}).items():
            types[place] = letter
        rows.append(
            f'[{builtin.tag}] = {{"{"".join(types)}", {builtin.arity}, {builtin.forces}, {int(types[-1] == "a")}}},'
        )
    tags = {
        "CAL_MILLER_LOOP": "bls12_381_millerLoop",
        "CAL_HASH_TO_G1": "bls12_381_G1_hashToGroup",
        "CAL_HASH_TO_G2": "bls12_381_G2_hashToGroup",
    }
    lines = [
        "#include <stdint.h>",
        "typedef struct cal_signature { const char *types; uint8_t arity, forces, gives_any; } cal_signature;",
        f"static const cal_signature cal_signatures[128] = {{{' '.join(rows)}}};",
        f"enum {{ {', '.join(f'{name} = {BUILTIN_BY_NAME[of].tag}' for name, of in tags.items())} }};",
    ]
    for name, generator in (("cal_g1_generator", seeds.G1_GENERATOR), ("cal_g2_generator", seeds.G2_GENERATOR)):
        numbers = ", ".join(map(str, generator))
        lines.append(f"static const uint8_t {name}[{len(generator)}] = {{{numbers}}};")
    return "\n".join(lines) + "\n"


def _prefixed(written: str) -> str:
    """`list (pair data data)` as `LPdd`."""
    return "".join(_LETTERS.get(word, word) for word in re.findall(r"\w+", written))
