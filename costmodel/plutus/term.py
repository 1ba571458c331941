"""Programs and terms of UPLC, with variables as de Bruijn indices.

A term can be a million levels deep: nothing here recurses over one, and nothing that Python does by itself
(repr, hash, generated equality) is left to do so. Binder names are not kept, so equality is up to renaming.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from costmodel.plutus.builtins import Builtin
from costmodel.plutus.universe import Constant


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
