"""What compilers of contracts emit: the forms of which random programs are made, and such programs.

A program binds data and functions one after another, as a linked contract does, and then calls the functions. Their
bodies call earlier ones and consist of lets, delayed branches on a builtin's answer, records and options that are
built and taken apart (as functions, after Scott, or by `constr` and `case`), fields of Data, folds over lists by a
fixed-point combinator, and arithmetic on small integers. Most code of a contract runs once or a few times; what a step
costs there, where caches and branch predictors know less than in a short loop, is what a price per step stands for.

Builtins have arguments of one word, or costs that do not depend on sizes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from costmodel.experiments.terms import integer, sequence
from costmodel.experiments.writer import (
    FIELDS,
    SUM_PARTS,
    Constructor,
    Fields,
    Form,
    Function,
    Hoisted,
    Lazy,
    Literal,
    Record,
    Scope,
    Simple,
    Style,
    Type,
    Writer,
    applied,
    lambdas,
)
from costmodel.plutus import Apply, Delay, Force, Lam, Term, Var

_INT, _BOOL, _DATA, _CHAIN, _SUM = Simple.INT, Simple.BOOL, Simple.DATA, Simple.CHAIN, Simple.SUM
_RESULTS: Final = (_INT, _INT, _BOOL, _CHAIN, _SUM)  # what functions return
_LITERALS: Final = (0, 1, 2)
_HOISTABLE: Final = (
    *("ifThenElse", "headList", "tailList", "sndPair", "fstPair", "chooseList"),
    *("unConstrData", "unIData", "equalsInteger", "addInteger", "subtractInteger"),
)
_FEWEST_ROUNDS: Final = 2  # of a loop
_ITSELF: Final = Function((), _INT, 0, 2**62)  # what recurs; as nothing takes its type, nothing else calls it
_DEEPEST: Final = 40  # times that what is written may run: loops are not nested beyond


def _some_type(writer: Writer) -> Type:
    """What a let binds, or a parameter is."""
    rng = writer.rng
    functions = [Function((_INT,) * rng.randint(1, 2), _INT, writer.delays(), 10) for _ in range(3)]
    parts: tuple[Type, ...] = (_INT, _BOOL, _DATA, *functions)
    record = Record(tuple(rng.choice(parts) for _ in range(rng.randint(1, 4))))
    kinds: tuple[Type, ...] = (_INT, _BOOL, _DATA, _CHAIN, _SUM, Fields(rng.randint(1, 3)), record, *functions)
    return rng.choice(kinds)


# ---- forms of any type


def _let(writer: Writer, kind: Type, scope: Scope, size: int) -> Term | None:
    bound = _some_type(writer)
    if writer.rng.random() < writer.style.lazy:
        bound = Lazy(bound)
    value = writer.leaf(bound, scope, size // 2) if isinstance(bound, Lazy) else writer.write(bound, scope, size // 2)
    return writer.bind(value, writer.write(kind, (*scope, bound), size // 2))


def _branch(writer: Writer, kind: Type, scope: Scope, size: int) -> Term | None:
    """force (ifThenElse condition (delay …) (delay …)), as every lazy branch is compiled."""
    condition = writer.write(_BOOL, scope, size // 3)
    ways = [Delay(writer.write(kind, scope, size // 3)) for _ in range(2)]
    return writer.spending(3, Force(writer.builtin("ifThenElse", (condition, *ways), scope)))


def _call(writer: Writer, kind: Type, scope: Scope, size: int) -> Term | None:
    """A call of a function in scope, unless none returns the type or all would take too long."""
    longest = (writer.style.steps - writer.spent) // (4 * writer.times)
    levels = [
        (level, bound)
        for level, bound in enumerate(scope)
        if isinstance(bound, Function) and bound.result == kind and bound.steps < longest
    ]
    if not levels:
        return None
    last = [each for each in levels if each[0] == writer.called]
    level, function = writer.rng.choice(last if last and writer.rng.random() < writer.style.again else levels)
    writer.called = level
    called: Term = Var(len(scope) - level)
    share = size // len(function.parameters)
    arguments = [writer.write(parameter, scope, share) for parameter in function.parameters]
    own = 1 + function.delayed + len(arguments)
    for _ in range(function.delayed):
        called = Force(called)
    return writer.spending(own + function.steps, applied(called, arguments))


def _take_record(writer: Writer, kind: Type, scope: Scope, size: int) -> Term | None:
    records = [bound for bound in scope if isinstance(bound, Record)]
    record = writer.rng.choice(records) if records else Record((_INT, _BOOL))
    value = writer.taken(record, scope, size // 2)
    body = writer.write(kind, (*scope, *record.parts), size // 2)
    return writer.match("record", value, [(len(record.parts), body)])


def _take_sum(writer: Writer, kind: Type, scope: Scope, size: int) -> Term | None:
    share = size // len(SUM_PARTS)
    value = writer.taken(_SUM, scope, share)
    branches = [(count, writer.write(kind, (*scope, *(_INT,) * count), share)) for count in SUM_PARTS]
    return writer.match("sum", value, branches)


def _take_data(writer: Writer, kind: Type, scope: Scope, size: int) -> Term | None:
    """The pair of constructor and fields is bound, the constructor compared, the fields bound."""
    taken = writer.builtin("unConstrData", (writer.write(_DATA, scope, size // 3),), scope)
    inside = (*scope, Fields(0))  # the pair, which nothing else takes for a list, as it has no element
    tag = writer.builtin("fstPair", (Var(1),), inside)
    right = writer.builtin("equalsInteger", (tag, writer.literal(writer.rng.randrange(3), inside)), inside)
    fields = writer.builtin("sndPair", (Var(1),), inside)
    body = writer.bind(fields, writer.write(kind, (*inside, Fields(FIELDS)), size // 3))
    other = writer.write(kind, inside, size // 3)
    chosen = Force(writer.builtin("ifThenElse", (right, Delay(body), Delay(other)), inside))
    return writer.spending(8, writer.bind(taken, chosen))


# ---- integers


def _arithmetic(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    name = writer.rng.choice(("addInteger", "subtractInteger"))
    return writer.builtin(name, [writer.write(_INT, scope, size // 2) for _ in range(2)], scope)


def _field(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    fields = writer.write(Fields(1), scope, size)
    return writer.builtin("unIData", (writer.builtin("headList", (fields,), scope),), scope)


def _recursive(writer: Writer, step: Term, argument: Term) -> Term:
    """`step`, a function of itself and its argument, applied to an argument.

    The combinator is the strict one: [(lam f [(lam s [s s]) (lam s [f (lam x [s s x])])]) step].
    """
    again = Lam(applied(Var(2), [Var(2), Var(1)]))
    fixed = Lam(Apply(Lam(Apply(Var(1), Var(1))), Lam(Apply(Var(2), again))))
    return writer.spending(12, applied(fixed, [step, argument]))


def _rounds(writer: Writer) -> int:
    return writer.rng.randint(_FEWEST_ROUNDS, max(_FEWEST_ROUNDS, writer.style.rounds))


def _count_down(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    """A loop over an integer that counts down to 0."""
    rounds = _rounds(writer)
    if writer.times * rounds > _DEEPEST:
        return None
    writer.times *= rounds
    step = _counting(writer, scope, size)
    writer.times //= rounds
    return _recursive(writer, step, integer(rounds))


def _counting(writer: Writer, scope: Scope, size: int) -> Term:
    """The function of itself and an integer that is a round of such a loop."""
    inside = (*scope, _ITSELF, _INT)
    last = writer.builtin("equalsInteger", (Var(1), writer.literal(0, inside)), inside)
    less = writer.builtin("subtractInteger", (Var(1), writer.literal(1, inside)), inside)
    again = writer.spending(12, Apply(Var(2), less))
    more = writer.builtin("addInteger", (writer.write(_INT, inside, size), again), inside)
    none = writer.literal(0, inside)
    return lambdas(2, Force(writer.builtin("ifThenElse", (last, Delay(none), Delay(more)), inside)))


def _fold_fields(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    """A loop over a builtin list, as it comes out of Data."""
    if writer.times * FIELDS > _DEEPEST:
        return None
    inside = (*scope, _ITSELF, Fields(0))
    fields = writer.write(Fields(FIELDS), scope, size // 2)
    writer.times *= FIELDS
    head = writer.builtin("unIData", (writer.builtin("headList", (Var(1),), inside),), inside)
    again = writer.spending(12, Apply(Var(3), writer.builtin("tailList", (Var(2),), (*inside, _INT))))
    rest = writer.builtin("addInteger", (writer.write(_INT, (*inside, _INT), size // 2), again), (*inside, _INT))
    more = writer.bind(head, rest)
    none = writer.literal(0, inside)
    body = Force(writer.builtin("chooseList", (Var(1), Delay(none), Delay(more)), inside))
    writer.times //= FIELDS
    return _recursive(writer, lambdas(2, body), fields)


def _fold_chain(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    """A loop over a list that the program made."""
    if writer.times * 4 > _DEEPEST:
        return None
    inside = (*scope, _ITSELF, _CHAIN)
    chain = writer.write(_CHAIN, scope, size // 2)
    writer.times *= 4
    parts = (*inside, _INT, _CHAIN)
    again = writer.spending(12, Apply(Var(4), Var(1)))
    more = writer.builtin("addInteger", (writer.write(_INT, parts, size // 2), again), parts)
    body = writer.match("chain", Var(1), [(0, writer.literal(0, inside)), (2, more)])
    writer.times //= 4
    return _recursive(writer, lambdas(2, body), chain)


# ---- other types


def _compare(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    name = writer.rng.choice(("equalsInteger", "equalsInteger", "lessThanInteger", "lessThanEqualsInteger"))
    return writer.builtin(name, [writer.write(_INT, scope, size // 2) for _ in range(2)], scope)


def _empty(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    return writer.builtin("nullList", (writer.write(Fields(1), scope, size),), scope)


def _fields_of(writer: Writer, kind: Type, scope: Scope, size: int) -> Term | None:
    """The fields of a constructor of Data, or the rest of such a list."""
    if isinstance(kind, Fields) and kind.length < FIELDS and writer.rng.random() < 0.6:
        longer = writer.write(Fields(kind.length + 1), scope, size)
        return writer.builtin("tailList", (longer,), scope)
    pair = writer.builtin("unConstrData", (writer.write(_DATA, scope, size),), scope)
    return writer.builtin("sndPair", (pair,), scope)


def _longer(writer: Writer, _: Type, scope: Scope, size: int) -> Term | None:
    """A list of one element more."""
    parts = (writer.write(_INT, scope, size // 3), writer.write(_CHAIN, scope, size))
    return writer.alternative(Constructor("chain", 1, 2, 2), parts, scope)


_CONSTRUCTORS: Final = (
    *(Constructor("record", 0, 1, parts) for parts in range(1, 5)),
    *(Constructor("sum", tag, len(SUM_PARTS), parts) for tag, parts in enumerate(SUM_PARTS)),
    Constructor("chain", 0, 2, 0),
    Constructor("chain", 1, 2, 2),
)

_FORMS: Final[dict[str, tuple[Form, tuple[Type, ...]]]] = {
    "let": (_let, ()),
    "branch": (_branch, ()),
    "call": (_call, ()),
    "take record": (_take_record, ()),
    "take sum": (_take_sum, ()),
    "take data": (_take_data, ()),
    "arithmetic": (_arithmetic, (_INT,)),
    "field": (_field, (_INT,)),
    "count down": (_count_down, (_INT,)),
    "fold fields": (_fold_fields, (_INT,)),
    "fold chain": (_fold_chain, (_INT,)),
    "compare": (_compare, (_BOOL,)),
    "empty": (_empty, (_BOOL,)),
    "fields": (_fields_of, tuple(Fields(length) for length in range(1, FIELDS + 1))),
    "longer": (_longer, (_CHAIN,)),
}
"""Every form, with the types that it can be of; none means any."""


class Habits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often what contracts do is done in programs: what styles are drawn from.

    `commonness` is how much more often than the others each form is met, by its name; a program favours a few of them,
    and neglects others by the power `contrast`. The `constants`, `lazy` and `opened` of a style are at most these, and
    lie between by the powers that follow them; `delayed` is such a power. `constructors` is the share of programs in
    which some sums and products are built by `constr`, `hoisting` that of those that hoist some of the builtins, each
    with the chance `hoisted`. The others are as in a style, those of `rounds` and `library` at most.
    """

    commonness: dict[str, float]
    contrast: float
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
    hoisting: float
    hoisted: float
    rounds: int
    library: int


