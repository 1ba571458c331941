"""Writes random well-typed terms in the style of a compiler: the style, and what every form needs."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, TypeVar

from costmodel.experiments.scope import (
    FIELDS,
    Constructor,
    Fields,
    Function,
    Hoisted,
    Lazy,
    Literal,
    Product,
    Simple,
    Type,
    Variables,
)
from costmodel.experiments.terms import saturated
from costmodel.plutus import (
    BOOL,
    BUILTIN_BY_NAME,
    DATA,
    INTEGER,
    Apply,
    Case,
    Const,
    Constant,
    Constr,
    DataConstr,
    Delay,
    Force,
    Lam,
    Term,
    Var,
    list_of,
)

SUM_PARTS: Final = (0, 1, 2, 0)
"""Integers in each constructor of a sum."""

_INT, _BOOL, _DATA, _CHAIN, _SUM = Simple.INT, Simple.BOOL, Simple.DATA, Simple.CHAIN, Simple.SUM
_PLAIN: Final = (Simple, Fields)  # types that forms can be for alone
_REACH: Final = 60
"""Levels that are looked at for a variable before something else is written."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a program is written.

    `weights` say how often each form is chosen, by its name. Shares are of terms that are `plain`, a variable where
    there is one, of operands that are `constants`, of functions
    that are polymorphic (`delayed`), of bindings that are not strict (`lazy`), of bindings in a frame of their own
    (`opened`), of small integers that are written in place and not bound where the program begins (`literals`), of
    variables that are among the `recent` ones bound last (`near`), and of calls of the function that was called last
    (`again`). `constructors` names what is built by `constr` and not after Scott: "record", "sum", "chain". `hoisted`
    builtins are forced where the program begins. Loops have up to `rounds` rounds, and `library` functions of up to
    `parameters` parameters are bound before others call them, and after each with the chance `values` values that are
    not strict. `cases` names the values of builtin types that are taken apart by `case`, as compilers do for protocol
    version 11, and not by builtins: "bool", "list", "pair". `steps` is about what the program takes.
    """

    weights: Mapping[str, float]
    plain: float
    constants: float
    delayed: float
    lazy: float
    opened: float
    literals: float
    near: float
    recent: int
    again: float
    constructors: frozenset[str]
    hoisted: tuple[str, ...]
    rounds: int
    library: int
    parameters: int
    values: float
    cases: frozenset[str]
    steps: int


_T = TypeVar("_T")
Form = Callable[["Writer", Type, Variables, int], Term | None]
"""Writes a term of a type, with so many forms below it, or finds that it cannot."""


@dataclass(slots=True)
class Writer:
    """Writes terms in a style from `forms`; `spent` counts about what steps they take, `times` times each; `called` is
    the level of the function that was called last."""

    style: Style
    forms: Mapping[str, tuple[Form, tuple[Simple | Fields, ...]]]
    rng: random.Random
    spent: int = 0
    times: int = 1
    called: int = -1
    _known: dict[Simple | Fields | None, tuple[list[Form], list[float]]] = field(default_factory=dict)

    def write(self, kind: Type, scope: Variables, size: int) -> Term:
        """A term of a type, of about `size` forms."""
        if size <= 1 or self.rng.random() < self.style.plain:
            return self.leaf(kind, scope)
        forms, weights = self._forms_of(kind if isinstance(kind, _PLAIN) else None)
        chosen = bisect(weights, self.rng.random() * weights[-1], 0, len(weights) - 1)
        term = forms[chosen](self, kind, scope, size - 1)
        return self.leaf(kind, scope, size - 1) if term is None else term

    def _forms_of(self, kind: Simple | Fields | None) -> tuple[list[Form], list[float]]:
        """The forms of a type, and the sums of their weights; None is any type that no form is for alone."""
        if kind not in self._known:
            names = [name for name, (_, kinds) in self.forms.items() if not kinds or kind in kinds]
            weights = list(accumulate(self.style.weights[name] for name in names))
            self._known[kind] = [self.forms[name][0] for name in names], weights
        return self._known[kind]

    def leaf(self, kind: Type, scope: Variables, size: int = 0) -> Term:
        """A variable or constant of a type, or a term that makes a value of it at once."""
        constant = (kind is _INT or kind is _BOOL or kind is _DATA) and self.rng.random() < self.style.constants
        variable = None if constant else self.variable(kind, scope)
        if variable is not None:
            return variable
        if isinstance(kind, _PLAIN) and kind is not _CHAIN and kind is not _SUM:
            return self.spending(1, Const(self._constant(kind)))
        match kind:
            case Simple.SUM:
                tag = self.below(len(SUM_PARTS))
                parts = tuple(self.write(_INT, scope, size // 2) for _ in range(SUM_PARTS[tag]))
                return self.alternative(Constructor("sum", tag, len(SUM_PARTS), len(parts)), parts, scope)
            case Product(types):
                parts = tuple(self.write(part, scope, size // len(types)) for part in types)
                return self.alternative(Constructor("record", 0, 1, len(parts)), parts, scope)
            case Function():
                return self.function(kind, scope, size)
            case Lazy(strict):
                return self.spending(1, Delay(self.write(strict, scope, size)))
            case Constructor():
                return _scott(kind)
            case Hoisted(name):
                return saturated(BUILTIN_BY_NAME[name], BUILTIN_BY_NAME[name].forces, ())
            case Literal(value):
                return Const(Constant(INTEGER, value))
            case _:
                return self.alternative(Constructor("chain", 0, 2, 0), (), scope)

    def _constant(self, kind: Simple | Fields) -> Constant:
        match kind:
            case Simple.INT:
                return Constant(INTEGER, self.below(100))
            case Simple.BOOL:
                return Constant(BOOL, self.rng.random() < 0.5)
            case Fields(length):
                return Constant(list_of(DATA), self._integers(length))
            case _:
                return Constant(DATA, DataConstr(self.below(3), self._integers(FIELDS)))

    def variable(self, kind: Type, scope: Variables) -> Term | None:
        """A variable of a type, if there is one; those bound last are the likeliest, as in real code.

        It is looked for outwards from one of the innermost, or from anywhere.
        """
        count = len(scope)
        if not count:
            return None
        near = self.rng.random() < self.style.near
        last = count - 1 - self.below(min(self.style.recent, count)) if near else self.below(count)
        level = scope.search(kind, max(last - _REACH + 1, 0), last)
        if level < 0:
            return None
        variable = Var(count - level)
        return self.spending(10, Force(variable)) if scope.lazy(level) else self.spending(1, variable)

    def below(self, count: int) -> int:
        """A number from 0 up to `count`, at random: as `randrange` draws it, in half of the time."""
        bits = count.bit_length()
        drawn = self.rng.getrandbits(bits)
        while drawn >= count:
            drawn = self.rng.getrandbits(bits)
        return drawn

    def one_of(self, choices: Sequence[_T]) -> _T:
        """One of several, at random."""
        return choices[self.below(len(choices))]

    def spending(self, steps: int, term: Term) -> Term:
        """The term, which takes so many steps beside those of its parts."""
        self.spent += steps * self.times
        return term

    def repeated(self, times: int, kind: Type, scope: Variables, size: int) -> Term:
        """A term that will be evaluated so many times."""
        self.times *= times
        term = self.write(kind, scope, size)
        self.times //= times
        return term

    def bind(self, value: Term, body: Term) -> Term:
        """`body` below a binder of `value`: a let, or the application of a forced delay, which is given a frame."""
        function: Term = Lam(body)
        if self.rng.random() >= self.style.opened:
            return self.spending(2, Apply(function, value))
        return self.spending(4, Apply(Force(Delay(function)), value))

    def literal(self, value: int, scope: Variables) -> Term:
        """A small integer, in place or where it was bound."""
        bound = Literal(value)
        if bound not in scope or self.rng.random() < self.style.literals:
            return self.spending(1, Const(Constant(INTEGER, value)))
        return self.spending(1, Var(scope.index(bound)))

    def builtin(self, name: str, arguments: Sequence[Term], scope: Variables) -> Term:
        """A builtin applied to all its arguments."""
        forces = BUILTIN_BY_NAME[name].forces
        if name in self.style.hoisted:
            hoisted = Var(scope.index(Hoisted(name)))
            return self.spending(1 + len(arguments), applied(hoisted, arguments))
        term = saturated(BUILTIN_BY_NAME[name], forces, arguments)
        return self.spending(1 + forces + len(arguments), term)

    def function(self, kind: Function, scope: Variables, size: int) -> Term:
        """A function of a type."""
        body = lambdas(len(kind.parameters), self.write(kind.result, scope.bind(*kind.parameters), size))
        for _ in range(kind.delayed):
            body = Delay(body)
        return self.spending(len(kind.parameters) + kind.delayed, body)

    def delays(self) -> int:
        """In how many types a function is polymorphic."""
        return 1 + self.below(2) if self.rng.random() < self.style.delayed else 0

    def alternative(self, made: Constructor, parts: tuple[Term, ...], scope: Variables) -> Term:
        """A value of a sum or product: by `constr`, or by a call of its constructor, bound where the program begins."""
        if made.what in self.style.constructors:
            return self.spending(1, Constr(made.tag, parts))
        return self.spending(1 + 3 * len(parts), applied(Var(scope.index(made)), parts))

    def taken(self, kind: Type, scope: Variables, size: int) -> Term:
        """A value to take apart: mostly a variable's, as compilers take apart at once what is built at once."""
        variable = self.variable(kind, scope) if self.rng.random() < 0.8 else None
        return self.write(kind, scope, size) if variable is None else variable

    def match(self, what: str, value: Term, branches: Sequence[tuple[int, Term]]) -> Term:
        """Takes a value apart: each branch is how many parts it binds, and the term below those binders.

        A value after Scott is forced and applied to the branches as functions; those of a sum are delayed, lest more
        than the chosen one be evaluated, and the answer is forced.
        """
        if what in self.style.constructors:
            return self.spending(1, Case(value, tuple(lambdas(count, term) for count, term in branches)))
        lazy = len(branches) > 1
        terms = [lambdas(count, Delay(term) if lazy else term) for count, term in branches]
        taken = applied(Force(value), terms)
        self.spent += (2 + 5 * len(branches)) * self.times
        return Force(taken) if lazy else taken

    def chosen(self, condition: Term, yes: Term, no: Term, scope: Variables) -> Term:
        """One of two terms by a condition: by `case`, or by force (ifThenElse condition (delay …) (delay …))."""
        if "bool" in self.style.cases:
            return self.spending(1, Case(condition, (no, yes)))
        return self.spending(2, Force(self.builtin("ifThenElse", (condition, Delay(yes), Delay(no)), scope)))

    def _integers(self, count: int) -> tuple[int, ...]:
        return tuple(self.below(100) for _ in range(count))


def applied(function: Term, arguments: Sequence[Term]) -> Term:
    """A function applied to arguments one after another."""
    for argument in arguments:
        function = Apply(function, argument)
    return function


def lambdas(count: int, body: Term) -> Term:
    """A function of so many parameters, of each in turn."""
    for _ in range(count):
        body = Lam(body)
    return body


def _scott(made: Constructor) -> Term:
    """(lam a (lam b (delay (lam k (lam l [k a b]))))), with a parameter such as k for each constructor of the type."""
    arguments = [Var(made.tags + made.parts - i) for i in range(made.parts)]
    return lambdas(made.parts, Delay(lambdas(made.tags, applied(Var(made.tags - made.tag), arguments))))
