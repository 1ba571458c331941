"""Random programs: well-typed terms, each program dominated by one operation, that no model was fitted to.

A program binds operands and evaluates a row of terms on them, whose values it drops. The operands are random terms of
every operation, made from their types downwards: of the ways to make a value of a type one is drawn, and then its
operands, until the fuel is used up and a constant ends it. The row is of the program's own operation alone, applied to
operands, constants and itself. Nothing recurses and every operand is one that its builtin takes, so each program ends,
successfully, and within its fuel.

Each comes at several counts of its own operation, a longer row beginning with the shorter one: what two of them differ
by is the operation, with the steps that bring its operands, and nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from costmodel.plutus import (
    BOOL,
    BUILTIN_BY_NAME,
    BYTESTRING,
    DATA,
    INTEGER,
    UNIT,
    UPLC_1_1_0,
    Apply,
    BuiltinTerm,
    Case,
    Const,
    Constant,
    Constr,
    Data,
    Delay,
    Force,
    Lam,
    LedgerLanguage,
    Program,
    Term,
    Var,
    encode_flat,
    list_of,
)
from costmodel.workloads.workload import Workload, WorkloadProgram

Type = Literal["integer", "bool", "bytes", "data", "list", "data of integer", "data of bytes", "data of list", "filled"]
_CONSTANTS: Final[tuple[Type, ...]] = ("integer", "bool", "bytes", "data", "list")  # which have any

_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3
_PROTOCOL_VERSION: Final = 11  # the first with everything that is drawn from here
COUNTS: Final = (50, 200)
"""How often a program's own operation is applied in its row."""

_FUEL: Final = 4  # operations of an operand at most
_OPERANDS: Final = 3  # of each type that the own operation takes
_DEEPEST: Final = 4  # own operations in one another
_OWN_SHARE: Final = 0.4  # of the own operation's operands, where its result is one
_BOUND_SHARE: Final = 0.7  # of the others; the rest are constants, where there are any of the type


@dataclass(frozen=True, slots=True)
class Production:
    """A way to make a value of type `result`, any type if None, from operands of the types `takes` (None: of the
    result's type). `build` puts the operands together; it binds `binds` variables of the first operand's type over the
    last one."""

    name: str
    result: Type | None
    takes: tuple[Type | None, ...]
    build: Callable[..., Term]
    binds: int = 0


def _applied(name: str, *arguments: Term) -> Term:
    builtin = BUILTIN_BY_NAME[name]
    term: Term = BuiltinTerm(builtin)
    for _ in range(builtin.forces):
        term = Force(term)
    for argument in arguments:
        term = Apply(term, argument)
    return term


def _plain(name: str, result: Type, *takes: Type) -> Production:
    return Production(name, result, takes, lambda *operands: _applied(name, *operands))


_TAG: Final = Const(Constant(INTEGER, 1))  # of a constructor: not every integer is one

_OPERATIONS: Final = (
    *(_plain(name, "integer", "integer", "integer") for name in ("addInteger", "subtractInteger", "multiplyInteger")),
    *(_plain(name, "bool", "integer", "integer") for name in ("equalsInteger", "lessThanInteger")),
    *(_plain(name, "bool", "bytes", "bytes") for name in ("equalsByteString", "lessThanByteString")),
    _plain("appendByteString", "bytes", "bytes", "bytes"),
    _plain("lengthOfByteString", "integer", "bytes"),
    *(_plain(name, "bytes", "bytes") for name in ("sha2_256", "sha3_256", "blake2b_256", "keccak_256")),
    _plain("serialiseData", "bytes", "data"),
    _plain("iData", "data", "integer"),
    _plain("bData", "data", "bytes"),
    _plain("listData", "data", "list"),
    Production("constrData", "data", ("list",), lambda fields: _applied("constrData", _TAG, fields)),
    _plain("equalsData", "bool", "data", "data"),
    _plain("mkCons", "list", "data", "list"),
    _plain("nullList", "bool", "list"),
    _plain("unIData", "integer", "data of integer"),
    _plain("unBData", "bytes", "data of bytes"),
    _plain("unListData", "list", "data of list"),
    _plain("headList", "data", "filled"),
    _plain("tailList", "list", "filled"),
    Production(
        "ifThenElse",
        None,
        ("bool", None, None),
        lambda test, then, other: Force(_applied("ifThenElse", test, Delay(then), Delay(other))),
    ),
    Production("let", None, ("integer", None), lambda value, body: Apply(Lam(body), value), binds=1),
    Production("call", None, ("data", "data", None), lambda x, y, body: Apply(Apply(Lam(Lam(body)), x), y), binds=2),
    Production("case", None, ("bytes", None), lambda field, body: Case(Constr(0, (field,)), (Lam(body),)), binds=1),
)

# What is both of a type and more than that: only these make it, so that what takes it apart never fails.
_MAKERS: Final[dict[Type, Production]] = {
    "data of integer": _plain("iData", "data of integer", "integer"),
    "data of bytes": _plain("bData", "data of bytes", "bytes"),
    "data of list": _plain("listData", "data of list", "list"),
    "filled": _plain("mkCons", "filled", "data", "list"),
}


def random_programs(seed: int) -> Workload:
    """A program for each operation, by its name, at each of COUNTS. The same seed gives the same programs."""
    return Workload(
        "random",
        tuple(
            WorkloadProgram(
                name=operation.name,
                flat=encode_flat(Program(UPLC_1_1_0, term)),
                language=_LANGUAGE,
                protocol_version=_PROTOCOL_VERSION,
                arguments=(),
                source=f"workload random: {operation.name}",
                loop_count=count,
            )
            for operation in _OPERATIONS
            for count, term in _programs(operation, random.Random(f"{seed} {operation.name}"))  # noqa: S311
        ),
    )


