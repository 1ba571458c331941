"""The experiment on machine steps: whole programs, in the forms that compiled contracts have, whose counts of the nine
kinds vary.

A price per step has to stand for a step wherever it occurs, so every kind is met in its usual company, in programs as
large as contracts are: in a row of a few hundred steps, which caches and branch predictors know by heart, a step takes
two thirds of the time. A program binds data and functions one after another, as a linked contract does, and then calls
the functions. What varies is how it is written and which forms it favours (`style`), and how much of it is run how
often: some of the programs are a loop each, to tell what a step costs where little is run from what it costs where much
is. The programs apply builtins of the cheap kind too, of which real code is full.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from costmodel.errors import ModelError
from costmodel.experiments.forms import FORMS, bound_type, call, counting, recursive, some_type
from costmodel.experiments.scope import (
    FIELDS,
    Constructor,
    Fields,
    Function,
    Hoisted,
    Lazy,
    Literal,
    Simple,
    Type,
    Variables,
)
from costmodel.experiments.terms import cell, integer, sequence, with_features
from costmodel.experiments.writer import SUM_PARTS, Style, Writer
from costmodel.model import ExUnits
from costmodel.plutus import UNIT, Const, Constant, Term
from costmodel.runs.design import Cell

_INT, _DATA, _CHAIN, _SUM = Simple.INT, Simple.DATA, Simple.CHAIN, Simple.SUM
_RESULTS: Final = (_INT, _INT, Simple.BOOL, _CHAIN, _SUM)  # what functions return
_LITERALS: Final = (0, 1, 2)
_HOISTABLE: Final = (
    *("ifThenElse", "headList", "tailList", "sndPair", "fstPair", "chooseList"),
    *("unConstrData", "unIData", "equalsInteger", "addInteger", "subtractInteger"),
)
_CONSTRUCTORS: Final = (
    *(Constructor("record", 0, 1, parts) for parts in range(1, 5)),
    *(Constructor("sum", tag, len(SUM_PARTS), parts) for tag, parts in enumerate(SUM_PARTS)),
    Constructor("chain", 0, 2, 0),
    Constructor("chain", 1, 2, 2),
)

_PROGRAMS: Final = 200
_LOOPS: Final = 16
_STEPS: Final = (20_000, 80_000)  # that a program is to take at most; it takes about half of them
_TAKEN: Final = range(4_000, 60_000)  # steps of a program that is kept
_FOOTPRINT: Final = 8_000  # nodes at most: a processor is still learning larger programs while they are timed
_BUDGET: Final = ExUnits(cpu=10**10, mem=10**9)  # several times what so many steps and their builtins are charged
_ATTEMPTS: Final = 100


class Habits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often what contracts do is done in programs: what styles are drawn from.

    `commonness` is how much more often than the others each form is met, by its name; a program favours a few of them,
    and neglects others by the power `contrast`. The `constants`, `lazy` and `opened` of a style are at most these, and
    lie between by the powers that follow them; `delayed` is such a power. `constructors` is the share of programs in
    which some sums and products are built by `constr`, `hoisting` that of those that hoist some of the builtins, each
    with the chance `hoisted`, and `casing` that of those in which some values of builtin types are taken apart by
    `case`. The others are as in a style, `library` at most.
    """

    commonness: dict[str, float]
    contrast: float
    plain: float
    constants: float
    constants_power: float
    delayed: float
    lazy: float
    lazy_power: float
    opened: float
    opened_power: float
    literals: float
    near: float
    recent: int
    again: float
    constructors: float
    casing: float
    hoisting: float
    hoisted: float
    rounds: int
    library: int
    parameters: int
    values: float


@cache
def habits() -> Habits:
    """Those that were tuned to the counts of contracts (`make tune`), but for `constructors` and `casing`: what
    compilers have only begun to write is in more programs than contracts, or too few would tell what it costs."""
    return msgspec.json.decode(files("costmodel.experiments").joinpath("habits.json").read_bytes(), type=Habits)


def style(rng: random.Random, steps: int, of: Habits) -> Style:
    """A style at random, for a program of about so many steps."""
    favoured = rng.sample(list(FORMS), 3)
    share = rng.choice((0.5, 1.0)) if rng.random() < of.constructors else 0.0  # of the sums and products
    hoisting = rng.random() < of.hoisting
    casing = rng.choice((0.5, 1.0)) if rng.random() < of.casing else 0.0
    return Style(
        weights={
            name: (rng.random() ** of.contrast * (6 if name in favoured else 1) + 0.02) * of.commonness[name]
            for name in FORMS
        },
        plain=of.plain,
        constants=of.constants * rng.random() ** of.constants_power,
        delayed=rng.random() ** of.delayed,
        lazy=of.lazy * rng.random() ** of.lazy_power,
        opened=of.opened * rng.random() ** of.opened_power,
        literals=of.literals,
        near=of.near,
        recent=of.recent,
        again=of.again,
        constructors=frozenset(what for what in ("record", "sum", "chain") if rng.random() < share),
        hoisted=tuple(name for name in _HOISTABLE if hoisting and rng.random() < of.hoisted),
        rounds=of.rounds,
        library=rng.randint(1, of.library),
        parameters=of.parameters,
        values=of.values,
        cases=frozenset(what for what in ("bool", "list", "pair") if rng.random() < casing),
        steps=steps,
    )


