"""The types of generated terms, and the variables that a term can use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

FIELDS: Final = 6
"""Fields of every constant of Data: as far as its list can be followed."""


class Simple(Enum):
    """Types without parts: DATA is a constructor of integers, CHAIN a list of integers that the program makes itself,
    SUM a value of one of several constructors, `SUM_PARTS`, with integers in it."""

    INT = "int"
    BOOL = "bool"
    DATA = "data"
    CHAIN = "chain"
    SUM = "sum"

    __hash__ = object.__hash__  # that of Enum is a function of Python's, and scopes look up types all the time


@dataclass(frozen=True, slots=True)
class Fields:
    """A builtin list of at least `length` integers as Data."""

    length: int


@dataclass(frozen=True, slots=True)
class Product:
    """A product, taken apart as a whole."""

    parts: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one or more parameters, delayed once for each type that it is polymorphic in: it is forced as
    often before it is applied. `steps` is about what a call of it takes.
    """

    parameters: tuple[Type, ...]
    result: Type
    delayed: int
    steps: int


@dataclass(frozen=True, slots=True)
class Lazy:
    """A value that is bound delayed, as non-strict bindings are, and is forced wherever it is used."""

    kind: Type


@dataclass(frozen=True, slots=True)
class Constructor:
    """A function that makes a value after Scott: constructor `tag` of the `tags` of a type, with `parts` parts."""

    what: str
    tag: int
    tags: int
    parts: int


@dataclass(frozen=True, slots=True)
class Hoisted:
    """A builtin that was forced once, where the program begins."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A small integer that was bound where the program begins."""

    value: int


Type: TypeAlias = Simple | Fields | Product | Function | Lazy | Constructor | Hoisted | Literal


class Variables:
    """The bound variables, outermost first, by their levels from 0. It does not change: `bind` makes another.

    Most of a program's time goes into the search for a variable of a type. So each type has characters of its own, one
    for a variable of it and one for a variable that is bound delayed, and a scope is a text of these, which is searched
    at the speed of C.
    """

    __slots__ = ("_known", "_marks", "functions", "records")

    def __init__(self) -> None:
        self._marks = ""
        self._known = _Marks()
        self.functions: tuple[tuple[int, Function], ...] = ()
        """The functions that are bound strictly, with their levels."""
        self.records: tuple[Product, ...] = ()
        """The products that are bound strictly."""

    def __len__(self) -> int:
        return len(self._marks)

    def bind(self, *kinds: Type) -> Variables:
        """The scope below binders of these types."""
        inner = Variables.__new__(Variables)
        inner._known, inner.functions, inner.records = self._known, self.functions, self.records
        marks = self._marks
        for kind in kinds:
            if type(kind) is Function:
                inner.functions = (*inner.functions, (len(marks), kind))
            elif type(kind) is Product:
                inner.records = (*inner.records, kind)
            marks += self._known.of(kind)
        inner._marks = marks
        return inner

    def __contains__(self, kind: Type) -> bool:
        return self._known.of(kind) in self._marks

    def index(self, kind: Type) -> int:
        """The de Bruijn index of the outermost variable of just this type, which must be bound."""
        return len(self._marks) - self._marks.index(self._known.of(kind))

    def search(self, kind: Type, first: int, last: int) -> int:
        """The highest level from `first` to `last` of a variable that serves where a type is wanted; -1 if none."""
        found = -1
        for mark in self._known.serving(kind):
            found = max(found, self._marks.rfind(mark, max(first, found), last + 1))
        return found

    def lazy(self, level: int) -> bool:
        """Whether a variable is bound delayed."""
        return ord(self._marks[level]) % 2 == 1


class _Marks:
    """The characters of types in the scopes of one program: an even one, and the odd one after it for `Lazy`."""

    __slots__ = ("_marks", "_serving")

    def __init__(self) -> None:
        self._marks: dict[Type, str] = {}
        self._serving: dict[Type, tuple[str, ...]] = {}

    def of(self, kind: Type) -> str:
        mark = self._marks.get(kind)
        if mark is None:
            mark = self._marks[kind] = self._new(kind)
        return mark

    def _new(self, kind: Type) -> str:
        if isinstance(kind, Lazy):
            return chr(ord(self.of(kind.kind)) + 1)
        # How long a call takes does not matter to whether a function serves.
        if isinstance(kind, Function) and kind.steps:
            return self.of(replace(kind, steps=0))
        return chr(2 * len(self._marks))

    def serving(self, kind: Type) -> tuple[str, ...]:
        """Of the variables that serve where a type is wanted."""
        marks = self._serving.get(kind)
        if marks is None:
            marks = self._serving[kind] = self._serve(kind)
        return marks

    def _serve(self, kind: Type) -> tuple[str, ...]:
        if isinstance(kind, Lazy):
            return ()  # what is delayed is written where it is wanted
        longer = range(kind.length, FIELDS + 1) if isinstance(kind, Fields) else ()
        kinds: list[Type] = [Fields(length) for length in longer] or [kind]
        return tuple(mark for each in kinds for mark in (self.of(each), self.of(Lazy(each))))