@cache
def habits() -> Habits:
    """Those that were tuned to the counts of contracts (`make tune`)."""
    return msgspec.json.decode(files("costmodel.experiments").joinpath("habits.json").read_bytes(), type=Habits)


def style(rng: random.Random, steps: int, of: Habits | None = None) -> Style:
    """A style at random, for a program of about so many steps."""
    of = of or habits()
    favoured = rng.sample(list(_FORMS), 3)
    share = rng.choice((0.5, 1.0)) if rng.random() < of.constructors else 0.0  # of the sums and products
    hoisting = rng.random() < of.hoisting
    return Style(
        weights={
            name: (rng.random() ** of.contrast * (6 if name in favoured else 1) + 0.02) * of.commonness[name]
            for name in _FORMS
        },
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
        steps=steps,
    )


def program(style: Style, rng: random.Random) -> Term:
    """A closed program of a style that runs to an integer."""
    writer = Writer(style, _FORMS, rng)
    scope, bound = _library(writer, style.library)
    writer.spent = 0
    while writer.spent < style.steps:
        result = rng.choice(_RESULTS)
        called = _call(writer, result, scope, 12)
        bound.append(writer.write(result, scope, 12) if called is None else called)
        scope = (*scope, result)
    return _bound(writer, bound)


def loop(style: Style, rng: random.Random) -> Term:
    """A closed program of a style that runs to an integer, nearly all of it the rounds of one loop."""
    writer = Writer(style, _FORMS, rng)
    scope, bound = _library(writer, rng.randint(0, 4))
    writer.spent = 0
    step = _counting(writer, scope, round(4 * 500 ** rng.random()))
    rounds = max(style.steps // writer.spent, 1)
    return sequence([*bound, _recursive(writer, step, integer(rounds))], integer(0))


def mixture(count: int, rng: random.Random) -> Term:
    """A program of so many small terms of random types, one after another."""
    writer = Writer(style(rng, 0), _FORMS, rng)
    scope, bound = _prelude(writer)
    for _ in range(count):
        result = rng.choice(_RESULTS)
        bound.append(writer.write(result, scope, 3))
        scope = (*scope, result)
    return sequence(bound, integer(0))


def _prelude(writer: Writer) -> tuple[Scope, list[Term]]:
    """What every program binds first: the types of the variables, and their terms."""
    kinds: list[Type] = [Hoisted(name) for name in writer.style.hoisted]
    kinds += [Literal(value) for value in _LITERALS]
    kinds += [made for made in _CONSTRUCTORS if made.what not in writer.style.constructors]
    kinds += [_DATA, _DATA, Fields(FIELDS), _INT, _CHAIN, _SUM, _SUM]
    return tuple(kinds), [writer.leaf(kind, tuple(kinds[:number])) for number, kind in enumerate(kinds)]


def _bound(writer: Writer, terms: Sequence[Term]) -> Term:
    """Terms bound one after another."""
    body: Term = integer(0)
    for term in reversed(terms):
        body = writer.bind(term, body)
    return body


def _library(writer: Writer, functions: int) -> tuple[Scope, list[Term]]:
    """The prelude, and so many functions after it."""
    scope, bound = _prelude(writer)
    for _ in range(functions):
        function, term = _top_function(writer, scope)
        scope, bound = (*scope, function), [*bound, term]
    return scope, bound


def _top_function(writer: Writer, scope: Scope) -> tuple[Function, Term]:
    """A function for others to call."""
    rng = writer.rng
    parameters = tuple(_some_type(writer) for _ in range(rng.randint(1, 4)))
    result = rng.choice(_RESULTS)
    delayed = writer.delays()
    writer.spent = 0
    term = writer.function(Function(parameters, result, delayed, 0), scope, rng.randint(5, 60))
    return Function(parameters, result, delayed, writer.spent), term