@lru_cache(maxsize=1)  # it takes some seconds, and the cells cannot be changed
def step_cells(seed: int) -> tuple[Cell, ...]:
    """The programs of the experiment; their counts are in the cells."""
    start = cell("steps/start", "steps", "start", Const(Constant(UNIT, None)))
    programs = (drawn(program, habits(), "program", number, seed) for number in range(_PROGRAMS))
    loops = (drawn(loop, habits(), "loop", number, seed) for number in range(_LOOPS))
    return (start, *programs, *loops)


def drawn(write: Callable[[Style, random.Random], Term], of: Habits, operation: str, number: int, seed: int) -> Cell:
    """The first one drawn that takes as many steps as wanted: a writer knows but about what its terms take."""
    least, most = _STEPS
    for attempt in range(_ATTEMPTS):
        rng = random.Random(f"{seed} {operation} {number} {attempt}")
        term = write(style(rng, round(least * (most / least) ** rng.random()), of), rng)
        with suppress(ModelError):  # one that takes far too many
            drawn = cell(f"steps/{operation}/{number}", "steps", operation, term, budget=_BUDGET, counted=False)
            if sum(drawn.steps.values()) in _TAKEN:
                counted = with_features(drawn, _BUDGET)
                if counted.footprint <= _FOOTPRINT:
                    return counted
    raise ModelError(f"no {operation} of {_TAKEN} steps in {_ATTEMPTS} attempts from the seed {seed}")


def program(style: Style, rng: random.Random) -> Term:
    """A closed program of a style that runs to an integer."""
    writer = Writer(style, FORMS, rng)
    scope, bound = _library(writer, style.library)
    writer.spent = 0
    while writer.spent < style.steps:
        result = rng.choice(_RESULTS)
        called = call(writer, result, scope, 12)
        bound.append(writer.write(result, scope, 12) if called is None else called)
        scope = scope.bind(result)
    return _bound(writer, bound)


def loop(style: Style, rng: random.Random) -> Term:
    """A closed program of a style that runs to an integer, nearly all of it the rounds of one loop."""
    writer = Writer(style, FORMS, rng)
    scope, bound = _library(writer, rng.randint(0, 4))
    writer.spent = 0
    step = counting(writer, scope, round(4 * 500 ** rng.random()))
    rounds = max(style.steps // writer.spent, 1)
    return sequence([*bound, recursive(writer, step, integer(rounds))], integer(0))


def mixture(count: int, rng: random.Random) -> Term:
    """A program of so many small terms of random types, one after another, that every evaluator runs."""
    writer = Writer(style(rng, 0, msgspec.structs.replace(habits(), casing=0.0)), FORMS, rng)
    scope, bound = _prelude(writer)
    for _ in range(count):
        result = rng.choice(_RESULTS)
        bound.append(writer.write(result, scope, 3))
        scope = scope.bind(result)
    return sequence(bound, integer(0))


def _prelude(writer: Writer) -> tuple[Variables, list[Term]]:
    """What every program binds first: the types of the variables, and their terms."""
    kinds: list[Type] = [Hoisted(name) for name in writer.style.hoisted]
    kinds += [Literal(value) for value in _LITERALS]
    kinds += [made for made in _CONSTRUCTORS if made.what not in writer.style.constructors]
    kinds += [_DATA, _DATA, Fields(FIELDS), _INT, _CHAIN, _SUM, _SUM]
    scope, bound = Variables(), []
    for kind in kinds:
        bound.append(writer.leaf(kind, scope))
        scope = scope.bind(kind)
    return scope, bound


def _bound(writer: Writer, terms: Sequence[Term]) -> Term:
    """Terms bound one after another."""
    body: Term = integer(0)
    for term in reversed(terms):
        body = writer.bind(term, body)
    return body


def _library(writer: Writer, functions: int) -> tuple[Variables, list[Term]]:
    """The prelude, and so many functions after it."""
    scope, bound = _prelude(writer)
    for _ in range(functions):
        kind, term = _top_function(writer, scope)
        scope, bound = scope.bind(kind), [*bound, term]
        while writer.rng.random() < writer.style.values:
            kind = Lazy(some_type(writer))
            scope, bound = scope.bind(kind), [*bound, writer.leaf(kind, scope, 4)]
    return scope, bound


def _top_function(writer: Writer, scope: Variables) -> tuple[Type, Term]:
    """A function for others to call."""
    rng = writer.rng
    parameters = tuple(bound_type(writer) for _ in range(rng.randint(1, writer.style.parameters)))
    result = rng.choice(_RESULTS)
    delayed = writer.delays()
    writer.spent = 0
    term = writer.function(Function(parameters, result, delayed, 0), scope, rng.randint(5, 60))
    return Function(parameters, result, delayed, writer.spent), term
