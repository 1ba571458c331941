"""What all documents have in common, and the one reader and writer of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from costmodel.errors import DecodeError
from costmodel.files import MAX_BYTES, read_bytes
from costmodel.records.foreign import convert_value, decode_json

Values: TypeAlias = dict[str, Any]
"""A JSON object before it is a struct."""


def about(text: str, **limits: Any) -> msgspec.Meta:
    """The description of a field, as its schema shows it, and limits of its values (see msgspec.Meta)."""
    return msgspec.Meta(description=text, **limits)


Version1: TypeAlias = Annotated[Literal[1], about("Version of this kind of document")]
Version2: TypeAlias = Annotated[Literal[2], about("Version of this kind of document")]
Version3: TypeAlias = Annotated[Literal[3], about("Version of this kind of document")]

Bounds: TypeAlias = Annotated[
    tuple[float | None, float | None], about("95 % interval: lower and upper bound, null where there is none")
]
Sha256: TypeAlias = Annotated[str, about("SHA-256, in hex", pattern="^[0-9a-f]{64}$")]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a document. Closed: a key that it does not have is an error."""


class Former(NamedTuple):
    """How a document of an earlier version becomes one of the next.

    `keys` are keys by which a document without `kind` is recognised; `upgrade` returns the values of the next version.
    It must set every required field that the earlier version did not have, and raises KeyError, TypeError or ValueError
    where the document was never one of its version.
    """

    upgrade: Callable[[Values], Values]
    keys: frozenset[str] = frozenset()


class Document(Record, frozen=True, kw_only=True, tag_field="kind"):
    """A document. Subclasses give their kind as `tag`, a `schema_version` and these:

    `written_by` is the command that writes it anew. `former` has, for every earlier version that can still be read,
    how to bring it to the next; a document without a version number is version 0.
    """

    written_by: ClassVar[str]
    former: ClassVar[Mapping[int, Former]] = {}

    schema_version: Annotated[int, about("Version of this kind of document")]


D = TypeVar("D", bound=Document)


def encode(document: Document, *, indent: int = 2) -> bytes:
    """A document as JSON with a final newline. Keys keep their order: parameters, for one, are in the ledger's."""
    return msgspec.json.format(msgspec.json.encode(document), indent=indent) + b"\n"


def read(path: Path, *kinds: type[D], limit: int = MAX_BYTES) -> D:
    """The document in a file. InputError, naming the file, unless it is one of these kinds."""
    return parse(read_bytes(path, limit), str(path), *kinds)


def parse(content: bytes, where: str, *kinds: type[D]) -> D:
    """The document that JSON text holds. DecodeError, naming `where`, unless it is one of these kinds."""
    return from_value(decode_json(content, dict[str, Any], where), where, *kinds)


def from_value(value: Values, where: str, *kinds: type[D]) -> D:
    """The document that a JSON object is. DecodeError, naming `where`, unless it is one of these kinds."""
    kind = kind_of(value, *kinds)
    if kind is None:
        found = value.get("kind")
        told = f"its kind is {_quoted(found)}" if "kind" in value else "it has no kind"
        raise DecodeError(f"{where} is not {_named(kinds)}: {told}")
    return _current(value, where, kind)


def kind_of(value: Values, *kinds: type[D]) -> type[D] | None:
    """Which of these kinds a JSON object is: by its `kind` or, where there is none, by the keys of former versions."""
    if "kind" in value:
        return next((kind for kind in kinds if name_of(kind) == value["kind"]), None)
    for kind in kinds:
        for former in kind.former.values():
            if former.keys and former.keys <= value.keys():
                return kind
    # Without distinctive keys the place says what it is, such as design.json in a run.
    return kinds[0] if len(kinds) == 1 and any(not former.keys for former in kinds[0].former.values()) else None


def name_of(kind: type[Document]) -> str:
    """The value of `kind` in documents of a kind."""
    return str(kind.__struct_config__.tag)


def version_of(kind: type[Document]) -> int:
    """The version that is written."""
    return int(next(field.default for field in msgspec.structs.fields(kind) if field.name == "schema_version"))


def _current(value: Values, where: str, kind: type[D]) -> D:
    """Upgraded step by step, then checked against the struct."""
    name, newest = name_of(kind), version_of(kind)
    version = value.get("schema_version", 0)
    if not isinstance(version, int) or isinstance(version, bool):
        raise DecodeError(f"{where}: schema_version is {_quoted(version)}, not a number")
    if version > newest:
        raise DecodeError(
            f"{where} is {_a(name)} of version {version}; this version of calibrate reads up to {newest}: update it"
        )
    while version < newest:
        former = kind.former.get(version)
        if former is None:
            raise DecodeError(f"{where} is {_a(name)} of version {version}, which is not read; {_again(kind)}")
        try:
            value = {**former.upgrade(value), "kind": name, "schema_version": version + 1}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DecodeError(
                f"{where} is not {_a(name)} of version {version}: {error!r:.200}; {_again(kind)}"
            ) from error
        version += 1
    try:
        return convert_value(value, kind, where)
    except DecodeError as error:
        raise DecodeError(f"{error} (in {_a(name)} of version {newest}); {_again(kind)}") from error


def _again(kind: type[Document]) -> str:
    return f"write it again with {kind.written_by}"


def _named(kinds: tuple[type[Document], ...]) -> str:
    names = [_a(name_of(kind)) for kind in kinds]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def finite(value: float) -> float | None:
    """A bound as JSON has it: null where it is infinite or not a number."""
    return value if math.isfinite(value) else None


def _a(name: str) -> str:
    if name.endswith("s") and not name.endswith("sis"):  # such as instruction counts
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
