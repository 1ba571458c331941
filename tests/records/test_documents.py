"""The reader of documents: kinds, versions, and what it says of anything else."""

import os
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import pytest

from costmodel.errors import DecodeError, InputError
from costmodel.records import Document, Former, Record, Version1, encode, parse, read


class Part(Record, frozen=True, kw_only=True):
    """A part."""

    ratio: Annotated[float, msgspec.Meta(description="A ratio.")]


class Example(Document, frozen=True, kw_only=True, tag="example"):
    """An example."""

    written_by: ClassVar[str] = "calibrate example"
    former: ClassVar = {0: Former(lambda values: {**values, "parts": [], "names": {}}, frozenset({"title"}))}

    schema_version: Version1 = 1
    title: str
    parts: tuple[Part, ...]
    names: dict[str, int]


class Other(Document, frozen=True, kw_only=True, tag="other"):
    """Another."""

    written_by: ClassVar[str] = "calibrate other"
    schema_version: Version1 = 1


EXAMPLE = Example(title="a", parts=(Part(ratio=1.5),), names={"b": 1, "a": 2})


def test_a_document_reads_as_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "example.json"
    path.write_bytes(encode(EXAMPLE))
    assert read(path, Other, Example) == EXAMPLE


def test_kind_and_version_come_first() -> None:
    assert encode(EXAMPLE).split()[1:5] == [b'"kind":', b'"example",', b'"schema_version":', b"1,"]


def test_a_document_without_a_version_is_upgraded() -> None:
    assert parse(b'{"title": "old"}', "old.json", Other, Example) == Example(title="old", parts=(), names={})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"kind": "example", "schema_version": 1, "name": "a", "parts": []}', "unknown key `name`"),
        (b'{"kind": "example", "schema_version": 1, "parts": []}', "missing key `title`"),
        (
            b'{"kind": "example", "schema_version": 1, "title": "", "parts": [{"r": 1}]}',
            "unknown key `r` - at `$.parts[0]` (in an example of version 1)",
        ),
        (b'{"kind": "example", "schema_version": 1, "title": "", "parts": 1}', "calibrate example"),
        (b'{"kind": "example", "schema_version": 2}', "version 2; this version of calibrate reads up to 1"),
        (b'{"kind": "example", "schema_version": "1"}', "schema_version"),
        (b'{"kind": "sample"}', "is not an example: its kind is 'sample'"),
        (b'{"kind": ["example"]}', "its kind is"),
        (b'{"text": 1}', "it has no kind"),
        (b'{"title": "\xff", "parts": []}', "is not UTF-8: byte 0xff"),
        (b'{"title": "\\ud800"}', "f.json"),
        (b"[" * 100_000, "f.json"),
        (b'{"a":' * 100_000, "f.json"),
        (b"", "f.json is not JSON"),
        (b"[]", "Expected `object`"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "f.json"),
    ],
)
def test_anything_else_is_refused_in_a_line_that_names_the_file(content: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as refused:
        parse(content, "f.json", Example)
    assert str(refused.value).startswith("f.json")
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 500


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "absent", Path("/dev/zero")):
        with pytest.raises(InputError, match=f"cannot read {path}"):
            read(path, Example)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(encode(EXAMPLE))
    with pytest.raises(InputError, match="larger than 20 bytes"):
        read(path, Example, limit=20)
