"""Scripts and arguments that take long to decode for their size.

No ExUnits are charged for it: the charge is the fee for the bytes, as the steps that the same fee would buy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from costmodel.experiments import operands as made
from costmodel.experiments.terms import integer
from costmodel.plutus import (
    BUILTIN_BY_NAME,
    BUILTINS,
    INTEGER,
    UNIT,
    VALUE,
    Apply,
    BuiltinTerm,
    Case,
    Const,
    Constant,
    ConstantType,
    Constr,
    Delay,
    Force,
    Lam,
    Term,
    Var,
    encode_data,
    list_of,
    pair_of,
)
from costmodel.worst import constants as one
from costmodel.worst.programs import many
from costmodel.worst.space import Number, Option, Parameter, Unfit, Values, text, whole
from costmodel.worst.target import ChargedPrices, Probe, Target

_SCRIPT, _ARGUMENT = "calls/script", "calls/argument"
_MOST_DEPTH: Final = 15  # of types, whose size the ledger bounds


def byte_charge_ps(pricing: ChargedPrices) -> float:
    """What a byte of a transaction costs, in steps at their price."""
    shelley = pricing.chain.tree["shelley"]
    fee = shelley["protocolParams"]["minFeeA"] if isinstance(shelley, dict) else 0
    return float(fee / pricing.chain.price_steps) if pricing.chain.price_steps else 0.0


def _ignored(terms: Sequence[Term]) -> Term:
    """A function that does not run what is in it."""
    return Lam(many(terms))


_TERMS: Final[dict[str, Callable[[random.Random], Term]]] = {
    "variables": lambda _: Var(1),
    "delays": lambda _: Delay(Var(1)),
    "functions": lambda _: Lam(Var(1)),
    "builtins": lambda rng: BuiltinTerm(BUILTINS[rng.randrange(60)]),
    "forced builtins": lambda _: Force(Force(BuiltinTerm(BUILTIN_BY_NAME["chooseList"]))),
    "calls": lambda _: Apply(Var(1), Var(1)),
    "saturated builtins": lambda _: Apply(Apply(BuiltinTerm(BUILTIN_BY_NAME["addInteger"]), Var(1)), Var(1)),
    "constructors": lambda _: Constr(0, ()),
    "cases": lambda _: Case(Var(1), ()),
}


def _deep(kind: str, depth: int) -> Term:
    """Terms in one another."""
    body: Term = Var(1)
    for _ in range(depth):
        match kind:
            case "functions":
                body = Lam(body)
            case "calls":
                body = Apply(body, Var(1))
            case "constructors":
                body = Constr(0, (body,))
            case _:
                body = Delay(body)
    return Lam(body)


_HELD: Final = ("integers", "byte strings", "strings", "lists", "data", "pairs", "units", "nested types", "values")


def _held(kind: str, size: int, values: Values, rng: random.Random) -> Const:
    """A constant of a kind, of about so many bytes."""
    match kind:
        case "integers":
            return integer(one.limbs_of(text(values, "limbs"), max(size // 8, 1), rng))
        case "byte strings":
            return made.byte_string(rng.randbytes(size))
        case "strings":
            return made.string(one.letters(text(values, "characters"), size, rng))
        case "lists":
            return made.const(list_of(INTEGER), tuple(rng.getrandbits(6) for _ in range(size)))
        case "data":
            return made.data(one.nested(text(values, "shape"), "list", "small integer", size, rng))
        case "pairs":
            return made.const(pair_of(INTEGER, UNIT), (rng.getrandbits(6), None))
        case "units":
            return made.unit()
        case "values":
            count = max(size // 40, 1)
            entries = tuple((key, ((b"", 1),)) for key in one.keys(count, 28, 32, rng))
            return made.const(VALUE, entries)
    kind_of: ConstantType = INTEGER
    for _ in range(min(size, _MOST_DEPTH)):
        kind_of = list_of(kind_of)
    return made.const(kind_of, ())


def _script(values: Values, rng: random.Random) -> Term:
    held, size, count = text(values, "of"), whole(values, "bytes"), whole(values, "count")
    if held in _HELD:
        one.check_room(count, size if held not in ("pairs", "units", "nested types") else 2)
        return _ignored([_held(held, size, values, rng) for _ in range(count)])
    if held.startswith("deep "):
        return _deep(held.removeprefix("deep "), count)
    return _ignored([_TERMS[held](rng) for _ in range(count)])


def _decoded(values: Values, rng: random.Random, pricing: ChargedPrices) -> Probe:
    name = f"{_SCRIPT}/{rng.getrandbits(32):08x}"
    cell, spent, _ = pricing.cell(name, "calls", _SCRIPT, _script(values, rng), work="decode")
    return Probe(_SCRIPT, dict(values), (cell,), 1, len(cell.flat) * byte_charge_ps(pricing), (), spent)


def _applied(values: Values, rng: random.Random, pricing: ChargedPrices) -> Probe:
    name = f"{_ARGUMENT}/{rng.getrandbits(32):08x}"
    argument = one.data("argument", 6_000).make(values, rng).constant.value
    cbor = encode_data(argument)
    if len(cbor) > pricing.most_bytes:
        raise Unfit("the argument is more than a transaction has room for")
    script, spent, _ = pricing.cell(name, "calls", _ARGUMENT, Lam(Const(Constant(UNIT, None))), work="decode")
    cell = msgspec.structs.replace(script, id=f"{name}/argument", work="apply", arguments=(cbor,))
    return Probe(_ARGUMENT, dict(values), (cell, script), 1, len(cbor) * byte_charge_ps(pricing), (), spent)


_DEEP: Final = ("deep functions", "deep calls", "deep constructors", "deep delays")
_SCRIPT_PARAMETERS: Final[tuple[Parameter, ...]] = (
    Option("of", (*_TERMS, *_DEEP, *_HELD)),
    Number("count", 1, 12_000, log=True),
    Number("bytes", 1, 12_000, log=True),
    Option("limbs", ("random", "all ones", "one bit")),
    Option("characters", ("ascii", "two bytes", "three bytes", "four bytes", "mixed")),
    Option("shape", one.SHAPES),
)

CALLS: Final[dict[str, Target]] = {
    _SCRIPT: Target(_SCRIPT, _SCRIPT_PARAMETERS, _decoded),
    _ARGUMENT: Target(_ARGUMENT, one.data("argument", 6_000).parameters, _applied),
}
"""By name."""
