"""What compilers of contracts emit: the forms of which generated programs are made.

Lets, delayed branches on a builtin's answer, calls, records and options that are built and taken apart (as functions,
after Scott, or by `constr` and `case`), fields of Data, folds over lists by a fixed-point combinator, and arithmetic on
small integers. Builtins have arguments of one word, or costs that do not depend on sizes.
"""

from __future__ import annotations

from typing import Final

from costmodel.experiments.scope import FIELDS, Constructor, Fields, Function, Lazy, Product, Simple, Type, Variables
from costmodel.experiments.terms import integer
from costmodel.experiments.writer import SUM_PARTS, Form, Writer, applied, lambdas
from costmodel.plutus import Apply, Case, Delay, Force, Lam, Term, Var

_SIMPLE: Final = (Simple.INT, Simple.BOOL, Simple.DATA, Simple.CHAIN, Simple.SUM)
_INT, _BOOL, _DATA, _CHAIN, _SUM = _SIMPLE
_FUNCTIONS: Final = tuple(
    tuple(Function((_INT,) * count, _INT, delayed, 10) for delayed in range(3)) for count in (1, 2)
)
_FEWEST_ROUNDS: Final = 2  # of a loop
_ITSELF: Final = Function((), _INT, 0, 2**62)  # what recurs; as nothing takes its type, nothing else calls it
_DEEPEST: Final = 40  # times that what is written may run: loops are not nested beyond


def some_type(writer: Writer) -> Type:
    """What a let binds, or a parameter is. All is drawn first, and only what was chosen is made."""
    below = writer.below
    functions = [_FUNCTIONS[below(2)][writer.delays()] for _ in range(3)]
    parts: tuple[Type, ...] = (_INT, _BOOL, _DATA, *functions)
    record = [parts[below(len(parts))] for _ in range(1 + below(4))]
    fields = 1 + below(3)
    chosen = below(len(_SIMPLE) + 2 + len(functions))
    if chosen < len(_SIMPLE):
        return _SIMPLE[chosen]
    if chosen == len(_SIMPLE):
        return Fields(fields)
    return Product(tuple(record)) if chosen == len(_SIMPLE) + 1 else functions[chosen - len(_SIMPLE) - 2]


def bound_type(writer: Writer) -> Type:
    """The same, or bound delayed."""
    kind = some_type(writer)
    return Lazy(kind) if writer.rng.random() < writer.style.lazy else kind


def _strict_or_delayed(writer: Writer, kind: Type, scope: Variables, size: int) -> Term:
    return writer.leaf(kind, scope, size) if isinstance(kind, Lazy) else writer.write(kind, scope, size)


# ---- forms of any type


