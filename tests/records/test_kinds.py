"""Every kind of document refuses a key that was renamed, wherever it stands."""

import copy
import enum
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect as types

from costmodel.errors import DecodeError
from costmodel.records import Document, decode_json, parse
from docs.write_schemas import documents

KINDS = documents()


def example(kind: types.Type, depth: int = 0) -> Any:  # noqa: C901 - a case for each kind of type
    """Some value of a type, as JSON has it, with every key that the type knows."""
    match kind:
        case types.StructType():
            tag = {} if kind.tag_field is None else {kind.tag_field: kind.tag}
            return tag | {field.encode_name: example(field.type, depth + 1) for field in kind.fields}
        case types.UnionType():
            # The fullest one, but not once more within itself.
            return max((example(each, depth + 1) for each in kind.types), key=lambda found: len(json.dumps(found)))
        case types.VarTupleType() | types.ListType():
            return [] if depth > 12 else [example(kind.item_type, depth + 1)]
        case types.TupleType():
            return [example(each, depth + 1) for each in kind.item_types]
        case types.DictType():
            return {example(kind.key_type, depth + 1): example(kind.value_type, depth + 1)}
        case types.LiteralType():
            return kind.values[0]
        case types.EnumType():
            member: enum.Enum = next(iter(kind.cls))
            return member.value
        case types.StrType():
            return "a" * 64 if kind.pattern and "64" in kind.pattern else "100"
        case types.IntType():
            return int(kind.ge or 1) or 1
        case types.FloatType():
            return 1.5
        case types.BoolType():
            return False
        case types.Metadata():
            return example(kind.type, depth)
        case _:  # null, or anything
            return None


def renamed(value: Any, kind: types.Type) -> Iterator[Any]:  # noqa: C901 - as above
    """The same value with one key of one struct renamed, for every such key."""
    match kind:
        case types.Metadata():
            yield from renamed(value, kind.type)
        case types.StructType():
            for field in kind.fields:
                rest = {key: each for key, each in value.items() if key != field.encode_name}
                yield rest | {f"{field.encode_name}_": value[field.encode_name]}
                for below in renamed(value[field.encode_name], field.type):
                    yield value | {field.encode_name: below}
        case types.UnionType():
            for each in kind.types:
                struct = each.type if isinstance(each, types.Metadata) else each
                if isinstance(struct, types.StructType) and isinstance(value, dict):
                    if set(value) == set(example(struct)):
                        yield from renamed(value, struct)
                elif isinstance(struct, types.VarTupleType) and isinstance(value, list):
                    yield from renamed(value, struct)
        case types.VarTupleType() | types.ListType():
            for below in renamed(value[0], kind.item_type) if value else ():
                yield [below]
        case types.DictType():
            for name, each in value.items():
                for below in renamed(each, kind.value_type):
                    yield {name: below}
        case _:
            return


def read(name: str, value: Any) -> object:
    content = json.dumps(value).encode()
    kind = KINDS[name]
    return parse(content, name, kind) if issubclass(kind, Document) else decode_json(content, kind, name)


@pytest.mark.parametrize("name", KINDS)
def test_a_renamed_key_is_refused_wherever_it_stands(name: str) -> None:
    described = types.type_info(KINDS[name])
    value = example(described)
    assert read(name, copy.deepcopy(value)) is not None
    count = 0
    for changed in renamed(value, described):
        count += 1
        with pytest.raises(DecodeError):
            read(name, changed)
    assert count >= len(msgspec.structs.fields(KINDS[name]))


@pytest.mark.parametrize("name", [name for name in KINDS if name != "message"])
def test_a_kind_says_what_writes_it_and_what_its_keys_mean(name: str) -> None:
    kind = KINDS[name]
    assert issubclass(kind, Document)
    assert kind.written_by.startswith("calibrate ")
    assert kind.__doc__
    version = next(field for field in msgspec.structs.fields(kind) if field.name == "schema_version")
    assert isinstance(version.default, int)
