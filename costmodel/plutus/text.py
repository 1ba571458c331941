"""Parser of textual UPLC, in the official concrete syntax.

Source: plutus-core-specification, section 2, and the parser of plutus v1.68, whose liberties are kept: white space
and comments between any two tokens, none needed between a keyword and what follows.
"""

import re
from typing import Final

from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.plutus.lexer import Lexer
from costmodel.plutus.term import (
    MAX_CONSTR_TAG,
    SUMS_OF_PRODUCTS,
    Apply,
    BuiltinTerm,
    Case,
    Const,
    Constr,
    Delay,
    Error,
    Force,
    Lam,
    Program,
    Term,
    Var,
    Version,
)
from costmodel.plutus.text_constants import parse_constant

_KEYWORD: Final = re.compile("builtin|lam|constr|con|delay|force|error|case")
_BUILTIN_NAME: Final = re.compile(r"[A-Za-z0-9_']*")
_ONE_BODY: Final[dict[str, type[Lam | Delay | Force]]] = {"lam": Lam, "delay": Delay, "force": Force}
_APPLICATION: Final = "application"


def parse_program(text: str) -> Program:
    """A program, with its names resolved. DecodeError with line and column."""
    lexer = Lexer(text)
    lexer.expect("(")
    lexer.expect("program")
    version = Version(*lexer.version())
    term = _Parser(lexer, version).term()
    lexer.expect(")")
    if not lexer.at_end():
        raise lexer.error("text follows the end of the program")
    return Program(version, term)


class _Scope:
    """Binders around the current position.

    The official parser tells names apart by number: a `-number` suffix gives it, and every new name without suffix
    takes the next unused count. So `x-0` can be the same variable as the first plain name.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._levels: dict[int, list[int]] = {}
        self._bound: list[int] = []

    def _number(self, name: tuple[str, int | None]) -> int:
        identifier, suffix = name
        return self._numbers.setdefault(identifier, len(self._numbers)) if suffix is None else suffix

    def bind(self, name: tuple[str, int | None]) -> None:
        number = self._number(name)
        self._bound.append(number)
        self._levels.setdefault(number, []).append(len(self._bound))

    def unbind(self) -> None:
        self._levels[self._bound.pop()].pop()

    def index(self, name: tuple[str, int | None]) -> int | None:
        """De Bruijn index, from 1; None for a free variable."""
        levels = self._levels.get(self._number(name))
        return len(self._bound) - levels[-1] + 1 if levels else None


class _TextFrame:
    """A term in brackets or parentheses whose subterms are being read."""

    __slots__ = ("constr_tag", "keyword", "start", "terms")

    def __init__(self, keyword: str, start: int, constr_tag: int = 0) -> None:
        self.keyword = keyword
        self.start = start
        self.constr_tag = constr_tag
        self.terms: list[Term] = []

    @property
    def full(self) -> bool:
        return self.keyword in _ONE_BODY and len(self.terms) == 1

    def build(self, lexer: Lexer) -> Term:
        terms = self.terms
        if self.keyword == "constr":
            return Constr(self.constr_tag, tuple(terms))
        least = 2 if self.keyword == _APPLICATION else 1
        if len(terms) < least:
            raise lexer.error(f"{self.keyword} takes {least} terms or more, not {len(terms)}", self.start)
        if self.keyword == "case":
            return Case(terms[0], tuple(terms[1:]))
        if self.keyword == _APPLICATION:
            term = terms[0]
            for argument in terms[1:]:
                term = Apply(term, argument)
            return term
        return _ONE_BODY[self.keyword](terms[0])


class _Parser:
    def __init__(self, lexer: Lexer, version: Version) -> None:
        self._lexer = lexer
        self._version = version
        self._scope = _Scope()
        self._frames: list[_TextFrame] = []

    def term(self) -> Term:
        lexer = self._lexer
        while True:
            finished = self._close() if self._at_closing() else self._begin()
            if finished is None:
                continue
            if not self._frames:
                return finished
            frame = self._frames[-1]
            if frame.full:
                raise lexer.error(f"{frame.keyword} takes one term", frame.start)
            frame.terms.append(finished)

    def _at_closing(self) -> bool:
        return bool(self._frames) and self._lexer.peek() in (")", "]")

    def _close(self) -> Term:
        frame = self._frames[-1]
        self._lexer.expect("]" if frame.keyword == _APPLICATION else ")")
        if frame.keyword == "lam":
            self._scope.unbind()
        return self._frames.pop().build(self._lexer)

    def _begin(self) -> Term | None:
        """A whole leaf; None after opening a term that has others in it."""
        lexer = self._lexer
        start = lexer.position
        if lexer.accept("["):
            self._frames.append(_TextFrame(_APPLICATION, start))
            return None
        if lexer.accept("("):
            return self._keyword(start)
        if lexer.at_end():
            raise lexer.error("the text ends too early: a term is expected here")
        name = lexer.name()
        index = self._scope.index(name)
        if index is None:
            raise lexer.error(f"variable {name[0]} is free", start)
        return Var(index)

    def _keyword(self, start: int) -> Term | None:
        lexer = self._lexer
        keyword = lexer.match(_KEYWORD)
        match keyword:
            case "builtin":
                return self._leaf(self._builtin())
            case "con":
                return self._leaf(Const(parse_constant(lexer)))
            case "error":
                return self._leaf(Error())
            case "lam":
                self._scope.bind(lexer.name())
                self._frames.append(_TextFrame(keyword, start))
            case "delay" | "force":
                self._frames.append(_TextFrame(keyword, start))
            case "constr" | "case":
                self._sum_of_products(keyword, start)
            case _:
                raise lexer.error("a keyword such as lam or con is expected here")
        return None

    def _leaf(self, term: Term) -> Term:
        self._lexer.expect(")")
        return term

    def _builtin(self) -> Term:
        start = self._lexer.position
        name = self._lexer.match(_BUILTIN_NAME) or ""
        if name not in BUILTIN_BY_NAME:
            raise self._lexer.error(f"builtin {name!r} is unknown", start)
        return BuiltinTerm(BUILTIN_BY_NAME[name])

    def _sum_of_products(self, keyword: str, start: int) -> None:
        lexer = self._lexer
        if self._version < SUMS_OF_PRODUCTS:
            raise lexer.error(f"{keyword} is not part of UPLC {self._version}", start)
        constr_tag = lexer.natural() if keyword == "constr" else 0
        if constr_tag > MAX_CONSTR_TAG:
            raise lexer.error("a constr tag does not fit in 64 bits", start)
        self._frames.append(_TextFrame(keyword, start, constr_tag))