def _programs(own: Production, rng: random.Random) -> Iterator[tuple[int, Term]]:
    maker = _Maker(own, rng)
    kinds = sorted({take or maker.row_type for take in own.takes})
    bound = tuple(kind for kind in kinds for _ in range(_OPERANDS))
    operands = [maker.operand(kind, _FUEL) for kind in bound]
    row: list[Term] = []
    made = 0
    for count in COUNTS:
        while made < count:
            term, used = maker.own(min(_DEEPEST, count - made), bound)
            row.append(term)
            made += used
        yield count, _program(operands, row)


def _program(operands: Sequence[Term], row: Sequence[Term]) -> Term:
    """The row under lambdas that bind the operands. Each term of the row is dropped by `[(lam x rest) term]`; terms
    reach their operands past those that were dropped before them."""
    term: Term = Const(Constant(UNIT, None))
    for place in reversed(range(len(row))):
        term = Apply(Lam(term), _deeper(row[place], place))
    for _ in operands:
        term = Lam(term)
    for operand in operands:
        term = Apply(term, operand)
    return term


def _deeper(term: Term, by: int, own: int = 0) -> Term:
    """The same term below `by` more binders; `own` are its own."""
    match term:
        case Var(index):
            return Var(index + by) if index > own else term
        case Apply(function, argument):
            return Apply(_deeper(function, by, own), _deeper(argument, by, own))
        case Lam(body):
            return Lam(_deeper(body, by, own + 1))
        case Delay(body):
            return Delay(_deeper(body, by, own))
        case Force(body):
            return Force(_deeper(body, by, own))
        case Constr(tag, fields):
            return Constr(tag, tuple(_deeper(field, by, own) for field in fields))
        case Case(scrutinee, branches):
            return Case(_deeper(scrutinee, by, own), tuple(_deeper(branch, by, own) for branch in branches))
    return term


class _Maker:
    """Makes terms for one program."""

    def __init__(self, own: Production, rng: random.Random) -> None:
        self._own, self._rng = own, rng
        self.row_type: Type = rng.choice(_CONSTANTS) if own.result is None else own.result

    def operand(self, kind: Type, fuel: int, scope: tuple[Type, ...] = ()) -> Term:
        """A term of a type, of any operations, `fuel` of them at most. `scope` has the types bound around it, innermost
        last."""
        if kind in _MAKERS:
            return self._headed(_MAKERS[kind], kind, fuel, scope)
        if fuel <= 0:
            places = _places(kind, scope)
            bound = places and self._rng.random() < _BOUND_SHARE
            return Var(self._rng.choice(places)) if bound else Const(self._constant(kind))
        return self._headed(
            self._rng.choice([one for one in _OPERATIONS if one.result in (None, kind)]), kind, fuel, scope
        )

    def _headed(self, operation: Production, kind: Type, fuel: int, scope: tuple[Type, ...]) -> Term:
        """An operation at the head; `fuel`, itself included, is shared among its operands."""
        takes: list[Type] = [take or kind for take in operation.takes]
        inner = (*scope, *takes[: operation.binds])
        share = (fuel - 1) // len(takes)
        scopes = [scope] * (len(takes) - 1) + [inner]
        return operation.build(*(self.operand(take, share, each) for take, each in zip(takes, scopes, strict=True)))

    def own(self, most: int, scope: tuple[Type, ...]) -> tuple[Term, int]:
        """A term of the own operation on what is bound, on constants and on itself, and how often it has it: once to
        `most` times."""
        takes = [take or self.row_type for take in self._own.takes]
        used, operands = 1, list[Term]()
        for place, take in enumerate(takes):
            last = place == len(takes) - 1
            around = (*scope, *takes[: self._own.binds]) if last else scope
            # Of an operation without a result of its own, only a body is sure to be evaluated.
            nests = take == self.row_type and (self._own.result is not None or (last and self._own.binds > 0))
            if nests and used < most and self._rng.random() < _OWN_SHARE:
                term, more = self.own(most - used, around)
                used += more
            else:
                term = self._bound_or_constant(take, around)
            operands.append(term)
        return self._own.build(*operands), used

    def _bound_or_constant(self, kind: Type, scope: tuple[Type, ...]) -> Term:
        places = _places(kind, scope)
        if places and (kind in _MAKERS or self._rng.random() < _BOUND_SHARE):
            return Var(self._rng.choice(places))
        return Const(self._constant(kind))

    def _constant(self, kind: Type) -> Constant:
        rng = self._rng
        match kind:
            case "integer":
                return Constant(INTEGER, rng.getrandbits(rng.choice((8, 62, 120))) - 2**7)
            case "bool":
                return Constant(BOOL, rng.random() < 0.5)
            case "bytes":
                return Constant(BYTESTRING, rng.randbytes(rng.choice((4, 28, 32, 64))))
            case "data":
                return Constant(DATA, self._data())
        return Constant(list_of(DATA), tuple(self._data() for _ in range(rng.randrange(4))))

    def _data(self) -> Data:
        return self._rng.getrandbits(30) if self._rng.random() < 0.5 else self._rng.randbytes(28)


def _places(kind: Type, scope: tuple[Type, ...]) -> list[int]:
    """The de Bruijn indices of what is bound of a type."""
    return [len(scope) - place for place, bound in enumerate(scope) if bound == kind]