def _let(writer: Writer, kind: Type, scope: Variables, size: int) -> Term | None:
    bound = bound_type(writer)
    value = _strict_or_delayed(writer, bound, scope, size // 2)
    return writer.bind(value, writer.write(kind, scope.bind(bound), size // 2))


def _branch(writer: Writer, kind: Type, scope: Variables, size: int) -> Term | None:
    """One of two terms by a condition, of which only the one is evaluated."""
    condition = writer.write(_BOOL, scope, size // 3)
    yes, no = (writer.write(kind, scope, size // 3) for _ in range(2))
    return writer.chosen(condition, yes, no, scope)


def call(writer: Writer, kind: Type, scope: Variables, size: int) -> Term | None:
    """A call of a function in scope, unless none returns the type or all would take too long."""
    longest = (writer.style.steps - writer.spent) // (4 * writer.times)
    levels = [each for each in scope.functions if each[1].result == kind and each[1].steps < longest]
    if not levels:
        return None
    last = [each for each in levels if each[0] == writer.called]
    level, function = writer.one_of(last if last and writer.rng.random() < writer.style.again else levels)
    writer.called = level
    called: Term = Var(len(scope) - level)
    share = size // len(function.parameters)
    arguments = [_strict_or_delayed(writer, parameter, scope, share) for parameter in function.parameters]
    own = 1 + function.delayed + len(arguments)
    for _ in range(function.delayed):
        called = Force(called)
    return writer.spending(own + function.steps, applied(called, arguments))


def _take_record(writer: Writer, kind: Type, scope: Variables, size: int) -> Term | None:
    record = writer.one_of(scope.records) if scope.records else Product((_INT, _BOOL))
    value = writer.taken(record, scope, size // 2)
    body = writer.write(kind, scope.bind(*record.parts), size // 2)
    return writer.match("record", value, [(len(record.parts), body)])


def _take_sum(writer: Writer, kind: Type, scope: Variables, size: int) -> Term | None:
    share = size // len(SUM_PARTS)
    value = writer.taken(_SUM, scope, share)
    branches = [(count, writer.write(kind, scope.bind(*(_INT,) * count), share)) for count in SUM_PARTS]
    return writer.match("sum", value, branches)


def _take_data(writer: Writer, kind: Type, scope: Variables, size: int) -> Term | None:
    """The pair of constructor and fields is bound, or both by `case`; the constructor is compared, the fields bound."""
    taken = writer.builtin("unConstrData", (writer.write(_DATA, scope, size // 3),), scope)
    if "pair" in writer.style.cases:
        parts = scope.bind(_INT, Fields(FIELDS))
        right = writer.builtin("equalsInteger", (Var(2), writer.literal(writer.below(3), parts)), parts)
        yes, no = (writer.write(kind, parts, size // 3) for _ in range(2))
        return writer.spending(3, Case(taken, (lambdas(2, writer.chosen(right, yes, no, parts)),)))
    inside = scope.bind(Fields(0))  # the pair, which nothing else takes for a list, as it has no element
    tag = writer.builtin("fstPair", (Var(1),), inside)
    right = writer.builtin("equalsInteger", (tag, writer.literal(writer.below(3), inside)), inside)
    fields = writer.builtin("sndPair", (Var(1),), inside)
    body = writer.bind(fields, writer.write(kind, inside.bind(Fields(FIELDS)), size // 3))
    other = writer.write(kind, inside, size // 3)
    return writer.spending(6, writer.bind(taken, writer.chosen(right, body, other, inside)))


# ---- integers


def _arithmetic(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    name = writer.one_of(("addInteger", "subtractInteger"))
    return writer.builtin(name, [writer.write(_INT, scope, size // 2) for _ in range(2)], scope)


def _field(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    fields = writer.write(Fields(1), scope, size)
    return writer.builtin("unIData", (writer.builtin("headList", (fields,), scope),), scope)


def recursive(writer: Writer, step: Term, argument: Term) -> Term:
    """`step`, a function of itself and its argument, applied to an argument.

    The combinator is the strict one: [(lam f [(lam s [s s]) (lam s [f (lam x [s s x])])]) step].
    """
    again = Lam(applied(Var(2), [Var(2), Var(1)]))
    fixed = Lam(Apply(Lam(Apply(Var(1), Var(1))), Lam(Apply(Var(2), again))))
    return writer.spending(12, applied(fixed, [step, argument]))


def _rounds(writer: Writer) -> int:
    return writer.rng.randint(_FEWEST_ROUNDS, max(_FEWEST_ROUNDS, writer.style.rounds))


def _count_down(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    """A loop over an integer that counts down to 0."""
    rounds = _rounds(writer)
    if writer.times * rounds > _DEEPEST:
        return None
    writer.times *= rounds
    step = counting(writer, scope, size)
    writer.times //= rounds
    return recursive(writer, step, integer(rounds))


def counting(writer: Writer, scope: Variables, size: int) -> Term:
    """The function of itself and an integer that is a round of such a loop."""
    inside = scope.bind(_ITSELF, _INT)
    last = writer.builtin("equalsInteger", (Var(1), writer.literal(0, inside)), inside)
    less = writer.builtin("subtractInteger", (Var(1), writer.literal(1, inside)), inside)
    again = writer.spending(12, Apply(Var(2), less))
    more = writer.builtin("addInteger", (writer.write(_INT, inside, size), again), inside)
    none = writer.literal(0, inside)
    return lambdas(2, writer.chosen(last, none, more, inside))


def _fold_fields(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    """A loop over a builtin list, as it comes out of Data."""
    if writer.times * FIELDS > _DEEPEST:
        return None
    inside = scope.bind(_ITSELF, Fields(0))
    fields = writer.write(Fields(FIELDS), scope, size // 2)
    writer.times *= FIELDS
    if "list" in writer.style.cases:
        taken = inside.bind(_ITSELF, Fields(0))  # the head is no constructor, which nothing else may take it for
        parts = taken.bind(_INT)
        head = writer.builtin("unIData", (Var(2),), taken)
        again = writer.spending(12, Apply(Var(5), Var(2)))
        rest = writer.builtin("addInteger", (writer.write(_INT, parts, size // 2), again), parts)
        cell = lambdas(2, writer.bind(head, rest))
        writer.times //= FIELDS
        none = writer.literal(0, inside)
        return recursive(writer, lambdas(2, writer.spending(3, Case(Var(1), (cell, none)))), fields)
    head = writer.builtin("unIData", (writer.builtin("headList", (Var(1),), inside),), inside)
    again = writer.spending(12, Apply(Var(3), writer.builtin("tailList", (Var(2),), inside.bind(_INT))))
    rest = writer.builtin("addInteger", (writer.write(_INT, inside.bind(_INT), size // 2), again), inside.bind(_INT))
    more = writer.bind(head, rest)
    none = writer.literal(0, inside)
    body = Force(writer.builtin("chooseList", (Var(1), Delay(none), Delay(more)), inside))
    writer.times //= FIELDS
    return recursive(writer, lambdas(2, body), fields)


def _fold_chain(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    """A loop over a list that the program made."""
    if writer.times * 4 > _DEEPEST:
        return None
    inside = scope.bind(_ITSELF, _CHAIN)
    chain = writer.write(_CHAIN, scope, size // 2)
    writer.times *= 4
    parts = inside.bind(_INT, _CHAIN)
    again = writer.spending(12, Apply(Var(4), Var(1)))
    more = writer.builtin("addInteger", (writer.write(_INT, parts, size // 2), again), parts)
    body = writer.match("chain", Var(1), [(0, writer.literal(0, inside)), (2, more)])
    writer.times //= 4
    return recursive(writer, lambdas(2, body), chain)


# ---- other types


def _compare(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    name = writer.one_of(("equalsInteger", "equalsInteger", "lessThanInteger", "lessThanEqualsInteger"))
    return writer.builtin(name, [writer.write(_INT, scope, size // 2) for _ in range(2)], scope)


def _empty(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    return writer.builtin("nullList", (writer.write(Fields(1), scope, size),), scope)


def _fields_of(writer: Writer, kind: Type, scope: Variables, size: int) -> Term | None:
    """The fields of a constructor of Data, or the rest of such a list."""
    if isinstance(kind, Fields) and kind.length < FIELDS and writer.rng.random() < 0.6:
        longer = writer.write(Fields(kind.length + 1), scope, size)
        return writer.builtin("tailList", (longer,), scope)
    pair = writer.builtin("unConstrData", (writer.write(_DATA, scope, size),), scope)
    return writer.builtin("sndPair", (pair,), scope)


def _longer(writer: Writer, _: Type, scope: Variables, size: int) -> Term | None:
    """A list of one element more."""
    parts = (writer.write(_INT, scope, size // 3), writer.write(_CHAIN, scope, size))
    return writer.alternative(Constructor("chain", 1, 2, 2), parts, scope)


FORMS: Final[dict[str, tuple[Form, tuple[Simple | Fields, ...]]]] = {
    "let": (_let, ()),
    "branch": (_branch, ()),
    "call": (call, ()),
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
