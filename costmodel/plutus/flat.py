"""Programs in flat, the serialised form of the chain, to the bit.

Source: plutus-core-specification, appendix C.
"""

from typing import Final

from costmodel.errors import DecodeError
from costmodel.plutus.builtins import BUILTINS
from costmodel.plutus.flat_bits import BitReader, BitWriter
from costmodel.plutus.flat_constants import read_constant, write_constant
from costmodel.plutus.term import (
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

_TERM_TAG_BITS: Final = 4
_BUILTIN_TAG_BITS: Final = 7
_VAR, _DELAY, _LAM, _APPLY, _CONST, _FORCE, _ERROR, _BUILTIN, _CONSTR, _CASE = range(10)


def encode_flat(program: Program, *, allow_group_elements: bool = False) -> bytes:
    """Flat bytes of a program.

    InputError for constants without a flat form: those of type bls12_381_mlresult and, unless `allow_group_elements`,
    of G1 and G2. With it they become bytestrings, which no ledger would accept.
    """
    writer = BitWriter()
    for number in program.version:
        writer.natural(number)
    # Terms still to be written; False ends a list of terms, True precedes an element of one.
    stack: list[Term | bool] = [program.term]
    while stack:
        term = stack.pop()
        if isinstance(term, bool):
            writer.bits(int(term), 1)
        else:
            _write_term(writer, stack, term, allow_group_elements)
    return writer.finish()


def _write_term(writer: BitWriter, stack: list[Term | bool], term: Term, allow_group_elements: bool) -> None:
    match term:
        case Var():
            writer.bits(_VAR, _TERM_TAG_BITS)
            writer.natural(term.index)
        case Lam():
            writer.bits(_LAM, _TERM_TAG_BITS)
            stack.append(term.body)
        case Apply():
            writer.bits(_APPLY, _TERM_TAG_BITS)
            stack += (term.argument, term.function)
        case Delay():
            writer.bits(_DELAY, _TERM_TAG_BITS)
            stack.append(term.body)
        case Force():
            writer.bits(_FORCE, _TERM_TAG_BITS)
            stack.append(term.body)
        case Const():
            writer.bits(_CONST, _TERM_TAG_BITS)
            write_constant(writer, term.constant, allow_group_elements)
        case BuiltinTerm():
            writer.bits(_BUILTIN, _TERM_TAG_BITS)
            writer.bits(term.builtin.tag, _BUILTIN_TAG_BITS)
        case Error():
            writer.bits(_ERROR, _TERM_TAG_BITS)
        case Constr():
            writer.bits(_CONSTR, _TERM_TAG_BITS)
            writer.natural(term.tag)
            _push_list(stack, term.fields)
        case Case():
            writer.bits(_CASE, _TERM_TAG_BITS)
            _push_list(stack, term.branches)
            stack.append(term.scrutinee)


def _push_list(stack: list[Term | bool], terms: tuple[Term, ...]) -> None:
    stack.append(False)
    for term in reversed(terms):
        stack += (term, True)


class _FlatFrame:
    """A term whose subterms are being read."""

    __slots__ = ("constr_tag", "tag", "terms")

    def __init__(self, tag: int, constr_tag: int = 0) -> None:
        self.tag = tag
        self.constr_tag = constr_tag
        self.terms: list[Term] = []

    def wants_more(self, reader: BitReader) -> bool:
        count = len(self.terms)
        if self.tag == _CONSTR or (self.tag == _CASE and count):
            return bool(reader.bits(1))
        return count < (2 if self.tag == _APPLY else 1)

    def build(self) -> Term:
        terms = self.terms
        if self.tag == _APPLY:
            return Apply(terms[0], terms[1])
        if self.tag == _CONSTR:
            return Constr(self.constr_tag, tuple(terms))
        if self.tag == _CASE:
            return Case(terms[0], tuple(terms[1:]))
        return _ONE_BODY[self.tag](terms[0])


_ONE_BODY: Final[dict[int, type[Lam | Delay | Force]]] = {_LAM: Lam, _DELAY: Delay, _FORCE: Force}


class _Indices:
    """Variables as the chain has them: de Bruijn indices, and binders without any bits."""

    def __init__(self, reader: BitReader) -> None:
        self._reader = reader
        self._binders = 0

    def bind(self) -> None:
        self._binders += 1

    def unbind(self) -> None:
        self._binders -= 1

    def index(self) -> int:
        index = self._reader.word64()
        if not 1 <= index <= self._binders:
            raise self._reader.error(f"variable {index} is free: {self._binders} binders are around it")
        return index


class _NamedIndices(_Indices):
    """The same with a name before every index; a binder has the index 0."""

    def bind(self) -> None:
        self._reader.text()
        if self._reader.word64():
            raise self._reader.error("a binder has an index")
        super().bind()

    def index(self) -> int:
        self._reader.text()
        return super().index()


class _Uniques(_Indices):
    """Names that are told apart by a number, which may be bound anew further in."""

    def __init__(self, reader: BitReader) -> None:
        super().__init__(reader)
        self._bound: list[int] = []
        self._levels: dict[int, list[int]] = {}

    def bind(self) -> None:
        unique = self._unique()
        self._bound.append(unique)
        self._levels.setdefault(unique, []).append(len(self._bound))

    def unbind(self) -> None:
        self._levels[self._bound.pop()].pop()

    def index(self) -> int:
        levels = self._levels.get(self._unique())
        if not levels:
            raise self._reader.error("a variable is free")
        return len(self._bound) - levels[-1] + 1

    def _unique(self) -> int:
        self._reader.text()
        return self._reader.word64()


def without_names(flat: bytes) -> bytes:
    """The program with de Bruijn indices alone, from one with names as well or instead (`uplc --of flat-named` and
    `flat-namedDeBruijn`). Bytes that are neither come back as they are."""
    for variables in (_NamedIndices, _Uniques):
        try:
            program = _decode(flat, variables, allow_group_elements=False)
        except DecodeError:
            continue
        try:
            decode_flat(flat)
        except DecodeError:
            return encode_flat(program)
    return flat


def decode_flat(flat: bytes, *, allow_group_elements: bool = False) -> Program:
    """The program in flat bytes; all of them must be used.

    DecodeError names the bit at fault. Programs with free variables are refused, as evaluation would refuse them.
    `allow_group_elements` is for what `encode_flat` wrote with the same option.
    """
    return _decode(flat, _Indices, allow_group_elements)


def _decode(flat: bytes, variables: type[_Indices], allow_group_elements: bool) -> Program:
    reader = BitReader(flat)
    version = Version(reader.natural(), reader.natural(), reader.natural())
    term = _read_term(reader, variables(reader), version, allow_group_elements)
    reader.finish()
    return Program(version, term)


def _read_term(reader: BitReader, variables: _Indices, version: Version, allow_group_elements: bool) -> Term:
    frames: list[_FlatFrame] = []
    while True:
        tag = reader.bits(_TERM_TAG_BITS)
        finished: Term
        if tag in (_VAR, _CONST, _ERROR, _BUILTIN):
            finished = _read_leaf(reader, tag, variables, allow_group_elements)
        else:
            frame = _begin(reader, tag, version)
            if tag == _LAM:
                variables.bind()
            frames.append(frame)
            if frame.wants_more(reader):
                continue
            finished = frames.pop().build()
        while frames:
            frame = frames[-1]
            frame.terms.append(finished)
            if frame.wants_more(reader):
                break
            if frame.tag == _LAM:
                variables.unbind()
            finished = frames.pop().build()
        else:
            return finished


def _begin(reader: BitReader, tag: int, version: Version) -> _FlatFrame:
    if tag > _CASE:
        raise reader.error(f"term tag {tag} is unknown")
    if tag in (_CONSTR, _CASE) and version < SUMS_OF_PRODUCTS:
        raise reader.error(f"{'constr' if tag == _CONSTR else 'case'} is not part of UPLC {version}")
    return _FlatFrame(tag, reader.word64() if tag == _CONSTR else 0)


def _read_leaf(reader: BitReader, tag: int, variables: _Indices, allow_group_elements: bool) -> Term:
    if tag == _VAR:
        return Var(variables.index())
    if tag == _CONST:
        return Const(read_constant(reader, allow_group_elements))
    if tag == _BUILTIN:
        builtin_tag = reader.bits(_BUILTIN_TAG_BITS)
        if builtin_tag >= len(BUILTINS):
            raise reader.error(f"builtin tag {builtin_tag} is unknown, the last one is {len(BUILTINS) - 1}")
        return BuiltinTerm(BUILTINS[builtin_tag])
    return Error()
