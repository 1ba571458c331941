"""The experiment on machine steps: programs whose counts of the nine kinds vary independently.

A program is a row of idioms, each evaluated and dropped. An idiom is something that compiled contracts do – call a
function, bind a value, choose a branch and force it, apply a builtin, take a constructor apart – with the few steps of
known kinds that it takes. A price per step has to stand for a step wherever it occurs, so every kind is met in its
usual company, and never by itself. What varies is which idioms a program has and how many: every idiom alone at two
lengths, then random mixtures. Variables are looked up at many depths, and closures are of many sizes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

from costmodel.measure.terms import cell, integer, nop, saturated, sequence
from costmodel.plutus import (
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

_NOTHING: Final = Const(Constant(UNIT, None))

# What every program binds before its row of idioms, innermost last.
_BOUND: Final[dict[str, Term]] = {
    "identity": Lam(Var(1)),
    "first": Lam(Lam(Var(2))),
    "delayed": Delay(_NOTHING),
    "hoisted": BuiltinTerm(nop(2, 0)),
    "polymorphic": Force(BuiltinTerm(nop(1, 1))),
    "nothing": _NOTHING,
}

Idiom = Callable[[random.Random, int], Term]
"""Makes a term below `depth` binders of the row; the bound terms lie beyond them."""


def _bound(name: str, depth: int) -> Var:
    return Var(depth + len(_BOUND) - list(_BOUND).index(name))


def _variable(rng: random.Random, depth: int) -> Term:
    return Var(rng.randint(1, depth + len(_BOUND)))


def _operand(rng: random.Random, depth: int) -> Term:
    """What an argument mostly is: a variable, sometimes a constant."""
    return _variable(rng, depth) if rng.random() < 0.7 else integer(rng.getrandbits(62))


def _call_one(rng: random.Random, depth: int) -> Term:
    return Apply(_bound("identity", depth), _operand(rng, depth))


def _call_two(rng: random.Random, depth: int) -> Term:
    return Apply(Apply(_bound("first", depth), _operand(rng, depth)), _operand(rng, depth))


def _saturated(rng: random.Random, depth: int) -> Term:
    arity, forces = rng.randint(1, 3), rng.randrange(3)
    return saturated(nop(arity, forces), forces, [_operand(rng, depth) for _ in range(arity)])


def _nested(rng: random.Random, depth: int) -> Term:
    return saturated(nop(2, 0), 0, [_call_one(rng, depth), _saturated(rng, depth)])


def _hoisted(rng: random.Random, depth: int) -> Term:
    return Apply(Apply(_bound("hoisted", depth), _operand(rng, depth)), _operand(rng, depth))


def _polymorphic(rng: random.Random, depth: int) -> Term:
    return Apply(_bound("polymorphic", depth), _operand(rng, depth))


def _force(_: random.Random, depth: int) -> Term:
    return Force(_bound("delayed", depth))


def _branches(rng: random.Random, depth: int) -> Term:
    """Two delayed branches are made, one is forced, as ifThenElse in compiled code has it."""
    chosen = Apply(Apply(_bound("first", depth), Delay(_operand(rng, depth))), Delay(_operand(rng, depth)))
    return Force(chosen)


def _let(rng: random.Random, depth: int) -> Term:
    return Apply(Lam(_call_one(rng, depth + 1)), _call_one(rng, depth))


def _closure(rng: random.Random, depth: int) -> Term:
    """A function is made here and called through a variable."""
    return Apply(Lam(Apply(Var(1), _operand(rng, depth + 1))), Lam(_operand(rng, depth + 1)))


def _fields(rng: random.Random, depth: int) -> tuple[Term, ...]:
    return tuple(_operand(rng, depth) for _ in range(rng.randrange(4)))


def _constr(rng: random.Random, depth: int) -> Term:
    return Constr(rng.randrange(4), _fields(rng, depth))


def _case(rng: random.Random, depth: int) -> Term:
    fields = _fields(rng, depth)
    branch: Term = _operand(rng, depth + len(fields))
    for _field in fields:
        branch = Lam(branch)
    return Case(Constr(1, fields), (_NOTHING, branch))


_IDIOMS: Final[dict[str, Idiom]] = {
    "call one": _call_one,
    "call two": _call_two,
    "saturated builtin": _saturated,
    "nested calls": _nested,
    "hoisted builtin": _hoisted,
    "hoisted force": _polymorphic,
    "force": _force,
    "branches": _branches,
    "let": _let,
    "closure": _closure,
    "constr": _constr,
    "case": _case,
    "operand": _operand,
}

_LENGTHS: Final = (40, 80)
_MIXTURES: Final = 30
_MIXTURE_LENGTHS: Final = (20, 120)


def step_cells(seed: int) -> Iterator[Cell]:
    """The programs of the experiment; their counts are in the cells."""
    yield cell("steps/start", "steps", "start", Const(Constant(UNIT, None)))
    for name, idiom in _IDIOMS.items():
        for length in _LENGTHS:
            rng = random.Random(f"{seed} {name} {length}")
            yield cell(f"steps/{name}/{length}", "steps", name, _row([idiom] * length, rng))
    for number in range(_MIXTURES):
        rng = random.Random(f"{seed} mixture {number}")
        weights = [rng.random() ** 3 for _ in _IDIOMS]
        row = rng.choices(list(_IDIOMS.values()), weights, k=rng.randint(*_MIXTURE_LENGTHS))
        yield cell(f"steps/mixture/{number}", "steps", "mixture", _row(row, rng))


def mixture(length: int, rng: random.Random) -> Term:
    """A program of idioms drawn evenly, with the terms that compiled contracts are made of."""
    return _row(rng.choices(list(_IDIOMS.values()), k=length), rng)


def _row(idioms: list[Idiom], rng: random.Random) -> Term:
    terms = [idiom(rng, depth) for depth, idiom in enumerate(idioms)]
    return sequence([*_BOUND.values(), *terms], integer(0))
