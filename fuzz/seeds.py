"""What fuzzing starts from: programs that between them use everything of the language, in every encoding.

The published cases that lie beside the repository join in where they are present.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

from costmodel.plutus import (
    BUILTINS,
    Builtin,
    Data,
    DataConstr,
    DataList,
    DataMap,
    encode_data,
    encode_flat,
    parse_program,
)
from costmodel.workloads import secp

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
MOST_BYTES: Final = 4096
"""Longer seeds only slow the rounds down."""

G1_GENERATOR: Final = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)
G2_GENERATOR: Final = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)
_GROWN: Final = 500  # programs to begin with,
_MOST_CHOICES: Final = 400  # each grown from so many bytes
_G1: Final = f"0x{G1_GENERATOR.hex()}"
_G2: Final = f"0x{G2_GENERATOR.hex()}"
_BIG: Final = 2**192 + 12345
_VALUE: Final = "[(#aa, [(#01, 5), (#02, -7)]), (#bb, [(#, 1)])]"
_CONSTANTS: Final[dict[str, tuple[str, ...]]] = {
    "integer": ("integer 1", "integer 0", f"integer {_BIG}", f"integer -{_BIG}", "integer 8"),
    "bytestring": ("bytestring #00ff", "bytestring #", f"bytestring #{'5a' * 70}", f"bytestring #{'01' * 32}"),
    "string": ('string "a\\955"', 'string ""'),
    "unit": ("unit ()",),
    "bool": ("bool True", "bool False"),
    "data": (
        "data (Constr 1 [I 5, B #aa])",
        "data (Map [(I 1, B #)])",
        f"data (List [I {_BIG}])",
        "data (I -3)",
        "data (B #0102)",
    ),
    "value": (f"value {_VALUE}", "value []", "value [(#bb, [(#, -1)])]"),
    "bls12_381_G1_element": (f"bls12_381_G1_element {_G1}",),
    "bls12_381_G2_element": (f"bls12_381_G2_element {_G2}",),
    "a": ("integer 3", "data (I 1)"),
    "b": ("bytestring #03",),
    "list a": ("(list integer) [3, 1, 2]", "(list integer) []"),
    "list integer": ("(list integer) [0, 1]", f"(list integer) [{_BIG}]", "(list integer) []"),
    "list bytestring": ("(list bytestring) [#00, #bb]", "(list bytestring) []"),
    "list data": ("(list data) [I 1, B #]",),
    "list (pair data data)": ("(list (pair data data)) [(I 1, B #)]",),
    "list bls12_381_G1_element": (f"(list bls12_381_G1_element) [{_G1}, {_G1}]",),
    "list bls12_381_G2_element": (f"(list bls12_381_G2_element) [{_G2}]",),
    "pair a b": ("(pair integer bytestring) (1, #02)",),
    "array a": ("(array integer) [3, 1, 2]",),
}
_ML_RESULT: Final = (
    f"[(builtin bls12_381_millerLoop) (con bls12_381_G1_element {_G1}) (con bls12_381_G2_element {_G2})]"
)
_TERMS: Final = (
    "[(lam f [f f]) (lam f [(builtin addInteger) [f f] (con integer 1)])]",
    "[(lam x [x x]) (lam x [x x])]",
    "[(lam x (lam y (constr 1 x y (delay (lam z [z x y]))))) (con integer 5)]",
    "(case (constr 1 (con integer 1) (con unit ())) (lam a (lam b a)) (lam a (lam b [(lam c (lam d c)) b])))",
    "(case (con bool True) (con integer 1) (con integer 2))",
    "(case (con (list integer) [1,2]) (lam x (lam xs xs)) (con integer 0))",
    "[(force (force (builtin chooseList))) (con (list (pair integer (list data))) [(1, [I 2])])]",
    "(force (delay [(lam x (force x)) (delay (error))]))",
    "[(lam y (delay [(lam x [(lam z [(builtin addInteger) x z]) y]) (con integer 1)])) (con integer 5)]",
    '[(force (builtin trace)) (con string "a") [(force (builtin trace)) (con string "b") (con unit ())]]',
    "[(lam f [[f f] (con (list integer) [])]) (lam f (lam xs [[f f] [(force (builtin mkCons)) (con integer 1) xs]]))]",
)


@dataclass(frozen=True)
class Case:
    """A program in flat with its arguments, Data as CBOR."""

    flat: bytes
    arguments: tuple[bytes, ...] = ()


@cache
def texts() -> tuple[str, ...]:
    """Programs as text: each builtin on several arguments, and every kind of term."""
    terms = [term for builtin in BUILTINS for term in _calls(builtin)]
    version_1_0 = "(program 1.0.0 (lam x (force [(lam y (delay x)) (builtin addInteger)])))"
    return (*(f"(program 1.1.0 {term})" for term in chain(terms, _TERMS)), version_1_0)


def _calls(builtin: Builtin) -> Iterator[str]:
    """Saturated calls whose arguments are of the right types: the first sample of each, then the second, and so on."""
    samples = [
        (_ML_RESULT,) if name == "bls12_381_mlresult" else tuple(f"(con {text})" for text in _CONSTANTS[name])
        for name in builtin.argument_types
    ]
    function = "(force " * builtin.forces + f"(builtin {builtin.name})" + ")" * builtin.forces
    for number in range(max(map(len, samples))):
        yield f"[{function} {' '.join(sample[number % len(sample)] for sample in samples)}]"


@cache
def cases() -> tuple[Case, ...]:
    """The programs of `texts` and the package's loops, which take arguments."""
    own = [Case(encode_flat(parse_program(text), allow_group_elements=True)) for text in texts()]
    return (*own, *(Case(program.flat, program.arguments) for program in secp([1]).programs))


