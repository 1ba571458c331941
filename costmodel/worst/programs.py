"""Forms of programs, with numbers as parameters, whose steps may take longer than what a step is charged.

What is timed is a form less an empty program, so that a start is not taken for steps.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from costmodel.experiments import operands as made
from costmodel.experiments.terms import integer, saturated, sequence
from costmodel.plutus import (
    BUILTIN_BY_NAME,
    UNIT,
    Apply,
    Builtin,
    Case,
    Const,
    Constant,
    Constr,
    Delay,
    Force,
    Lam,
    Term,
    Var,
)
from costmodel.worst import constants as one
from costmodel.worst.space import Number, Option, Parameter, Values, text, whole
from costmodel.worst.target import ChargedPrices, Probe, Target

Write = Callable[[Values, random.Random], Term]

_EMPTY: Final[Term] = Const(Constant(UNIT, None))
_FRAMES: Final = ("let", "call")
_FIELDS: Final = 100  # of a constructor, fewer than the ledger bounds
_PLACES: Final = ("one", "in turn", "random")


def _program(name: str, parameters: Sequence[Parameter], write: Write) -> Target:
    def make(values: Values, rng: random.Random, pricing: ChargedPrices) -> Probe:
        label = f"{name}/{rng.getrandbits(32):08x}"
        cell, spent, _ = pricing.cell(label, "steps", name, write(values, rng))
        empty, around, _ = pricing.cell(f"{label}/empty", "steps", name, _EMPTY)
        charge = max(spent.cpu - around.cpu, 1)
        return Probe(name, dict(values), (cell, empty), 1, charge, (), spent)

    return Target(name, tuple(parameters), make)


def _bound(count: int, how: str, body: Term, value: Callable[[int], Term]) -> Term:
    """A body below so many binders, in one frame or in one each."""
    for at in reversed(range(count)):
        function: Term = Lam(body)
        body = Apply(function if how == "let" else Force(Delay(function)), value(at))
    return body


def many(terms: Sequence[Term]) -> Term:
    """Terms that are evaluated one after another, in an environment that does not grow."""
    while len(terms) > _FIELDS:
        terms = [Constr(0, tuple(terms[at : at + _FIELDS])) for at in range(0, len(terms), _FIELDS)]
    return Constr(0, tuple(terms))


def _environment(values: Values, rng: random.Random) -> Term:
    depth, count = whole(values, "depth"), whole(values, "lookups")
    far = max(whole(values, "distance") * depth // 100, 1)
    places = {
        "one": [far] * count,
        "in turn": [1 + at % far for at in range(count)],
        "random": [rng.randint(1, far) for _ in range(count)],
    }[text(values, "variables")]
    return _bound(depth, text(values, "frames"), many([Var(place) for place in places]), integer)


def _closures(values: Values, _rng: random.Random) -> Term:
    width, count, depth = (whole(values, name) for name in ("scope", "closures", "nesting"))
    body: Term = Var(1)
    for _ in range(depth - 1):
        body = Apply(Lam(body), Var(1))
    made_once = Lam(body)
    if values["made"] == "once":
        called: list[Term] = [Apply(Var(1), integer(at % 64)) for at in range(count)]
        return _bound(width, text(values, "frames"), Apply(Lam(many(called)), made_once), integer)
    return _bound(
        width, text(values, "frames"), many([Apply(made_once, integer(at % 64)) for at in range(count)]), integer
    )


_PARTIAL: Final = ("addInteger", "ifThenElse", "chooseList", "chooseData", "sliceByteString")


def _partial(values: Values, rng: random.Random) -> Term:
    builtin = BUILTIN_BY_NAME[text(values, "builtin")]
    before = min(whole(values, "before"), builtin.arity - 1)
    arguments = _arguments(builtin, rng)
    kept = saturated(builtin, builtin.forces, arguments[:before])
    completed = whole(values, "completed")
    each: list[Term] = []
    for _ in range(completed):
        term: Term = Var(1)
        for argument in arguments[before:]:
            term = Apply(term, argument)
        each.append(term)
    return Apply(Lam(many(each)), kept)


def _arguments(builtin: Builtin, rng: random.Random) -> list[Term]:
    constants: dict[str, Callable[[], Const]] = {
        "integer": lambda: integer(rng.randrange(8)),
        "bool": lambda: made.boolean(True),
        "bytestring": lambda: made.random_bytes(1, rng),
        "data": lambda: made.data(1),
    }
    return [
        made.data_list(1, rng) if kind.startswith("list") else constants.get(kind, constants["integer"])()
        for kind in builtin.argument_types
    ]


def _constructors(values: Values, _rng: random.Random) -> Term:
    fields, branches, count = (whole(values, name) for name in ("fields", "branches", "rounds"))
    tag = branches - 1 if values["branch"] == "last" else 0
    taken: Term = integer(0)
    for _ in range(fields):
        taken = Lam(taken)
    others: list[Term] = [_EMPTY] * branches
    others[tag] = taken
    alternatives = tuple(others)
    parts: tuple[Term, ...] = tuple(
        Var(1) if values["filled with"] == "variables" else integer(1) for _ in range(fields)
    )
    cases: list[Term] = [Case(Constr(tag, parts), alternatives) for _ in range(count)]
    return Apply(Lam(many(cases)), integer(7))


_CASED: Final[dict[str, Callable[[], Const]]] = {
    "boolean": lambda: made.boolean(False),
    "unit": made.unit,
    "integer": lambda: integer(0),
    "list": lambda: made.integers(3, random.Random(0)),  # noqa: S311 - any integers
    "empty list": lambda: made.integers(0, random.Random(0)),  # noqa: S311
    "pair": lambda: made.pair(random.Random(0)),  # noqa: S311
}
_BINDERS: Final = {"list": 2, "pair": 2}


def _cased(values: Values, _rng: random.Random) -> Term:
    kind = text(values, "constant")
    taken: Term = integer(0)
    for _ in range(_BINDERS.get(kind, 0)):
        taken = Lam(taken)
    alternatives: tuple[Term, ...] = (integer(1), integer(2)) if kind == "empty list" else (taken,)
    if kind == "integer":
        alternatives = tuple(integer(at) for at in range(whole(values, "branches")))
    scrutinee: Term = _CASED[kind]()
    if values["bound"] == "yes":
        cases: list[Term] = [Case(Var(1), alternatives) for _ in range(whole(values, "rounds"))]
        return Apply(Lam(many(cases)), scrutinee)
    return many([Case(scrutinee, alternatives) for _ in range(whole(values, "rounds"))])


def _delays(values: Values, _rng: random.Random) -> Term:
    depth, count = whole(values, "nesting"), whole(values, "forces")
    delayed: Term = integer(1)
    for _ in range(depth):
        delayed = Delay(delayed)

    def forced(term: Term) -> Term:
        for _ in range(depth):
            term = Force(term)
        return term

    if values["delayed"] == "once":
        return Apply(Lam(many([forced(Var(1)) for _ in range(count)])), delayed)
    return many([forced(delayed) for _ in range(count)])


_CONSTANTS: Final = ("integer", "large integer", "bytes", "string", "data", "list")


def _constants(values: Values, rng: random.Random) -> Term:
    size, count = whole(values, "bytes"), whole(values, "constants")
    kind = text(values, "type")

    def constant() -> Const:
        match kind:
            case "bytes":
                return made.byte_string(rng.randbytes(size))
            case "string":
                return made.string(one.letters("ascii", size, rng))
            case "large integer":
                return integer(rng.getrandbits(8 * size + 64))
            case "data":
                return made.data(one.nested("flat", "list", "word", max(size // 9, 1), rng))
            case "list":
                return made.integers(max(size // 6, 1), rng)
        return integer(rng.randrange(64))

    one.check_room(count, size)
    return many([constant() for _ in range(count)])


_NODES: Final = ("constants", "functions", "delays", "calls", "variables")


def _straight(values: Values, rng: random.Random) -> Term:
    """Much different code, run `rounds` times by a function that is called as often."""
    count, kind = whole(values, "nodes"), text(values, "kind")
    forms: dict[str, Callable[[], Term]] = {
        "constants": lambda: integer(rng.randrange(64)),
        "functions": lambda: Lam(Var(1)),
        "delays": lambda: Delay(Var(1)),
        "calls": lambda: Apply(Lam(Var(1)), Var(1)),
        "variables": lambda: Var(1),
    }
    body = many([forms[kind]() for _ in range(count)])
    rounds: list[Term] = [Apply(Var(1), integer(at % 64)) for at in range(whole(values, "rounds"))]
    return Apply(Lam(many(rounds)), Lam(body))


def _nested(values: Values, _rng: random.Random) -> Term:
    """Calls in calls, to a depth, in the place of the function or of the argument."""
    depth, identity = whole(values, "depth"), Lam(Var(1))
    nested: Term = integer(1)
    if values["within"] == "argument":
        for _ in range(depth):
            nested = Apply(Var(1), nested)
        return Apply(Lam(nested), identity)
    nested = Var(1)
    for _ in range(depth):
        nested = Apply(nested, Var(1))
    return Apply(Lam(nested), identity)


def _rows(values: Values, _rng: random.Random) -> Term:
    """Values bound one after another, each by a let or by a call, and dropped."""
    count = whole(values, "bindings")
    bound: Term = integer(1) if values["value"] == "constant" else Lam(Var(1))
    if values["frames"] == "let":
        return sequence([bound] * count, integer(0))
    return _bound(count, "call", integer(0), lambda _: bound)


_LOOKUPS: Final = Number("lookups", 10, 4_000, log=True)

PROGRAMS: Final[dict[str, Target]] = {
    target.name: target
    for target in (
        _program(
            "steps/environment",
            (
                Number("depth", 1, 800, log=True),
                Number("distance", 1, 100),
                _LOOKUPS,
                Option("frames", _FRAMES),
                Option("variables", _PLACES),
            ),
            _environment,
        ),
        _program(
            "steps/closures",
            (
                Number("scope", 1, 400, log=True),
                Number("closures", 10, 1_000, log=True),
                Number("nesting", 1, 20, log=True),
                Option("made", ("once", "each time")),
                Option("frames", _FRAMES),
            ),
            _closures,
        ),
        _program(
            "steps/partial-applications",
            (Option("builtin", _PARTIAL), Number("before", 0, 5), Number("completed", 10, 800, log=True)),
            _partial,
        ),
        _program(
            "steps/constructors",
            (
                Number("fields", 0, 60),
                Number("branches", 1, 60, log=True),
                Number("rounds", 1, 300, log=True),
                Option("branch", ("first", "last")),
                Option("filled with", ("constants", "variables")),
            ),
            _constructors,
        ),
        _program(
            "steps/case-on-constants",
            (
                Option("constant", tuple(_CASED)),
                Number("branches", 1, 60, log=True),
                Number("rounds", 1, 600, log=True),
                Option("bound", ("yes", "no")),
            ),
            _cased,
        ),
        _program(
            "steps/delays",
            (
                Number("nesting", 1, 200, log=True),
                Number("forces", 10, 2_000, log=True),
                Option("delayed", ("once", "each time")),
            ),
            _delays,
        ),
        _program(
            "steps/constants",
            (
                Option("type", _CONSTANTS),
                Number("bytes", 1, 12_000, log=True),
                Number("constants", 1, 3_000, log=True),
            ),
            _constants,
        ),
        _program(
            "steps/distinct-nodes",
            (
                Number("nodes", 10, 6_000, log=True),
                Option("kind", _NODES),
                Number("rounds", 1, 20, log=True),
            ),
            _straight,
        ),
        _program(
            "steps/nested-calls",
            (Number("depth", 10, 6_000, log=True), Option("within", ("argument", "function"))),
            _nested,
        ),
        _program(
            "steps/bindings",
            (
                Number("bindings", 10, 4_000, log=True),
                Option("value", ("constant", "function")),
                Option("frames", _FRAMES),
            ),
            _rows,
        ),
    )
}
"""By name."""
