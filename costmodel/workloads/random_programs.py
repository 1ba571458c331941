"""Random programs: well-typed terms, each dominated by one operation, that no model was fitted to.

A program evaluates a row of terms and drops their values. A term is made from its type downwards: of the ways to make a
value of that type one is drawn, and then its operands, until the fuel is used up and a variable or a constant ends it.
The program's own operation stands at the head of every term of its row, and is drawn before any other below. Nothing
recurses and every operand is one that its builtin takes, so each program ends, successfully, and within its fuel.
"""

from __future__ import annotations

import random
from collections.abc import Callable
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

Type = Literal["integer", "bool", "bytes", "data", "list"]

_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3
_PROTOCOL_VERSION: Final = 11  # the first with everything that is drawn from here
_ROW: Final = 25  # terms of a program
_FUEL: Final = 12  # operations of a term at most
_OWN_SHARE: Final = 0.6  # of the operations below the head, where the type admits the program's own


@dataclass(frozen=True, slots=True)
class Operation:
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


def _plain(name: str, result: Type, *takes: Type) -> Operation:
    return Operation(name, result, takes, lambda *operands: _applied(name, *operands))


def _undone(name: str, result: Type, by: str, *takes: Type) -> Operation:
    """A builtin that takes apart what another one has just made."""
    return Operation(name, result, takes, lambda *operands: _applied(name, _applied(by, *operands)))


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
    Operation("constrData", "data", ("list",), lambda fields: _applied("constrData", _TAG, fields)),
    _plain("equalsData", "bool", "data", "data"),
    _plain("mkCons", "list", "data", "list"),
    _plain("nullList", "bool", "list"),
    _undone("unIData", "integer", "iData", "integer"),
    _undone("unBData", "bytes", "bData", "bytes"),
    _undone("unListData", "list", "listData", "list"),
    _undone("headList", "data", "mkCons", "data", "list"),
    _undone("tailList", "list", "mkCons", "data", "list"),
    Operation(
        "ifThenElse",
        None,
        ("bool", None, None),
        lambda test, then, other: Force(_applied("ifThenElse", test, Delay(then), Delay(other))),
    ),
    Operation("let", None, ("integer", None), lambda value, body: Apply(Lam(body), value), binds=1),
    Operation("call", None, ("data", "data", None), lambda x, y, body: Apply(Apply(Lam(Lam(body)), x), y), binds=2),
    Operation("case", None, ("bytes", None), lambda field, body: Case(Constr(0, (field,)), (Lam(body),)), binds=1),
)


def random_programs(seed: int) -> Workload:
    """A program for each operation, by its name. The same seed gives the same programs."""
    return Workload(
        "random",
        tuple(
            WorkloadProgram(
                name=operation.name,
                flat=encode_flat(Program(UPLC_1_1_0, _row(operation, random.Random(f"{seed} {operation.name}")))),  # noqa: S311
                language=_LANGUAGE,
                protocol_version=_PROTOCOL_VERSION,
                arguments=(),
                source=f"workload random: {operation.name}",
            )
            for operation in _OPERATIONS
        ),
    )


def _row(own: Operation, rng: random.Random) -> Term:
    makers = _Maker(own, rng)
    term: Term = Const(Constant(UNIT, None))
    for _ in range(_ROW):
        head = makers.headed(own, own.result or makers.any_type(), _FUEL, ())
        term = Apply(Lam(term), head)
    return term


class _Maker:
    """Makes terms for one program. `scope` has the types of the variables bound around a term, innermost last."""

    def __init__(self, own: Operation, rng: random.Random) -> None:
        self._own, self._rng = own, rng

    def any_type(self) -> Type:
        return self._rng.choice(("integer", "bool", "bytes", "data", "list"))

    def headed(self, operation: Operation, kind: Type, fuel: int, scope: tuple[Type, ...]) -> Term:
        """A term of a type with an operation at its head; `fuel`, itself included, is shared among its operands."""
        takes = [take or kind for take in operation.takes]
        inner = (*scope, *(takes[: operation.binds]))
        share = (fuel - 1) // len(takes)
        scopes = [scope] * (len(takes) - 1) + [inner]
        return operation.build(*(self._term(take, share, each) for take, each in zip(takes, scopes, strict=True)))

    def _term(self, kind: Type, fuel: int, scope: tuple[Type, ...]) -> Term:
        if fuel <= 0:
            return self._leaf(kind, scope)
        if self._own.result in (None, kind) and self._rng.random() < _OWN_SHARE:
            return self.headed(self._own, kind, fuel, scope)
        return self.headed(
            self._rng.choice([one for one in _OPERATIONS if one.result in (None, kind)]), kind, fuel, scope
        )

    def _leaf(self, kind: Type, scope: tuple[Type, ...]) -> Term:
        places = [len(scope) - place for place, bound in enumerate(scope) if bound == kind]
        return Var(self._rng.choice(places)) if places and self._rng.random() < 0.7 else Const(self._constant(kind))

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
