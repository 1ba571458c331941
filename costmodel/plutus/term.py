"""Programs and terms of UPLC, with variables as de Bruijn indices.

A term can be a million levels deep: nothing here recurses over one, and nothing that Python does by itself
(repr, hash, generated equality) is left to do so. Binder names are not kept, so equality is up to renaming.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from costmodel.plutus.builtins import Builtin
from costmodel.plutus.data import DataConstr, DataList, DataMap, data_parts
from costmodel.plutus.universe import DATA, Constant


class Term:
    """Base of the ten term forms. Equality is structural; terms are not hashable."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Term):
            return NotImplemented
        return terms_equal(self, other)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@dataclass(slots=True, eq=False, repr=False)
class Var(Term):
    """A variable. Index 1 is the innermost binder."""

    index: int


@dataclass(slots=True, eq=False, repr=False)
class Lam(Term):
    body: Term


@dataclass(slots=True, eq=False, repr=False)
class Apply(Term):
    function: Term
    argument: Term


@dataclass(slots=True, eq=False, repr=False)
class Delay(Term):
    body: Term


@dataclass(slots=True, eq=False, repr=False)
class Force(Term):
    body: Term


@dataclass(slots=True, eq=False, repr=False)
class Const(Term):
    constant: Constant


@dataclass(slots=True, eq=False, repr=False)
class BuiltinTerm(Term):
    builtin: Builtin


@dataclass(slots=True, eq=False, repr=False)
class Error(Term):
    pass


@dataclass(slots=True, eq=False, repr=False)
class Constr(Term):
    """A constructor application. The tag is an unsigned 64-bit number."""

    tag: int
    fields: tuple[Term, ...]


@dataclass(slots=True, eq=False, repr=False)
class Case(Term):
    scrutinee: Term
    branches: tuple[Term, ...]


class Version(NamedTuple):
    """Version of the UPLC language that a program is written in."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


# The first version with Constr and Case terms.
SUMS_OF_PRODUCTS: Final = Version(1, 1, 0)
MAX_CONSTR_TAG: Final = 2**64 - 1


@dataclass(slots=True, repr=False)
class Program:
    version: Version
    term: Term

    def __repr__(self) -> str:
        return f"<Program {self.version}>"


def children(term: Term) -> tuple[Term, ...]:
    """The direct subterms, left to right."""
    match term:
        case Apply():
            return (term.function, term.argument)
        case Lam() | Delay() | Force():
            return (term.body,)
        case Constr():
            return term.fields
        case Case():
            return (term.scrutinee, *term.branches)
        case _:
            return ()


def _payload(term: Term) -> object:
    """What a term carries besides its subterms."""
    match term:
        case Var():
            return term.index
        case Const():
            return term.constant
        case BuiltinTerm():
            return term.builtin
        case Constr():
            return term.tag
        case _:
            return None


def terms_equal(left_term: Term, right_term: Term) -> bool:
    """Structural equality up to the names of binders."""
    stack = [(left_term, right_term)]
    while stack:
        left, right = stack.pop()
        if left is right:
            continue
        if type(left) is not type(right) or _payload(left) != _payload(right):
            return False
        left_children, right_children = children(left), children(right)
        if len(left_children) != len(right_children):
            return False
        stack.extend(zip(left_children, right_children, strict=True))
    return True


def decoding_features(root: Term, octets: int) -> dict[str, float]:
    """What the time of decoding a program of so many bytes of flat is predicted from, by name.

    `bytes`, `nodes` (terms), `nodes_log_nodes` (nodes·log2(nodes)), `branchings` (constr and case terms, which hold
    lists of others), `constants_TYPE` for each type that constants have, and `values`, how many the constants hold
    within them: elements of lists, arrays, pairs and values, and the Data below other Data. A constant that is a single
    value holds none. Of `values`, `data_values` are held by Data.
    """
    nodes = held = held_by_data = branchings = 0
    constants: Counter[str] = Counter()
    terms: list[Term] = [root]
    while terms:
        term = terms.pop()
        nodes += 1
        terms += children(term)
        if isinstance(term, Const):
            constants[f"constants_{term.constant.type.head}"] += 1
            values = _held(term.constant.value)
            held += values
            held_by_data += values * (term.constant.type == DATA)
        branchings += isinstance(term, Constr | Case)
    counts = {
        "bytes": octets,
        "nodes": nodes,
        "nodes_log_nodes": nodes * math.log2(nodes),
        "branchings": branchings,
        "values": held,
        "data_values": held_by_data,
    }
    return {name: float(count) for name, count in (counts | dict(sorted(constants.items()))).items()}


def _held(value: object) -> int:
    """How many values there are within a value."""
    count, values = 0, [value]
    while values:
        value = values.pop()
        within: Sequence[object] = ()
        if isinstance(value, tuple):
            within = value
        elif isinstance(value, DataConstr | DataList | DataMap):
            within = data_parts(value)
        count += len(within)
        values += within
    return count