def shared_flat() -> list[bytes]:
    """Published programs in flat; none where the published data is absent."""
    return _contents(path for folder in ("conformance", "scripts") for path in (SHARED / folder).rglob("*.flat"))


def shared_texts() -> list[str]:
    """Published programs as text; none where the published data is absent."""
    found = _contents((SHARED / "conformance").rglob("*.uplc"))
    return [content.decode("utf-8", "replace") for content in found]


def _contents(paths: Iterable[Path]) -> list[bytes]:
    return [path.read_bytes() for path in sorted(paths) if path.stat().st_size <= MOST_BYTES]


def _data() -> list[Data]:
    integers = [0, -1, 23, 24, 2**32, 2**64 - 1, 2**64, -(2**64), -(2**64) - 1, _BIG, -(2**600)]
    leaves: list[Data] = [*integers, b"", b"abc", b"\x5a" * 64, b"\x5a" * 65, b"\x5a" * 200]
    constructors = [DataConstr(tag, (1, b"x")) for tag in (0, 6, 7, 127, 128, 2**64 - 1)]
    nested: Data = 1
    for _ in range(60):
        nested = DataList((nested, DataConstr(0, ())))
    entries = DataMap(((1, 2), (b"a", DataList(()))))
    return [*leaves, *constructors, nested, entries, DataList(tuple(leaves)), DataMap(())]


# Forms that the ledger reads and does not write.
_OTHER_CBOR: Final = (
    *("5f41014102ff", "9f0102ff", "bf0102ff", "820102", "a10102", "d8668203820102", "1b0000000000000001"),
    *("c2581b" + "01" * 27, "c340", "d87980", "d905009fff", "3bffffffffffffffff", "c25f41ff4101ff"),
)


def inputs(target: str) -> list[bytes]:
    """Seeds of a target (one of rounds.TARGETS): as many as there are, at most MOST_BYTES each, none twice."""
    programs = [case.flat for case in cases()] + shared_flat()
    match target:
        case "flat":
            found = programs
        case "cbor":
            arguments = [argument for case in cases() for argument in case.arguments]
            own = [encode_data(item) for item in _data()] + [bytes.fromhex(form) for form in _OTHER_CBOR]
            found = own + arguments + _corpus_arguments()
        case "typed":
            rng = random.Random(1)
            found = [rng.randbytes(rng.randrange(1, _MOST_CHOICES)) for _ in range(_GROWN)]
        case _:
            # The first byte says how to run: every variant, with both caps, and budgets that pay for a pairing.
            found = [bytes([number % 5 | (number & 1) << 3 | 0x70]) + flat for number, flat in enumerate(programs)]
    return sorted({item for item in found if len(item) <= MOST_BYTES}, key=lambda item: (len(item), item))


def _corpus_arguments() -> list[bytes]:
    path = SHARED / "scripts" / "mainnet" / "corpus.json"
    if not path.is_file():
        return []
    corpus = json.loads(path.read_text("utf-8"))
    return [bytes.fromhex(argument) for case in corpus["cases"] for argument in case["arguments_cbor_hex"]]


def write(folder: Path, contents: Iterable[bytes]) -> list[Path]:
    """Write one file a content, named by its number. Returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"{number:05}")
        paths[-1].write_bytes(content)
    return paths


def packed_cases() -> list[bytes]:
    """`cases` as the target `allocations` reads them: each part behind its length, four bytes, least first."""
    return [
        b"".join(len(part).to_bytes(4, "little") + part for part in (case.flat, *case.arguments)) for case in cases()
    ]
