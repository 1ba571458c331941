"""The experiment on machine steps: programs whose counts of the nine kinds vary independently.

A program is a row of gadgets, each evaluated and dropped. A gadget takes a few steps of known kinds; which gadgets a
program has, and how many, is what varies: every gadget alone at two lengths, then random mixtures. Variables are
looked up at many depths and closures are of many sizes, since a price per step stands for all of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

from costmodel.measure.terms import cell, integer, nop, saturated, sequence
from costmodel.plutus import (
    BUILTIN_BY_NAME,
    UNIT,
    Apply,
    BuiltinTerm,
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
from costmodel.runs.design import Cell

# What every program binds before its row of gadgets, innermost last: a function, a delayed constant, an integer.
_FUNCTION: Final = Lam(Var(1))
_DELAYED: Final = Delay(Const(Constant(UNIT, None)))
_BOUND: Final = (_FUNCTION, _DELAYED, Const(Constant(UNIT, None)))

Gadget = Callable[[random.Random, int], Term]
"""Makes a term below `depth` binders of the row; the three bound terms lie beyond them."""


def _function(depth: int) -> Var:
    return Var(depth + 3)


def _delayed(depth: int) -> Var:
    return Var(depth + 2)


def _variable(rng: random.Random, depth: int) -> Term:
    return Var(rng.randint(1, depth + 3))


def _constant(rng: random.Random, _: int) -> Term:
    return integer(rng.getrandbits(62))


def _fields(rng: random.Random) -> tuple[Term, ...]:
    return tuple(integer(rng.getrandbits(62)) for _ in range(rng.randrange(4)))


def _case(rng: random.Random, _: int) -> Term:
    fields = _fields(rng)
    branch: Term = integer(0)
    for _field in fields:
        branch = Lam(branch)
    return Case(Constr(1, fields), (integer(0), branch))


def _call(rng: random.Random, depth: int) -> Term:
    arity = rng.randint(1, 3)
    return saturated(nop(arity, 0), 0, [_variable(rng, depth) for _ in range(arity)])


_GADGETS: Final[dict[str, Gadget]] = {
    "const": _constant,
    "var": _variable,
    "lam": lambda _, depth: Lam(Var(depth + 2)),
    "delay": lambda _, depth: Delay(Var(depth + 1)),
    "force": lambda _, depth: Force(_delayed(depth)),
    "force-delay": lambda rng, _: Force(Delay(integer(rng.getrandbits(62)))),
    "apply": lambda rng, depth: Apply(_function(depth), integer(rng.getrandbits(62))),
    "builtin": lambda *_: BuiltinTerm(BUILTIN_BY_NAME["addInteger"]),
    "call": _call,
    "constr": lambda rng, _: Constr(rng.randrange(4), _fields(rng)),
    "case": _case,
}

_LENGTHS: Final = (40, 80)
_MIXTURES: Final = 20
_MIXTURE_LENGTHS: Final = (20, 120)


def step_cells(seed: int) -> Iterator[Cell]:
    """The programs of the experiment; their counts are in the cells."""
    yield cell("steps/start", "steps", "start", Const(Constant(UNIT, None)))
    for name, gadget in _GADGETS.items():
        for length in _LENGTHS:
            rng = random.Random(f"{seed} {name} {length}")
            yield cell(f"steps/{name}/{length}", "steps", name, _row([gadget] * length, rng))
    for number in range(_MIXTURES):
        rng = random.Random(f"{seed} mixture {number}")
        weights = [rng.random() ** 3 for _ in _GADGETS]
        row = rng.choices(list(_GADGETS.values()), weights, k=rng.randint(*_MIXTURE_LENGTHS))
        yield cell(f"steps/mixture/{number}", "steps", "mixture", _row(row, rng))


def _row(gadgets: list[Gadget], rng: random.Random) -> Term:
    terms = [gadget(rng, depth) for depth, gadget in enumerate(gadgets)]
    return sequence([*_BOUND, *terms], integer(0))
